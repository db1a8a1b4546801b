//! What people were told, in the same schema as the log.

use std::collections::BTreeSet;

use async_trait::async_trait;
use rotakey_core::id::RotationId;
use rotakey_core::notify::Topic;
use rotakey_engine::outbox::{Delivery, Outbox};
use rotakey_engine::store::StoreError;

use super::super::deliveries::{columns, delivery};
use super::super::rows::parsed;
use super::PostgresStore;

#[async_trait]
impl Outbox for PostgresStore {
    async fn deliveries(&self, topic: &Topic) -> Result<Vec<Delivery>, StoreError> {
        let rows = sqlx::query(
            "SELECT rotation, notice, channel, version, attempts, state, at, message
             FROM rotakey_rotations.notice_delivery WHERE rotation = $1",
        )
        .bind(topic.as_str())
        .fetch_all(&self.database.pool)
        .await;
        let deliveries = rows.and_then(|rows| rows.iter().map(delivery).collect());
        deliveries.map_err(|error| self.failed(&error))
    }

    async fn write(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let (state, at, message) = columns(&delivery.state);
        let query = match delivery.version {
            1 => {
                "INSERT INTO rotakey_rotations.notice_delivery (rotation, notice, channel, version, attempts, state, at, message)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"
            }
            _ => {
                "UPDATE rotakey_rotations.notice_delivery SET version = $4, attempts = $5, state = $6, at = $7, message = $8
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
            .execute(&self.database.pool)
            .await
            .map_err(|error| self.failed(&error))?;
        if written.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    async fn settle(&self, rotation: &RotationId) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO rotakey_rotations.notices_settled (rotation) VALUES ($1) ON CONFLICT DO NOTHING",
        )
        .bind(rotation.as_str())
        .execute(&self.database.pool)
        .await
        .map(drop)
        .map_err(|error| self.failed(&error))
    }

    async fn settled(&self) -> Result<BTreeSet<RotationId>, StoreError> {
        let rows = sqlx::query("SELECT rotation FROM rotakey_rotations.notices_settled")
            .fetch_all(&self.database.pool)
            .await;
        let rotations = rows.and_then(|rows| rows.iter().map(|row| parsed(row, "rotation")).collect());
        rotations.map_err(|error| self.failed(&error))
    }
}
