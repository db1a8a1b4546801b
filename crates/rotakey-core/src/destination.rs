//! Where the new key of a rotation goes, as data. The code that writes there lives elsewhere.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One place that holds the access key of one user, with all templates filled in. It is recorded in the
/// rotation's log, so that a later run writes to the same place whatever the configuration says by then.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum DestinationSpec {
    /// One JSON value `{"AccessKeyId", "SecretAccessKey"}` in AWS Secrets Manager, under the staging labels
    /// `AWSPENDING`, `AWSCURRENT` and `AWSPREVIOUS`.
    SecretsManager {
        /// The name of the secret, such as `iam/access-keys/alice`.
        name: String,
        /// The region of the secret; that of the configured client if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
    },
    /// A file encrypted to one or more age recipients.
    AgeFile {
        /// The file.
        path: PathBuf,
        /// The recipients (`age1…`) that can read it. The identity must be one of them.
        recipients: Vec<String>,
        /// The file with the identity that rotakey reads the file back with.
        identity: PathBuf,
    },
    /// A profile in an AWS shared credentials file.
    CredentialsFile {
        /// The file.
        path: PathBuf,
        /// The name of the profile.
        profile: String,
    },
}

/// The short form, used as the destination's name in logs, plans and messages.
impl fmt::Display for DestinationSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecretsManager { name, region: None } => write!(f, "secrets-manager:{name}"),
            Self::SecretsManager { name, region: Some(region) } => {
                write!(f, "secrets-manager:{name}@{region}")
            }
            Self::AgeFile { path, .. } => write!(f, "age-file:{}", path.display()),
            Self::CredentialsFile { path, profile } => {
                write!(f, "credentials-file:{}#{profile}", path.display())
            }
        }
    }
}
