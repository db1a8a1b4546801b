//! What the engine saw of the world before a decision.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::check::Health;
use super::slots::{Held, Slots};
use crate::fact::{KeyFacts, LastUsed, Seen};
use crate::id::{AccessKeyId, UserId};

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
    /// What each destination holds, without secrets, in the order of the plan.
    pub destinations: Vec<Seen<Slots<Held>>>,
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
