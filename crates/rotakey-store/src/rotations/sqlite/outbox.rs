//! What people were told, in the same file as the log.

use std::collections::BTreeSet;

use async_trait::async_trait;
use rotakey_core::id::RotationId;
use rotakey_core::notify::Topic;
use rotakey_engine::outbox::{Delivery, Outbox};
use rotakey_engine::store::StoreError;

use super::super::deliveries::delivery;
use super::super::rows::parsed;
use super::SqliteStore;
use super::write::Write;

#[async_trait]
impl Outbox for SqliteStore {
    async fn deliveries(&self, topic: &Topic) -> Result<Vec<Delivery>, StoreError> {
        let rows = sqlx::query(
            "SELECT rotation, notice, channel, version, attempts, state, at, message
             FROM notice_delivery WHERE rotation = $1",
        )
        .bind(topic.as_str())
        .fetch_all(&self.pool)
        .await;
        let deliveries = rows.and_then(|rows| rows.iter().map(delivery).collect());
        deliveries.map_err(|error| self.failed(&error))
    }

    async fn write(&self, delivery: &Delivery) -> Result<(), StoreError> {
        self.writer.write(Write::Delivery(delivery.clone())).await.map(drop)
    }

    async fn settle(&self, rotation: &RotationId) -> Result<(), StoreError> {
        self.writer.write(Write::Settled(rotation.clone())).await.map(drop)
    }

    async fn settled(&self) -> Result<BTreeSet<RotationId>, StoreError> {
        let rows = sqlx::query("SELECT rotation FROM notices_settled").fetch_all(&self.pool).await;
        let rotations = rows.and_then(|rows| rows.iter().map(|row| parsed(row, "rotation")).collect());
        rotations.map_err(|error| self.failed(&error))
    }
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
