//! A rotation log in an SQLite file.

mod outbox;

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use rotakey_core::id::{AccountId, RotationId};
use rotakey_core::rotate::{Record, Subject};
use rotakey_engine::store::{Append, Claim, Outlook, RotationSummary, Store, StoreError, Turn, microseconds};
use sqlx::{Connection, Row, SqliteConnection, SqlitePool};

use super::rows::{bound_limit, bound_version, outlook, parsed, record, summary, texts};
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

    /// Writes, and gives up the connection if that fails: on an error such as a full disk SQLite ends the
    /// transaction by itself, which sqlx does not learn of, and would refuse to begin another one.
    async fn on_a_sound_connection<T>(
        &self,
        write: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let written = write(&mut connection).await;
        if written.is_err() {
            connection.close_on_drop();
        }
        written
    }

    async fn list(&self, query: &'static str) -> Result<Vec<RotationSummary>, StoreError> {
        let rows = sqlx::query(query).fetch_all(&self.pool).await;
        rows.and_then(|rows| rows.iter().map(summary).collect()).map_err(|error| self.failed(&error))
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn append(&self, append: Append<'_>) -> Result<(), StoreError> {
        let appended = self
            .on_a_sound_connection(async |connection| append_in_one_transaction(connection, append).await);
        match appended.await {
            Ok(Appended::Yes) => Ok(()),
            Ok(Appended::No(reason)) => Err(reason),
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<RotationSummary>, StoreError> {
        let claimed =
            self.on_a_sound_connection(async |connection| claim_in_one_transaction(connection, claim).await);
        claimed.await.map_err(|error| self.failed(&error))
    }

    async fn hand_over(&self, rotation: &RotationId, version: u64, turn: Turn) -> Result<(), StoreError> {
        let said = self.on_a_sound_connection(async |connection| {
            let query = sqlx::query(
                "UPDATE rotation SET due = $1, asks = $2 WHERE id = $3 AND open = 1
                     AND $4 = (SELECT coalesce(max(version), 0) FROM record WHERE rotation = $3)",
            );
            let query = query.bind(turn.due().map(microseconds)).bind(turn.asks()).bind(rotation.as_str());
            query.bind(bound_version(version)?).execute(connection).await
        });
        match said.await {
            Ok(said) if said.rows_affected() == 0 => Err(StoreError::Conflict),
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
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
        let set = self.on_a_sound_connection(async |connection| {
            let query = match body {
                Some(body) => sqlx::query(
                    "INSERT INTO control (name, body) VALUES ($1, $2)
                     ON CONFLICT (name) DO UPDATE SET body = excluded.body",
                )
                .bind(name)
                .bind(body),
                None => sqlx::query("DELETE FROM control WHERE name = $1").bind(name),
            };
            query.execute(connection).await
        });
        set.await.map(drop).map_err(|error| self.failed(&error))
    }

    async fn rotations(&self) -> Result<Vec<RotationSummary>, StoreError> {
        self.list(concat!(summaries!(), "ORDER BY ordinal")).await
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
        "SELECT open, (SELECT coalesce(max(version), 0) FROM record WHERE rotation = rotation.id) AS version
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
            .bind(bound_version(record.version)?)
            .bind(&record.body)
            .bind(record.hash.as_str())
            .execute(&mut *transaction)
            .await?;
    }
    let turn = (!append.closes).then_some(append.turn);
    sqlx::query("UPDATE rotation SET open = $1, due = $2, asks = $3 WHERE id = $4")
        .bind(turn.is_some())
        .bind(turn.and_then(Turn::due).map(microseconds))
        .bind(turn.is_some_and(Turn::asks))
        .bind(append.rotation.as_str())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Appended::Yes)
}

/// Whether a transaction came to its end or was refused, which SQLite has no words for.
enum Appended {
    Yes,
    No(StoreError),
}

async fn claim_in_one_transaction(
    connection: &mut SqliteConnection,
    claim: Claim<'_>,
) -> Result<Vec<RotationSummary>, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let rows = sqlx::query(DUE)
        .bind(microseconds(claim.now))
        .bind(listed(claim.accounts))
        .bind(bound_limit(claim.limit))
        .fetch_all(&mut *transaction)
        .await?;
    let mut claimed = Vec::new();
    for row in &rows {
        let due = summary(row)?;
        sqlx::query("UPDATE rotation SET due = $1 WHERE id = $2")
            .bind(microseconds(claim.until))
            .bind(due.id.as_str())
            .execute(&mut *transaction)
            .await?;
        claimed.push(RotationSummary { turn: due.turn.map(|turn| turn.at(claim.until)), ..due });
    }
    transaction.commit().await?;
    Ok(claimed)
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
    sqlx::query(
        "INSERT INTO rotation (id, account_id, user_name, user_id, open, due) VALUES ($1, $2, $3, $4, 1, 0)",
    )
    .bind(rotation.as_str())
    .bind(subject.account_id.to_string())
    .bind(subject.user_name.as_str())
    .bind(subject.user_id.as_str())
    .execute(connection)
    .await
    .map(drop)
}

/// The accounts as a JSON array: a list of any length is one bound value.
fn listed(accounts: &[AccountId]) -> String {
    serde_json::json!(texts(accounts)).to_string()
}

#[cfg(test)]
mod tests;
