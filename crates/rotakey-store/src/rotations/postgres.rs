//! A rotation log in PostgreSQL, in a schema of its own.

mod outbox;

use async_trait::async_trait;
use rotakey_core::id::{AccountId, RotationId};
use rotakey_core::rotate::Record;
use rotakey_engine::store::{Append, Claim, Outlook, RotationSummary, Store, StoreError, Turn, microseconds};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection as _, Row};

use super::rows::{bound_limit, bound_version, outlook, parsed, record, summary, texts};
use crate::location::Server;
use crate::postgres::{Database, Schema};
use crate::schema::SchemaVersion;

const SCHEMA: Schema = Schema {
    name: "rotakey_rotations",
    create: "CREATE SCHEMA rotakey_rotations",
    format: "rotakey_rotations.format",
    read_format: "SELECT application, version::bigint FROM rotakey_rotations.format",
    application: "rotakey rotations",
    // "RTKY"
    lock: 0x5254_4b59,
    migrations: &[
        include_str!("postgres/1.sql"),
        include_str!("postgres/2.sql"),
        include_str!("postgres/3.sql"),
    ],
};

/// Each statement takes about a millisecond, and a worker drives some rotations at a time.
const CONNECTIONS: u32 = 4;

/// The columns of a summary.
macro_rules! summary {
    () => {
        "rotation.id, account_id, user_name, user_id, version, rotation.due, asks"
    };
}

/// One statement, so that it is one way to the server and back: the number of records is compared and raised, and only
/// where that was done records follow.
const APPEND: &str = "WITH appended_to AS (
        UPDATE rotakey_rotations.rotation SET version = version + cardinality($3::bigint[]), open = $6, due = $7, asks = $8
        WHERE id = $1 AND open AND version = $2
        RETURNING id
    )
    INSERT INTO rotakey_rotations.record (rotation, version, body, hash)
    SELECT appended_to.id, record.version, record.body, record.hash
    FROM appended_to, unnest($3::bigint[], $4::text[], $5::text[]) AS record (version, body, hash)
    ORDER BY record.version";

const BEGIN: &str =
    "INSERT INTO rotakey_rotations.rotation (id, account_id, user_name, user_id, version, open, due, asks)
    VALUES ($1, $2, $3, $4, 0, TRUE, 0, FALSE)
    ON CONFLICT DO NOTHING";

/// What keeps a rotation from beginning: itself, or another one of the user.
const IN_THE_WAY: &str = "SELECT id FROM rotakey_rotations.rotation
    WHERE id = $1 OR (user_id = $2 AND open) ORDER BY id = $1 DESC LIMIT 1";

/// What is due, without what somebody else is just claiming.
macro_rules! due {
    () => {
        "SELECT ordinal, due FROM rotakey_rotations.rotation
         WHERE open AND due IS NOT NULL AND due <= $1 AND account_id = ANY($2)
         ORDER BY due, ordinal LIMIT $3
         FOR UPDATE SKIP LOCKED"
    };
}

#[cfg(test)]
const DUE: &str = due!();

const CLAIM: &str = concat!(
    "WITH due AS MATERIALIZED (",
    due!(),
    ") UPDATE rotakey_rotations.rotation SET due = $4 FROM due WHERE rotation.ordinal = due.ordinal RETURNING ",
    summary!(),
    ", due.due AS was_due, due.ordinal"
);

const OUTLOOK: &str = "SELECT
    (SELECT due FROM rotakey_rotations.rotation
     WHERE open AND due IS NOT NULL AND NOT asks AND account_id = ANY($1) ORDER BY due, ordinal LIMIT 1) AS next,
    EXISTS (SELECT FROM rotakey_rotations.rotation WHERE open AND asks AND account_id = ANY($1)) AS asks";

const OPEN_ROTATIONS: &str =
    concat!("SELECT ", summary!(), " FROM rotakey_rotations.rotation WHERE open ORDER BY ordinal");

/// A rotation log in PostgreSQL (12 or later), in the schema `rotakey_rotations` of the database. An append is on the
/// server's disk when it returns. Clones share their connections.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    database: Database,
}

impl PostgresStore {
    /// Connects, and makes the schema if the database has none.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] and [`StoreError::Newer`] for a schema of that name that is not of this program: it
    /// is left as it is. [`StoreError::Unavailable`] if the server does not answer, or not as it should.
    pub async fn open(server: &Server) -> Result<Self, StoreError> {
        Ok(Self { database: Database::open(server, &SCHEMA, CONNECTIONS).await? })
    }

    /// The version of what the database has. Changes nothing.
    ///
    /// # Errors
    /// As those of [`Self::open`].
    pub async fn schema(server: &Server) -> Result<SchemaVersion, StoreError> {
        Database::found(server, &SCHEMA).await
    }

    /// Closes the connections.
    pub async fn close(self) {
        self.database.pool.close().await;
    }

    fn failed(&self, error: &sqlx::Error) -> StoreError {
        self.database.failed.of(error)
    }

    async fn begin(&self, append: Append<'_>) -> Result<Result<(), StoreError>, sqlx::Error> {
        let mut connection = self.database.pool.acquire().await?;
        loop {
            let mut transaction = connection.begin().await?;
            let begun = sqlx::query(BEGIN)
                .bind(append.rotation.as_str())
                .bind(append.subject.account_id.to_string())
                .bind(append.subject.user_name.as_str())
                .bind(append.subject.user_id.as_str())
                .execute(&mut *transaction)
                .await?;
            if begun.rows_affected() == 1 {
                append_to(&mut transaction, append).await?;
                return transaction.commit().await.map(Ok);
            }
            transaction.rollback().await?;
            let in_the_way = sqlx::query(IN_THE_WAY)
                .bind(append.rotation.as_str())
                .bind(append.subject.user_id.as_str())
                .fetch_optional(&mut *connection)
                .await?;
            match in_the_way.map(|row| parsed::<RotationId>(&row, "id")).transpose()? {
                Some(rotation) if rotation == *append.rotation => return Ok(Err(StoreError::Conflict)),
                Some(rotation) => return Ok(Err(StoreError::SubjectBusy { rotation })),
                // It has ended in between.
                None => {}
            }
        }
    }

    async fn list(&self, query: &'static str) -> Result<Vec<RotationSummary>, StoreError> {
        let rows = sqlx::query(query).fetch_all(&self.database.pool).await;
        rows.and_then(|rows| rows.iter().map(summary).collect()).map_err(|error| self.failed(&error))
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn append(&self, append: Append<'_>) -> Result<(), StoreError> {
        let appended = async {
            if append.expected_version == 0 {
                return self.begin(append).await;
            }
            let mut connection = self.database.pool.acquire().await?;
            let appended = append_to(&mut connection, append).await?;
            Ok(if appended { Ok(()) } else { Err(StoreError::Conflict) })
        };
        appended.await.unwrap_or_else(|error| Err(self.failed(&error)))
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<RotationSummary>, StoreError> {
        let rows = sqlx::query(CLAIM)
            .bind(microseconds(claim.now))
            .bind(texts(claim.accounts))
            .bind(bound_limit(claim.limit))
            .bind(microseconds(claim.until))
            .fetch_all(&self.database.pool)
            .await;
        let claimed = rows.and_then(|mut rows| {
            // What an UPDATE returns is in no order.
            let place = |row: &PgRow| (row.get::<i64, _>("was_due"), row.get::<i64, _>("ordinal"));
            rows.sort_by_key(place);
            rows.iter().map(summary).collect()
        });
        claimed.map_err(|error| self.failed(&error))
    }

    async fn hand_over(&self, rotation: &RotationId, version: u64, turn: Turn) -> Result<(), StoreError> {
        let said = async {
            sqlx::query(
                "UPDATE rotakey_rotations.rotation SET due = $1, asks = $2 WHERE id = $3 AND open AND version = $4",
            )
            .bind(turn.due().map(microseconds))
            .bind(turn.asks())
            .bind(rotation.as_str())
            .bind(bound_version(version)?)
            .execute(&self.database.pool)
            .await
        };
        match said.await {
            Ok(said) if said.rows_affected() == 0 => Err(StoreError::Conflict),
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn outlook(&self, accounts: &[AccountId]) -> Result<Outlook, StoreError> {
        let row = sqlx::query(OUTLOOK).bind(texts(accounts)).fetch_one(&self.database.pool).await;
        row.and_then(|row| outlook(&row)).map_err(|error| self.failed(&error))
    }

    async fn load(&self, rotation: &RotationId) -> Result<Vec<Record>, StoreError> {
        let rows = sqlx::query(
            "SELECT version, body, hash FROM rotakey_rotations.record WHERE rotation = $1 ORDER BY version",
        )
        .bind(rotation.as_str())
        .fetch_all(&self.database.pool)
        .await;
        rows.and_then(|rows| rows.iter().map(record).collect()).map_err(|error| self.failed(&error))
    }

    async fn open_rotations(&self) -> Result<Vec<RotationSummary>, StoreError> {
        self.list(OPEN_ROTATIONS).await
    }

    async fn controls(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT name, body FROM rotakey_rotations.control WHERE starts_with(name, $1) ORDER BY name",
        )
        .bind(prefix)
        .fetch_all(&self.database.pool)
        .await;
        rows.map_err(|error| self.failed(&error))
    }

    async fn set_control(&self, name: &str, body: Option<&str>) -> Result<(), StoreError> {
        let query = match body {
            Some(body) => sqlx::query(
                "INSERT INTO rotakey_rotations.control (name, body) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET body = excluded.body",
            )
            .bind(name)
            .bind(body),
            None => sqlx::query("DELETE FROM rotakey_rotations.control WHERE name = $1").bind(name),
        };
        query.execute(&self.database.pool).await.map(drop).map_err(|error| self.failed(&error))
    }

    async fn rotations(&self) -> Result<Vec<RotationSummary>, StoreError> {
        self.list(concat!("SELECT ", summary!(), " FROM rotakey_rotations.rotation ORDER BY ordinal")).await
    }
}

/// Whether the rotation had as many records as expected and was open.
async fn append_to(connection: &mut PgConnection, append: Append<'_>) -> Result<bool, sqlx::Error> {
    let turn = (!append.closes).then_some(append.turn);
    let records = append.records.iter();
    let versions = records.clone().map(|record| bound_version(record.version));
    let appended = sqlx::query(APPEND)
        .bind(append.rotation.as_str())
        .bind(bound_version(append.expected_version)?)
        .bind(versions.collect::<Result<Vec<_>, _>>()?)
        .bind(records.clone().map(|record| record.body.as_str()).collect::<Vec<_>>())
        .bind(records.map(|record| record.hash.as_str()).collect::<Vec<_>>())
        .bind(turn.is_some())
        .bind(turn.and_then(Turn::due).map(microseconds))
        .bind(turn.is_some_and(Turn::asks))
        .execute(connection)
        .await?;
    Ok(appended.rows_affected() > 0)
}

#[cfg(test)]
mod tests;
