//! Opens SQLite files, and makes them whole or not at all.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use rotakey_engine::store::StoreError;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqlitePool};

use crate::error::{of_file, of_sqlite, shown};
use crate::schema::{Schema, SchemaVersion};

/// What is in a file, and how it is used.
pub(crate) struct Kind {
    /// Its tables.
    pub(crate) schema: Schema,
    /// How long one process waits for another one that is writing.
    pub(crate) busy_timeout: Duration,
}

/// Opens the file, and makes it (0600, its directory 0700) if nothing is there. One connection only: writers wait for
/// one another in any case, and here they do so without a lock.
pub(crate) async fn open(path: &Path, kind: &Kind) -> Result<SqlitePool, StoreError> {
    if !exists(path)? {
        create(path, kind).await?;
    }
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options(path, kind))
        .await
        .map_err(|error| of_sqlite(path, &error))?;
    let mut connection = pool.acquire().await.map_err(|error| of_sqlite(path, &error))?;
    kind.schema.open(path, &mut connection).await?;
    drop(connection);
    Ok(pool)
}

/// The version of the schema in the file. Changes nothing.
pub(crate) async fn found(path: &Path, kind: &Kind) -> Result<SchemaVersion, StoreError> {
    let known = kind.schema.version();
    if !exists(path)? {
        return Ok(SchemaVersion { found: None, known });
    }
    let failed = |error: sqlx::Error| of_sqlite(path, &error);
    let mut connection = options(path, kind).connect().await.map_err(failed)?;
    let found = kind.schema.found(path, &mut connection).await;
    connection.close().await.map_err(failed)?;
    Ok(SchemaVersion { found: Some(found?), known })
}

/// Whether there is a file that may be a store.
fn exists(path: &Path) -> Result<bool, StoreError> {
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(foreign(path, "it is not a regular file")),
        // SQLite takes an empty file for a new database. It may be what was left of a log.
        Ok(metadata) if metadata.len() == 0 => Err(foreign(path, "the file is empty")),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(of_file(path, &error)),
    }
}

fn options(path: &Path, kind: &Kind) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(kind.busy_timeout)
        .foreign_keys(true)
        // Every commit is on disk before it returns: winning an append is the right to act, and what was
        // ingested may be deleted from its queue.
        .synchronous(SqliteSynchronous::Full)
}

/// Makes a whole store beside the path and then gives it its name, so that no process ever finds half of
/// one. If another process was faster, its store stands.
async fn create(path: &Path, kind: &Kind) -> Result<(), StoreError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let failed = |error: &io::Error| of_file(path, error);
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| failed(&error))?;
    // Made by `tempfile` for the mode (0600), which SQLite copies to the files that it adds. It is closed
    // before SQLite opens it: closing it later would end the locks that SQLite holds on it.
    let unnamed = tempfile::Builder::new()
        .prefix(".rotakey-store-")
        .tempfile_in(directory)
        .map_err(|error| failed(&error))?
        .into_temp_path();
    let prepared = async {
        let mut connection = options(&unnamed, kind).connect().await?;
        kind.schema.create(&mut connection).await?;
        connection.close().await
    };
    prepared.await.map_err(|error| of_sqlite(path, &error))?;
    match unnamed.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(failed(&error.error)),
        _ => File::open(directory).and_then(|file| file.sync_all()).map_err(|error| failed(&error)),
    }
}

fn foreign(path: &Path, message: &str) -> StoreError {
    StoreError::Foreign { location: shown(path), message: message.to_owned() }
}
