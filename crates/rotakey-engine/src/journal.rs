//! The log of one rotation, open for appending.

use jiff::{SignedDuration, Timestamp};
use rotakey_core::id::RotationId;
use rotakey_core::rotate::{
    BrokenLog, ChainHash, Entry, Event, IllegalEvent, IllegalHistory, Plan, Record, Rotation,
};

use crate::port::Clock;
use crate::store::{Append, Store, StoreError, Turn};

/// How often a failed append is tried again before its event is given up.
const ATTEMPTS: u32 = 4;

/// Why a rotation could not be moved on.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The hash chain does not hold.
    #[error(transparent)]
    Broken(#[from] BrokenLog),
    /// The chain holds, but no run of the machine can have written this.
    #[error(transparent)]
    Illegal(#[from] IllegalHistory),
    /// The event makes no sense where the rotation stands.
    #[error(transparent)]
    OutOfPlace(#[from] IllegalEvent),
    /// There is no such rotation.
    #[error("there is no rotation {0}")]
    Unknown(RotationId),
}

/// The log of one rotation with the state that it folds to. Nothing is in the state that is not in the log.
#[derive(Debug)]
pub(crate) struct Journal {
    rotation: Rotation,
    head: ChainHash,
    /// Until when the rotation is left to this worker, if it has said so.
    due: Option<Timestamp>,
}

impl Journal {
    /// Begins a log with its plan.
    pub(crate) async fn begin(
        store: &dyn Store,
        plan: Plan,
        at: Timestamp,
    ) -> Result<RotationId, JournalError> {
        let id = plan.rotation_id(at);
        let event = Event::Planned { plan: Box::new(plan.clone()) };
        let record = Record::seal(&id, 1, at, &event, &ChainHash::origin(&id));
        store
            .append(Append {
                rotation: &id,
                subject: &plan.subject,
                expected_version: 0,
                records: &[record],
                closes: false,
                turn: Turn::Worker { due: at },
            })
            .await?;
        Ok(id)
    }

    /// Reads a log, checks its chain and folds it.
    pub(crate) async fn open(store: &dyn Store, id: &RotationId) -> Result<Self, JournalError> {
        let entries = read(store, id).await?;
        let rotation = Rotation::replay(id, &entries)?;
        let head = entries.last().map_or_else(|| ChainHash::origin(id), |entry| entry.hash.clone());
        Ok(Self { rotation, head, due: None })
    }

    /// The state.
    pub(crate) fn rotation(&self) -> &Rotation {
        &self.rotation
    }

    /// Appends one event, and only then lets it count. A store that does not answer is asked again some
    /// times: an outcome that is not logged is an outcome that has to be guessed later. Until `due` the rotation is
    /// left to this worker.
    pub(crate) async fn append(
        &mut self,
        store: &dyn Store,
        clock: &dyn Clock,
        event: &Event,
        due: Timestamp,
    ) -> Result<(), JournalError> {
        let at = clock.now();
        let moved = self.rotation.clone().apply(event, at)?;
        let record = Record::seal(moved.id(), moved.version(), at, event, &self.head);
        let append = Append {
            rotation: moved.id(),
            subject: &moved.plan().subject,
            expected_version: self.rotation.version(),
            records: std::slice::from_ref(&record),
            closes: moved.ending().is_some(),
            turn: Turn::Worker { due },
        };
        let mut attempt = 1;
        while let Err(error) = store.append(append).await {
            match error {
                // After an attempt that failed without an answer, the conflict may be our own record.
                StoreError::Conflict if attempt > 1 && self.is_in(store, &record).await? => break,
                StoreError::Unavailable { .. } | StoreError::Full { .. } if attempt < ATTEMPTS => {
                    clock.sleep_until(clock.now() + SignedDuration::from_secs(1 << attempt)).await;
                    attempt += 1;
                }
                error => return Err(error.into()),
            }
        }
        self.rotation = moved;
        self.head = record.hash;
        self.due = Some(due);
        Ok(())
    }

    /// Sees to it that the rotation is left to this worker until then. That this fails is no reason to stop, unless
    /// somebody else has appended.
    pub(crate) async fn hold(&mut self, store: &dyn Store, until: Timestamp) -> Result<(), StoreError> {
        if self.due.is_some_and(|due| due >= until) {
            return Ok(());
        }
        self.due = Some(until);
        self.hand_over(store, Turn::Worker { due: until }).await
    }

    /// Says whose turn it is. That this fails is no reason to stop, unless somebody else has appended: the rotation is
    /// due when the lease ends.
    pub(crate) async fn hand_over(&self, store: &dyn Store, turn: Turn) -> Result<(), StoreError> {
        match store.hand_over(self.rotation.id(), self.rotation.version(), turn).await {
            Err(StoreError::Conflict) => Err(StoreError::Conflict),
            _ => Ok(()),
        }
    }

    async fn is_in(&self, store: &dyn Store, record: &Record) -> Result<bool, StoreError> {
        Ok(store.load(self.rotation.id()).await?.last() == Some(record))
    }
}

/// The entries of a rotation's log, after a check of the hash chain.
///
/// # Errors
/// [`JournalError::Unknown`] if there is no such rotation, [`JournalError::Broken`] with the place where the
/// chain does not hold.
pub async fn read(store: &dyn Store, id: &RotationId) -> Result<Vec<Entry>, JournalError> {
    let records = store.load(id).await?;
    if records.is_empty() {
        return Err(JournalError::Unknown(id.clone()));
    }
    Ok(Entry::open_all(id, &records)?)
}
