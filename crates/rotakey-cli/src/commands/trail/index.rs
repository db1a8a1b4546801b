//! The index of the use of keys, as arguments name it.

use clap::Args;
use rotakey_engine::store::StoreError;
use rotakey_store::usage_index::{self, IndexError, Location, UsageIndex};

use crate::error::CommandError;
use crate::places;

/// Which index.
#[derive(Debug, Args)]
pub(super) struct IndexArgs {
    // A text, and not read by clap: that would repeat a wrong one, with the password that may be in it.
    /// The index: sqlite:FILE or postgres://USER@HOST/DATABASE (a password is better in PGPASSWORD or
    /// ~/.pgpass than here) [default: rotakey/usage.db in $XDG_STATE_HOME]
    #[arg(long, value_name = "INDEX", env = "ROTAKEY_INDEX", hide_env_values = true)]
    index: Option<String>,
}

impl IndexArgs {
    /// Whether the arguments or the environment name one.
    pub(super) fn is_named(&self) -> bool {
        self.index.is_some()
    }

    /// Where it is.
    pub(super) fn location(&self) -> Result<Location, CommandError> {
        match &self.index {
            Some(text) => text.parse().map_err(|error: usage_index::InvalidLocation| {
                CommandError::usage(error)
                    .hint("Name it with --index sqlite:FILE or --index postgres://USER@HOST/DATABASE.")
            }),
            None => Ok(Location::Sqlite(places::usage_index()?)),
        }
    }

    /// Opens it, and makes it if there is none.
    pub(super) async fn open(&self) -> Result<Box<dyn UsageIndex>, CommandError> {
        usage_index::open(&self.location()?).await.map_err(index_error)
    }
}

/// The index could not be read or written.
pub(super) fn index_error(error: IndexError) -> CommandError {
    let hint = match &error {
        IndexError::Conflict => "Others add to the same index without a pause; run the command again.",
        IndexError::Medium(error) => match error {
            StoreError::ReadOnly { .. } => {
                "Nothing was changed. Name one that can be written to with --index."
            }
            StoreError::Full { .. } => "Nothing was lost. Make room, and run the command again.",
            StoreError::Newer { .. } => "Install that rotakey, or name another index with --index.",
            StoreError::Foreign { .. } => "Name the right one with --index; nothing was changed in this one.",
            _ => "Check that it can be reached, read and written, and run the command again.",
        },
    };
    CommandError::failure(error).hint(hint)
}
