//! Every way to people against a server that refuses what the real one refuses.

mod http;
mod pagerduty;
mod slack;
mod smtp;
mod teams;
mod webhook;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rotakey_core::destination::CredentialSource;
use tempfile::TempDir;

use super::OutsideNotifiers;
use crate::still::Still;

fn notifiers() -> OutsideNotifiers {
    OutsideNotifiers { clock: Arc::new(Still) }
}

/// Credentials in files.
struct Credentials {
    folder: TempDir,
    files: AtomicU32,
}

impl Credentials {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), files: AtomicU32::new(0) }
    }

    fn source(&self, secret: &str) -> CredentialSource {
        let path = self.folder.path().join(self.files.fetch_add(1, Ordering::Relaxed).to_string());
        std::fs::write(&path, format!("{secret}\n")).unwrap();
        CredentialSource::File(path)
    }
}

/// The keys of an object, all of which must be known.
fn only(value: &serde_json::Value, known: &[&str]) -> Result<(), String> {
    let object = value.as_object().ok_or_else(|| format!("{value} is no object"))?;
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(unknown) => Err(format!("{unknown} is not known in {value}")),
        None => Ok(()),
    }
}

/// A text under that key, of 1 to so many characters.
fn text<'v>(value: &'v serde_json::Value, key: &str, most: usize) -> Result<&'v str, String> {
    let text = value[key].as_str().ok_or_else(|| format!("{key} is no text in {value}"))?;
    match text.chars().count() {
        0 => Err(format!("{key} is empty")),
        length if length > most => Err(format!("{key} has {length} characters, more than {most}")),
        _ => Ok(text),
    }
}
