//! The rotation log.

mod rows;
pub(crate) mod sqlite;

pub use sqlite::SqliteStore;
