//! The port of the rotation log.

use async_trait::async_trait;
use rotakey_core::id::RotationId;
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
}

/// One rotation in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationSummary {
    /// The rotation.
    pub id: RotationId,
    /// Whose key it rotates.
    pub subject: Subject,
    /// Whether it has not ended.
    pub open: bool,
    /// How many records its log has.
    pub version: u64,
}

/// Keeps rotation logs. Several processes may use one store at a time.
#[async_trait]
pub trait Store: Send + Sync {
    /// Appends all records durably, or none. Winning the append of a started effect is the right to act.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the log does not have exactly `expected_version` records;
    /// [`StoreError::SubjectBusy`] if a rotation begins while the same user (by its immutable id) has an
    /// open one.
    async fn append(&self, append: Append<'_>) -> Result<(), StoreError>;

    /// All records of a rotation, in order; none if there is no such rotation.
    async fn load(&self, rotation: &RotationId) -> Result<Vec<Record>, StoreError>;

    /// All rotations, in the order in which they began.
    async fn rotations(&self) -> Result<Vec<RotationSummary>, StoreError>;
}
