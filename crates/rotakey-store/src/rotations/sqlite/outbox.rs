//! What people were told, in the same file as the log.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_core::id::RotationId;
use rotakey_core::notify::NoticeId;
use rotakey_engine::outbox::{Delivery, DeliveryState, Outbox};
use rotakey_engine::store::StoreError;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::super::rows::{decode, parsed};
use super::SqliteStore;

#[async_trait]
impl Outbox for SqliteStore {
    async fn deliveries(&self, rotation: &RotationId) -> Result<Vec<Delivery>, StoreError> {
        let rows = sqlx::query(
            "SELECT rotation, notice, channel, version, attempts, state, at, message
             FROM notice_delivery WHERE rotation = $1",
        )
        .bind(rotation.as_str())
        .fetch_all(&self.pool)
        .await;
        let deliveries = rows.and_then(|rows| rows.iter().map(delivery).collect());
        deliveries.map_err(|error| self.failed(&error))
    }

    async fn write(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let (state, at, message) = match &delivery.state {
            DeliveryState::Sending { until } => ("sending", Some(until), None),
            DeliveryState::Sent { at } => ("sent", Some(at), None),
            DeliveryState::Failed { at, message } => ("failed", Some(at), Some(message)),
            DeliveryState::NotMeant => ("not-meant", None, None),
        };
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
            .bind(delivery.rotation.as_str())
            .bind(delivery.notice.as_str())
            .bind(&delivery.channel)
            .bind(i64::from(delivery.version))
            .bind(i64::from(delivery.attempts))
            .bind(state)
            .bind(at.map(Timestamp::to_string))
            .bind(message)
            .execute(&self.pool)
            .await
            .map_err(|error| self.failed(&error))?;
        if written.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    async fn settle(&self, rotation: &RotationId) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO notices_settled (rotation) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(rotation.as_str())
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(|error| self.failed(&error))
    }

    async fn settled(&self) -> Result<BTreeSet<RotationId>, StoreError> {
        let rows = sqlx::query("SELECT rotation FROM notices_settled").fetch_all(&self.pool).await;
        let rotations = rows.and_then(|rows| rows.iter().map(|row| parsed(row, "rotation")).collect());
        rotations.map_err(|error| self.failed(&error))
    }
}

fn delivery(row: &SqliteRow) -> Result<Delivery, sqlx::Error> {
    let at = || row.try_get::<String, _>("at")?.parse::<Timestamp>().map_err(decode);
    let number = |column| u32::try_from(row.try_get::<i64, _>(column)?).map_err(decode);
    let state: String = row.try_get("state")?;
    Ok(Delivery {
        rotation: parsed(row, "rotation")?,
        notice: NoticeId::from_stored(row.try_get("notice")?),
        channel: row.try_get("channel")?,
        version: number("version")?,
        attempts: number("attempts")?,
        state: match state.as_str() {
            "sending" => DeliveryState::Sending { until: at()? },
            "sent" => DeliveryState::Sent { at: at()? },
            "failed" => DeliveryState::Failed { at: at()?, message: row.try_get("message")? },
            // The table allows no other.
            _ => DeliveryState::NotMeant,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sqlite_keeps_the_contract_of_outboxes() {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&directory.path().join("rotations.db")).await.unwrap();
        rotakey_engine::conformance::outbox::check_all(&store).await;
    }
}
