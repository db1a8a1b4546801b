//! The state of a rotation, folded from its log.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::approval::{Approval, ApprovedStep};
use super::check::Alarm;
use super::effect::Intent;
use super::event::{Ending, Event};
use super::log::Entry;
use super::plan::Plan;
use super::proof::Rested;
use super::question::Question;
use super::state::{Finishing, LostCreate, Stage, State};
use super::usage::KnownUsage;
use crate::id::{AccessKeyId, RotationId, WorkerId};

/// One rotation: what its log says so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    pub(super) id: RotationId,
    pub(super) version: u64,
    pub(super) updated_at: Timestamp,
    pub(super) plan: Plan,
    pub(super) state: State,
    pub(super) in_flight: Option<InFlight>,
    pub(super) question: Option<Question>,
    /// What was asked when the secret was lost, to be asked again once the key without a secret is gone.
    pub(super) put_aside: Option<Question>,
    /// Why the old state is wanted back, once somebody wants it.
    pub(super) rollback: Option<String>,
    /// What people have approved.
    pub(super) approvals: Vec<Approval>,
    pub(super) trouble: Option<Trouble>,
    /// When rotakey itself last changed each key: until [`super::SETTLE`] later, what IAM says of it may be old.
    pub(super) touched: BTreeMap<AccessKeyId, Timestamp>,
    /// The last create that was given up as not done. It may be done yet, by a worker that was held up.
    pub(super) given_up: Option<LostCreate>,
    /// Keys that this rotation may have deleted: a delete was started.
    pub(super) deleting: BTreeSet<AccessKeyId>,
    /// Keys that this rotation deleted; IAM may go on showing them for a while.
    pub(super) deleted: BTreeSet<AccessKeyId>,
    /// Who uses the keys, as far as it was looked.
    pub(super) usage: KnownUsage,
    /// That applications miss the old key, until a person has answered.
    pub(super) alarm: Option<Alarm>,
    /// When rotakey last signed a call with the old key while applications used it, which counts as a use.
    pub(super) old_key_asked_at: Option<Timestamp>,
}

/// An effect that was started and not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFlight {
    /// The effect.
    pub intent: Intent,
    /// Who does it.
    pub by: WorkerId,
    /// When it was started.
    pub started_at: Timestamp,
    /// When its doer gives up at the latest.
    pub deadline: Timestamp,
}

/// Attempts in a row at the same effect, none of which is known to have helped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) intent: Intent,
    /// Whether the last attempt was reported as done, so that there is trouble only if it is tried again.
    pub(super) reported_done: bool,
    pub(super) failures: u32,
    /// Those of them that waiting alone does not cure.
    pub(super) refusals: u32,
    pub(super) last_at: Timestamp,
    pub(super) message: String,
}

/// A log that no run of the machine can have written.
#[derive(Debug, thiserror::Error)]
#[error("rotation {rotation}, entry {version}: {error}")]
pub struct IllegalHistory {
    /// The rotation.
    pub rotation: RotationId,
    /// The entry that does not fit.
    pub version: u64,
    /// Why not.
    pub error: IllegalEvent,
}

/// An event that does not fit the state it meets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event} cannot follow in state {state}")]
pub struct IllegalEvent {
    /// What was to be applied.
    pub event: String,
    /// Where the rotation stood.
    pub state: &'static str,
}

impl Rotation {
    /// Folds a log, whole and in order, into its state.
    ///
    /// # Errors
    /// An empty log, or an event that cannot follow the ones before it.
    pub fn replay(id: &RotationId, log: &[Entry]) -> Result<Self, IllegalHistory> {
        let illegal = |version, error| IllegalHistory { rotation: id.clone(), version, error };
        let Some((first, rest)) = log.split_first() else {
            return Err(illegal(0, IllegalEvent { event: "nothing".to_owned(), state: "none" }));
        };
        let Event::Planned { plan } = &first.event else {
            return Err(illegal(first.version, IllegalEvent { event: name(&first.event), state: "none" }));
        };
        let begun = Self::begin(id.clone(), (**plan).clone(), first.at);
        rest.iter().try_fold(begun, |rotation, entry| {
            rotation.apply(&entry.event, entry.at).map_err(|error| illegal(entry.version, error))
        })
    }

    /// A rotation of which only the plan is logged.
    pub fn begin(id: RotationId, plan: Plan, at: Timestamp) -> Self {
        Self {
            id,
            version: 1,
            updated_at: at,
            plan,
            state: State::Planned,
            in_flight: None,
            question: None,
            put_aside: None,
            rollback: None,
            approvals: Vec::new(),
            trouble: None,
            touched: BTreeMap::new(),
            given_up: None,
            deleting: BTreeSet::new(),
            deleted: BTreeSet::new(),
            usage: KnownUsage::default(),
            alarm: None,
            old_key_asked_at: None,
        }
    }

    /// The rotation after one more event.
    ///
    /// # Errors
    /// The event cannot follow in this state.
    pub fn apply(mut self, event: &Event, at: Timestamp) -> Result<Self, IllegalEvent> {
        let illegal = IllegalEvent { event: name(event), state: self.state.name() };
        self.version += 1;
        self.updated_at = at;
        match (event, self.in_flight.take()) {
            (Event::Started { intent, by, deadline }, None) if self.may_start(intent, at) => {
                self.note_start(intent);
                self.in_flight = Some(InFlight {
                    intent: intent.clone(),
                    by: by.clone(),
                    started_at: at,
                    deadline: *deadline,
                });
            }
            (Event::Finished { result }, Some(effect)) if result.fits(&effect.intent) => {
                self = self.finish(effect, result, at, illegal)?;
            }
            (Event::Noted { note }, None) => self = self.note(note, at, illegal)?,
            (Event::Asked { question }, None) if self.question.is_none() && self.ending().is_none() => {
                self.question = Some(question.clone());
            }
            (Event::Answered { answer, by }, None) => self.answer(*answer, by, at, illegal)?,
            // People may agree at any moment, also while a worker is at work.
            (Event::Approved { approval }, in_flight) if self.takes_approval(approval, at) => {
                self.approvals.push(approval.clone());
                self.in_flight = in_flight;
            }
            // A person may ask for the old state at any moment, also while a worker is at work.
            (Event::RollbackRequested { why, .. }, in_flight) if self.can_roll_back() => {
                self.rollback = Some(why.clone());
                self.question = None;
                self.put_aside = None;
                self.trouble = None;
                self.in_flight = in_flight;
            }
            // So may whoever sees that something is broken.
            (Event::Signalled { by, what }, in_flight) if self.can_signal() => {
                self.alarm = Some(Alarm::raised(None, format!("{by} says: {what}"), at));
                self.question = None;
                self.trouble = None;
                self.in_flight = in_flight;
            }
            (Event::Closed { ending }, None) if self.may_close(ending) => {
                self.question = None;
                self.state = State::Closed { ending: ending.clone() };
            }
            _ => return Err(illegal),
        }
        Ok(self)
    }

    /// The id of the rotation.
    pub fn id(&self) -> &RotationId {
        &self.id
    }

    /// How many entries its log has.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When its last entry was appended.
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// What it is to do.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where it stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The effect that somebody has started and not reported on.
    pub fn in_flight(&self) -> Option<&InFlight> {
        self.in_flight.as_ref()
    }

    /// What it waits to be told by a person.
    pub fn question(&self) -> Option<&Question> {
        self.question.as_ref()
    }

    /// Why the old state is wanted back, if somebody wants it.
    pub fn rollback_wanted(&self) -> Option<&str> {
        self.rollback.as_deref()
    }

    /// The failure that the last step met, if it met one.
    pub fn last_failure(&self) -> Option<&str> {
        let trouble = self.trouble.as_ref().filter(|trouble| !trouble.reported_done)?;
        Some(&trouble.message)
    }

    /// The step that fails, how often it has in a row, and what it met last; if one does.
    pub fn failing(&self) -> Option<(&Intent, u32, &str)> {
        let trouble = self.trouble.as_ref().filter(|trouble| !trouble.reported_done)?;
        Some((&trouble.intent, trouble.failures, &trouble.message))
    }

    /// Who uses the keys, as far as it was looked.
    pub fn usage(&self) -> &KnownUsage {
        &self.usage
    }

    /// That applications miss the old key, until a person has answered.
    pub fn alarm(&self) -> Option<&Alarm> {
        self.alarm.as_ref()
    }

    /// Whether a signal that something is broken means something: the old key is disabled, or about to be.
    pub fn can_signal(&self) -> bool {
        self.alarm.is_none() && self.can_roll_back() && self.takes_the_old_key_away()
    }

    /// Whether a worker may have disabled the old key, which is still there.
    pub(super) fn old_key_may_be_disabled(&self) -> bool {
        match &self.state {
            State::BrownOut { enabled_at: None, .. } | State::Disabled { .. } => true,
            State::Finishing(finishing) => {
                finishing.may_be_disabled() && !self.deleted.contains(&self.plan.old_key)
            }
            _ => false,
        }
    }

    fn takes_the_old_key_away(&self) -> bool {
        let ready = matches!(
            self.state,
            State::Ready { .. } | State::Finishing(Finishing { stage: Stage::Ready { .. }, .. })
        );
        ready || self.old_key_may_be_disabled()
    }

    /// Whether a decision needs to know what the checks say.
    pub fn needs_checks(&self) -> bool {
        !self.plan.checks.is_empty()
            && match &self.state {
                State::Adopting { .. }
                | State::Finishing(Finishing { stage: Stage::GivenBack { .. }, .. }) => self.alarm.is_some(),
                _ => self.takes_the_old_key_away(),
            }
    }

    /// How it ended, if it has.
    pub fn ending(&self) -> Option<&Ending> {
        match &self.state {
            State::Closed { ending } => Some(ending),
            _ => None,
        }
    }

    /// The key that it created, while there is one that applications may use.
    pub fn new_key(&self) -> Option<&AccessKeyId> {
        self.state.new_key().map(|new| &new.id)
    }

    /// The key that applications are to use in place of the old one: that which it created, or the one that took the old
    /// one's place before.
    pub fn successor(&self) -> Option<&AccessKeyId> {
        self.new_key().or_else(|| self.plan.finish()?.successor.as_ref())
    }

    /// Whether rolling back still means something. Not from the moment a delete of the old key was started:
    /// a worker that was held up may do it yet, and applications must not have that key again by then.
    pub fn can_roll_back(&self) -> bool {
        !self.deleting.contains(&self.plan.old_key)
            && self.rollback.is_none()
            && !matches!(self.state, State::Deleted { .. } | State::Closed { .. })
    }

    /// Whether a person may stop it where it stands. Not while an active key may exist that nobody could find,
    /// or whose secret may be lost, unless the person was just shown all keys or they are gone with the user.
    pub fn can_abort(&self) -> bool {
        let shown = matches!(
            self.question,
            Some(Question::ForeignKeys { .. } | Question::UserGone | Question::UserReplaced { .. })
        );
        self.in_flight.is_none()
            && match self.state {
                State::Issuing { .. } | State::Orphaned { .. } | State::Delivering { .. } => shown,
                State::Closed { .. } => false,
                _ => true,
            }
    }

    /// Whether a worker must look at the world even while a person is asked: the secret of an active key may
    /// be lost meanwhile, and then the key is disabled without waiting for the answer; or a check may tell that
    /// applications miss the old key.
    pub fn must_look_while_asking(&self) -> bool {
        let watched = self.old_key_may_be_disabled() && !self.plan.checks.is_empty();
        self.question.is_some() && (self.state.undelivered().is_some() || watched)
    }

    /// An approval is of this plan, of a step that needs one, and not from the future.
    fn takes_approval(&self, approval: &Approval, at: Timestamp) -> bool {
        self.ending().is_none()
            && self.plan.may_approve(approval.step, &approval.by)
            && approval.at <= at + super::SETTLE
            && approval.plan == self.plan.hash()
    }

    pub(super) fn approved(&self, step: ApprovedStep, at: Timestamp) -> bool {
        self.plan.approved(step, &self.approvals, at).is_ok()
    }

    fn may_close(&self, ending: &Ending) -> bool {
        match ending {
            Ending::Finished { key } => {
                *key == self.plan.old_key
                    && self.deleted.contains(key)
                    && matches!(self.state, State::Finishing(_))
            }
            Ending::Rotated { new_key } => {
                matches!(&self.state, State::Deleted { new } if new.id == *new_key)
            }
            Ending::RolledBack { .. } => {
                let undone = match &self.state {
                    State::Planned | State::RollingBack { .. } => true,
                    State::Finishing(finishing) => !finishing.may_be_disabled(),
                    _ => false,
                };
                self.rollback.is_some() && undone
            }
            Ending::Aborted { .. } => self.can_abort(),
        }
    }

    /// Whether an effect makes sense where the rotation stands. The last line of defence: a log in which a
    /// key was deleted that had not been disabled for [`super::MINIMUM_REST`] cannot be written, nor be replayed.
    fn may_start(&self, intent: &Intent, at: Timestamp) -> bool {
        if self.question.is_some() {
            return false;
        }
        let old = &self.plan.old_key;
        let rested = |since: &Timestamp| Rested::check(*since, SignedDuration::ZERO, at).is_ok();
        match (&self.state, intent) {
            (State::Planned, Intent::Create { .. }) => {
                self.plan.task.is_to_replace() && self.approved(ApprovedStep::Begin, at)
            }
            (
                State::Finishing(Finishing { stage: Stage::Ready { .. } | Stage::Disabled { .. }, .. }),
                Intent::Disable { key },
            ) => key == old && self.alarm.is_none(),
            (State::Finishing(finishing), Intent::Enable { key }) => {
                key == old && finishing.may_be_disabled()
            }
            (
                State::Finishing(Finishing {
                    stage:
                        Stage::Disabled { since: Some(since), disproved: false } | Stage::FoundInactive { since },
                    ..
                }),
                Intent::Delete { key },
            ) => {
                key == old && rested(since) && self.alarm.is_none() && self.approved(ApprovedStep::Delete, at)
            }
            (State::Finishing(Finishing { stage: Stage::GivenBack { .. }, .. }), Intent::Probe { key }) => {
                key == old && self.alarm.is_some()
            }
            (State::Finishing(_), Intent::Forget { key, .. }) => key == old && self.deleted.contains(key),
            (State::Orphaned { orphan, .. }, Intent::Disable { key } | Intent::Forget { key, .. }) => {
                key == orphan
            }
            (State::Orphaned { orphan, disabled_at: Some(since), .. }, Intent::Delete { key }) => {
                key == orphan && rested(since)
            }
            (State::Delivering { new }, Intent::Stage { key, .. }) => *key == new.id,
            (State::Verifying { new, .. }, Intent::Probe { key }) => *key == new.id,
            (State::Verifying { new, probes, .. }, Intent::ProbeService { key, .. }) => {
                *key == new.id && probes.works.is_some()
            }
            (State::Adopting { .. }, Intent::Probe { key }) => key == old && self.alarm.is_some(),
            (State::Verifying { new, probes, .. }, Intent::Publish { key, .. }) => {
                *key == new.id && probes.works.is_some()
            }
            (State::Ready { .. }, Intent::Disable { key }) => key == old && self.alarm.is_none(),
            (State::BrownOut { .. }, Intent::Enable { key }) => key == old,
            (State::Disabled { .. }, Intent::Enable { key } | Intent::Disable { key }) => key == old,
            (State::Disabled { new, .. }, Intent::Probe { key }) => *key == new.id,
            (
                State::Disabled { since: Some(since), new_key_checked: Some(_), .. },
                Intent::Delete { key },
            ) => {
                key == old && rested(since) && self.alarm.is_none() && self.approved(ApprovedStep::Delete, at)
            }
            (State::Deleted { .. }, Intent::Forget { key, .. }) => key == old,
            (
                State::RollingBack { disabled_at: None, .. },
                Intent::Probe { key } | Intent::Restore { key, .. },
            ) => key == old,
            (State::RollingBack { new, .. }, Intent::Enable { key }) => key == old || *key == new.id,
            (State::RollingBack { new, restored_at: Some(_), .. }, Intent::Disable { key }) => *key == new.id,
            (State::RollingBack { new, disabled_at: Some(_), .. }, Intent::Forget { key, .. }) => {
                *key == new.id
            }
            (State::RollingBack { new, disabled_at: Some(since), .. }, Intent::Delete { key }) => {
                *key == new.id && rested(since)
            }
            _ => false,
        }
    }

    /// What counts from the moment an effect may have happened.
    fn note_start(&mut self, intent: &Intent) {
        if let Some(new) = self.state.new_key_mut()
            && matches!(intent, Intent::Publish { .. })
        {
            new.exposed = true;
        }
        if let Intent::Delete { key } = intent {
            self.deleting.insert(key.clone());
        }
    }
}

fn name(event: &Event) -> String {
    match event {
        Event::Planned { .. } => "planned".to_owned(),
        Event::Started { intent, .. } => format!("the start of {intent:?}"),
        Event::Finished { result } => format!("the outcome {result:?}"),
        Event::Noted { note } => format!("the note {note:?}"),
        Event::Asked { .. } => "a question".to_owned(),
        Event::Answered { .. } => "an answer".to_owned(),
        Event::Approved { .. } => "an approval".to_owned(),
        Event::RollbackRequested { .. } => "a request to roll back".to_owned(),
        Event::Signalled { .. } => "a signal that the old key is missed".to_owned(),
        Event::Closed { .. } => "the end".to_owned(),
    }
}
