//! The port of the rotation log.

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_core::id::{AccountId, RotationId};
use rotakey_core::rotate::{Record, Subject};

/// Why the log could not be read or written. Nothing was appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Somebody else appended since the log was read.
    #[error("another worker has moved this rotation on")]
    Conflict,
    /// The user has an open rotation already.
    #[error("the user is being rotated already ({rotation})")]
    SubjectBusy {
        /// That rotation.
        rotation: RotationId,
    },
    /// The medium cannot be written to.
    #[error("{location} is read-only")]
    ReadOnly {
        /// Where the log is kept.
        location: String,
    },
    /// There is no space left.
    #[error("no space left for {location}")]
    Full {
        /// Where the log is kept.
        location: String,
    },
    /// A later version of rotakey has written here.
    #[error("{location} was written by a newer rotakey (its schema is {found}, this program knows {known})")]
    Newer {
        /// Where the log is kept.
        location: String,
        /// The schema version found.
        found: i64,
        /// The newest schema version that this program knows.
        known: i64,
    },
    /// What is there is not a rotation log.
    #[error("{location} is not a rotakey store: {message}")]
    Foreign {
        /// Where the log should be.
        location: String,
        /// What is there instead.
        message: String,
    },
    /// There is no store yet, and none is made unasked.
    #[error("{location}: {message}")]
    Missing {
        /// Where the log should be.
        location: String,
        /// What is missing.
        message: String,
    },
    /// Whoever asks may not.
    #[error("{location}: {message}")]
    Denied {
        /// Where the log is kept.
        location: String,
        /// What it said.
        message: String,
    },
    /// It did not answer, or answered with an error of its own.
    #[error("{location}: {message}")]
    Unavailable {
        /// Where the log is kept.
        location: String,
        /// What it said.
        message: String,
    },
}

/// Records to be appended to one rotation.
#[derive(Debug, Clone, Copy)]
pub struct Append<'a> {
    /// The rotation.
    pub rotation: &'a RotationId,
    /// Whose key it rotates.
    pub subject: &'a Subject,
    /// How many records the log had when it was read; 0 begins a rotation.
    pub expected_version: u64,
    /// The records, in order, the first with version `expected_version + 1`. Never empty.
    pub records: &'a [Record],
    /// Whether the last of them ends the rotation.
    pub closes: bool,
    /// Whose turn it is then. Means nothing if the rotation ends.
    pub turn: Turn,
}

/// Whose turn it is to move an open rotation on. It is no part of the log and gives no right to act: it says who is
/// to look, and only winning the append of a started effect is the right to do something.
///
/// A store keeps and compares instants to the microsecond, rounded up ([`microseconds`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// A worker's, from that instant on.
    Worker {
        /// When the rotation is due.
        due: Timestamp,
    },
    /// A person's, who is asked something.
    Person {
        /// When a worker looks all the same, if one must.
        due: Option<Timestamp>,
    },
}

impl Turn {
    /// From when on a worker may claim the rotation; `None` for never.
    pub fn due(self) -> Option<Timestamp> {
        match self {
            Self::Worker { due } => Some(due),
            Self::Person { due } => due,
        }
    }

    /// Whether a person is asked.
    pub fn asks(self) -> bool {
        matches!(self, Self::Person { .. })
    }

    /// The same turn, due at another instant.
    pub fn at(self, due: Timestamp) -> Self {
        match self {
            Self::Worker { .. } => Self::Worker { due },
            Self::Person { .. } => Self::Person { due: Some(due) },
        }
    }

    /// What [`Self::due`] and [`Self::asks`] gave; `None` if they can have come from no turn.
    pub fn from_parts(due: Option<Timestamp>, asks: bool) -> Option<Self> {
        match (due, asks) {
            (due, true) => Some(Self::Person { due }),
            (Some(due), false) => Some(Self::Worker { due }),
            (None, false) => None,
        }
    }
}

/// An instant as stores keep it: microseconds since 1970-01-01T00:00:00Z, rounded up.
pub fn microseconds(at: Timestamp) -> i64 {
    let whole = at.as_microsecond();
    whole + i64::from(at.as_nanosecond() > i128::from(whole) * 1000)
}

/// What a worker wants to work on.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Only rotations of these accounts.
    pub accounts: &'a [AccountId],
    /// The worker's present.
    pub now: Timestamp,
    /// Until when the claimed rotations are to be left to this worker: the deadline of its lease.
    pub until: Timestamp,
    /// How many at most.
    pub limit: usize,
}

/// What there will be to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outlook {
    /// When the next rotation is due that is a worker's turn; one that is claimed, when its lease ends.
    pub next: Option<Timestamp>,
    /// Whether a rotation waits for a person.
    pub asks: bool,
}

/// One rotation in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationSummary {
    /// The rotation.
    pub id: RotationId,
    /// Whose key it rotates.
    pub subject: Subject,
    /// Whose turn it is; `None` once it has ended.
    pub turn: Option<Turn>,
    /// How many records its log has.
    pub version: u64,
}

impl RotationSummary {
    /// Whether it has not ended.
    pub fn is_open(&self) -> bool {
        self.turn.is_some()
    }
}

/// Keeps rotation logs. Several processes may use one store at a time.
///
/// Work is shared by leases. A claim is a postponement: [`claim`](Self::claim) takes rotations that are due and makes
/// them due again at the lease's deadline, so that nobody else claims them before, and everybody may afterwards.
/// Every [`append`](Self::append) says anew when the rotation is due, and so renews the lease of a worker that gets on;
/// [`hand_over`](Self::hand_over) ends it. A worker that dies need not be noticed: its lease ends by itself.
///
/// Leases only spare double work. Workers whose clocks differ by more than a lease, and one that wakes up after its
/// lease, work on one rotation at a time; then compare-and-append lets only one of them do each step.
#[async_trait]
pub trait Store: Send + Sync {
    /// Appends all records durably, or none. Winning the append of a started effect is the right to act, whoever
    /// holds a lease. From then on the rotation is due as [`Append::turn`] says; one that ends is never due again.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the log does not have exactly `expected_version` records;
    /// [`StoreError::SubjectBusy`] if a rotation begins while the same user (by its immutable id) has an
    /// open one.
    async fn append(&self, append: Append<'_>) -> Result<(), StoreError>;

    /// Claims open rotations that are due ([`Turn::due`] is not after `now`), those first that have been due for
    /// longest, and of those due at one instant those that began first. They are due again at `until`. Of several
    /// claims at once each rotation goes to one. Costs as much as there is due, however many are stored.
    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<RotationSummary>, StoreError>;

    /// Says whose turn it is without appending anything, and so ends or renews a lease.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the log does not have exactly `version` records, or the rotation has ended: whoever
    /// appended has said whose turn it is.
    async fn hand_over(&self, rotation: &RotationId, version: u64, turn: Turn) -> Result<(), StoreError>;

    /// What there will be to do in these accounts. Costs the same however many rotations are stored.
    async fn outlook(&self, accounts: &[AccountId]) -> Result<Outlook, StoreError>;

    /// All records of a rotation, in order; none if there is no such rotation.
    async fn load(&self, rotation: &RotationId) -> Result<Vec<Record>, StoreError>;

    /// All rotations that have not ended, in the order in which they began. Costs as much as there are of these.
    async fn open_rotations(&self) -> Result<Vec<RotationSummary>, StoreError>;

    /// What is kept under names that begin with that text, in the order of the names: small texts that people say to
    /// all workers at once ([`crate::control`]). What was set before by anybody is seen.
    async fn controls(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError>;

    /// Keeps the text under that name durably in place of what was kept there, or nothing. Idempotent.
    async fn set_control(&self, name: &str, body: Option<&str>) -> Result<(), StoreError>;

    /// All rotations, in the order in which they began.
    async fn rotations(&self) -> Result<Vec<RotationSummary>, StoreError>;
}
