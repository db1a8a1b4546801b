//! Moves rotations on: observe, decide, do one effect, append.

mod hold;
mod tick;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use rotakey_core::fact::KeyStatus;
use rotakey_core::id::{AccessKeyId, RotationId, WorkerId};
use rotakey_core::rotate::{
    Answer, Approval, EFFECT_DEADLINE, Ending, Event, FailureKind, Intent, LAST_USED_LAG, Next, Outcome,
    Plan, Question, Rotation, State,
};
use rotakey_core::secret::AccessKeyPair;

use crate::herald::{self, Herald};
use crate::journal::{Journal, JournalError};
use crate::memory::Memory;
use crate::observe::{Look, look, look_at_usage};
use crate::permits::Permits;
use crate::port::{Account, Accounts, Checks, Clock, Destination, Destinations, PortError, PortErrorKind};
use crate::store::{Store, StoreError, Turn};

pub use hold::Guard;
pub use tick::{Tick, Undriven};

/// Waits up to this long are slept through rather than left to the next tick.
const NAP: SignedDuration = SignedDuration::from_secs(90);

/// How long a look at who uses keys may take: CloudTrail gives out two pages a second to all who ask.
const LONGEST_LOOK: SignedDuration = SignedDuration::from_mins(30);

/// For how long a rotation is left to the worker that appended last: for a nap, and for a look and a step after it.
const LEASE: SignedDuration = SignedDuration::from_secs(NAP.as_secs() + EFFECT_DEADLINE.as_secs());

/// A rotation that waits for longer than this is looked at all the same: somebody may have changed something.
const LOOK_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// A rotation that takes more steps than this without waiting once is going round in circles.
const MOST_STEPS: usize = 500;

/// All that the engine reaches outside.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The accounts whose keys are rotated. Rotations of other accounts are left alone.
    pub accounts: &'a dyn Accounts,
    /// Opens the places that applications read keys from.
    pub destinations: &'a dyn Destinations,
    /// Makes checks.
    pub checks: &'a dyn Checks,
    /// Keeps the log.
    pub store: &'a dyn Store,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

/// Told about every event right after it was appended.
pub type Listener<'a> = &'a (dyn Fn(&Rotation, &Event) + Send + Sync);

/// Drives the rotations of one account. Secrets live in its memory only, from the moment AWS shows them
/// until every destination has them.
pub struct Engine<'a> {
    ports: Ports<'a>,
    worker: WorkerId,
    listener: Listener<'a>,
    guard: Guard<'a>,
    custody: Mutex<BTreeMap<AccessKeyId, AccessKeyPair>>,
    permits: Permits,
    herald: Option<Herald<'a>>,
}

/// Where a rotation stands after it was driven.
#[derive(Debug)]
pub struct Report {
    /// The rotation.
    pub rotation: Rotation,
    /// What it waits for.
    pub standing: Standing,
}

/// What a rotation waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Time.
    Waits {
        /// When it should be driven again at the latest.
        until: Timestamp,
        /// What for.
        why: String,
    },
    /// A person.
    Asks(Question),
    /// Nothing.
    Ended(Ending),
}

impl<'a> Engine<'a> {
    /// An engine with nothing in custody.
    pub fn new(ports: Ports<'a>, worker: WorkerId, listener: Listener<'a>) -> Self {
        let custody = Mutex::default();
        Self {
            ports,
            worker,
            listener,
            guard: hold::UNGUARDED,
            custody,
            permits: Permits::default(),
            herald: None,
        }
    }

    /// Lets people be told after every pass.
    #[must_use]
    pub fn with_herald(self, herald: Herald<'a>) -> Self {
        Self { herald: Some(herald), ..self }
    }

    /// Begins a rotation. Only its plan is logged; [`Self::tick`] does the rest.
    ///
    /// # Errors
    /// [`StoreError::SubjectBusy`] if the user is being rotated already.
    pub async fn begin(&self, plan: Plan) -> Result<RotationId, JournalError> {
        Journal::begin(self.ports.store, plan, self.ports.clock.now()).await
    }

    /// Drives one rotation until it waits, asks or ends, whoever else is at work on it, and says whose turn it is then.
    ///
    /// # Errors
    /// Its log cannot be read or written, or is broken.
    pub async fn drive(&self, id: &RotationId) -> Result<Report, JournalError> {
        let mut journal = Journal::open(self.ports.store, id).await?;
        let mut memory = Memory::default();
        for _ in 0..MOST_STEPS {
            match self.step(&mut journal, &mut memory).await {
                Ok(Some(standing)) => match self.hand_over(&journal, &standing).await {
                    Ok(()) => return Ok(Report { rotation: journal.rotation().clone(), standing }),
                    Err(_) => {
                        journal = Journal::open(self.ports.store, id).await?;
                        memory.clear();
                    }
                },
                Ok(None) => {}
                // Another worker was faster: it has the right to act, and its log is the truth.
                Err(JournalError::Store(StoreError::Conflict)) => {
                    journal = Journal::open(self.ports.store, id).await?;
                    memory.clear();
                }
                Err(error) => return Err(error),
            }
        }
        let until = self.ports.clock.now() + SignedDuration::from_mins(1);
        let why = format!("paused after {MOST_STEPS} steps in a row");
        let standing = Standing::Waits { until, why };
        // Whoever has appended meanwhile has said whose turn it is.
        let _said = self.hand_over(&journal, &standing).await;
        Ok(Report { rotation: journal.rotation().clone(), standing })
    }

    /// Says whose turn it is. An engine that does not work in the account has no say in this.
    ///
    /// # Errors
    /// Somebody else has appended.
    async fn hand_over(&self, journal: &Journal, standing: &Standing) -> Result<(), StoreError> {
        let rotation = journal.rotation();
        let look_again = look_again(rotation, self.ports.clock.now());
        let turn = match standing {
            Standing::Waits { until, .. } => {
                let due = look_again.min(*until);
                match rotation.awaits_approval(self.ports.clock.now()) {
                    Some(_) => Turn::Person { due: Some(due) },
                    None => Turn::Worker { due },
                }
            }
            Standing::Asks(_) => {
                Turn::Person { due: rotation.must_look_while_asking().then_some(look_again) }
            }
            Standing::Ended(_) => return Ok(()),
        };
        match self.ports.accounts.get(&rotation.plan().subject.account_id) {
            Some(_) => journal.hand_over(self.ports.store, turn).await,
            None => Ok(()),
        }
    }

    /// Asks for the old state back. [`Self::tick`] does it.
    ///
    /// # Errors
    /// [`JournalError::OutOfPlace`] once the old key is deleted, or the rotation is over or on its way back.
    pub async fn roll_back(&self, id: &RotationId, by: &str, why: &str) -> Result<Rotation, JournalError> {
        let event = Event::RollbackRequested { by: by.to_owned(), why: why.to_owned() };
        self.tell(id, &event).await
    }

    /// Answers the question that a rotation asks.
    ///
    /// # Errors
    /// [`JournalError::OutOfPlace`] if it asks none, or the answer does not fit.
    pub async fn answer(&self, id: &RotationId, answer: Answer, by: &str) -> Result<Rotation, JournalError> {
        self.tell(id, &Event::Answered { answer, by: by.to_owned() }).await
    }

    /// Says that applications miss the old key. [`Self::tick`] enables it again.
    ///
    /// # Errors
    /// [`JournalError::OutOfPlace`] while the old key is not disabled, or once it is deleted.
    pub async fn signal(&self, id: &RotationId, by: &str, what: &str) -> Result<Rotation, JournalError> {
        self.tell(id, &Event::Signalled { by: by.to_owned(), what: what.to_owned() }).await
    }

    /// Lets a person agree to a step of a rotation under way.
    ///
    /// # Errors
    /// [`JournalError::OutOfPlace`] if the step needs no approval, or not that person's.
    pub async fn approve(&self, id: &RotationId, approval: Approval) -> Result<Rotation, JournalError> {
        self.tell(id, &Event::Approved { approval }).await
    }

    /// Stops a rotation where it stands and leaves the world as it is.
    ///
    /// # Errors
    /// [`JournalError::OutOfPlace`] while a key may exist that nobody could find, or an effect is under way.
    pub async fn abort(&self, id: &RotationId, by: &str, why: &str) -> Result<Rotation, JournalError> {
        let ending = Ending::Aborted { by: by.to_owned(), why: why.to_owned() };
        self.tell(id, &Event::Closed { ending }).await
    }

    async fn tell(&self, id: &RotationId, event: &Event) -> Result<Rotation, JournalError> {
        let mut journal = Journal::open(self.ports.store, id).await?;
        self.append(&mut journal, event, self.ports.clock.now()).await?;
        // What people did is told by the next pass. If this fails, by a later one.
        let _told_later = herald::look_at_all(self.ports.store).await;
        Ok(journal.rotation().clone())
    }

    /// One step. `None` if there may be another at once.
    async fn step(
        &self,
        journal: &mut Journal,
        memory: &mut Memory,
    ) -> Result<Option<Standing>, JournalError> {
        let now = self.ports.clock.now();
        if let Some(standing) = standing_without_looking(journal.rotation(), now)
            && !journal.rotation().must_look_while_asking()
        {
            return Ok(Some(standing));
        }
        let account_id = journal.rotation().plan().subject.account_id;
        let Some(account) = self.ports.accounts.get(&account_id) else {
            let why = format!("account {account_id} is not among those that this run works in");
            return Ok(Some(Standing::Waits { until: now + LOOK_EVERY, why }));
        };
        if self.take_approvals(journal).await? {
            return Ok(None);
        }
        let permit = self.permits.take(account_id).await;
        // The permit may have been waited for.
        let now = self.ports.clock.now();
        let mut look = look(&self.ports, account, journal.rotation(), memory, now).await;
        look.observed.in_hand.extend(self.custody().keys().cloned());
        // That a key was not used is known up to the instant of the look, and no later.
        let judging_use = journal.rotation().needs_last_used();
        let at = if judging_use { look.observed.looked_at } else { now };
        match journal.rotation().next(&look.observed, at) {
            Next::Do(effect) => {
                if let Some(standing) = self.held_back(journal.rotation(), effect.intent(), now).await? {
                    return Ok(Some(standing));
                }
                let deadline = self.ports.clock.now() + EFFECT_DEADLINE;
                let intent = effect.intent().clone();
                let started = Event::Started { intent, by: self.worker.clone(), deadline };
                self.append(journal, &started, deadline).await?;
                // The append may have taken long. Past the deadline the right to act is somebody else's.
                if self.ports.clock.now() < deadline {
                    let result = self.perform(account, journal.rotation(), effect.intent(), &look).await;
                    memory.forget(effect.intent());
                    let finished = Event::Finished { result };
                    if let Err(error) = self.append_at_work(journal, &finished).await {
                        self.give_up_created(account, journal.rotation(), &finished).await;
                        return Err(error);
                    }
                }
                Ok(None)
            }
            Next::Record(event) => self.append_at_work(journal, &event).await.map(|()| None),
            Next::LookAtUsage { since } => {
                journal.hold(self.ports.store, now + LONGEST_LOOK).await?;
                drop(permit);
                let note = look_at_usage(account, journal.rotation(), since).await;
                self.append_at_work(journal, &Event::Noted { note }).await.map(|()| None)
            }
            Next::Wait { until, .. } if until <= now + NAP => {
                journal.hold(self.ports.store, until + EFFECT_DEADLINE).await?;
                drop(permit);
                self.ports.clock.sleep_until(until).await;
                if judging_use {
                    memory.clear();
                }
                Ok(None)
            }
            Next::Wait { until, why } => Ok(Some(Standing::Waits { until, why })),
            Next::Ask(question) => {
                if journal.rotation().question().is_none() {
                    self.append_at_work(journal, &Event::Asked { question: question.clone() }).await?;
                }
                Ok(Some(Standing::Asks(question)))
            }
            Next::Done(ending) => Ok(Some(Standing::Ended(ending))),
        }
    }

    /// A key whose creation could not be logged will never be delivered: it is disabled at once, as well as
    /// that can be done, and its secret dropped. The next run finds it as an orphan.
    async fn give_up_created(&self, account: Account<'_>, rotation: &Rotation, event: &Event) {
        if let Event::Finished { result: Outcome::Created { key, .. } } = event {
            self.custody().remove(key);
            // If this fails too, the next run does it.
            let _disabled = set_status(account, rotation, key, KeyStatus::Inactive).await;
        }
    }

    /// Appends, and goes on.
    async fn append_at_work(&self, journal: &mut Journal, event: &Event) -> Result<(), JournalError> {
        self.append(journal, event, self.ports.clock.now() + LEASE).await
    }

    /// Appends. Until `due` the rotation is left to whoever appended.
    async fn append(&self, journal: &mut Journal, event: &Event, due: Timestamp) -> Result<(), JournalError> {
        journal.append(self.ports.store, self.ports.clock, event, due).await?;
        self.release_custody(journal.rotation());
        (self.listener)(journal.rotation(), event);
        Ok(())
    }

    async fn perform(
        &self,
        account: Account<'_>,
        rotation: &Rotation,
        intent: &Intent,
        look: &Look,
    ) -> Outcome {
        let named = account.iam.for_rotation(rotation.id());
        let account = Account { iam: named.as_deref().unwrap_or(account.iam), ..account };
        let done = match intent {
            Intent::Create { .. } => return self.create(account, rotation).await,
            Intent::Probe { key } => return self.probe(account, rotation, key, look).await,
            Intent::ProbeService { key, service, region } => match self.pair(key, look) {
                Some(pair) => account.probe.knows(&pair, service, region).await,
                None => Err(secret_missing(key)),
            },
            Intent::Stage { destination, key } => self.put(rotation, *destination, key, look, false).await,
            Intent::Publish { destination, key } => self.put(rotation, *destination, key, look, true).await,
            Intent::Restore { destination, key } => self.restore(rotation, *destination, key, look).await,
            Intent::Forget { destination, key } => match self.open(rotation, *destination) {
                Ok(place) => place.forget(key).await,
                Err(error) => Err(error),
            },
            Intent::Disable { key } => set_status(account, rotation, key, KeyStatus::Inactive).await,
            Intent::Enable { key } => set_status(account, rotation, key, KeyStatus::Active).await,
            Intent::Delete { key } => {
                let user_name = &rotation.plan().subject.user_name;
                match account.iam.delete_access_key(user_name, key).await {
                    // What is gone is deleted.
                    Err(PortError { kind: PortErrorKind::NotFound, .. }) => Ok(()),
                    result => result,
                }
            }
        };
        done.map_or_else(failed, |()| Outcome::Done)
    }

    async fn create(&self, account: Account<'_>, rotation: &Rotation) -> Outcome {
        match account.iam.create_access_key(&rotation.plan().subject.user_name).await {
            Ok(pair) => {
                let outcome = Outcome::Created { key: pair.id.clone(), fingerprint: pair.fingerprint() };
                self.custody().insert(pair.id.clone(), pair);
                outcome
            }
            Err(error) => failed(error),
        }
    }

    async fn probe(
        &self,
        account: Account<'_>,
        rotation: &Rotation,
        key: &AccessKeyId,
        look: &Look,
    ) -> Outcome {
        let subject = &rotation.plan().subject;
        let Some(pair) = self.pair(key, look) else { return failed(secret_missing(key)) };
        match account.probe.identify(&pair).await {
            Ok(identity)
                if identity.account_id == subject.account_id
                    && identity.arn.rsplit('/').next() == Some(subject.user_name.as_str()) =>
            {
                Outcome::Accepted { account_id: identity.account_id, arn: identity.arn }
            }
            Ok(identity) => Outcome::Failed {
                kind: FailureKind::Invalid,
                message: format!("AWS takes the holder of the key for {}", identity.arn),
            },
            Err(error) => failed(error),
        }
    }

    async fn put(
        &self,
        rotation: &Rotation,
        destination: usize,
        key: &AccessKeyId,
        look: &Look,
        publish: bool,
    ) -> Result<(), PortError> {
        let place = self.open(rotation, destination)?;
        let pair = self.pair(key, look).ok_or_else(|| secret_missing(key))?;
        if publish { place.publish(&pair).await } else { place.stage(&pair).await }
    }

    /// A place that has only the mark of the key gets the pair from another place.
    async fn restore(
        &self,
        rotation: &Rotation,
        destination: usize,
        key: &AccessKeyId,
        look: &Look,
    ) -> Result<(), PortError> {
        let place = self.open(rotation, destination)?;
        match (place.restore(key).await, self.pair(key, look)) {
            (Err(PortError { kind: PortErrorKind::NotFound, .. }), Some(pair)) => place.publish(&pair).await,
            (result, _) => result,
        }
    }

    fn open(&self, rotation: &Rotation, destination: usize) -> Result<Box<dyn Destination>, PortError> {
        let spec = rotation.plan().destinations.get(destination).ok_or_else(|| {
            PortError::new(PortErrorKind::Invalid, "open destination", "the plan has no such destination")
        })?;
        self.ports.destinations.open(spec)
    }

    fn pair(&self, key: &AccessKeyId, look: &Look) -> Option<AccessKeyPair> {
        let custody = self.custody();
        custody.get(key).or_else(|| look.pairs.get(key)).map(AccessKeyPair::duplicate)
    }

    /// Drops the secret of a new key as soon as the destinations have it, or it is given up.
    fn release_custody(&self, rotation: &Rotation) {
        let still_needed = matches!(rotation.state(), State::Delivering { .. } | State::Verifying { .. });
        if let Some(new) = rotation.new_key().filter(|_| !still_needed) {
            self.custody().remove(new);
        }
        if let State::Orphaned { orphan, .. } = rotation.state() {
            self.custody().remove(orphan);
        }
    }

    fn custody(&self) -> MutexGuard<'_, BTreeMap<AccessKeyId, AccessKeyPair>> {
        self.custody.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a rotation that waits is looked at in any case. A use from before its old key was disabled shows some hours
/// later, and is not to be missed for a day.
fn look_again(rotation: &Rotation, now: Timestamp) -> Timestamp {
    match rotation.state() {
        State::Disabled { since: Some(since), .. } if now < *since + LAST_USED_LAG => *since + LAST_USED_LAG,
        _ => now + LOOK_EVERY,
    }
}

/// Where a rotation stands if that follows from its log alone.
pub fn standing_without_looking(rotation: &Rotation, now: Timestamp) -> Option<Standing> {
    if let Some(ending) = rotation.ending() {
        return Some(Standing::Ended(ending.clone()));
    }
    if let Some(until) = rotation.asleep_until(now) {
        let why = "a step is under way, or was cut off; it is over at the latest by then".to_owned();
        return Some(Standing::Waits { until, why });
    }
    rotation.question().map(|question| Standing::Asks(question.clone()))
}

async fn set_status(
    account: Account<'_>,
    rotation: &Rotation,
    key: &AccessKeyId,
    status: KeyStatus,
) -> Result<(), PortError> {
    account.iam.set_status(&rotation.plan().subject.user_name, key, status).await
}

fn failed(error: PortError) -> Outcome {
    Outcome::Failed { kind: error.kind, message: error.to_string() }
}

fn secret_missing(key: &AccessKeyId) -> PortError {
    PortError::new(PortErrorKind::Invalid, "take the secret", format!("the secret of {key} is not at hand"))
}
