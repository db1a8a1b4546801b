//! Whose key was found.

use std::fmt;

use rotakey_core::fact::KeyStatus;
use rotakey_core::text::SharedText;

/// Whose a key is and whether it works, as an inventory says, or AWS itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// What is known of the key's life.
    pub life: Life,
    /// The IAM user.
    pub user_name: Option<String>,
    /// The ARN of the user, or of whoever AWS says the pair is.
    pub arn: Option<SharedText>,
    /// Who owns the user, as its tags say.
    pub owner: Option<String>,
    /// How old the key was when the inventory was made.
    pub age_seconds: Option<i64>,
}

/// Whether a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// The inventory has it, with this status.
    Listed(KeyStatus),
    /// All keys of its account were listed, and it was not among them.
    Deleted,
    /// AWS was asked with the pair itself, and knows it.
    Works,
    /// AWS was asked with the pair itself, and refuses it.
    Refused,
}

impl Life {
    /// Whether the key can be used.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Works | Self::Listed(KeyStatus::Active))
    }

    /// The name in documents, such as `active`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listed(KeyStatus::Active) => "active",
            Self::Listed(KeyStatus::Inactive) => "inactive",
            Self::Deleted => "deleted",
            Self::Works => "works",
            Self::Refused => "refused",
        }
    }
}

/// As `LIVE (active), user backup, owner team-storage`. Names in it are others' and not escaped.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let live = if self.life.is_live() { "LIVE" } else { "not live" };
        write!(f, "{live} ({})", self.life.name())?;
        match (&self.user_name, &self.arn) {
            (Some(user), _) => write!(f, ", user {user}")?,
            (None, Some(arn)) => write!(f, ", {}", &**arn)?,
            (None, None) => {}
        }
        if let Some(owner) = &self.owner {
            write!(f, ", owner {owner}")?;
        }
        if let Some(age) = self.age_seconds {
            write!(f, ", {} days old", age / 86_400)?;
        }
        Ok(())
    }
}
