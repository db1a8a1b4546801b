//! The cache of scans in an SQLite file, for one machine, and in PostgreSQL, for several.
//!
//! The contract is that of [`rotakey_scan::cache`]. What is added is added by one transaction.

mod postgres;
mod rows;
pub(crate) mod sqlite;

use rotakey_engine::store::StoreError;
use rotakey_scan::cache::{CacheError, ScanCache};

pub use postgres::PostgresCache;
pub use sqlite::SqliteCache;

pub use crate::location::{InvalidLocation, Location};

/// Opens a cache, and makes it if there is none.
///
/// # Errors
/// As [`SqliteCache::open`] and [`PostgresCache::open`].
pub async fn open(location: &Location) -> Result<Box<dyn ScanCache>, CacheError> {
    Ok(match location {
        Location::Sqlite(path) => Box::new(SqliteCache::open(path).await?),
        Location::Postgres(server) => Box::new(PostgresCache::open(server).await?),
    })
}

/// What an error of a store is to a cache.
fn cache_error(error: StoreError) -> CacheError {
    match error {
        StoreError::ReadOnly { location } => CacheError::ReadOnly { location },
        StoreError::Full { location } => CacheError::Full { location },
        StoreError::Newer { location, found, known } => CacheError::Newer { location, found, known },
        StoreError::Foreign { location, message } => CacheError::Foreign { location, message },
        StoreError::Unavailable { location, message } => CacheError::Unavailable { location, message },
        // Those are of rotations.
        StoreError::Conflict | StoreError::SubjectBusy { .. } => {
            CacheError::Unavailable { location: "the cache".to_owned(), message: error.to_string() }
        }
    }
}
