//! An outbox in memory, for rehearsals on a simulated AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rotakey_core::id::RotationId;
use rotakey_core::notify::{NoticeId, Topic};

use crate::outbox::{Delivery, Outbox};
use crate::store::StoreError;

/// An outbox that is gone with the process.
#[derive(Debug, Default)]
pub struct MemoryOutbox(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    deliveries: BTreeMap<(Topic, NoticeId, String), Delivery>,
    settled: BTreeSet<RotationId>,
}

impl MemoryOutbox {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Outbox for MemoryOutbox {
    async fn deliveries(&self, topic: &Topic) -> Result<Vec<Delivery>, StoreError> {
        let content = self.content();
        Ok(content.deliveries.values().filter(|delivery| delivery.topic == *topic).cloned().collect())
    }

    async fn write(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let key = (delivery.topic.clone(), delivery.notice.clone(), delivery.channel.clone());
        let mut content = self.content();
        let present = content.deliveries.get(&key).map_or(0, |delivery| delivery.version);
        if present + 1 != delivery.version {
            return Err(StoreError::Conflict);
        }
        content.deliveries.insert(key, delivery.clone());
        Ok(())
    }

    async fn settle(&self, rotation: &RotationId) -> Result<(), StoreError> {
        self.content().settled.insert(rotation.clone());
        Ok(())
    }

    async fn settled(&self) -> Result<BTreeSet<RotationId>, StoreError> {
        Ok(self.content().settled.clone())
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn it_keeps_the_contract() {
        let outbox = MemoryOutbox::default();
        let check = crate::conformance::outbox::check_all(&outbox).now_or_never();
        assert!(check.is_some(), "nothing is waited for");
    }
}
