//! The state of a rotation, folded from its log.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::effect::{FailureKind, Intent, Outcome};
use super::event::{Answer, Ending, Event, Note};
use super::log::Entry;
use super::plan::Plan;
use super::proof::{Adopted, CutOver, Delivered, NewKeyWorks, OldKeyQuiet};
use super::question::Question;
use crate::fact::LastUsed;
use crate::id::{AccessKeyId, RotationId, WorkerId};
use crate::secret::Fingerprint;

/// How many times in a row AWS must accept the new key, since one replica's answer is not all of them.
pub(super) const ACCEPTANCES: u32 = 3;

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
    /// Why the old state is wanted back, once somebody wants it.
    pub(super) rollback: Option<String>,
    pub(super) trouble: Option<Trouble>,
    /// When rotakey itself last changed each key: until [`super::SETTLE`] later, what IAM says of it may be old.
    pub(super) touched: BTreeMap<AccessKeyId, Timestamp>,
    /// Keys that this rotation may have deleted: a delete was started.
    pub(super) deleting: BTreeSet<AccessKeyId>,
    /// Keys that this rotation deleted; IAM may go on showing them for a while.
    pub(super) deleted: BTreeSet<AccessKeyId>,
}

/// Where a rotation stands. Named for what it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// No new key exists.
    Planned,
    /// A create was sent, and its answer was lost: there may be a new key.
    Issuing {
        /// The keys from before the create.
        keys_before: BTreeSet<AccessKeyId>,
        /// When the create was started.
        started_at: Timestamp,
        /// When it was over at the latest.
        deadline: Timestamp,
    },
    /// A new key exists that nobody can use, because its secret is lost.
    Orphaned {
        /// The key.
        orphan: AccessKeyId,
        /// When it was disabled.
        disabled_at: Option<Timestamp>,
    },
    /// The new key is to be staged at the destinations.
    Delivering {
        /// The new key.
        new: NewKey,
    },
    /// Every destination holds the new key; AWS is to accept it, then it is published.
    Verifying {
        /// The new key.
        new: NewKey,
        /// It is staged everywhere.
        delivered: Delivered,
        /// How far the probes got.
        probes: Probes,
    },
    /// Applications read the new key; those that hold the old one are to move on.
    Adopting {
        /// The new key.
        new: NewKey,
        /// It is staged everywhere.
        delivered: Delivered,
        /// It works.
        works: NewKeyWorks,
        /// What is known of the move.
        adoption: Adoption,
    },
    /// The old key is not needed any more; it is to be disabled.
    Ready {
        /// The new key.
        new: NewKey,
        /// Why the old one may go.
        cut_over: CutOver,
        /// To go back to, should the old key be used after all.
        adoption: Adoption,
        /// Whether the rehearsal is over (or none was asked for).
        rehearsed: bool,
    },
    /// The rehearsal: the old key is disabled for some minutes, enabled again, and watched.
    BrownOut {
        /// The new key.
        new: NewKey,
        /// Why the old one may go.
        cut_over: CutOver,
        /// To go back to, should the old key be used after all.
        adoption: Adoption,
        /// When it was disabled.
        disabled_at: Timestamp,
        /// When it was enabled again.
        enabled_at: Option<Timestamp>,
    },
    /// The old key is disabled, and can be enabled again at any time.
    Disabled {
        /// The new key.
        new: NewKey,
        /// Why the old one may go.
        cut_over: CutOver,
        /// To go back to, should the old key be needed after all.
        adoption: Adoption,
        /// When it was disabled.
        since: Timestamp,
        /// When AWS last accepted the new key since then, asked shortly before the old one is deleted.
        new_key_checked: Option<Timestamp>,
    },
    /// The old key is deleted; its traces at the destinations are to be removed.
    Deleted {
        /// The new key.
        new: NewKey,
    },
    /// The old key is to be what applications use, and the new one to go.
    RollingBack {
        /// The new key.
        new: NewKey,
        /// How far the old key is back.
        old: OldKey,
        /// When every destination served the old key again.
        restored_at: Option<Timestamp>,
        /// When the new key was disabled.
        disabled_at: Option<Timestamp>,
    },
    /// The end.
    Closed {
        /// How it ended.
        ending: Ending,
    },
}

/// The key that a rotation created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// The key.
    pub id: AccessKeyId,
    /// What its pair is recognised by.
    pub fingerprint: Fingerprint,
    /// Whether an application may have read it: a publish was started.
    pub exposed: bool,
    /// When rotakey last signed a call with it, which counts as a use.
    pub probed_at: Option<Timestamp>,
}

/// How far the old key is back in a roll-back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldKey {
    /// It is to be enabled, whatever IAM says of it: enabling twice does no harm, trusting an old answer may.
    Unknown,
    /// It was enabled; AWS has accepted it that many times in a row since.
    Enabled {
        /// How many times.
        accepted: u32,
        /// When it was last asked.
        last: Option<Timestamp>,
    },
    /// Applications can use it.
    Works,
}

/// How far AWS has accepted the new key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probes {
    /// When the first probe could have been made.
    pub since: Timestamp,
    /// When the last one was made.
    pub last: Option<Timestamp>,
    /// How many in a row were accepted.
    pub accepted: u32,
    /// Made by enough of them.
    pub works: Option<NewKeyWorks>,
}

/// What is known of the applications' move to the new key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// When every destination had the new key published.
    pub published_at: Timestamp,
    /// When the patience for the move began: at the publish, or when a person granted more time.
    pub patience_from: Timestamp,
    /// The latest use of the old key that the log knows.
    pub last_use: Option<Timestamp>,
    /// The longest time between two uses of the old key that the log knows.
    pub longest_gap: SignedDuration,
    /// Who vouched that every application has the new key.
    pub vouched_by: Option<String>,
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

/// Failures in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) intent: Intent,
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
            rollback: None,
            trouble: None,
            touched: BTreeMap::new(),
            deleting: BTreeSet::new(),
            deleted: BTreeSet::new(),
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
            (Event::Started { intent, by, deadline }, None) if self.may_start(intent) => {
                self.note_start(intent);
                self.in_flight = Some(InFlight {
                    intent: intent.clone(),
                    by: by.clone(),
                    started_at: at,
                    deadline: *deadline,
                });
            }
            (Event::Finished { result }, Some(effect)) => self = self.finish(effect, result, at, illegal)?,
            (Event::Noted { note }, None) => self = self.note(note, at, illegal)?,
            (Event::Asked { question }, None) if self.question.is_none() => {
                self.question = Some(question.clone());
            }
            (Event::Answered { answer, by }, None) => self.answer(*answer, by, at, illegal)?,
            // A person may ask for the old state at any moment, also while a worker is at work.
            (Event::RollbackRequested { why, .. }, in_flight) if self.can_roll_back() => {
                self.rollback = Some(why.clone());
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
        self.trouble.as_ref().map(|trouble| trouble.message.as_str())
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

    /// Whether rolling back still means something: not once the old key is deleted (or about to be).
    pub fn can_roll_back(&self) -> bool {
        let deleting = self.in_flight.as_ref().is_some_and(
            |effect| matches!(&effect.intent, Intent::Delete { key } if *key == self.plan.old_key),
        );
        !deleting && self.rollback.is_none() && !matches!(self.state, State::Deleted { .. } | State::Closed { .. })
    }

    /// Whether a person may stop it where it stands. Not while a key may exist that nobody could find.
    pub fn can_abort(&self) -> bool {
        self.in_flight.is_none()
            && !matches!(
                self.state,
                State::Issuing { .. } | State::Orphaned { .. } | State::Closed { .. }
            )
    }

    fn may_close(&self, ending: &Ending) -> bool {
        match ending {
            Ending::Rotated { new_key } => {
                matches!(&self.state, State::Deleted { new } if new.id == *new_key)
            }
            Ending::RolledBack { .. } => {
                self.rollback.is_some() && matches!(self.state, State::Planned | State::RollingBack { .. })
            }
            Ending::Aborted { .. } => self.can_abort(),
        }
    }

    /// Whether an effect makes sense where the rotation stands. The last line of defence: a log in which a
    /// key was deleted before it was disabled cannot be written, nor be replayed.
    fn may_start(&self, intent: &Intent) -> bool {
        if self.question.is_some() {
            return false;
        }
        let old = &self.plan.old_key;
        match (&self.state, intent) {
            (State::Planned, Intent::Create { .. }) => true,
            (State::Orphaned { orphan, disabled_at: None }, Intent::Disable { key }) => key == orphan,
            (State::Orphaned { orphan, disabled_at: Some(_) }, Intent::Delete { key } | Intent::Disable { key }) => {
                key == orphan
            }
            (State::Orphaned { orphan, .. }, Intent::Forget { key, .. }) => key == orphan,
            (State::Delivering { new }, Intent::Stage { key, .. }) => *key == new.id,
            (State::Verifying { new, .. }, Intent::Probe { key }) => *key == new.id,
            (State::Verifying { new, probes, .. }, Intent::Publish { key, .. }) => {
                *key == new.id && probes.works.is_some()
            }
            (State::Ready { .. }, Intent::Disable { key }) => key == old,
            (State::BrownOut { .. }, Intent::Enable { key }) => key == old,
            (State::Disabled { .. }, Intent::Enable { key } | Intent::Disable { key }) => key == old,
            (State::Disabled { new, .. }, Intent::Probe { key }) => *key == new.id,
            (State::Disabled { new_key_checked: Some(_), .. }, Intent::Delete { key }) => key == old,
            (State::Deleted { .. }, Intent::Forget { key, .. }) => key == old,
            (State::RollingBack { disabled_at: None, .. }, Intent::Probe { key } | Intent::Restore { key, .. }) => {
                key == old
            }
            (State::RollingBack { new, .. }, Intent::Enable { key }) => key == old || *key == new.id,
            (State::RollingBack { new, restored_at: Some(_), .. }, Intent::Disable { key }) => *key == new.id,
            (
                State::RollingBack { new, disabled_at: Some(_), .. },
                Intent::Delete { key } | Intent::Forget { key, .. },
            ) => *key == new.id,
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

    fn finish(
        mut self,
        effect: InFlight,
        result: &Outcome,
        at: Timestamp,
        illegal: IllegalEvent,
    ) -> Result<Self, IllegalEvent> {
        if let Some(key) = effect.intent.changes_key() {
            self.touched.insert(key.clone(), at);
        }
        if let Some(new) = self.state.new_key_mut()
            && matches!(&effect.intent, Intent::Probe { key } if *key == new.id)
        {
            new.probed_at = Some(at);
        }
        match result {
            Outcome::Failed { kind, message } => self.add_trouble(&effect.intent, *kind, message, at),
            Outcome::Created { .. } | Outcome::Accepted { .. } | Outcome::Done | Outcome::Unknown => {
                self.trouble = None;
            }
        }
        let old = self.plan.old_key.clone();
        self.state = match (self.state, effect.intent, result) {
            (State::Planned, Intent::Create { keys_before }, Outcome::Created { key, fingerprint }) => {
                if keys_before.contains(key) {
                    return Err(illegal);
                }
                self.touched.insert(key.clone(), at);
                State::Delivering {
                    new: NewKey {
                        id: key.clone(),
                        fingerprint: fingerprint.clone(),
                        exposed: false,
                        probed_at: None,
                    },
                }
            }
            (
                State::Planned,
                Intent::Create { keys_before },
                Outcome::Unknown | Outcome::Failed { kind: FailureKind::Ambiguous, .. },
            ) => State::Issuing { keys_before, started_at: effect.started_at, deadline: effect.deadline },
            // Looking is all that can be done about anything else whose outcome is bad or not known.
            (state @ State::Planned, Intent::Create { .. }, Outcome::Failed { .. }) => state,
            (State::Verifying { new, delivered, probes }, Intent::Probe { .. }, outcome) => {
                State::Verifying { new, delivered, probes: probes.after(outcome, at) }
            }
            (
                State::Disabled { new, cut_over, adoption, since, .. },
                Intent::Probe { .. },
                Outcome::Accepted { .. },
            ) => State::Disabled { new, cut_over, adoption, since, new_key_checked: Some(at) },
            (State::RollingBack { new, old: back, restored_at, disabled_at }, Intent::Probe { .. }, outcome) => {
                State::RollingBack { new, old: back.after_probe(outcome, at), restored_at, disabled_at }
            }
            // From the moment a disable may have happened, the key counts as disabled: what follows then
            // (watching it, and enabling it again) is right in both cases.
            (
                State::Ready { new, cut_over, adoption, rehearsed },
                Intent::Disable { .. },
                Outcome::Done | Outcome::Unknown | Outcome::Failed { kind: FailureKind::Ambiguous, .. },
            ) => {
                if rehearsed {
                    State::Disabled { new, cut_over, adoption, since: at, new_key_checked: None }
                } else {
                    State::BrownOut { new, cut_over, adoption, disabled_at: at, enabled_at: None }
                }
            }
            (State::BrownOut { new, cut_over, adoption, disabled_at, enabled_at: None }, Intent::Enable { .. }, Outcome::Done) => {
                State::BrownOut { new, cut_over, adoption, disabled_at, enabled_at: Some(at) }
            }
            (State::Disabled { new, cut_over, adoption, .. }, Intent::Enable { .. }, Outcome::Done) => {
                State::Adopting { new, delivered: cut_over.delivered, works: cut_over.works, adoption }
            }
            // A disable that had to be repeated starts the rest anew.
            (State::Disabled { new, cut_over, adoption, .. }, Intent::Disable { .. }, Outcome::Done) => {
                State::Disabled { new, cut_over, adoption, since: at, new_key_checked: None }
            }
            (State::Disabled { new, .. }, Intent::Delete { key }, Outcome::Done) => {
                self.deleted.insert(key);
                State::Deleted { new }
            }
            (State::Orphaned { orphan, .. }, Intent::Disable { .. }, Outcome::Done) => {
                State::Orphaned { orphan, disabled_at: Some(at) }
            }
            (State::Orphaned { .. }, Intent::Delete { key }, Outcome::Done) => {
                self.deleted.insert(key);
                State::Planned
            }
            (State::RollingBack { new, restored_at, disabled_at, .. }, Intent::Enable { key }, Outcome::Done)
                if key == old =>
            {
                State::RollingBack { new, old: OldKey::Enabled { accepted: 0, last: None }, restored_at, disabled_at }
            }
            // Enabling the new key again means that somebody still used it: the wait begins anew.
            (State::RollingBack { new, old: back, .. }, Intent::Enable { .. }, Outcome::Done) => {
                State::RollingBack { new, old: back, restored_at: Some(at), disabled_at: None }
            }
            (State::RollingBack { new, old: back, restored_at, .. }, Intent::Disable { .. }, Outcome::Done) => {
                State::RollingBack { new, old: back, restored_at, disabled_at: Some(at) }
            }
            (state @ State::RollingBack { .. }, Intent::Delete { key }, Outcome::Done) => {
                self.deleted.insert(key);
                state
            }
            (state, _, Outcome::Done | Outcome::Unknown | Outcome::Failed { .. }) => state,
            (_, _, Outcome::Created { .. } | Outcome::Accepted { .. }) => return Err(illegal),
        };
        Ok(self)
    }

    fn note(mut self, note: &Note, at: Timestamp, illegal: IllegalEvent) -> Result<Self, IllegalEvent> {
        self.state = match (self.state, note) {
            (State::Issuing { .. }, Note::NothingCreated) => State::Planned,
            (State::Issuing { keys_before, .. }, Note::OrphanFound { key }) if !keys_before.contains(key) => {
                self.touched.insert(key.clone(), at);
                State::Orphaned { orphan: key.clone(), disabled_at: None }
            }
            (State::Delivering { new } | State::Verifying { new, .. }, Note::SecretLost { key })
                if new.id == *key && !new.exposed =>
            {
                State::Orphaned { orphan: key.clone(), disabled_at: None }
            }
            (State::Orphaned { orphan, .. }, Note::OrphanGone { key }) if orphan == *key => {
                self.deleted.insert(key.clone());
                State::Planned
            }
            (State::Delivering { new }, Note::Delivered) => State::Verifying {
                new,
                delivered: Delivered(()),
                probes: Probes { since: at, last: None, accepted: 0, works: None },
            },
            (
                State::Verifying { new, delivered, probes: Probes { works: Some(works), .. } },
                Note::Published,
            ) => {
                let last_use = self.plan.old_key_last_used.at();
                let adoption = Adoption {
                    published_at: at,
                    patience_from: at,
                    last_use,
                    // A key that was last used twenty days ago may come back after twenty days.
                    longest_gap: last_use.map_or(SignedDuration::ZERO, |used| at.duration_since(used)),
                    vouched_by: None,
                };
                State::Adopting { new, delivered, works, adoption }
            }
            (State::Adopting { new, delivered, works, adoption }, Note::OldKeyUsed { last_used }) => {
                State::Adopting { new, delivered, works, adoption: adoption.used(last_used) }
            }
            (
                State::Ready { new, cut_over, adoption, .. }
                | State::BrownOut { new, cut_over, adoption, enabled_at: Some(_), .. },
                Note::OldKeyUsed { last_used },
            ) => State::Adopting {
                new,
                delivered: cut_over.delivered,
                works: cut_over.works,
                adoption: adoption.used(last_used),
            },
            // Still disabled: it is enabled again before anything else.
            (
                State::Disabled { new, cut_over, adoption, since, new_key_checked },
                Note::OldKeyUsed { last_used },
            ) => State::Disabled { new, cut_over, adoption: adoption.used(last_used), since, new_key_checked },
            (State::Adopting { new, delivered, works, adoption }, Note::ReadyToDisable { quiet_since, .. }) => {
                let cut_over = CutOver {
                    delivered,
                    works,
                    adopted: Adopted(()),
                    quiet: OldKeyQuiet(()),
                    quiet_since: *quiet_since,
                };
                let rehearsed = self.plan.timing.brown_out.is_none();
                State::Ready { new, cut_over, adoption, rehearsed }
            }
            (State::BrownOut { new, cut_over, adoption, enabled_at: Some(_), .. }, Note::BrownOutPassed) => {
                State::Ready { new, cut_over, adoption, rehearsed: true }
            }
            (State::RollingBack { new, old: OldKey::Works, restored_at: None, disabled_at }, Note::Restored) => {
                State::RollingBack { new, old: OldKey::Works, restored_at: Some(at), disabled_at }
            }
            (state, Note::RollingBack)
                if self.rollback.is_some() && !matches!(state, State::RollingBack { .. }) =>
            {
                match state.into_new_key() {
                Some(new) => {
                    State::RollingBack { new, old: OldKey::Unknown, restored_at: None, disabled_at: None }
                }
                None => return Err(illegal),
                }
            }
            (
                State::RollingBack { new, old: OldKey::Enabled { .. }, restored_at, disabled_at },
                Note::OldKeyWorks,
            ) => State::RollingBack { new, old: OldKey::Works, restored_at, disabled_at },
            _ => return Err(illegal),
        };
        Ok(self)
    }

    fn answer(
        &mut self,
        answer: Answer,
        by: &str,
        at: Timestamp,
        illegal: IllegalEvent,
    ) -> Result<(), IllegalEvent> {
        let Some(question) = self.question.take() else { return Err(illegal) };
        self.trouble = None;
        if let State::Adopting { adoption, .. } = &mut self.state {
            adoption.patience_from = at;
            if answer == Answer::Vouch && matches!(question, Question::NotAdopted { .. }) {
                adoption.vouched_by = Some(by.to_owned());
                return Ok(());
            }
        }
        if answer == Answer::LookAgain { Ok(()) } else { Err(illegal) }
    }

    fn add_trouble(&mut self, intent: &Intent, kind: FailureKind, message: &str, at: Timestamp) {
        let before = self.trouble.take().filter(|trouble| trouble.intent == *intent);
        let (failures, refusals) = before.map_or((0, 0), |trouble| (trouble.failures, trouble.refusals));
        self.trouble = Some(Trouble {
            intent: intent.clone(),
            failures: failures + 1,
            refusals: refusals + u32::from(!kind.is_transient()),
            last_at: at,
            message: message.to_owned(),
        });
    }
}

impl State {
    /// The name of the state, in kebab-case.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Issuing { .. } => "issuing",
            Self::Orphaned { .. } => "orphaned",
            Self::Delivering { .. } => "delivering",
            Self::Verifying { .. } => "verifying",
            Self::Adopting { .. } => "adopting",
            Self::Ready { .. } => "ready",
            Self::BrownOut { .. } => "brown-out",
            Self::Disabled { .. } => "disabled",
            Self::Deleted { .. } => "deleted",
            Self::RollingBack { .. } => "rolling-back",
            Self::Closed { .. } => "closed",
        }
    }

    fn new_key(&self) -> Option<&NewKey> {
        match self {
            Self::Planned | Self::Issuing { .. } | Self::Orphaned { .. } | Self::Closed { .. } => None,
            Self::Delivering { new }
            | Self::Verifying { new, .. }
            | Self::Adopting { new, .. }
            | Self::Ready { new, .. }
            | Self::BrownOut { new, .. }
            | Self::Disabled { new, .. }
            | Self::Deleted { new }
            | Self::RollingBack { new, .. } => Some(new),
        }
    }

    fn new_key_mut(&mut self) -> Option<&mut NewKey> {
        match self {
            Self::Planned | Self::Issuing { .. } | Self::Orphaned { .. } | Self::Closed { .. } => None,
            Self::Delivering { new }
            | Self::Verifying { new, .. }
            | Self::Adopting { new, .. }
            | Self::Ready { new, .. }
            | Self::BrownOut { new, .. }
            | Self::Disabled { new, .. }
            | Self::Deleted { new }
            | Self::RollingBack { new, .. } => Some(new),
        }
    }

    fn into_new_key(mut self) -> Option<NewKey> {
        self.new_key_mut().map(|new| new.clone())
    }
}

impl OldKey {
    fn after_probe(self, outcome: &Outcome, at: Timestamp) -> Self {
        let Self::Enabled { accepted, .. } = self else { return self };
        let accepted = if matches!(outcome, Outcome::Accepted { .. }) { accepted + 1 } else { 0 };
        if accepted >= ACCEPTANCES { Self::Works } else { Self::Enabled { accepted, last: Some(at) } }
    }
}

impl Probes {
    fn after(self, outcome: &Outcome, at: Timestamp) -> Self {
        let accepted = if matches!(outcome, Outcome::Accepted { .. }) { self.accepted + 1 } else { 0 };
        let works = self.works.or((accepted >= ACCEPTANCES).then_some(NewKeyWorks(())));
        Self { since: self.since, last: Some(at), accepted, works }
    }
}

impl Adoption {
    fn used(self, last_used: &LastUsed) -> Self {
        let Some(at) = last_used.at() else { return self };
        let gap = self.last_use.map_or(SignedDuration::ZERO, |before| at.duration_since(before));
        Self { last_use: Some(at), longest_gap: self.longest_gap.max(gap), ..self }
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
        Event::RollbackRequested { .. } => "a request to roll back".to_owned(),
        Event::Closed { .. } => "the end".to_owned(),
    }
}
