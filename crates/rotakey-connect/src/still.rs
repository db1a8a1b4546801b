//! For tests: a clock that stands still.

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_engine::port::Clock;

pub(crate) struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        "2026-11-26T10:00:00Z".parse().unwrap()
    }

    async fn sleep_until(&self, _: Timestamp) {}
}
