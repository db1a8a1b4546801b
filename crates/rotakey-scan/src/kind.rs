//! What is found, and how bad it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a found value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The public half of a key: `AKIA…`, `ASIA…` and their kin. Twenty characters.
    AccessKeyId,
    /// The secret half. Forty characters of base64.
    SecretAccessKey,
    /// What belongs to temporary keys beside the two halves. Some hundred characters of base64.
    SessionToken,
}

impl Kind {
    /// The name in documents, such as `access_key_id`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessKeyId => "access_key_id",
            Self::SecretAccessKey => "secret_access_key",
            Self::SessionToken => "session_token",
        }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// An id alone. It opens nothing, but says whose key is handled here.
    Low,
    /// A secret without the id that it belongs to.
    Medium,
    /// All that is needed to use the key.
    High,
}

impl Severity {
    /// The name in documents, such as `high`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
