//! What the engine saw of the world before a decision.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::check::Health;
use crate::fact::{KeyFacts, LastUsed, Seen};
use crate::id::{AccessKeyId, UserId};
use crate::secret::{AccessKeyPair, Fingerprint};

/// One look at all that a rotation depends on. Everything in it is at least as old as the `now` that the
/// decision is made with.
#[derive(Debug, Clone)]
pub struct Observed {
    /// An instant before which nothing of it was looked at yet. Some of it may be as much older than the decision as a
    /// worker remembers what it saw.
    pub looked_at: Timestamp,
    /// The id of the user that bears the plan's name; `None` if there is no such user.
    pub user: Seen<Option<UserId>>,
    /// All keys of the user.
    pub keys: Seen<Vec<KeyFacts>>,
    /// The last use of each key.
    pub last_used: BTreeMap<AccessKeyId, Seen<LastUsed>>,
    /// What each destination holds, in the order of the plan.
    pub destinations: Vec<Seen<HeldSlots>>,
    /// Whether each destination can be written to, in the order of the plan. Looked at only before a key is
    /// created; empty otherwise.
    pub preflight: Vec<Preflight>,
    /// The keys whose secrets are at hand: in memory, or readable at a destination.
    pub in_hand: BTreeSet<AccessKeyId>,
    /// Whether there is a source that tells who uses keys ([`super::Next::LookAtUsage`]).
    pub can_see_usage: bool,
    /// What each check says, in the order of the plan. Looked at only where
    /// [`needs_checks`](super::Rotation::needs_checks); empty otherwise.
    pub checks: Vec<Seen<Health>>,
}

/// What a destination holds, without secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldSlots {
    /// Written, but not yet read by applications.
    pub pending: Option<Held>,
    /// What applications read.
    pub current: Option<Held>,
    /// What they read before.
    pub previous: Option<Held>,
}

impl Held {
    /// The pair without its secret.
    pub fn of(pair: &AccessKeyPair) -> Self {
        Self { key: pair.id.clone(), fingerprint: pair.fingerprint() }
    }
}

impl HeldSlots {
    /// What a stage does to the slots.
    pub(super) fn stage(&mut self, new: Held) {
        if self.current.as_ref().is_none_or(|current| current.key != new.key) {
            self.pending = Some(new);
        }
    }

    /// What a publish does to them.
    pub(super) fn publish(&mut self, new: Held) {
        if self.current.as_ref().is_none_or(|current| current.key != new.key) {
            self.previous = self.current.replace(new);
        }
        self.pending = None;
    }

    /// What a restore does to them. Whether a slot held the key.
    pub(super) fn restore(&mut self, key: &AccessKeyId) -> bool {
        if self.current.as_ref().is_some_and(|current| current.key == *key) {
            return true;
        }
        let kept = [&mut self.previous, &mut self.pending]
            .into_iter()
            .find_map(|slot| slot.take_if(|held| held.key == *key));
        let Some(kept) = kept else { return false };
        self.previous = self.current.replace(kept);
        true
    }

    /// What a forget does to them.
    pub(super) fn forget(&mut self, key: &AccessKeyId) {
        self.pending.take_if(|held| held.key == *key);
        self.previous.take_if(|held| held.key == *key);
    }

    /// Whether a slot other than `current` holds the key.
    pub(super) fn keeps_aside(&self, key: &AccessKeyId) -> bool {
        [&self.pending, &self.previous].into_iter().flatten().any(|held| &held.key == key)
    }
}

/// One pair at a destination, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The key.
    pub key: AccessKeyId,
    /// What the whole pair is recognised by.
    pub fingerprint: Fingerprint,
}

/// Whether a destination could be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preflight {
    /// It could.
    Ready,
    /// It could not be found out.
    Unknown(String),
    /// It could not, and will not until somebody changes something.
    Refused(String),
}
