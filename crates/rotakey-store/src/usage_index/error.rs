//! Why an index could not be read or written.

use rotakey_engine::store::StoreError;

/// Why an index could not be read or written. Nothing was added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// Somebody else added a file or an event that this batch has. Begin again.
    #[error("somebody else has added the same files or events in the meantime")]
    Conflict,
    /// What the index is kept in failed.
    #[error(transparent)]
    Medium(#[from] StoreError),
}
