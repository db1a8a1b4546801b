//! The way back: the old key in use again, and the new one gone.

use jiff::{SignedDuration, Timestamp};

use super::{Decision, Next, PROBE_INTERVAL, Step, act, close, note, wait};
use crate::destination::DestinationSpec;
use crate::fact::KeyStatus;
use crate::rotate::effect::{Effect, Intent};
use crate::rotate::event::{Ending, Note};
use crate::rotate::proof::Rested;
use crate::rotate::question::Question;
use crate::rotate::slots::{Held, Slots};
use crate::rotate::state::{NewKey, OldKey, State};
use crate::rotate::{LAST_USED_LAG, PROPAGATION, SETTLE};

impl Decision<'_> {
    pub(super) fn roll_back(&self, why: &str) -> Step {
        let done = || close(Ending::RolledBack { why: why.to_owned() });
        let (new, old, restored_at, disabled_at) = match &self.rotation.state {
            State::Planned => return Ok(self.late_create().unwrap_or_else(done)),
            State::RollingBack { new, old, restored_at, disabled_at } => {
                (new, *old, *restored_at, *disabled_at)
            }
            _ => return Ok(note(Note::RollingBack)),
        };
        match old {
            OldKey::Unknown => return Ok(act(Intent::Enable { key: self.old().clone() })),
            OldKey::Enabled { last, .. } => return self.await_old_key(last),
            OldKey::Works => self.check_old_key()?,
        }
        let Some(restored_at) = restored_at else { return self.restore(new) };
        self.check_keys()?;
        if self.rotation.deleted.contains(&new.id) {
            return Ok(self.forget_everywhere(&new.id)?.unwrap_or_else(done));
        }
        if self.rotation.deleting.contains(&new.id) && self.is_gone(&new.id)? {
            return Ok(note(Note::Gone { key: new.id.clone() }));
        }
        let withdrawn = self.withdrawn(&new.id)?;
        let used = self.last_used(&new.id)?.at();
        let by_others = used.filter(|at| new.probed_at.is_none_or(|probed| *at > probed));
        let quiet_since = by_others.map_or(restored_at, |at| at.max(restored_at));
        let Some(disabled_at) = disabled_at else {
            let due = quiet_since + self.rotation.plan.timing.quiet_for + LAST_USED_LAG;
            if self.now < due {
                return Ok(wait(
                    due,
                    "applications that already had the new key are to read the old one again",
                ));
            }
            return Ok(act(Intent::Disable { key: new.id.clone() }));
        };
        if quiet_since > restored_at && quiet_since > disabled_at - LAST_USED_LAG {
            return Ok(act(Intent::Enable { key: new.id.clone() }));
        }
        self.expect_status(&new.id, KeyStatus::Inactive)?;
        match Rested::check(disabled_at, SignedDuration::ZERO, self.now) {
            Ok(rested) => Ok(Next::Do(Effect::delete_withdrawn(new.id.clone(), withdrawn, rested))),
            Err(until) => Ok(wait(until, "the new key is disabled and rests before it is deleted")),
        }
    }

    /// The old key was enabled: wait until AWS accepts it, by asking with it if its secret is at hand.
    fn await_old_key(&self, last_probe: Option<Timestamp>) -> Step {
        let settled = self.rotation.touched.get(self.old()).map_or(self.now, |touched| *touched + SETTLE);
        if self.now >= settled {
            self.check_old_key()?;
            return Ok(match self.probe_refused() {
                Some(message) => Next::Ask(Question::KeepsFailing {
                    step: Intent::Probe { key: self.old().clone() }.describe(&self.rotation.plan),
                    message: message.to_owned(),
                }),
                None => note(Note::OldKeyWorks),
            });
        }
        if !self.seen.in_hand.contains(self.old()) {
            return Ok(wait(settled, "the old key is enabled; AWS accepts it everywhere by then"));
        }
        if let Some(due) = last_probe.map(|last| last + PROBE_INTERVAL).filter(|due| self.now < *due) {
            return Ok(wait(due, "the old key is enabled; AWS is asked whether it accepts it"));
        }
        Ok(act(Intent::Probe { key: self.old().clone() }))
    }

    /// Applications are to get the old key again, or have it: somebody may have taken it away meanwhile.
    fn check_old_key(&self) -> Result<(), Next> {
        if self.is_gone(self.old())? {
            return Err(Next::Ask(Question::KeyGone { key: self.old().clone() }));
        }
        if self.is_settled(self.old()) { self.expect_status(self.old(), KeyStatus::Active) } else { Ok(()) }
    }

    /// One place after the other gets the old key back; one that cannot be seen does not hold up the others.
    fn restore(&self, new: &NewKey) -> Step {
        let everywhere = self.rotation.touched.get(self.old()).map_or(self.now, |at| *at + PROPAGATION);
        if self.now < everywhere {
            return Ok(wait(everywhere, "AWS accepts the old key again; every service does by then"));
        }
        let serves_new = |slots: &Slots<Held>| slots.current.as_ref().is_some_and(|held| held.key == new.id);
        let at_hand = self.seen.in_hand.contains(self.old());
        for (destination, slots) in self.seen.destinations.iter().enumerate() {
            let Some(slots) = slots.known().filter(|slots| serves_new(slots)) else { continue };
            let restore = Intent::Restore { destination, key: self.old().clone() };
            if !at_hand && self.has_only_a_mark(destination, &restore) {
                return Ok(Next::Ask(Question::CannotRestore { destination: self.destination(destination) }));
            }
            if at_hand || slots.keeps_aside(self.old()) {
                return Ok(act(restore));
            }
        }
        Ok(match self.all_slots()?.iter().find(|(_, slots)| serves_new(slots)) {
            Some((index, _)) => Next::Ask(Question::CannotRestore { destination: self.destination(*index) }),
            None => note(Note::Restored),
        })
    }

    /// Whether a place that gives no secret back has refused to go back by itself, which some can.
    fn has_only_a_mark(&self, destination: usize, restore: &Intent) -> bool {
        let gives_back = |spec: &DestinationSpec| spec.gives_secrets_back();
        let refused = self
            .rotation
            .trouble
            .as_ref()
            .is_some_and(|trouble| trouble.intent == *restore && trouble.refusals > 0);
        refused && !self.rotation.plan.destinations.get(destination).is_some_and(gives_back)
    }
}
