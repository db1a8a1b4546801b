//! The places that applications read their key from, as they read them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rotakey_connect::{OutsideDestinations, identity};
use rotakey_core::destination::{self as specs, DestinationSpec};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::Destinations as _;
use rotakey_sim::world::World;
use serde_json::Value;

use crate::cloud::{Cloud, REGION, SECRET, USER};

/// One of the three kinds of destinations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    SecretsManager,
    CredentialsFile,
    AgeFile,
}

/// Looks for the key as an application does: it knows nothing of pending and previous ones.
pub(super) enum Place {
    SecretsManager(rotakey_core::id::AccountId),
    CredentialsFile(PathBuf),
    AgeFile { path: PathBuf, identity: age::x25519::Identity, last: Option<(Vec<u8>, AccessKeyPair)> },
}

impl Kind {
    /// The section of `rotakey.toml` that sends keys there, once the old key is there. Files are in `folder`.
    pub(super) fn furnish(self, cloud: &Cloud, folder: &Path) -> String {
        match self {
            Self::SecretsManager => {
                cloud.keep_old_key_in_secrets_manager();
                "type = \"secrets-manager\"\nname = \"iam/access-keys/{user}\"\n".to_owned()
            }
            Self::CredentialsFile => {
                let path = credentials_file(folder);
                let (id, secret) = (&cloud.old.id, cloud.old.secret.expose());
                let text = format!(
                    "# by hand\n[other]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n\n\
                     [{USER}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\nregion = {REGION}\n"
                );
                fs::write(&path, text).unwrap();
                format!(
                    "type = \"credentials-file\"\npath = \"{}\"\nprofile = \"{{user}}\"\n",
                    path.display()
                )
            }
            Self::AgeFile => {
                let (path, identity) = (age_file(folder), identity_file(folder));
                let recipient = identity::generate(&identity).unwrap();
                let recipients = vec![recipient.clone()];
                let spec = DestinationSpec::AgeFile(specs::AgeFile {
                    path: path.clone(),
                    recipients,
                    identity: identity.clone(),
                });
                let clock = Arc::new(cloud.simulation.clock());
                let place = OutsideDestinations { clock }.open(&spec).unwrap();
                cloud.wait_for(place.publish(&cloud.old)).unwrap();
                format!(
                    "type = \"age-file\"\npath = \"{}\"\nrecipients = [\"{recipient}\"]\nidentity = \"{}\"\n",
                    folder.join("{user}.age").display(),
                    identity.display(),
                )
            }
        }
    }

    /// The place, for one application to look at.
    pub(super) fn place(self, cloud: &Cloud, folder: &Path) -> Place {
        match self {
            Self::SecretsManager => Place::SecretsManager(cloud.account_id),
            Self::CredentialsFile => Place::CredentialsFile(credentials_file(folder)),
            Self::AgeFile => {
                let text = Secret::new(fs::read_to_string(identity_file(folder)).unwrap());
                let line = text.expose().lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).unwrap();
                Place::AgeFile { path: age_file(folder), identity: line.parse().unwrap(), last: None }
            }
        }
    }

    /// The names of all files that may be in the folder after a rotation.
    pub(super) fn files(self) -> &'static [&'static str] {
        match self {
            Self::SecretsManager => &[],
            Self::CredentialsFile => &["credentials", "credentials.rotakey-lock"],
            Self::AgeFile => &["billing.age", "billing.age.rotakey-lock", "identity"],
        }
    }
}

impl Place {
    /// The key that is found now, if one is.
    pub(super) fn look(&mut self, world: &World) -> Option<AccessKeyPair> {
        match self {
            Self::SecretsManager(account) => world.current_access_key(*account, REGION, SECRET),
            Self::CredentialsFile(path) => read_profile(&fs::read_to_string(path).ok()?),
            Self::AgeFile { path, identity, last } => {
                let sealed = fs::read(path).ok()?;
                if last.as_ref().is_none_or(|(before, _)| *before != sealed) {
                    let plain = age::decrypt(identity, &sealed).ok()?;
                    let value: Value = serde_json::from_slice(&plain).ok()?;
                    let text = |field: &str| value[field].as_str().map(str::to_owned);
                    let secret = Secret::new(text("SecretAccessKey")?);
                    *last = Some((sealed, AccessKeyPair { id: text("AccessKeyId")?.parse().ok()?, secret }));
                }
                last.as_ref().map(|(_, pair)| pair.duplicate())
            }
        }
    }
}

fn credentials_file(folder: &Path) -> PathBuf {
    folder.join("credentials")
}

fn age_file(folder: &Path) -> PathBuf {
    folder.join(USER).with_extension("age")
}

fn identity_file(folder: &Path) -> PathBuf {
    folder.join("identity")
}

fn read_profile(text: &str) -> Option<AccessKeyPair> {
    let heading = format!("[{USER}]");
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    let lines: Vec<_> = lines.take_while(|line| !line.starts_with('[')).collect();
    let value = |name: &str| {
        let mut fields = lines.iter().filter_map(|line| line.split_once('='));
        fields.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
    };
    let secret = Secret::new(value("aws_secret_access_key")?.to_owned());
    Some(AccessKeyPair { id: value("aws_access_key_id")?.parse().ok()?, secret })
}
