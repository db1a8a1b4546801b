//! What a policy is applied to: one user with its access keys, as far as is known.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fact::{KeyStatus, LastUsed, Seen, Tags};
use crate::id::{AccessKeyId, AccountId, InvalidId, UserId, UserName};
use crate::text::SharedText;

/// One user with its access keys. What could not be read is [`Seen::Unknown`], which never loosens a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSubject {
    /// The account that the user lives in.
    pub account_id: AccountId,
    /// Who it is.
    pub principal: Principal,
    /// Its ARN.
    pub arn: SharedText,
    /// Its immutable id; `None` for the root user and where only a credential report was read.
    pub user_id: Option<UserId>,
    /// Its path, `/` if none was given.
    pub path: String,
    /// Its tags. The root user has none.
    pub tags: Seen<Tags>,
    /// What its policies let it do.
    pub privilege: Seen<Privilege>,
    /// Whether it can sign in to the console with a password.
    pub console_password: Seen<bool>,
    /// Its access keys, active or not.
    pub keys: Vec<KeySubject>,
}

impl UserSubject {
    /// The value of the tag with exactly that key; `None` if the user has no such tag.
    pub fn tag(&self, key: &str) -> Seen<Option<&str>> {
        match &self.tags {
            Seen::Known(tags) => Seen::Known(tags.get(key).map(String::as_str)),
            Seen::Unknown(why) => Seen::Unknown(why.clone()),
        }
    }
}

/// One access key of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySubject {
    /// The key. A credential report does not say its id.
    pub id: Option<AccessKeyId>,
    /// Its place in the credential report; `None` for a key that the report does not have yet.
    pub slot: Option<KeySlot>,
    /// Active or inactive.
    pub status: KeyStatus,
    /// When it was created. Changing its status does not rotate it.
    pub created_at: Seen<Timestamp>,
    /// Its last recorded use.
    pub last_used: Seen<LastUsed>,
    /// When [`last_used`](Self::last_used) was read, or the report made that says it; `None` if unknown.
    pub last_used_as_of: Option<Timestamp>,
}

impl KeySubject {
    /// Whether AWS accepts calls that are signed with it.
    pub fn is_active(&self) -> bool {
        self.status == KeyStatus::Active
    }
}

/// How people can tell the keys of a user apart: by the id, or else by the place in the report.
impl fmt::Display for KeySubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.id, self.slot) {
            (Some(id), _) => id.fmt(f),
            (None, Some(slot)) => write!(f, "access key {slot}"),
            (None, None) => f.write_str("access key without an id"),
        }
    }
}

/// The place of a key in a credential report: `access_key_1_…` or `access_key_2_…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum KeySlot {
    /// `access_key_1_…`
    First,
    /// `access_key_2_…`
    Second,
}

impl From<KeySlot> for u8 {
    fn from(slot: KeySlot) -> Self {
        match slot {
            KeySlot::First => 1,
            KeySlot::Second => 2,
        }
    }
}

impl TryFrom<u8> for KeySlot {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            1 => Ok(Self::First),
            2 => Ok(Self::Second),
            _ => Err("a key slot is 1 or 2"),
        }
    }
}

impl fmt::Display for KeySlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        u8::from(*self).fmt(f)
    }
}

/// The root user of an account, or one of its IAM users.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Principal {
    /// The root user, which a credential report calls `<root_account>`: no IAM user can have that name.
    Root,
    /// An IAM user.
    User(UserName),
}

impl Principal {
    /// What a credential report calls the root user.
    pub const ROOT_NAME: &str = "<root_account>";

    /// The name, [`ROOT_NAME`](Self::ROOT_NAME) for the root user.
    pub fn name(&self) -> &str {
        match self {
            Self::Root => Self::ROOT_NAME,
            Self::User(name) => name.as_str(),
        }
    }

    /// The IAM user, unless it is the root user.
    pub fn user(&self) -> Option<&UserName> {
        match self {
            Self::Root => None,
            Self::User(name) => Some(name),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Principal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl std::str::FromStr for Principal {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text == Self::ROOT_NAME { Ok(Self::Root) } else { text.parse().map(Self::User) }
    }
}

impl TryFrom<String> for Principal {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

/// How much a user may do, as far as a policy cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Privilege {
    /// It may do everything, or can give itself that right.
    Administrator {
        /// What makes it so, such as the ARN of a policy.
        because: String,
    },
    /// Anything less.
    Other,
}
