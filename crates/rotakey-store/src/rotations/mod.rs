//! The rotation log, in either database.

mod postgres;
mod rows;
pub(crate) mod sqlite;

pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;
