//! The way forward: from a plan to a new key in use and the old one deleted.

use jiff::{SignedDuration, Timestamp};

use super::{Decision, Next, PROBE_INTERVAL, Step, act, close, note, wait};
use crate::fact::KeyStatus;
use crate::policy::Period;
use crate::rotate::approval::ApprovedStep;
use crate::rotate::effect::{Effect, Intent};
use crate::rotate::event::{Ending, Event, Note};
use crate::rotate::observed::Preflight;
use crate::rotate::proof::{CutOver, Rested};
use crate::rotate::question::Question;
use crate::rotate::state::{ACCEPTANCES, Adoption, NewKey, Probes};
use crate::rotate::{LAST_USED_LAG, PROPAGATION, SETTLE};

/// How often a use of the old key is worth a log entry while applications move.
const USE_RESOLUTION: SignedDuration = SignedDuration::from_hours(12);

impl Decision<'_> {
    pub(super) fn create(&self) -> Step {
        self.check_approved(ApprovedStep::Begin)?;
        for (index, preflight) in self.seen.preflight.iter().enumerate() {
            match preflight {
                Preflight::Ready => {}
                Preflight::Unknown(why) => return Err(self.cannot_see(why)),
                Preflight::Refused(message) => {
                    let destination = self.destination(index);
                    let message = message.clone();
                    return Err(Next::Ask(Question::DestinationRefuses { destination, message }));
                }
            }
        }
        for (index, slots) in self.all_slots()? {
            if let Some(held) = &slots.current
                && held.key != *self.old()
            {
                return Err(self.destination_changed(index, slots));
            }
        }
        let listed = self.keys()?;
        if listed.iter().any(|key| self.rotation.deleted.contains(&key.id)) {
            return Ok(self.cannot_see("IAM still lists a key that this rotation deleted"));
        }
        let keys_before = listed.iter().map(|key| key.id.clone()).collect();
        Ok(act(Intent::Create { keys_before }))
    }

    pub(super) fn deliver(&self, new: &NewKey) -> Step {
        let slots = self.all_slots()?;
        self.check_secret(new)?;
        self.expect_status(&new.id, KeyStatus::Active)?;
        for (index, slots) in slots {
            self.check_served(index, slots, new)?;
            let held = [&slots.pending, &slots.current].into_iter().flatten();
            if !held.into_iter().any(|held| held.fingerprint == new.fingerprint) {
                return Ok(act(Intent::Stage { destination: index, key: new.id.clone() }));
            }
        }
        Ok(note(Note::Delivered))
    }

    pub(super) fn verify(&self, new: &NewKey, probes: &Probes) -> Step {
        let slots = self.all_slots()?;
        self.check_secret(new)?;
        self.expect_status(&new.id, KeyStatus::Active)?;
        if probes.works.is_none() {
            return Ok(self.probe_new_key(new, probes));
        }
        let everywhere = probes.since + PROPAGATION;
        if self.now < everywhere {
            return Ok(wait(everywhere, "AWS accepts the new key; every service does by then"));
        }
        for (index, slots) in slots {
            self.check_served(index, slots, new)?;
            if slots.current.as_ref().is_none_or(|held| held.fingerprint != new.fingerprint) {
                return Ok(act(Intent::Publish { destination: index, key: new.id.clone() }));
            }
        }
        Ok(note(Note::Published))
    }

    pub(super) fn probe_new_key(&self, new: &NewKey, probes: &Probes) -> Next {
        // The refusal must be as late as that: after a pause of the worker, an early one says nothing of today.
        let given_up = probes.since + self.rotation.plan.timing.verify_timeout;
        if self.probe_refused().is_some() && probes.last.is_some_and(|last| last > given_up) {
            return Next::Record(Event::RollbackRequested {
                by: "rotakey".to_owned(),
                why: format!(
                    "AWS did not accept the new key within {} min",
                    self.rotation.plan.timing.verify_timeout.as_mins()
                ),
            });
        }
        match probes.last.map(|last| last + PROBE_INTERVAL).filter(|due| self.now < *due) {
            Some(due) => wait(due, &format!("accepted {} of {ACCEPTANCES} times by AWS", probes.accepted)),
            None => act(Intent::Probe { key: new.id.clone() }),
        }
    }

    pub(super) fn adopt(&self, new: &NewKey, adoption: &Adoption) -> Step {
        let old_use = self.last_used(self.old())?;
        if let Some(at) = old_use.at()
            && adoption.last_use.is_none_or(|known| at >= known + USE_RESOLUTION)
        {
            return Ok(note(Note::OldKeyUsed { last_used: old_use.clone() }));
        }
        self.check_all_served(new)?;
        // Of two answers the later use counts, since IAM may answer with an older one.
        let last_use = old_use.at().max(adoption.last_use);
        let quiet_since = last_use.map_or(adoption.published_at, |at| at.max(adoption.published_at));
        let quiet_at = quiet_since + self.quiet_wanted(adoption) + LAST_USED_LAG;
        let adopted = self.adopted(new, adoption)?;
        let impatient = adoption.patience_from + self.rotation.plan.timing.adopt_timeout;
        match adopted {
            Some(adopted) if self.now >= quiet_at => Ok(note(Note::ReadyToDisable { quiet_since, adopted })),
            // Used since the patience began, and the patience is over: somebody has not moved.
            _ if self.now >= impatient && quiet_since > adoption.patience_from => {
                Ok(Next::Ask(Question::StillUsed { key: self.old().clone(), last_used: old_use.clone() }))
            }
            None if self.now >= impatient.max(quiet_at) => {
                Ok(Next::Ask(Question::NotAdopted { since: adoption.published_at }))
            }
            Some(_) => Ok(wait(
                quiet_at,
                &format!("the old key must stay quiet for {}", whole_hours(self.quiet_wanted(adoption))),
            )),
            None => Ok(wait(
                (self.now + SignedDuration::from_hours(1)).min(impatient.max(quiet_at)),
                "no application has used the new key yet",
            )),
        }
    }

    pub(super) fn cut_over(&self, new: &NewKey, cut_over: &CutOver) -> Step {
        self.check_quiet(cut_over)?;
        self.check_all_served(new)?;
        Ok(act(Intent::Disable { key: self.old().clone() }))
    }

    pub(super) fn brown_out(
        &self,
        new: &NewKey,
        cut_over: &CutOver,
        disabled_at: Option<Timestamp>,
        enabled_at: Option<Timestamp>,
    ) -> Step {
        let timing = &self.rotation.plan.timing;
        let Some(enabled_at) = enabled_at else {
            let due = disabled_at.map(|at| at + timing.brown_out.unwrap_or(SignedDuration::ZERO));
            return Ok(match due.filter(|due| self.now < *due) {
                Some(due) => wait(due, "the old key is disabled for a rehearsal"),
                None => act(Intent::Enable { key: self.old().clone() }),
            });
        };
        self.check_quiet(cut_over)?;
        self.check_all_served(new)?;
        let due = enabled_at + timing.quiet_for + LAST_USED_LAG;
        if self.now < due {
            return Ok(wait(due, "after the rehearsal, the old key must not be used again"));
        }
        Ok(note(Note::BrownOutPassed))
    }

    pub(super) fn watch(
        &self,
        new: &NewKey,
        cut_over: &CutOver,
        adoption: &Adoption,
        since: Option<Timestamp>,
        new_key_checked: Option<Timestamp>,
    ) -> Step {
        // A delete of ours whose answer was lost: anybody else's was asked about before.
        if self.keys()?.iter().all(|key| key.id != *self.old()) {
            let settled = self.rotation.touched.get(self.old()).map_or(self.now, |touched| *touched + SETTLE);
            return Ok(if self.now >= settled {
                note(Note::Gone { key: self.old().clone() })
            } else {
                wait(settled, "the old key seems to be gone; IAM's answers settle until then")
            });
        }
        // A use that shows only now, though it was before the old key was disabled, or an attempt since, if
        // AWS counts those: either way somebody needs it.
        let disproved = adoption.last_use.is_some_and(|at| at > cut_over.quiet_since);
        if disproved {
            return Ok(act(Intent::Enable { key: self.old().clone() }));
        }
        let Some(since) = since else { return self.cut_over(new, cut_over) };
        self.check_quiet(cut_over)?;
        self.check_all_served(new)?;
        self.expect_status(self.old(), KeyStatus::Inactive)?;
        let rested = match Rested::check(since, self.rotation.plan.timing.delete_after, self.now) {
            Ok(rested) => rested,
            Err(until) => return Ok(wait(until, "the old key is disabled and watched before it is deleted")),
        };
        let approved = self.check_approved(ApprovedStep::Delete)?;
        let fresh = new_key_checked.is_some_and(|checked| self.now < checked + SETTLE);
        if !fresh {
            self.check_secret(new)?;
            return Ok(act(Intent::Probe { key: new.id.clone() }));
        }
        Ok(Next::Do(Effect::delete_old_key(&self.rotation.plan, cut_over, rested, approved)))
    }

    pub(super) fn clean_up(&self, new: &NewKey) -> Step {
        self.check_all_served(new)?;
        match self.forget_everywhere(self.old())? {
            Some(forget) => Ok(forget),
            None => Ok(close(Ending::Rotated { new_key: new.id.clone() })),
        }
    }
}

fn whole_hours(duration: SignedDuration) -> Period {
    Period::hours(u32::try_from(duration.as_hours()).unwrap_or(u32::MAX))
}
