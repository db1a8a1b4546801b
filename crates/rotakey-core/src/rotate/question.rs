//! What only a person can decide.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::usage::ConsumerUse;
use crate::fact::{KeyFacts, LastUsed};
use crate::id::{AccessKeyId, UserId};

/// Why a rotation stopped and asks. `destination` is the short form of a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "question", rename_all = "kebab-case")]
pub enum Question {
    /// The user does not exist any more.
    UserGone,
    /// The user's name belongs to another user now.
    UserReplaced {
        /// Whom it belongs to.
        user_id: UserId,
    },
    /// There are keys that this rotation does not know.
    ForeignKeys {
        /// The keys.
        keys: Vec<KeyFacts>,
    },
    /// Somebody else deleted a key of this rotation.
    KeyGone {
        /// The key.
        key: AccessKeyId,
    },
    /// Somebody else disabled a key of this rotation.
    DisabledByOthers {
        /// The key.
        key: AccessKeyId,
    },
    /// Somebody else enabled a key that this rotation had disabled: perhaps an application broke.
    EnabledByOthers {
        /// The key.
        key: AccessKeyId,
    },
    /// A destination cannot be written to until somebody changes something.
    DestinationRefuses {
        /// Where.
        destination: String,
        /// What it said.
        message: String,
    },
    /// A destination serves a key that this rotation did not put there.
    DestinationChanged {
        /// Where.
        destination: String,
        /// The key that it serves, if any.
        holds: Option<AccessKeyId>,
    },
    /// A destination keeps no copy of the old key, so it cannot serve it again.
    CannotRestore {
        /// Where.
        destination: String,
    },
    /// The key is still used though applications could have moved on.
    StillUsed {
        /// The key.
        key: AccessKeyId,
        /// Its last use.
        last_used: LastUsed,
        /// The first of those who may come again with it, where something tells who.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        consumers: Vec<ConsumerUse>,
    },
    /// The old key is quiet, but nobody has used the new one either.
    NotAdopted {
        /// Since when the new key could have been used.
        since: Timestamp,
    },
    /// Consumers that were on the old key have used it since the new one was published, and have not moved.
    ConsumersLeft {
        /// The key.
        key: AccessKeyId,
        /// The first of them.
        consumers: Vec<ConsumerUse>,
        /// How many there are.
        number: usize,
    },
    /// After the old key was disabled something broke; it is enabled again.
    Missed {
        /// The key.
        key: AccessKeyId,
        /// Who or what said so, and what.
        what: String,
        /// What shows that it works again; `None` if nothing does.
        proof: Option<String>,
    },
    /// The same step fails again and again.
    KeepsFailing {
        /// The step.
        step: String,
        /// What the other side said last.
        message: String,
    },
}

impl Question {
    /// What the person can do, one line each. Every question can also be answered by `rollback` or `abort`.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::UserGone | Self::UserReplaced { .. } => {
                "abort this rotation: the user it was made for is gone"
            }
            Self::ForeignKeys { .. } => {
                "find out who made the key; delete it if nobody needs it, then resume; or roll back"
            }
            Self::KeyGone { .. } => {
                "check that applications have a working key; then abort, or roll back while the old key exists"
            }
            Self::DisabledByOthers { .. } => "enable it again and resume, or roll back",
            Self::EnabledByOthers { .. } => {
                "ask whoever enabled it what broke; roll back, or disable it and resume"
            }
            Self::DestinationRefuses { .. } => "correct the destination or its permissions, then resume",
            Self::DestinationChanged { .. } => {
                "find out who wrote there; put the right key back and resume, or roll back"
            }
            Self::CannotRestore { .. } => {
                "write the old key there by hand and resume, or abort and keep the new key"
            }
            Self::StillUsed { .. } => {
                "find the application that still has it (service and region above), restart or repair it, then resume"
            }
            Self::NotAdopted { .. } => {
                "check that applications read the destination; then resume, or resume --vouch if none needs the key"
            }
            Self::ConsumersLeft { .. } => {
                "bring the new key to these consumers and resume, or resume --vouch if they have it or are gone"
            }
            Self::Missed { proof: Some(_), .. } => {
                "find out what still has the old key, bring it the new one, then resume; or roll back"
            }
            Self::Missed { proof: None, .. } => {
                "check at once that applications work: nothing shows it yet; then resume, or roll back"
            }
            Self::KeepsFailing { .. } => "deal with the cause, then resume; or roll back",
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UserGone => f.write_str("the user does not exist any more"),
            Self::UserReplaced { user_id } => {
                write!(f, "the user was deleted and made again: its id is {user_id} now")
            }
            Self::ForeignKeys { keys } => {
                f.write_str("the user has keys that this rotation does not know:")?;
                keys.iter()
                    .try_for_each(|key| write!(f, " {} ({}, created {})", key.id, key.status, key.created_at))
            }
            Self::KeyGone { key } => write!(f, "somebody else deleted {key}"),
            Self::DisabledByOthers { key } => write!(f, "somebody else disabled {key}"),
            Self::EnabledByOthers { key } => {
                write!(f, "somebody else enabled {key}, which this rotation had disabled")
            }
            Self::DestinationRefuses { destination, message } => write!(f, "{destination}: {message}"),
            Self::DestinationChanged { destination, holds: Some(key) } => {
                write!(f, "{destination} serves {key}, which this rotation did not put there")
            }
            Self::DestinationChanged { destination, holds: None } => {
                write!(f, "{destination} no longer serves any key")
            }
            Self::CannotRestore { destination } => {
                write!(f, "{destination} keeps no copy of the old key to go back to")
            }
            Self::StillUsed { key, last_used, consumers } => {
                write!(f, "{key} is still used")?;
                match last_used {
                    LastUsed::Never => {}
                    LastUsed::At { at, region, service } => write!(
                        f,
                        ": last at {at}, service {}, region {}",
                        service.as_deref().unwrap_or("unknown"),
                        region.as_deref().unwrap_or("unknown")
                    )?,
                }
                consumers
                    .iter()
                    .try_for_each(|used| write!(f, "; by {} (last {})", used.consumer, used.last_at))
            }
            Self::NotAdopted { since } => {
                write!(f, "the old key is quiet, but nobody has used the new one since {since}")
            }
            Self::ConsumersLeft { key, consumers, number } => {
                let (noun, verb) = if *number == 1 { ("consumer", "has") } else { ("consumers", "have") };
                write!(f, "{number} {noun} of {key} {verb} not moved: ")?;
                let named = consumers.iter().map(|used| format!("{} (last {})", used.consumer, used.last_at));
                f.write_str(&named.collect::<Vec<_>>().join("; "))
            }
            Self::Missed { key, what, proof } => {
                write!(f, "{what}; {key} is enabled again")?;
                match proof {
                    Some(proof) => write!(f, ", and works: {proof}"),
                    None => f.write_str(", but nothing shows yet that it works"),
                }
            }
            Self::KeepsFailing { step, message } => write!(f, "cannot {step}: {message}"),
        }
    }
}
