//! The rotation log, in either database.

mod deliveries;
mod location;
mod postgres;
mod rows;
pub(crate) mod sqlite;

pub use location::{LogLocation, TableName};
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;
