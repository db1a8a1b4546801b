//! The index as a source of usage for rotations.

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_core::id::AccessKeyId;
use rotakey_core::rotate::KeyUsage;
use rotakey_engine::port::{PortError, PortErrorKind, UsageSource};
use rotakey_trail::event_time::{DAY, EventTime};

use super::UsageIndex;

/// Tells who uses keys from an index. What was not added to it yet is not known: its last call says until when
/// absence means something.
pub struct IndexSource(pub Box<dyn UsageIndex>);

#[async_trait]
impl UsageSource for IndexSource {
    async fn usage(&self, key: &AccessKeyId, since: Timestamp) -> Result<KeyUsage, PortError> {
        let from = EventTime::from_seconds(since.as_second().max(0)).unwrap_or_default();
        let found = self.0.consumers(key.as_str(), from).await;
        let found = found
            .map_err(|error| PortError::new(PortErrorKind::Ambiguous, "ask the index", error.to_string()))?;
        let Some((told_until, first_day)) = found.told_until.zip(found.first_day) else {
            let message = "there is nothing in it; `rotakey trail ingest` adds to it";
            return Err(PortError::new(PortErrorKind::NotFound, "ask the index", message));
        };
        let first = EventTime::from_seconds(first_day.saturating_mul(DAY)).unwrap_or_default();
        let since = Timestamp::from(from).max(Timestamp::from(first));
        Ok(found.uses.usage(since, Timestamp::from(told_until), &[]))
    }
}
