//! What was started and not reported on: it may have run, so look, then decide.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{Decision, Next, Step, act, note, wait};
use crate::fact::{KeyFacts, KeyStatus, LastUsed};
use crate::id::AccessKeyId;
use crate::rotate::SETTLE;
use crate::rotate::effect::{Effect, Intent, Outcome};
use crate::rotate::event::{Event, Note};
use crate::rotate::observed::HeldSlots;
use crate::rotate::proof::Rested;
use crate::rotate::question::Question;
use crate::rotate::rotation::InFlight;

/// How far the creation date of a key may lie outside the time of the create, for clocks that differ.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

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

    /// What came of a create whose answer is lost. The key that appeared since, if it looks in every
    /// respect like the one we asked for, is an orphan: its secret went down with the answer.
    pub(super) fn resolve_create(
        &self,
        keys_before: &BTreeSet<AccessKeyId>,
        started_at: Timestamp,
        deadline: Timestamp,
    ) -> Step {
        let settled = deadline + SETTLE;
        if self.now < settled {
            return Ok(wait(
                settled,
                "the answer to CreateAccessKey was lost; IAM's answers settle until then",
            ));
        }
        let appeared: Vec<&KeyFacts> = self
            .keys()?
            .iter()
            .filter(|key| !keys_before.contains(&key.id) && !self.rotation.deleted.contains(&key.id))
            .collect();
        match appeared.as_slice() {
            [] => Ok(note(Note::NothingCreated)),
            [key] => {
                let ours =
                    started_at - CLOCK_SKEW <= key.created_at && key.created_at <= deadline + CLOCK_SKEW;
                let unused = *self.last_used(&key.id)? == LastUsed::Never;
                let held = self.all_slots()?.iter().any(|(_, slots)| slots_hold(slots, &key.id));
                if ours && unused && !held {
                    Ok(note(Note::OrphanFound { key: key.id.clone() }))
                } else {
                    Ok(Next::Ask(Question::ForeignKeys { keys: vec![(*key).clone()] }))
                }
            }
            several => {
                Ok(Next::Ask(Question::ForeignKeys { keys: several.iter().copied().cloned().collect() }))
            }
        }
    }

    pub(super) fn dispose_of_orphan(&self, orphan: &AccessKeyId, disabled_at: Option<Timestamp>) -> Step {
        if self.is_gone(orphan)? {
            return Ok(note(Note::Gone { key: orphan.clone() }));
        }
        let withdrawn = self.withdrawn(orphan)?;
        let Some(disabled_at) = disabled_at else {
            return Ok(act(Intent::Disable { key: orphan.clone() }));
        };
        self.expect_status(orphan, KeyStatus::Inactive)?;
        match Rested::check(disabled_at, SignedDuration::ZERO, self.now) {
            Ok(rested) => Ok(Next::Do(Effect::delete_withdrawn(orphan.clone(), withdrawn, rested))),
            Err(until) => Ok(wait(until, "a key whose secret was lost rests before it is deleted")),
        }
    }
}

fn slots_hold(slots: &HeldSlots, key: &AccessKeyId) -> bool {
    slots.current.as_ref().is_some_and(|held| held.key == *key) || slots.keeps_aside(key)
}
