//! What was scanned before: each blob once, across forks, machines and runs.
//!
//! A cache answers for *units*: a blob, or a whole pack of git's. A night after which nothing has changed costs one
//! question for each pack; a pack that is new costs one for each of its blobs, and only those that nobody has scanned
//! yet are scanned. [`session`] decides this for a repository; the adapters only keep what they are told.
//!
//! - **Other rules, other answers.** Whatever is kept is kept for one [`RulesVersion`], and unknown to all others.
//! - **Whole ids are compared**, never parts of them. Two contents of one id are one content here, as they are to git;
//!   ids and checksums are taken as the repository has them, as git does when it reads.
//! - **Only what was read whole is kept.** A blob with something in it that could not be read is scanned again.
//! - **No secret is kept**: a [`CachedFinding`] has the digests of a value and its redacted form.
//! - **A cache that fails is no reason not to scan.** Its errors are for the caller to tell, who goes on without it.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod error;
pub mod finding;
pub mod id_set;
pub mod memory;
#[cfg(feature = "objects")]
pub mod objects;
pub mod rules;
pub mod session;

use async_trait::async_trait;

pub use self::error::CacheError;
pub use self::finding::CachedFinding;
pub use self::memory::MemoryCache;
#[cfg(feature = "objects")]
pub use self::objects::ObjectCache;
pub use self::rules::RulesVersion;
use crate::object_id::ObjectId;

/// What is scanned and known as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// A blob.
    Blob(ObjectId),
    /// All blobs of a pack, by the checksum at its end. It is as long as the ids in it, so that packs of SHA-1 and of
    /// SHA-256 are told apart.
    Pack(ObjectId),
}

impl Unit {
    /// The id, or the checksum.
    pub fn id(&self) -> &ObjectId {
        match self {
            Self::Blob(id) | Self::Pack(id) => id,
        }
    }
}

/// What came of the scan of a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many blobs the unit has. 1 for a blob.
    pub blobs: u64,
    /// What was found: almost always nothing.
    pub findings: Vec<CachedFinding>,
}

/// A unit that was scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub unit: Unit,
    /// What came of it.
    pub outcome: Outcome,
}

/// A run of scans, to a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// What it scans by.
    pub rules: RulesVersion,
    /// When it began, in days since the beginning of 1970.
    pub day: i64,
}

/// What is in a cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Sets of rules that something is known by.
    pub rules: u64,
    /// Blobs that are known, counted for each set of rules.
    pub blobs: u64,
    /// Packs, likewise.
    pub packs: u64,
    /// Those of both that something was found in.
    pub with_findings: u64,
    /// Bytes where it is kept.
    pub bytes: u64,
}

/// Keeps what was scanned. Several processes and machines may use one cache at a time, and need not know of each other.
#[async_trait]
pub trait ScanCache: Send + Sync {
    /// What is known of these units by the run's rules, in their order; `None` of what is not. Any number of them, in any
    /// order. A unit that was asked for counts as used on the day of the run (roughly: an adapter may write this down only
    /// once in [`USED`] days).
    async fn look_up(&self, run: &Run, units: &[Unit]) -> Result<Vec<Option<Outcome>>, CacheError>;

    /// Adds what came of scans, all of it or nothing, also if the process is killed. Of a unit that is there already the old
    /// outcome stays: by the same rules it is the same. This handle knows it from now on, others at the latest when
    /// [`close`](Self::close) has returned.
    async fn add(&self, run: &Run, entries: &[Entry]) -> Result<(), CacheError>;

    /// Forgets what was last used more than [`USED`] days before that day. Returns how many units went. Of a pack that is
    /// asked for and known, the blobs are not asked for: they go, and are scanned again when it is repacked.
    async fn prune(&self, before: i64) -> Result<u64, CacheError>;

    /// What is in it.
    async fn stats(&self) -> Result<Stats, CacheError>;

    /// Writes what is not written yet, and waits until it is closed.
    async fn close(self: Box<Self>) -> Result<(), CacheError>;
}

/// For how many days a use of a unit need not be written down again, so that asking writes seldom.
pub const USED: i64 = 32;
