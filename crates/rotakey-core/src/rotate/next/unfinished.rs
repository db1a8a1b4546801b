//! What was started and not reported on: it may have run, so look, then decide.

use jiff::{SignedDuration, Timestamp};

use super::{Decision, Next, Step, act, note, wait};
use crate::fact::{KeyFacts, KeyStatus, LastUsed};
use crate::id::AccessKeyId;
use crate::rotate::SETTLE;
use crate::rotate::effect::{Effect, Intent, Outcome};
use crate::rotate::event::{Event, Note};
use crate::rotate::proof::Rested;
use crate::rotate::question::Question;
use crate::rotate::rotation::InFlight;
use crate::rotate::state::{LostCreate, State};

/// How far the creation date of a key may lie outside the time of the create, for clocks that differ.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// How long after its deadline a create may still be done by a worker that was held up. AWS refuses calls
/// that were signed longer ago than a quarter of an hour; a process can be stopped before it signs.
const LATEST_CREATE: SignedDuration = SignedDuration::from_hours(24);

impl Decision<'_> {
    pub(super) fn unfinished(&self, effect: &InFlight) -> Next {
        if self.now < effect.deadline {
            let why = format!(
                "{} is under way ({}) or was cut off; it is over at the latest by then",
                effect.intent.describe(&self.rotation.plan),
                effect.by
            );
            return Next::Wait { until: effect.deadline, why };
        }
        Next::Record(Event::Finished { result: Outcome::Unknown })
    }

    /// What came of a create whose answer is lost. The one key that appeared since and looks in every
    /// respect like the one we asked for is an orphan: its secret went down with the answer.
    pub(super) fn resolve_create(&self, create: &LostCreate) -> Step {
        let settled = create.deadline + SETTLE;
        if self.now < settled {
            return Ok(wait(
                settled,
                "the answer to CreateAccessKey was lost; IAM's answers settle until then",
            ));
        }
        match self.appeared_since(create)?.as_slice() {
            [] => Ok(note(Note::NothingCreated)),
            appeared => Ok(match self.orphans_among(appeared, create)?.as_slice() {
                [key] => note(Note::OrphanFound { key: key.id.clone() }),
                _ => Next::Ask(Question::ForeignKeys { keys: appeared.iter().copied().cloned().collect() }),
            }),
        }
    }

    /// A worker may be held up (a laptop sleeps) between its right to create and the call itself, for longer
    /// than anybody waits for it. The key that it makes then is an orphan like any other.
    pub(super) fn find_late_create(&self) -> Result<(), Next> {
        let (State::Planned, Some(create)) = (&self.rotation.state, &self.rotation.given_up) else {
            return Ok(());
        };
        let appeared = self.appeared_since(create)?;
        match self.orphans_among(&appeared, create)?.as_slice() {
            [key] => Err(note(Note::OrphanFound { key: key.id.clone() })),
            _ => Ok(()),
        }
    }

    /// A rotation does not end while a create that was given up may be done yet: nobody would find its key.
    pub(super) fn late_create(&self) -> Option<Next> {
        let latest = self.rotation.given_up.as_ref()?.deadline + LATEST_CREATE;
        let look_again = latest.min(self.now + SignedDuration::from_hours(1));
        (self.now < latest).then(|| wait(look_again, "a create that was cut off may be done yet"))
    }

    fn appeared_since(&self, create: &LostCreate) -> Result<Vec<&KeyFacts>, Next> {
        let known =
            |key: &AccessKeyId| create.keys_before.contains(key) || self.rotation.deleted.contains(key);
        Ok(self.keys()?.iter().filter(|key| !known(&key.id)).collect())
    }

    /// Those keys that look in every respect like what that create made.
    fn orphans_among<'k>(
        &self,
        keys: &[&'k KeyFacts],
        create: &LostCreate,
    ) -> Result<Vec<&'k KeyFacts>, Next> {
        let mut orphans = Vec::new();
        for key in keys {
            if self.is_orphan_of(create, key)? {
                orphans.push(*key);
            }
        }
        Ok(orphans)
    }

    /// Whether a key can be what that create made: created in its time, which may be long after anybody waited for it,
    /// never used, held nowhere.
    fn is_orphan_of(&self, create: &LostCreate, key: &KeyFacts) -> Result<bool, Next> {
        let latest = create.deadline + LATEST_CREATE + CLOCK_SKEW;
        let in_time = create.started_at - CLOCK_SKEW <= key.created_at && key.created_at <= latest;
        let unused = *self.last_used(&key.id)? == LastUsed::Never;
        let held = self.all_slots()?.iter().any(|(_, slots)| slots.hold(&key.id));
        Ok(in_time && unused && !held)
    }

    /// Disables it before anything else is asked: its secret may be lost.
    pub(super) fn dispose_of_orphan(
        &self,
        orphan: &AccessKeyId,
        inferred: bool,
        disabled_at: Option<Timestamp>,
    ) -> Step {
        if self.is_gone(orphan)? {
            return Ok(note(Note::Gone { key: orphan.clone() }));
        }
        let withdrawn = self.withdrawn(orphan)?;
        if inferred && *self.last_used(orphan)? != LastUsed::Never {
            let keys = self.keys()?.iter().filter(|key| key.id == *orphan).cloned().collect();
            return Ok(Next::Ask(Question::ForeignKeys { keys }));
        }
        let Some(disabled_at) = disabled_at else {
            return Ok(act(Intent::Disable { key: orphan.clone() }));
        };
        self.check_keys()?;
        self.expect_status(orphan, KeyStatus::Inactive)?;
        if let Some(forget) = self.forget_everywhere(orphan)? {
            return Ok(forget);
        }
        match Rested::check(disabled_at, SignedDuration::ZERO, self.now) {
            Ok(rested) => Ok(Next::Do(Effect::delete_withdrawn(orphan.clone(), withdrawn, rested))),
            Err(until) => Ok(wait(until, "a key that no application ever had rests before it is deleted")),
        }
    }
}
