//! Credentials of rotakey's own, which it writes to destinations and sends notices with.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rotakey_core::destination::CredentialSource;
use rotakey_core::secret::Secret;
use rotakey_engine::port::{PortError, PortErrorKind};
use tokio::process::Command;

use crate::destination::io;

/// How long a program may take that tells a credential.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads the credential now: it may have been renewed since it was read last.
///
/// # Errors
/// [`PortErrorKind::Credentials`] if there is none.
pub async fn read(source: &CredentialSource) -> Result<Secret, PortError> {
    let text = match source {
        CredentialSource::Env(name) => std::env::var(name)
            .map_err(|_| missing(format!("the environment variable {name} is not set to a text")))?,
        CredentialSource::File(path) => file(path)?,
        CredentialSource::Command(command) => output(command).await?,
    };
    let secret = Secret::new(text);
    match secret.expose().trim_end() {
        "" => Err(missing("it is empty".to_owned())),
        trimmed if trimmed.len() == secret.expose().len() => Ok(secret),
        trimmed => Ok(Secret::new(trimmed.to_owned())),
    }
}

fn file(path: &Path) -> Result<String, PortError> {
    let bytes = io::read(path)?.ok_or_else(|| missing(format!("there is no file {}", io::shown(path))))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| missing(format!("{} is no text", io::shown(path))))?;
    Ok(text.to_owned())
}

async fn output(command: &[String]) -> Result<String, PortError> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(missing("no program is named".to_owned()));
    };
    let failed = |why: String| missing(format!("{program}: {why}"));
    let mut child = Command::new(program);
    child.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, child.output())
        .await
        .map_err(|_| failed(format!("took longer than {} s", PATIENCE.as_secs())))?
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    String::from_utf8(output.stdout).map_err(|_| failed("wrote no text".to_owned()))
}

fn missing(why: String) -> PortError {
    PortError::new(PortErrorKind::Credentials, "read a credential", why)
}
