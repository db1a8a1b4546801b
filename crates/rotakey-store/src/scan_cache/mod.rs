//! The cache of scans: in an SQLite file, for one machine; in PostgreSQL, an object store or a folder, for several.
//!
//! The contract is that of [`rotakey_scan::cache`], which also has what keeps it in objects. In a database, what is
//! added is added by one transaction.

mod location;
mod postgres;
mod rows;
pub(crate) mod sqlite;

use std::sync::Arc;

use rotakey_engine::store::StoreError;
use rotakey_scan::cache::{CacheError, ObjectCache, ScanCache};
use rotakey_trail::source::objects::{self, ObjectStores};

pub use location::{CacheLocation, ObjectUrl};
pub use postgres::PostgresCache;
pub use sqlite::SqliteCache;

pub use crate::location::{InvalidLocation, Location};

/// Opens a cache, and makes it if there is none. `stores` says how to reach object stores; for other locations it is
/// not needed.
///
/// # Errors
/// As [`SqliteCache::open`], [`PostgresCache::open`] and [`ObjectCache::in_folder`]; [`CacheError::Unavailable`] if there
/// is no such object store. Whether one answers is seen by the first question.
pub async fn open(
    location: &CacheLocation,
    stores: Option<Arc<ObjectStores>>,
) -> Result<Box<dyn ScanCache>, CacheError> {
    Ok(match location {
        CacheLocation::Database(Location::Sqlite(path)) => Box::new(SqliteCache::open(path).await?),
        CacheLocation::Database(Location::Postgres(server)) => Box::new(PostgresCache::open(server).await?),
        CacheLocation::Folder(folder) => Box::new(ObjectCache::in_folder(folder)?),
        CacheLocation::Objects(url) => {
            let (url, shown) = (url.as_str().to_owned(), location.to_string());
            // It may wait for the store to say where it is.
            let found = tokio::task::spawn_blocking(move || match stores {
                Some(stores) => stores.at(&url),
                None => Err(objects::StoreError::NoStores),
            });
            let failed = |message: String| CacheError::Unavailable { location: shown.clone(), message };
            let (store, prefix) = match found.await {
                Ok(found) => found.map_err(|error| failed(error.to_string()))?,
                Err(error) => return Err(failed(error.to_string())),
            };
            Box::new(ObjectCache::new(store, prefix, shown))
        }
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
        StoreError::Missing { location, message } | StoreError::Denied { location, message } => {
            CacheError::Unavailable { location, message }
        }
        // Those are of rotations.
        StoreError::Conflict | StoreError::SubjectBusy { .. } => {
            CacheError::Unavailable { location: "the cache".to_owned(), message: error.to_string() }
        }
    }
}
