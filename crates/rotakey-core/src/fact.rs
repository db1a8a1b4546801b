//! Facts: what was read of the world, and whether it could be read at all.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AccessKeyId, AccountId, UserId, UserName};

/// Something that was looked at. A failed look is `Unknown`, which is never permission: code that wants the
/// value must say what it does without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    /// The look succeeded.
    Known(T),
    /// The look failed, and why.
    Unknown(String),
}

impl<T> Seen<T> {
    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

impl<T, E: fmt::Display> From<Result<T, E>> for Seen<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(error) => Self::Unknown(error.to_string()),
        }
    }
}

/// Whether AWS accepts calls that are signed with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyStatus {
    /// Calls are accepted.
    Active,
    /// Calls are refused. The key can be made active again, and still counts against the quota of two.
    Inactive,
}

impl fmt::Display for KeyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
        })
    }
}

/// One row of `iam:ListAccessKeys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFacts {
    /// The key.
    pub id: AccessKeyId,
    /// Active or inactive.
    pub status: KeyStatus,
    /// When it was created (whole seconds). A key is never older or younger than this: changing its status
    /// does not rotate it.
    pub created_at: Timestamp,
}

/// The last use of a key, as `iam:GetAccessKeyLastUsed` and the credential report tell it: only the first
/// use within each 15 minutes is recorded, and it shows some time later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum LastUsed {
    /// No use is recorded since tracking began on 22 April 2015.
    Never,
    /// The most recent recorded use.
    At {
        /// When.
        at: Timestamp,
        /// The region of the endpoint that was called; `None` where AWS says `N/A`.
        region: Option<String>,
        /// The service namespace, such as `s3`; `None` where AWS says `N/A`.
        service: Option<String>,
    },
}

impl LastUsed {
    /// When the last recorded use was.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            Self::At { at, .. } => Some(*at),
        }
    }
}

/// The tags of a user, by their exact (case-sensitive) keys.
pub type Tags = BTreeMap<String, String>;

/// An IAM user as `iam:GetUser` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFacts {
    /// The account it lives in.
    pub account_id: AccountId,
    /// Its present name.
    pub name: UserName,
    /// Its immutable id.
    pub id: UserId,
    /// Its ARN.
    pub arn: String,
    /// Its path, `/` if none was given.
    pub path: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Its tags.
    pub tags: Tags,
}
