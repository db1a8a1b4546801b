//! Proofs: zero-sized values that the irreversible step demands. They have no public constructor; those of
//! the cut-over are made where the log is replayed, the others where the world is compared with the log.

use jiff::{SignedDuration, Timestamp};

use super::MINIMUM_REST;

/// Every destination holds the new pair, read back and compared by fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered(pub(super) ());

/// AWS accepted the new key, several times in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewKeyWorks(pub(super) ());

/// Whoever needs the key is known to have the new one: it has been used by others than rotakey, or there is
/// nobody to adopt it, or a person vouched for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adopted(pub(super) ());

/// The old key has been quiet for longer than it was ever seen to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldKeyQuiet(pub(super) ());

/// All that is needed to take the old key away from applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutOver {
    pub(super) delivered: Delivered,
    pub(super) works: NewKeyWorks,
    pub(super) adopted: Adopted,
    pub(super) quiet: OldKeyQuiet,
    /// The instant up to which no use of the old key is known: a later one shows that the proof was wrong.
    pub(super) quiet_since: Timestamp,
}

/// A key has been inactive for long enough that whoever missed it would have shown.
#[derive(Debug, PartialEq, Eq)]
pub struct Rested(());

impl Rested {
    /// The proof, if the key has been inactive since then for the time asked, never less than
    /// [`MINIMUM_REST`]; else the instant at which it will be.
    pub(super) fn check(
        disabled_at: Timestamp,
        rest: SignedDuration,
        now: Timestamp,
    ) -> Result<Self, Timestamp> {
        let due = disabled_at + rest.max(MINIMUM_REST);
        if now >= due { Ok(Self(())) } else { Err(due) }
    }
}

/// No destination serves the key, and nobody has used it since none does.
#[derive(Debug, PartialEq, Eq)]
pub struct Withdrawn(pub(super) ());

/// All that is needed to take a key away that has a successor, or was found inactive: applications have moved
/// on, or cannot use it as it is. Nothing was delivered, so nothing is proven of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Superseded {
    pub(super) quiet: OldKeyQuiet,
    /// The instant up to which no use of the key is known: a later one shows that the proof was wrong.
    pub(super) quiet_since: Timestamp,
}
