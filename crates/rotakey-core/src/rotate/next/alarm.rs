//! What happens when applications miss the old key: it is enabled again at once, it is shown that it works, and a
//! person is asked.

use jiff::{SignedDuration, Timestamp};

use super::{Decision, Next, PROBE_INTERVAL, Step, act, note, wait};
use crate::fact::{KeyFacts, Seen};
use crate::rotate::SETTLE;
use crate::rotate::check::Health;
use crate::rotate::effect::Intent;
use crate::rotate::event::Note;
use crate::rotate::question::Question;

/// How long a check that failed may take to be well again, once the old key is enabled. Then a person is asked anyway.
const RECOVERY: SignedDuration = SignedDuration::from_mins(15);

/// How often checks are made, by how long the old key has been disabled: what breaks, breaks soon as a rule.
const CHECKS: [(SignedDuration, SignedDuration); 2] = [
    (SignedDuration::from_hours(1), SignedDuration::from_mins(2)),
    (SignedDuration::from_hours(24), SignedDuration::from_mins(15)),
];
const CHECKS_LATER: SignedDuration = SignedDuration::from_hours(1);

impl Decision<'_> {
    /// A check that fails while the old key is disabled. All was well before, or it would not have been disabled.
    pub(super) fn check_alarms(&self) -> Result<(), Next> {
        // A delete whose answer was lost may have been done: then there is nothing to give back.
        let is_listed = |keys: &[KeyFacts]| keys.iter().any(|key| key.id == *self.old());
        let is_deleted =
            self.rotation.deleting.contains(self.old()) && self.keys().is_ok_and(|keys| !is_listed(keys));
        if self.rotation.alarm.is_some()
            || self.rotation.rollback.is_some()
            || !self.rotation.old_key_may_be_disabled()
            || is_deleted
        {
            return Ok(());
        }
        for (check, health) in self.seen.checks.iter().enumerate() {
            if let Seen::Known(Health::Failing(message)) = health {
                return Err(note(Note::CheckFailed { check, message: message.clone() }));
            }
        }
        Ok(())
    }

    /// All checks say that all is well. One that fails before the old key is disabled cannot tell that it is missed.
    pub(super) fn check_all_well(&self) -> Result<(), Next> {
        for (check, spec) in self.rotation.plan.checks.iter().enumerate() {
            match self.seen.checks.get(check) {
                Some(Seen::Known(Health::Well)) => {}
                Some(Seen::Known(Health::Failing(message))) => {
                    return Err(wait(
                        self.now + SETTLE,
                        &format!("{spec} fails, and not because of the old key: {message}"),
                    ));
                }
                Some(Seen::Unknown(why)) => return Err(self.cannot_see(why)),
                None => return Err(self.cannot_see(&format!("{spec} was not asked"))),
            }
        }
        Ok(())
    }

    /// Waits, and makes the checks in between.
    pub(super) fn watchful(&self, until: Timestamp, why: &str, disabled_at: Option<Timestamp>) -> Next {
        if self.rotation.plan.checks.is_empty() {
            return wait(until, why);
        }
        let disabled_for = disabled_at.map_or(SignedDuration::ZERO, |at| self.now.duration_since(at));
        let pause =
            CHECKS.iter().find(|(within, _)| disabled_for < *within).map_or(CHECKS_LATER, |(_, p)| *p);
        wait(until.min(self.now + pause), why)
    }

    /// The old key was missed and is enabled again: what shows that it works, and then the question.
    pub(super) fn missed(&self) -> Step {
        let Some(alarm) = &self.rotation.alarm else { unreachable!("asked only of an alarm") };
        let ask = |proof| {
            Ok(Next::Ask(Question::Missed { key: self.old().clone(), what: alarm.what.clone(), proof }))
        };
        let Some(enabled_at) = alarm.enabled_at else {
            return ask(Some("it was not disabled yet".to_owned()));
        };
        if alarm.proof.is_some() {
            return ask(alarm.proof.clone());
        }
        let settled = enabled_at + SETTLE;
        if self.seen.in_hand.contains(self.old()) {
            let due = alarm.probed_at.map(|last| last + PROBE_INTERVAL);
            return match due.filter(|due| self.now < *due) {
                _ if self.now >= settled => ask(None),
                Some(due) => Ok(wait(due, "the old key is enabled; AWS is asked whether it accepts it")),
                None => Ok(act(Intent::Probe { key: self.old().clone() })),
            };
        }
        let health = alarm.check.and_then(|check| self.seen.checks.get(check));
        match health {
            Some(Seen::Known(Health::Well)) => {
                let check = alarm.check.and_then(|check| self.rotation.plan.checks.get(check));
                let proof = check.map_or_else(String::new, |check| format!("{check} is well again"));
                Ok(note(Note::Recovered { proof }))
            }
            Some(_) if self.now < enabled_at + RECOVERY => Ok(wait(
                self.now + SignedDuration::from_mins(1),
                "the old key is enabled again; the check that failed is to be well again",
            )),
            _ => ask(None),
        }
    }
}
