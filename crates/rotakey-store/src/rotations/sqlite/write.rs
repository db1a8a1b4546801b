//! What can be written, each as one step that is done or refused as a whole.

use jiff::Timestamp;
use rotakey_core::id::{AccountId, RotationId};
use rotakey_core::rotate::{Record, Subject};
use rotakey_engine::outbox::Delivery;
use rotakey_engine::store::{Append, Claim, RotationSummary, StoreError, Turn, microseconds};
use sqlx::{Row, SqliteConnection};

use super::super::deliveries::columns;
use super::super::rows::{bound_limit, bound_version, parsed, summary};
use super::{DUE, listed};

/// Something to be written. It can be tried again.
pub(super) enum Write {
    /// [`Append`].
    Append {
        rotation: RotationId,
        subject: Subject,
        expected_version: u64,
        records: Vec<Record>,
        /// Whose turn it is then; `None` for nobody's any more.
        turn: Option<Turn>,
    },
    /// [`Claim`].
    Claim { accounts: Vec<AccountId>, now: Timestamp, until: Timestamp, limit: usize },
    /// Whose turn it is.
    HandOver { rotation: RotationId, version: u64, turn: Turn },
    /// What is kept under that name.
    Control { name: String, body: Option<String> },
    /// What became of a notice.
    Delivery(Delivery),
    /// There is nothing more to tell of a rotation.
    Settled(RotationId),
}

/// What came of it. The inner error is a refusal, which SQLite has no words for; nothing was written then.
pub(super) type Written = Result<Vec<RotationSummary>, StoreError>;

impl Write {
    pub(super) fn append(append: Append<'_>) -> Self {
        Self::Append {
            rotation: append.rotation.clone(),
            subject: append.subject.clone(),
            expected_version: append.expected_version,
            records: append.records.to_vec(),
            turn: (!append.closes).then_some(append.turn),
        }
    }

    pub(super) fn claim(claim: Claim<'_>) -> Self {
        let Claim { accounts, now, until, limit } = claim;
        Self::Claim { accounts: accounts.to_vec(), now, until, limit }
    }

    /// Writes it, within a transaction that nobody else writes in.
    pub(super) async fn run(&self, connection: &mut SqliteConnection) -> Result<Written, sqlx::Error> {
        match self {
            Self::Append { rotation, subject, expected_version, records, turn } => {
                append(connection, rotation, subject, *expected_version, records, *turn).await
            }
            Self::Claim { accounts, now, until, limit } => {
                claim(connection, accounts, *now, *until, *limit).await.map(Ok)
            }
            Self::HandOver { rotation, version, turn } => {
                hand_over(connection, rotation, *version, *turn).await
            }
            Self::Control { name, body } => {
                set_control(connection, name, body.as_deref()).await.map(|()| done())
            }
            Self::Delivery(delivery) => write_delivery(connection, delivery).await,
            Self::Settled(rotation) => settle(connection, rotation).await.map(|()| done()),
        }
    }
}

fn done() -> Written {
    Ok(Vec::new())
}

/// What changes a row only if it is as expected: a conflict if it changed none.
fn changed(rows: u64) -> Written {
    if rows == 0 { Err(StoreError::Conflict) } else { done() }
}

async fn append(
    connection: &mut SqliteConnection,
    rotation: &RotationId,
    subject: &Subject,
    expected_version: u64,
    records: &[Record],
    turn: Option<Turn>,
) -> Result<Written, sqlx::Error> {
    let log = sqlx::query(
        "SELECT open, (SELECT coalesce(max(version), 0) FROM record WHERE rotation = rotation.id) AS version
         FROM rotation WHERE id = $1",
    )
    .bind(rotation.as_str())
    .fetch_optional(&mut *connection)
    .await?;
    match log {
        Some(log) => {
            let (open, version): (bool, i64) = (log.try_get("open")?, log.try_get("version")?);
            if !open || u64::try_from(version) != Ok(expected_version) {
                return Ok(Err(StoreError::Conflict));
            }
        }
        None if expected_version > 0 => return Ok(Err(StoreError::Conflict)),
        None => {
            if let Some(rotation) = open_rotation(&mut *connection, subject).await? {
                return Ok(Err(StoreError::SubjectBusy { rotation }));
            }
            begin_rotation(&mut *connection, rotation, subject).await?;
        }
    }
    for record in records {
        sqlx::query("INSERT INTO record (rotation, version, body, hash) VALUES ($1, $2, $3, $4)")
            .bind(rotation.as_str())
            .bind(bound_version(record.version)?)
            .bind(&record.body)
            .bind(record.hash.as_str())
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("UPDATE rotation SET open = $1, due = $2, asks = $3 WHERE id = $4")
        .bind(turn.is_some())
        .bind(turn.and_then(Turn::due).map(microseconds))
        .bind(turn.is_some_and(Turn::asks))
        .bind(rotation.as_str())
        .execute(connection)
        .await?;
    Ok(done())
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

async fn claim(
    connection: &mut SqliteConnection,
    accounts: &[AccountId],
    now: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<RotationSummary>, sqlx::Error> {
    let rows = sqlx::query(DUE)
        .bind(microseconds(now))
        .bind(listed(accounts))
        .bind(bound_limit(limit))
        .fetch_all(&mut *connection)
        .await?;
    let mut claimed = Vec::new();
    for row in &rows {
        let due = summary(row)?;
        sqlx::query("UPDATE rotation SET due = $1 WHERE id = $2")
            .bind(microseconds(until))
            .bind(due.id.as_str())
            .execute(&mut *connection)
            .await?;
        claimed.push(RotationSummary { turn: due.turn.map(|turn| turn.at(until)), ..due });
    }
    Ok(claimed)
}

async fn hand_over(
    connection: &mut SqliteConnection,
    rotation: &RotationId,
    version: u64,
    turn: Turn,
) -> Result<Written, sqlx::Error> {
    let said = sqlx::query(
        "UPDATE rotation SET due = $1, asks = $2 WHERE id = $3 AND open = 1
             AND $4 = (SELECT coalesce(max(version), 0) FROM record WHERE rotation = $3)",
    )
    .bind(turn.due().map(microseconds))
    .bind(turn.asks())
    .bind(rotation.as_str())
    .bind(bound_version(version)?)
    .execute(connection)
    .await?;
    Ok(changed(said.rows_affected()))
}

async fn set_control(
    connection: &mut SqliteConnection,
    name: &str,
    body: Option<&str>,
) -> Result<(), sqlx::Error> {
    let query = match body {
        Some(body) => sqlx::query(
            "INSERT INTO control (name, body) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET body = excluded.body",
        )
        .bind(name)
        .bind(body),
        None => sqlx::query("DELETE FROM control WHERE name = $1").bind(name),
    };
    query.execute(connection).await.map(drop)
}

async fn write_delivery(
    connection: &mut SqliteConnection,
    delivery: &Delivery,
) -> Result<Written, sqlx::Error> {
    let (state, at, message) = columns(&delivery.state);
    let query = match delivery.version {
        1 => {
            "INSERT INTO notice_delivery (rotation, notice, channel, version, attempts, state, at, message)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"
        }
        _ => {
            "UPDATE notice_delivery SET version = $4, attempts = $5, state = $6, at = $7, message = $8
             WHERE rotation = $1 AND notice = $2 AND channel = $3 AND version = $4 - 1"
        }
    };
    let written = sqlx::query(query)
        .bind(delivery.topic.as_str())
        .bind(delivery.notice.as_str())
        .bind(&delivery.channel)
        .bind(i64::from(delivery.version))
        .bind(i64::from(delivery.attempts))
        .bind(state)
        .bind(at)
        .bind(message)
        .execute(connection)
        .await?;
    Ok(changed(written.rows_affected()))
}

async fn settle(connection: &mut SqliteConnection, rotation: &RotationId) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO notices_settled (rotation) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(rotation.as_str())
        .execute(connection)
        .await
        .map(drop)
}
