//! The decision: one safe step, named by looking at the log and at the world.

mod adopt;
mod alarm;
mod back;
mod finish;
mod forward;
mod guard;
mod look;
mod unfinished;

use jiff::{SignedDuration, Timestamp};

use crate::rotate::effect::{Effect, Intent};
use crate::rotate::event::{Ending, Event, Note};
use crate::rotate::observed::Observed;
use crate::rotate::question::Question;
use crate::rotate::rotation::Rotation;
use crate::rotate::state::State;

/// The time between two probes of a key.
const PROBE_INTERVAL: SignedDuration = SignedDuration::from_secs(5);

/// After how many refusals of the same step a person is asked.
const PATIENCE: u32 = 5;

/// The one next step of a rotation.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Do this, logging its start before and its outcome after.
    Do(Effect),
    /// Append this to the log and decide again.
    Record(Event),
    /// Look who used both keys from then on, append what comes of it ([`Note::UsageSeen`] or
    /// [`Note::UsageUnknown`]), and decide again. Named seldom, since such looks are slow and throttled.
    LookAtUsage {
        /// From when on.
        since: Timestamp,
    },
    /// Nothing is to be done before that instant.
    Wait {
        /// When to look again at the latest.
        until: Timestamp,
        /// What is waited for.
        why: String,
    },
    /// A person must decide.
    Ask(Question),
    /// The rotation is over.
    Done(Ending),
}

/// A step, or what prevents the step that was thought of.
type Step = Result<Next, Next>;

impl Rotation {
    /// Names the next step. `now` must not be later than the instant at which looking began, so that all
    /// that was seen is at least as fresh as the decision takes it to be.
    pub fn next(&self, seen: &Observed, now: Timestamp) -> Next {
        let decision = Decision { rotation: self, seen, now };
        match decision.next() {
            Ok(next) | Err(next) => decision.with_patience(next),
        }
    }

    /// Whether a decision needs to know if the destinations can be written to.
    pub fn needs_preflight(&self) -> bool {
        matches!(self.state, State::Planned) && self.plan.task.is_to_replace() && self.rollback.is_none()
    }

    /// Whether a decision needs to know when the keys were used.
    pub fn needs_last_used(&self) -> bool {
        self.given_up.is_some()
            || !self.plan.task.is_to_replace()
            || !matches!(
                self.state,
                State::Planned
                    | State::Orphaned { inferred: false, .. }
                    | State::Delivering { .. }
                    | State::Verifying { .. }
                    | State::Deleted { .. }
            )
    }

    /// The end of what is being waited for that no look at the world can bring forward, if there is one.
    /// Until then a worker need not look.
    pub fn asleep_until(&self, now: Timestamp) -> Option<Timestamp> {
        let deadline = self.in_flight.as_ref().map(|effect| effect.deadline)?;
        (now < deadline).then_some(deadline)
    }
}

struct Decision<'a> {
    rotation: &'a Rotation,
    seen: &'a Observed,
    now: Timestamp,
}

impl Decision<'_> {
    fn next(&self) -> Step {
        if let State::Closed { ending } = &self.rotation.state {
            return Ok(Next::Done(ending.clone()));
        }
        if let Some(effect) = &self.rotation.in_flight {
            return Ok(self.unfinished(effect));
        }
        if let Some(question) = &self.rotation.question {
            self.check_alarms()?;
            let lost = self.rotation.state.undelivered().map(|new| self.check_secret(new));
            return match lost {
                Some(Err(lost @ Next::Record(_))) => Err(lost),
                _ => Ok(Next::Ask((**question).clone())),
            };
        }
        if self.rotation.rollback.is_none() {
            self.check_alarms()?;
            if self.rotation.alarm.is_some() && self.rotation.old_key_may_be_disabled() {
                return Ok(act(Intent::Enable { key: self.old().clone() }));
            }
        }
        self.check_user()?;
        if let Some(finish) = self.rotation.plan.finish() {
            return self.finish(finish);
        }
        if let State::Issuing { create } = &self.rotation.state {
            return self.resolve_create(create);
        }
        self.find_late_create()?;
        if let State::Orphaned { orphan, inferred, disabled_at } = &self.rotation.state {
            return self.dispose_of_orphan(orphan, *inferred, *disabled_at);
        }
        if let Some(why) = &self.rotation.rollback {
            return self.roll_back(why);
        }
        if self.rotation.alarm.is_some() {
            return self.missed();
        }
        // Whatever is to be asked, a rehearsal is ended first.
        if !matches!(self.rotation.state, State::BrownOut { enabled_at: None, .. }) {
            self.check_keys()?;
        }
        match &self.rotation.state {
            State::Planned => self.create(),
            State::Delivering { new } => self.deliver(new),
            State::Verifying { new, probes, .. } => self.verify(new, probes),
            State::Adopting { new, adoption, .. } => self.adopt(new, adoption),
            State::Ready { new, cut_over, .. } => self.cut_over(new, cut_over),
            State::BrownOut { new, cut_over, disabled_at, enabled_at, .. } => {
                self.brown_out(new, cut_over, *disabled_at, *enabled_at)
            }
            State::Disabled { new, cut_over, adoption, since, new_key_checked } => {
                self.watch(new, cut_over, adoption, *since, *new_key_checked)
            }
            State::Deleted { new } => self.clean_up(new),
            State::Issuing { .. }
            | State::Orphaned { .. }
            | State::RollingBack { .. }
            | State::Finishing(_)
            | State::Closed { .. } => unreachable!("decided above"),
        }
    }

    /// Spaces out a step that fails, and asks a person when waiting does not help.
    fn with_patience(&self, next: Next) -> Next {
        let (Next::Do(effect), Some(trouble)) = (&next, &self.rotation.trouble) else { return next };
        if trouble.intent != *effect.intent() {
            return next;
        }
        // Probes that are refused have a way out of their own, but for the one before the old key is deleted.
        let probing = matches!(trouble.intent, Intent::Probe { .. } | Intent::ProbeService { .. })
            && !matches!(self.rotation.state, State::Disabled { .. });
        if trouble.refusals >= PATIENCE && !probing {
            return Next::Ask(Question::KeepsFailing {
                step: trouble.intent.describe(&self.rotation.plan),
                message: trouble.message.clone(),
            });
        }
        let pause =
            if probing { PROBE_INTERVAL } else { SignedDuration::from_secs(5 << trouble.failures.min(6)) };
        let due = trouble.last_at + pause;
        if self.now < due { wait(due, &format!("trying again after: {}", trouble.message)) } else { next }
    }
}

fn act(intent: Intent) -> Next {
    Next::Do(Effect::reversible(intent))
}

fn note(note: Note) -> Next {
    Next::Record(Event::Noted { note })
}

fn close(ending: Ending) -> Next {
    Next::Record(Event::Closed { ending })
}

fn wait(until: Timestamp, why: &str) -> Next {
    Next::Wait { until, why: why.to_owned() }
}
