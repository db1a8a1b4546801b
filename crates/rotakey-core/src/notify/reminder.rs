//! Reminders: only while the evidence says that somebody must still do something.

use jiff::{SignedDuration, Timestamp};

use super::words::{self, Lines};
use crate::fact::{LastUsed, Seen};
use crate::rotate::{Adoption, NewKey, Rotation, State};

/// Since when something is waited for: the entry of the log, and its instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) version: u64,
    pub(super) since: Timestamp,
}

impl Waiting {
    /// How often `every` is over at `now`.
    fn times(self, every: SignedDuration, now: Timestamp) -> i64 {
        now.duration_since(self.since).as_secs() / every.as_secs().max(1)
    }

    /// When it is over the next time.
    pub(super) fn next(self, every: SignedDuration, now: Timestamp) -> Timestamp {
        let times = i32::try_from(self.times(every, now).max(0) + 1).unwrap_or(i32::MAX);
        every.checked_mul(times).and_then(|span| self.since.checked_add(span).ok()).unwrap_or(Timestamp::MAX)
    }
}

/// What somebody may have to be reminded of.
#[derive(Debug, Clone, Copy)]
pub struct Need<'a> {
    pub(super) rotation: &'a Rotation,
    pub(super) waiting: Waiting,
    pub(super) asks: bool,
    /// Which reminder it is, counted from 1.
    pub(super) number: i64,
    now: Timestamp,
}

/// What was seen of the keys when it was looked whether a reminder is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The last use of the old key.
    pub old_key: Seen<LastUsed>,
    /// The last use of the new key.
    pub new_key: Seen<LastUsed>,
}

impl<'a> Need<'a> {
    pub(super) fn new(
        rotation: &'a Rotation,
        waiting: Waiting,
        asks: bool,
        every: SignedDuration,
        now: Timestamp,
    ) -> Option<Self> {
        let number = waiting.times(every, now);
        (number >= 1).then_some(Self { rotation, waiting, asks, number, now })
    }

    /// When it became due, the last of the times that are over.
    pub fn due_since(&self, every: SignedDuration) -> Timestamp {
        let before = Waiting { version: 0, since: self.waiting.since };
        let times = i32::try_from(self.number).unwrap_or(i32::MAX);
        every
            .checked_mul(times)
            .and_then(|span| before.since.checked_add(span).ok())
            .unwrap_or(Timestamp::MAX)
    }

    /// Whether the keys must be looked at first. An open question needs no evidence.
    pub fn needs_evidence(&self) -> bool {
        !self.asks
    }

    /// What the reminder says; `None` if nobody has to do anything.
    pub(super) fn lines(&self, evidence: &Evidence) -> Option<Lines> {
        match (self.rotation.question(), self.rotation.state()) {
            (Some(question), _) => Some(words::still_asks(self.rotation, question)),
            (None, State::Adopting { new, adoption, .. }) => self.not_moved(new, adoption, evidence),
            _ => None,
        }
    }

    /// Who was seen to use the keys goes before when they were used last: a use by somebody who has moved since asks
    /// nothing of anybody.
    fn not_moved(&self, new: &NewKey, adoption: &Adoption, evidence: &Evidence) -> Option<Lines> {
        let rotation = self.rotation;
        let still = rotation.still_on_old(adoption, self.now);
        if !still.is_empty() {
            return Some(words::consumers_left(rotation, &still));
        }
        match &evidence.old_key {
            // Of whom somebody vouched nothing needs to be known.
            Seen::Unknown(_) if adoption.vouched_by.is_some() => {}
            Seen::Unknown(why) => return Some(words::not_known(rotation, why)),
            Seen::Known(last_used) => {
                let last_used = rotation.old_use(last_used);
                if last_used.at().is_some_and(|at| rotation.shows_a_straggler(adoption, at)) {
                    return Some(words::old_key_used(rotation, last_used));
                }
            }
        }
        let new_use = || match &evidence.new_key {
            Seen::Known(last_used) => Ok(last_used),
            Seen::Unknown(why) => Err(why),
        };
        match rotation.adopted(new, adoption, new_use) {
            Ok(Some(_)) => None,
            Ok(None) => Some(words::new_key_unused(rotation)),
            Err(why) => Some(words::not_known(rotation, why)),
        }
    }
}
