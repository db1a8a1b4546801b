//! A rotation log in an SQLite file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use rotakey_core::id::{InvalidId, RotationId};
use rotakey_core::rotate::{ChainHash, Record, Subject};
use rotakey_engine::store::{Append, RotationSummary, Store, StoreError};
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Row, SqliteConnection, SqlitePool};

use crate::error::of_sqlite;
use crate::schema::Schema;
use crate::sqlite_file::{self, Kind};

/// The file.
pub(crate) const KIND: Kind = Kind {
    schema: Schema {
        // "RTKY"
        application_id: 0x5254_4b59,
        set_application_id: "PRAGMA application_id = 0x52544b59",
        migrations: &[include_str!("schema/1.sql")],
    },
    // An append takes some milliseconds.
    busy_timeout: Duration::from_secs(10),
};

/// A store in an SQLite file. The file is in write-ahead mode: `-wal` and `-shm` beside it belong to it, so
/// it must be on a local disk. An append is on disk when it returns.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    path: PathBuf,
    pool: SqlitePool,
}

impl SqliteStore {
    /// Opens the store at that path, and makes it (0600, its directory 0700) if nothing is there.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] and [`StoreError::Newer`] for a file that is not of this program: it is left
    /// as it is. [`StoreError::ReadOnly`], [`StoreError::Full`] and [`StoreError::Unavailable`] if a store
    /// cannot be made or opened there.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let pool = sqlite_file::open(path, &KIND).await?;
        Ok(Self { path: path.to_owned(), pool })
    }

    /// Where the store is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until the file is closed. A store that is dropped is closed a little later.
    pub async fn close(self) {
        self.pool.close().await;
    }

    fn failed(&self, error: &sqlx::Error) -> StoreError {
        of_sqlite(&self.path, error)
    }

    /// Appends, and gives up the connection if that fails: on an error such as a full disk SQLite ends the
    /// transaction by itself, which sqlx does not learn of, and would refuse to begin another one.
    async fn append_on_a_sound_connection(&self, append: Append<'_>) -> Result<Appended, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let appended = append_in_one_transaction(&mut connection, append).await;
        if appended.is_err() {
            connection.close_on_drop();
        }
        appended
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn append(&self, append: Append<'_>) -> Result<(), StoreError> {
        match self.append_on_a_sound_connection(append).await {
            Ok(Appended::Yes) => Ok(()),
            Ok(Appended::No(reason)) => Err(reason),
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn load(&self, rotation: &RotationId) -> Result<Vec<Record>, StoreError> {
        let rows = sqlx::query("SELECT version, body, hash FROM record WHERE rotation = $1 ORDER BY version")
            .bind(rotation.as_str())
            .fetch_all(&self.pool)
            .await;
        let records = rows.and_then(|rows| rows.iter().map(record).collect());
        records.map_err(|error| self.failed(&error))
    }

    async fn rotations(&self) -> Result<Vec<RotationSummary>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, account_id, user_name, user_id, open,
                 (SELECT count(*) FROM record WHERE rotation = rotation.id) AS version
             FROM rotation ORDER BY ordinal",
        )
        .fetch_all(&self.pool)
        .await;
        let summaries = rows.and_then(|rows| rows.iter().map(summary).collect());
        summaries.map_err(|error| self.failed(&error))
    }
}

/// All records or none.
async fn append_in_one_transaction(
    connection: &mut SqliteConnection,
    append: Append<'_>,
) -> Result<Appended, sqlx::Error> {
    // Immediate: what is compared here is still so when the records are written.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let log = sqlx::query(
        "SELECT open, (SELECT count(*) FROM record WHERE rotation = rotation.id) AS version
         FROM rotation WHERE id = $1",
    )
    .bind(append.rotation.as_str())
    .fetch_optional(&mut *transaction)
    .await?;
    match log {
        Some(log) => {
            let (open, version): (bool, i64) = (log.try_get("open")?, log.try_get("version")?);
            if !open || u64::try_from(version) != Ok(append.expected_version) {
                return Ok(Appended::No(StoreError::Conflict));
            }
        }
        None if append.expected_version > 0 => return Ok(Appended::No(StoreError::Conflict)),
        None => {
            if let Some(rotation) = open_rotation(&mut transaction, append.subject).await? {
                return Ok(Appended::No(StoreError::SubjectBusy { rotation }));
            }
            begin_rotation(&mut transaction, append.rotation, append.subject).await?;
        }
    }
    for record in append.records {
        sqlx::query("INSERT INTO record (rotation, version, body, hash) VALUES ($1, $2, $3, $4)")
            .bind(append.rotation.as_str())
            .bind(i64::try_from(record.version).map_err(decode)?)
            .bind(&record.body)
            .bind(record.hash.as_str())
            .execute(&mut *transaction)
            .await?;
    }
    if append.closes {
        sqlx::query("UPDATE rotation SET open = 0 WHERE id = $1")
            .bind(append.rotation.as_str())
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(Appended::Yes)
}

/// Whether a transaction came to its end or was refused, which SQLite has no words for.
enum Appended {
    Yes,
    No(StoreError),
}

async fn open_rotation(
    connection: &mut SqliteConnection,
    subject: &Subject,
) -> Result<Option<RotationId>, sqlx::Error> {
    let row = sqlx::query("SELECT id FROM rotation WHERE user_id = $1 AND open = 1")
        .bind(subject.user_id.as_str())
        .fetch_optional(connection)
        .await?;
    row.map(|row| parsed(&row, "id")).transpose()
}

async fn begin_rotation(
    connection: &mut SqliteConnection,
    rotation: &RotationId,
    subject: &Subject,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO rotation (id, account_id, user_name, user_id, open) VALUES ($1, $2, $3, $4, 1)")
        .bind(rotation.as_str())
        .bind(subject.account_id.to_string())
        .bind(subject.user_name.as_str())
        .bind(subject.user_id.as_str())
        .execute(connection)
        .await
        .map(drop)
}

fn record(row: &SqliteRow) -> Result<Record, sqlx::Error> {
    Ok(Record {
        version: unsigned(row, "version")?,
        body: row.try_get("body")?,
        hash: ChainHash::from_stored(row.try_get("hash")?),
    })
}

fn summary(row: &SqliteRow) -> Result<RotationSummary, sqlx::Error> {
    Ok(RotationSummary {
        id: parsed(row, "id")?,
        subject: Subject {
            account_id: parsed(row, "account_id")?,
            user_name: parsed(row, "user_name")?,
            user_id: parsed(row, "user_id")?,
        },
        open: row.try_get("open")?,
        version: unsigned(row, "version")?,
    })
}

fn parsed<T: std::str::FromStr<Err = InvalidId>>(row: &SqliteRow, column: &str) -> Result<T, sqlx::Error> {
    row.try_get::<String, _>(column)?.parse().map_err(decode)
}

fn unsigned(row: &SqliteRow, column: &str) -> Result<u64, sqlx::Error> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(decode)
}

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

#[cfg(test)]
mod tests;
