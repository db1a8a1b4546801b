//! A rotation log in an SQLite file.

mod outbox;
mod write;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use rotakey_core::id::{AccountId, RotationId};
use rotakey_core::rotate::Record;
use rotakey_engine::store::{Append, Claim, Outlook, RotationSummary, Store, StoreError, Turn};
use sqlx::SqlitePool;

use self::write::Write;
use self::writer::Writer;
use super::rows::{outlook, record, summary, texts};
use crate::error::of_sqlite;
use crate::schema::{Schema, SchemaVersion};
use crate::sqlite_file::{self, Kind};

/// The file.
pub(crate) const KIND: Kind = Kind {
    schema: Schema {
        // "RTKY"
        application_id: 0x5254_4b59,
        set_application_id: "PRAGMA application_id = 0x52544b59",
        migrations: &[
            include_str!("sqlite/1.sql"),
            include_str!("sqlite/2.sql"),
            include_str!("sqlite/3.sql"),
            include_str!("sqlite/4.sql"),
        ],
    },
    // An append takes some milliseconds.
    busy_timeout: Duration::from_secs(10),
};

/// The columns of a summary. The last record says how many there are.
macro_rules! summaries {
    () => {
        "SELECT id, account_id, user_name, user_id, due, asks,
             (SELECT coalesce(max(version), 0) FROM record WHERE rotation = rotation.id) AS version
         FROM rotation "
    };
}

/// What is due. The indexes are named, so that these queries fail rather than read everything.
const DUE: &str = concat!(
    summaries!(),
    "INDEXED BY due_rotation
     WHERE open = 1 AND due IS NOT NULL AND due <= $1 AND account_id IN (SELECT value FROM json_each($2))
     ORDER BY due, ordinal LIMIT $3"
);

const OUTLOOK: &str = "SELECT
    (SELECT due FROM rotation INDEXED BY due_rotation
     WHERE open = 1 AND due IS NOT NULL AND asks = 0 AND account_id IN (SELECT value FROM json_each($1))
     ORDER BY due LIMIT 1) AS next,
    EXISTS (SELECT 1 FROM rotation INDEXED BY asking_rotation
     WHERE open = 1 AND asks = 1 AND account_id IN (SELECT value FROM json_each($1))) AS asks";

/// A store in an SQLite file. The file is in write-ahead mode: `-wal` and `-shm` beside it belong to it, so
/// it must be on a local disk. An append is on disk when it returns.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    path: PathBuf,
    pool: SqlitePool,
    writer: Writer,
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
        Ok(Self { path: path.to_owned(), writer: Writer::start(path, &pool), pool })
    }

    /// The version of what is at that path. Changes nothing.
    ///
    /// # Errors
    /// As those of [`Self::open`].
    pub async fn schema(path: &Path) -> Result<SchemaVersion, StoreError> {
        sqlite_file::found(path, &KIND).await
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

    async fn list(&self, query: &'static str) -> Result<Vec<RotationSummary>, StoreError> {
        let rows = sqlx::query(query).fetch_all(&self.pool).await;
        rows.and_then(|rows| rows.iter().map(summary).collect()).map_err(|error| self.failed(&error))
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn append(&self, append: Append<'_>) -> Result<(), StoreError> {
        self.writer.write(Write::append(append)).await.map(drop)
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<RotationSummary>, StoreError> {
        self.writer.write(Write::claim(claim)).await
    }

    async fn hand_over(&self, rotation: &RotationId, version: u64, turn: Turn) -> Result<(), StoreError> {
        self.writer.write(Write::HandOver { rotation: rotation.clone(), version, turn }).await.map(drop)
    }

    async fn outlook(&self, accounts: &[AccountId]) -> Result<Outlook, StoreError> {
        let row = sqlx::query(OUTLOOK).bind(listed(accounts)).fetch_one(&self.pool).await;
        row.and_then(|row| outlook(&row)).map_err(|error| self.failed(&error))
    }

    async fn load(&self, rotation: &RotationId) -> Result<Vec<Record>, StoreError> {
        let rows = sqlx::query("SELECT version, body, hash FROM record WHERE rotation = $1 ORDER BY version")
            .bind(rotation.as_str())
            .fetch_all(&self.pool)
            .await;
        let records = rows.and_then(|rows| rows.iter().map(record).collect());
        records.map_err(|error| self.failed(&error))
    }

    async fn open_rotations(&self) -> Result<Vec<RotationSummary>, StoreError> {
        self.list(concat!(summaries!(), "WHERE open = 1 ORDER BY ordinal")).await
    }

    async fn controls(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        let rows =
            sqlx::query_as("SELECT name, body FROM control WHERE substr(name, 1, $1) = $2 ORDER BY name")
                .bind(i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX))
                .bind(prefix)
                .fetch_all(&self.pool)
                .await;
        rows.map_err(|error| self.failed(&error))
    }

    async fn set_control(&self, name: &str, body: Option<&str>) -> Result<(), StoreError> {
        let set = Write::Control { name: name.to_owned(), body: body.map(str::to_owned) };
        self.writer.write(set).await.map(drop)
    }

    async fn rotations(&self) -> Result<Vec<RotationSummary>, StoreError> {
        self.list(concat!(summaries!(), "ORDER BY ordinal")).await
    }
}

/// The accounts as a JSON array: a list of any length is one bound value.
fn listed(accounts: &[AccountId]) -> String {
    serde_json::json!(texts(accounts)).to_string()
}

#[cfg(test)]
mod tests;
