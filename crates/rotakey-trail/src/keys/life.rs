//! The life of a key, as far as a trail tells it.

use serde::Serialize;

use crate::event_time::EventTime;
use crate::keys::event::KeyEvent;
use crate::keys::provenance::Provenance;

/// What becomes of a key. Of changes within one second the order is not known: they are told in the order of a
/// life, and a key that was switched both on and off counts as off, so that its use is told rather than not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// `CreateAccessKey`. A new key is active.
    Created,
    /// `UpdateAccessKey` with the status `Active`.
    Enabled,
    /// `UpdateAccessKey` with any other status: `Inactive`, or one that is not known yet.
    Disabled,
    /// `DeleteAccessKey`. Nothing comes after it.
    Deleted,
}

impl Change {
    /// What a successful call changed of its key.
    pub(crate) fn of(event: &KeyEvent) -> Option<Self> {
        match event.action.as_str() {
            _ if !event.succeeded => None,
            "CreateAccessKey" => Some(Self::Created),
            "DeleteAccessKey" => Some(Self::Deleted),
            "UpdateAccessKey" => match event.detail.as_deref() {
                Some("Active") => Some(Self::Enabled),
                Some(_) => Some(Self::Disabled),
                None => None,
            },
            _ => None,
        }
    }

    /// Whether the key can be used after it.
    pub fn leaves_usable(self) -> bool {
        matches!(self, Self::Created | Self::Enabled)
    }

    /// In one word, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }
}

/// One change, and who made it. Sorted by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LifeEvent {
    /// When.
    pub at: EventTime,
    /// What became of the key.
    pub change: Change,
    /// Who did it.
    pub principal: Option<String>,
    /// By rotakey or around it.
    pub provenance: Option<Provenance>,
    /// `eventID`.
    pub event_id: Option<String>,
}

impl LifeEvent {
    /// What the event changed, if it changed something.
    pub(crate) fn of(event: &KeyEvent) -> Option<Self> {
        Some(Self {
            at: event.at,
            change: Change::of(event)?,
            principal: event.principal.clone(),
            provenance: event.provenance,
            event_id: event.event_id.clone(),
        })
    }
}

/// The life of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyLife {
    /// The key.
    pub access_key_id: String,
    /// Its user, as far as an event tells it.
    pub user_name: Option<String>,
    /// The account.
    pub account_id: Option<String>,
    /// What the last change left behind; absent if no change was seen.
    pub last_change: Option<Change>,
    /// All changes, in the order of time.
    pub changes: Vec<LifeEvent>,
}
