//! Simulated applications, started over the control path.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rotakey_core::id::AccountId;
use rotakey_core::secret::{AccessKeyPair, Secret};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Problem, duration};
use crate::api::{Service, Tree};
use crate::application::{Application, CredentialSource, CurrentSecret, Record};
use crate::simulation::Simulation;
use crate::wire::json;
use crate::world::World;

/// The body of `POST /_sandbox/applications`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewApplication {
    name: String,
    source: Source,
    /// A span such as `5m`, of virtual time.
    every: String,
    /// A span such as `1h`, of virtual time. It looks for its key at each call if this is absent.
    cache_for: Option<String>,
    /// `sts:GetCallerIdentity`, which everybody may, if absent.
    calls: Option<Operation>,
}

/// Where an application reads its key.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
enum Source {
    /// A secret of the simulated Secrets Manager.
    SecretsManager { account_id: AccountId, region: String, name: String },
    /// A profile of a real shared credentials file.
    CredentialsFile { path: PathBuf, profile: String },
}

/// What an application calls.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    service: Service,
    action: String,
    #[serde(default)]
    parameters: Map<String, Value>,
}

/// Starts the application. Its first call is due one interval from now.
pub(super) fn start(simulation: &Simulation, new: NewApplication) -> Result<Value, Problem> {
    let span = |field: &str, text: &str| {
        let span = duration(text).ok().and_then(|span| Duration::try_from(span).ok());
        span.ok_or_else(|| Problem::Wrong(format!("{field}: {text:?} is no span of time such as 5m")))
    };
    let application = match new.source {
        Source::SecretsManager { account_id: account, region, name } => {
            Application::new(&new.name, CurrentSecret { account, region, name })
        }
        Source::CredentialsFile { path, profile } => {
            Application::new(&new.name, CredentialsFile { path, profile })
        }
    };
    let calls = new.calls.unwrap_or_else(|| Operation {
        service: Service::Sts,
        action: "GetCallerIdentity".to_owned(),
        parameters: Map::new(),
    });
    let parameters = Tree::Map(json::structure(calls.parameters));
    let application = application
        .calling(calls.service, &calls.action, parameters)
        .every(span("every", &new.every)?)
        .caching_for(new.cache_for.map_or(Ok(Duration::ZERO), |text| span("cache_for", &text))?);
    simulation.start(application);
    Ok(json!({}))
}

/// What became of the calls of every application.
pub(super) fn records(simulation: &Simulation) -> Value {
    let records = simulation.records();
    records.iter().map(|(name, record)| described(name, record)).collect()
}

fn described(name: &str, record: &Record) -> Value {
    let failures = record
        .failures
        .iter()
        .map(|failure| json!({ "at": failure.at, "access_key_id": failure.key, "code": failure.code }));
    json!({
        "name": name,
        "calls": record.calls,
        "failed": record.failed,
        "failed_for_credentials": record.failed_for_credentials,
        "last_access_key_id": record.last_key,
        "failures": failures.collect::<Value>(),
    })
}

/// A profile of a shared credentials file on the machine's disk, as an SDK reads it.
#[derive(Debug)]
struct CredentialsFile {
    path: PathBuf,
    profile: String,
}

impl CredentialSource for CredentialsFile {
    fn read(&mut self, _world: &World) -> Option<AccessKeyPair> {
        read_profile(&self.path, &self.profile)
    }
}

fn read_profile(path: &Path, profile: &str) -> Option<AccessKeyPair> {
    let text = Secret::new(fs::read_to_string(path).ok()?);
    let (mut id, mut secret, mut inside) = (None, None, false);
    for line in text.expose().lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = section.trim() == profile;
        } else if let Some((key, value)) = line.split_once('=').filter(|_| inside) {
            match key.trim() {
                "aws_access_key_id" => id = value.trim().parse().ok(),
                "aws_secret_access_key" => secret = Some(Secret::new(value.trim().to_owned())),
                _ => {}
            }
        }
    }
    Some(AccessKeyPair { id: id?, secret: secret? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_finds_its_profile_among_others() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "# ours\n[other]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = other\n\
                    [app]\naws_secret_access_key=a=b\n; note\naws_access_key_id=AKIAIOSFODNN8EXAMPLE\n[last]\n";
        fs::write(file.path(), text).unwrap();
        let pair = read_profile(file.path(), "app").unwrap();
        assert_eq!(pair.id.as_str(), "AKIAIOSFODNN8EXAMPLE");
        assert_eq!(pair.secret.expose(), "a=b");
        assert!(read_profile(file.path(), "last").is_none(), "an empty profile holds no key");
        assert!(read_profile(file.path(), "none").is_none());
        assert!(read_profile(Path::new("/nowhere"), "app").is_none());
    }
}
