//! The way forward: from a plan to a new key in use and the old one deleted.

use jiff::{SignedDuration, Timestamp};

use super::adopt::FRESH;
use super::{Decision, Next, PROBE_INTERVAL, Step, act, close, note, wait};
use crate::fact::KeyStatus;
use crate::rotate::approval::ApprovedStep;
use crate::rotate::effect::{Effect, Intent};
use crate::rotate::event::{Ending, Event, Note};
use crate::rotate::observed::Preflight;
use crate::rotate::proof::{CutOver, Rested};
use crate::rotate::question::Question;
use crate::rotate::service::{ServicePoint, points};
use crate::rotate::state::{ACCEPTANCES, Adoption, NewKey, Probes};
use crate::rotate::{LAST_USED_LAG, PROPAGATION, SETTLE};

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
        if self.seen.can_see_usage && self.rotation.usage.looked_at.is_none() {
            return Ok(self.look_at_usage());
        }
        if let Some(next) = self.probe_services(new, probes) {
            return Ok(next);
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
            return self.give_up_on_new_key("AWS");
        }
        match probes.last.map(|last| last + PROBE_INTERVAL).filter(|due| self.now < *due) {
            Some(due) => wait(due, &format!("accepted {} of {ACCEPTANCES} times by AWS", probes.accepted)),
            None => act(Intent::Probe { key: new.id.clone() }),
        }
    }

    /// Tries the new key where the old one was used: that STS knows it says nothing of S3.
    fn probe_services(&self, new: &NewKey, probes: &Probes) -> Option<Next> {
        let given_up = probes.since + self.rotation.plan.timing.verify_timeout;
        for point in points(&self.rotation.plan, &self.rotation.usage) {
            let probe = probes.points.get(&point).copied().unwrap_or_default();
            if probe.is_over() {
                continue;
            }
            let ServicePoint { service, region } = point;
            if probe.refused && probe.last.is_some_and(|last| last > given_up) {
                return Some(self.give_up_on_new_key(&format!("{service} in {region}")));
            }
            return Some(match probe.last.map(|last| last + PROBE_INTERVAL).filter(|due| self.now < *due) {
                Some(due) => wait(due, &format!("{service} in {region} does not know the new key yet")),
                None => act(Intent::ProbeService { key: new.id.clone(), service, region }),
            });
        }
        None
    }

    fn give_up_on_new_key(&self, whom: &str) -> Next {
        let minutes = self.rotation.plan.timing.verify_timeout.as_mins();
        Next::Record(Event::RollbackRequested {
            by: "rotakey".to_owned(),
            why: format!("{whom} did not accept the new key within {minutes} min"),
        })
    }

    pub(super) fn cut_over(&self, new: &NewKey, cut_over: &CutOver) -> Step {
        self.check_quiet(cut_over)?;
        self.check_all_served(new)?;
        self.check_all_well()?;
        Ok(act(Intent::Disable { key: self.old().clone() }))
    }

    pub(super) fn brown_out(
        &self,
        new: &NewKey,
        cut_over: &CutOver,
        disabled_at: Option<Timestamp>,
        enabled_at: Option<Timestamp>,
    ) -> Step {
        let Some(enabled_at) = enabled_at else { return Ok(self.end_rehearsal(disabled_at)) };
        self.check_quiet(cut_over)?;
        self.check_all_served(new)?;
        self.after_rehearsal(enabled_at)
    }

    /// Enables the key again when the rehearsal has been long enough.
    pub(super) fn end_rehearsal(&self, disabled_at: Option<Timestamp>) -> Next {
        let brown_out = self.rotation.plan.brown_out().unwrap_or(SignedDuration::ZERO);
        match disabled_at.map(|at| at + brown_out).filter(|due| self.now < *due) {
            Some(due) => self.watchful(due, "the old key is disabled for a rehearsal", disabled_at),
            None => act(Intent::Enable { key: self.old().clone() }),
        }
    }

    /// The key was not used since the rehearsal: it must stay so for a while.
    pub(super) fn after_rehearsal(&self, enabled_at: Timestamp) -> Step {
        let due = enabled_at + self.rotation.plan.timing.quiet_for + LAST_USED_LAG;
        if self.now < due {
            return Ok(wait(due, "after the rehearsal, the old key must not be used again"));
        }
        if self.usage_is_older_than(FRESH) {
            return Ok(self.look_at_usage());
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
            Err(until) => {
                let why = "the old key is disabled and watched before it is deleted";
                return Ok(self.watchful(until, why, Some(since)));
            }
        };
        self.check_all_well()?;
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
