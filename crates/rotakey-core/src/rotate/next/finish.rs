//! The end of a key that is not needed any more: another took its place, or somebody disabled it long ago. No
//! key is created, so there is nothing to deliver and nothing to prove of a new one.

use jiff::Timestamp;

use super::adopt::{FRESH, MOST_NAMED};
use super::{Decision, Next, Step, act, close, note, wait};
use crate::fact::{KeyFacts, KeyStatus, LastUsed};
use crate::rotate::LAST_USED_LAG;
use crate::rotate::approval::ApprovedStep;
use crate::rotate::effect::{Effect, Intent};
use crate::rotate::event::{Ending, Note};
use crate::rotate::plan::Finish;
use crate::rotate::proof::{Rested, Superseded};
use crate::rotate::question::Question;
use crate::rotate::state::{Finishing, Stage, State};

/// Why it is waited.
const WATCHED: &str = "the key is disabled and watched before it is deleted";

impl Decision<'_> {
    pub(super) fn finish(&self, finish: &Finish) -> Step {
        match &self.rotation.state {
            State::Finishing(finishing) => self.go_on_finishing(finish, finishing),
            _ => self.begin_to_finish(finish, None),
        }
    }

    /// What the plan rests on is looked at again: it may be old. A key that was missed must be quiet anew, from
    /// `missed_until` on.
    fn begin_to_finish(&self, finish: &Finish, missed_until: Option<Timestamp>) -> Step {
        if let Some(why) = &self.rotation.rollback {
            return Ok(close(Ending::RolledBack { why: why.clone() }));
        }
        self.check_approved(ApprovedStep::Begin)?;
        self.check_keys_around(finish)?;
        let wanted = if finish.found_inactive() { KeyStatus::Inactive } else { KeyStatus::Active };
        self.expect_status(self.old(), wanted)?;
        self.withdrawn(self.old())?;
        let last_use = &self.latest_use(self.last_used(self.old())?);
        // Whoever never used it may have had it from the start.
        let unused_since = match last_use {
            LastUsed::At { at, .. } => *at,
            LastUsed::Never => self.facts(|key| key.id == *self.old())?.created_at,
        };
        let quiet_since = missed_until.map_or(unused_since, |until| until.max(unused_since));
        let quiet_at = quiet_since + finish.quiet_for + LAST_USED_LAG;
        if self.now < quiet_at {
            return Ok(match missed_until {
                Some(until) if unused_since <= until => {
                    wait(quiet_at, "the key was missed: it must be quiet anew before it is disabled")
                }
                _ => self.is_used_after_all(last_use),
            });
        }
        let evidence = match &finish.successor {
            None => format!("it is inactive, and was last used {}", used(last_use)),
            Some(successor) => match self.last_used(successor)? {
                LastUsed::At { at, .. } if *at > quiet_since => {
                    format!("{successor} was used at {at}, this one was last used {}", used(last_use))
                }
                _ => return Ok(self.is_used_after_all(last_use)),
            },
        };
        Ok(note(Note::Superseded { quiet_since, evidence }))
    }

    fn go_on_finishing(&self, finish: &Finish, finishing: &Finishing) -> Step {
        if self.rotation.deleted.contains(self.old()) {
            let done = || close(Ending::Finished { key: self.old().clone() });
            return Ok(self.forget_everywhere(self.old())?.unwrap_or_else(done));
        }
        if self.rotation.deleting.contains(self.old()) && self.is_gone(self.old())? {
            return Ok(note(Note::Gone { key: self.old().clone() }));
        }
        if let Some(why) = &self.rotation.rollback {
            // What somebody else disabled is not enabled: it is found as it was left.
            return Ok(match finishing.may_be_disabled() {
                true => act(Intent::Enable { key: self.old().clone() }),
                false => close(Ending::RolledBack { why: why.clone() }),
            });
        }
        if self.rotation.alarm.is_some() {
            return self.missed();
        }
        match finishing.stage {
            Stage::GivenBack { quiet_from } => self.begin_to_finish(finish, Some(quiet_from)),
            Stage::Disabled { disproved: true, .. } => Ok(act(Intent::Enable { key: self.old().clone() })),
            Stage::BrownOut { disabled_at, enabled_at: None } => Ok(self.end_rehearsal(disabled_at)),
            Stage::BrownOut { enabled_at: Some(enabled_at), .. } => {
                self.check_superseded(finish, &finishing.superseded)?;
                self.expect_status(self.old(), KeyStatus::Active)?;
                self.after_rehearsal(enabled_at)
            }
            Stage::Ready { .. } => {
                self.check_superseded(finish, &finishing.superseded)?;
                self.expect_status(self.old(), KeyStatus::Active)?;
                self.check_all_well()?;
                Ok(act(Intent::Disable { key: self.old().clone() }))
            }
            Stage::Disabled { since: None, .. } => {
                self.check_superseded(finish, &finishing.superseded)?;
                self.check_all_well()?;
                Ok(act(Intent::Disable { key: self.old().clone() }))
            }
            Stage::Disabled { since: Some(since), .. } => {
                self.check_superseded(finish, &finishing.superseded)?;
                self.expect_status(self.old(), KeyStatus::Inactive)?;
                let rested =
                    self.rested(since).map_err(|until| self.watchful(until, WATCHED, Some(since)))?;
                self.check_all_well()?;
                self.delete_finished(&finishing.superseded, rested)
            }
            Stage::FoundInactive { since } => {
                self.check_superseded(finish, &finishing.superseded)?;
                self.expect_status(self.old(), KeyStatus::Inactive)?;
                let rested = self.rested(since).map_err(|until| wait(until, WATCHED))?;
                self.delete_finished(&finishing.superseded, rested)
            }
        }
    }

    fn rested(&self, since: Timestamp) -> Result<Rested, Timestamp> {
        Rested::check(since, self.rotation.plan.timing.delete_after, self.now)
    }

    fn delete_finished(&self, superseded: &Superseded, rested: Rested) -> Step {
        let approved = self.check_approved(ApprovedStep::Delete)?;
        Ok(Next::Do(Effect::delete_superseded(&self.rotation.plan, superseded, rested, approved)))
    }

    /// The evidence still holds: nobody has used the key since, no destination serves it, and its successor is there.
    fn check_superseded(&self, finish: &Finish, superseded: &Superseded) -> Result<(), Next> {
        let last_use = self.last_used(self.old())?;
        if last_use.at().is_some_and(|at| at > superseded.quiet_since) {
            return Err(note(Note::OldKeyUsed { last_used: last_use.clone() }));
        }
        self.check_keys_around(finish)?;
        self.withdrawn(self.old())?;
        Ok(())
    }

    /// The key is there, and so is its successor, active; and there are no keys that the plan does not know.
    fn check_keys_around(&self, finish: &Finish) -> Result<(), Next> {
        let known = |key: &KeyFacts| {
            key.id == *self.old()
                || finish.others.contains(&key.id)
                || finish.successor.as_ref() == Some(&key.id)
        };
        let foreign: Vec<_> = self.keys()?.iter().filter(|key| !known(key)).cloned().collect();
        if !foreign.is_empty() {
            return Err(Next::Ask(Question::ForeignKeys { keys: foreign }));
        }
        self.check_listed(self.old())?;
        if let Some(successor) = &finish.successor {
            self.check_listed(successor)?;
            self.expect_status(successor, KeyStatus::Active)?;
        }
        Ok(())
    }

    fn facts(&self, wanted: impl Fn(&KeyFacts) -> bool) -> Result<&KeyFacts, Next> {
        let found = self.keys()?.iter().find(|key| wanted(key));
        found.ok_or_else(|| self.cannot_see("IAM does not list the key"))
    }

    /// A source of usage may tell of a use before IAM does.
    fn latest_use(&self, told: &LastUsed) -> LastUsed {
        let consumers = self.rotation.usage.old.iter().flat_map(|old| &old.consumers);
        match consumers.max_by_key(|used| used.last_at).filter(|used| told.at() < Some(used.last_at)) {
            Some(used) => LastUsed::At {
                at: used.last_at,
                region: Some(used.consumer.region.clone()),
                service: Some(used.consumer.service.clone()),
            },
            None => told.clone(),
        }
    }

    /// By whom it is used is worth a look, where something tells it.
    fn is_used_after_all(&self, last_use: &LastUsed) -> Next {
        if self.usage_is_older_than(FRESH) {
            return self.look_at_usage();
        }
        let left = self.rotation.usage.left(&self.rotation.plan.timing, None, self.now);
        let consumers = left.iter().take(MOST_NAMED).map(|left| left.used.clone()).collect();
        Next::Ask(Question::StillUsed { key: self.old().clone(), last_used: last_use.clone(), consumers })
    }
}

fn used(last_use: &LastUsed) -> String {
    last_use.at().map_or_else(|| "never".to_owned(), |at| format!("at {at}"))
}
