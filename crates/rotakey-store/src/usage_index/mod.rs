//! The index of the use of keys: what was read of a trail once, summed up by day, so that questions about years are
//! answered in milliseconds.
//!
//! Several processes may add to one index and ask it at a time. What is added is added by one transaction, with the
//! names of the files that it is from: a process that is killed leaves all of it or nothing, and who begins again
//! is told which files are there already.
//!
//! Copies of one event in several files are the reader's to remove. For copies that come in different batches the
//! index keeps a fingerprint of 64 bits of each event, for as many days as [`Commit::seen_days`] says before the last
//! day of the newest batch: 8 bytes for each event of those days, in the index and in the memory of a reader that
//! asks for them. A copy that comes later is counted again.

mod commit;
mod error;
mod file;
mod ingest;
mod postgres;
mod question;
mod source;
pub(crate) mod sqlite;
mod tables;

use std::ops::RangeInclusive;

use async_trait::async_trait;
use rotakey_trail::event_time::EventTime;
use rotakey_trail::key_use::KeyUses;
use rotakey_trail::rollup::{Batch, Seen};
use rotakey_trail::usage::GroupBy;
use rotakey_trail::usage::schema::KeyUsage;

pub use error::IndexError;
pub use file::{FileState, IndexFile};
pub use ingest::{Ingest, Ingested, Reading};
pub use postgres::PostgresIndex;
pub use source::IndexSource;
pub use sqlite::SqliteIndex;

pub use crate::location::{InvalidLocation, Location};

/// How many days fingerprints of events are kept for, unless somebody wants it otherwise.
pub const SEEN_DAYS: u32 = 7;

/// An index, wherever it is.
#[async_trait]
pub trait UsageIndex: Send + Sync {
    /// Says which of these files are there already, in their order. Nothing is locked: whoever commits learns
    /// whether somebody else was faster.
    async fn begin(&self, files: &[IndexFile]) -> Result<Begun, IndexError>;

    /// The events that are known of those days, sorted and distinct; if `since` is given, those that were added
    /// since somebody began so. To be asked after [`begin`](Self::begin), so that a commit of somebody else in
    /// between is noticed.
    async fn seen(&self, days: RangeInclusive<i64>, since: Option<&Begun>) -> Result<Seen, IndexError>;

    /// Adds a batch, durably, or nothing of it.
    ///
    /// # Errors
    /// [`IndexError::Conflict`] if one of the files is there by now, or somebody else added one of the events
    /// since [`begin`](Self::begin): begin again.
    async fn commit(&self, commit: Commit<'_>) -> Result<(), IndexError>;

    /// The use of keys, in the order of [`rollup::usage`](rotakey_trail::rollup::usage()).
    async fn usage(&self, question: &Question) -> Result<Vec<KeyUsage>, IndexError>;

    /// Who used one key and the sessions that were minted with it, from the day of that instant on.
    async fn consumers(&self, key: &str, from: EventTime) -> Result<KeyConsumers, IndexError>;

    /// All keys ever seen, sorted by id. Also those of which all days were pruned and that were seen again since;
    /// the counts are of all time.
    async fn keys(&self) -> Result<Vec<KnownKey>, IndexError>;

    /// Forgets all days before this one, and adds nothing of them any more. Returns how many rows went.
    async fn prune(&self, before: i64) -> Result<u64, IndexError>;

    /// What is in it.
    async fn stats(&self) -> Result<Stats, IndexError>;

    /// Waits until it is closed.
    async fn close(self: Box<Self>);
}

/// Opens an index, and makes it if there is none.
///
/// # Errors
/// As [`SqliteIndex::open`] and [`PostgresIndex::open`].
pub async fn open(location: &Location) -> Result<Box<dyn UsageIndex>, IndexError> {
    Ok(match location {
        Location::Sqlite(path) => Box::new(SqliteIndex::open(path).await?),
        Location::Postgres(server) => Box::new(PostgresIndex::open(server).await?),
    })
}

/// What the index knew when somebody began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Of each file, whether it is there.
    pub files: Vec<FileState>,
    /// The last batch that was there.
    pub(crate) last_batch: i64,
}

/// What is to be added.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    /// What the index said before the files were read.
    pub begun: &'a Begun,
    /// The files that were read, all of them new and no two of one name.
    pub files: &'a [IndexFile],
    /// What was in them.
    pub batch: &'a Batch,
    /// The events of the batch. None of them is of those that [`UsageIndex::seen`] knew.
    pub seen: &'a Seen,
    /// For how many days to keep fingerprints, see [`SEEN_DAYS`].
    pub seen_days: u32,
    /// The time.
    pub now: EventTime,
}

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// About these keys; empty means all.
    pub keys: Vec<String>,
    /// The first day.
    pub from: Option<i64>,
    /// The first day that is too late.
    pub until: Option<i64>,
    /// What the rows are put together by.
    pub by: GroupBy,
}

/// Who used a key, see [`UsageIndex::consumers`].
#[derive(Debug, Default)]
pub struct KeyConsumers {
    /// The uses.
    pub uses: KeyUses,
    /// The first day of the index, if there is anything in it.
    pub first_day: Option<i64>,
    /// The last call of any key: until then absence means something.
    pub told_until: Option<EventTime>,
}

/// A key in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in `KeyUsage`")]
pub struct KnownKey {
    pub access_key_id: String,
    pub calls: u64,
    /// `None` for a session key that was given out and never used.
    pub first_at: Option<EventTime>,
    pub last_at: Option<EventTime>,
}

/// What is in an index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Files that were added.
    pub files: u64,
    /// Transactions that added them.
    pub batches: u64,
    /// Calls that were added, also of days that were pruned.
    pub calls: u64,
    /// Keys.
    pub keys: u64,
    /// Rows by day.
    pub rows: u64,
    /// Calls that gave out a session key.
    pub minted: u64,
    /// The first and the last day with a row.
    pub days: Option<RangeInclusive<i64>>,
    /// Events that copies are known by.
    pub seen_events: u64,
    /// Bytes on disk.
    pub bytes: u64,
}
