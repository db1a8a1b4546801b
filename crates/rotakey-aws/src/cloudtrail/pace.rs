//! Two requests a second, and never three in any second, however AWS counts.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use rotakey_engine::port::Clock;

/// The paces of one account, by region. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paces(Arc<Mutex<BTreeMap<String, Arc<Pace>>>>);

impl Paces {
    /// The pace in that region.
    pub(crate) fn of(&self, region: &str) -> Arc<Pace> {
        let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(paces.entry(region.to_owned()).or_default())
    }
}

/// The pace in one region. One request is under way at a time.
#[derive(Debug, Default)]
pub(crate) struct Pace(futures::lock::Mutex<Recent>);

/// When the last request was sent, and when the last two were answered, the older first.
#[derive(Debug, Default)]
struct Recent {
    sent: Option<Timestamp>,
    answered: [Option<Timestamp>; 2],
}

/// Requests are spread evenly, for AWS does not say whether two at once are too fast.
const APART: SignedDuration = SignedDuration::from_millis(500);

/// A request is not sent within a second of the answer to the last but one. That one reached AWS before it was
/// answered, so of any three requests, two are a second apart where AWS counts, whatever way each took.
const WINDOW: SignedDuration = SignedDuration::from_secs(1);

impl Pace {
    /// Sends a request when its turn has come.
    pub(crate) async fn keep<T>(&self, clock: &dyn Clock, request: impl Future<Output = T>) -> T {
        let mut recent = self.0.lock().await;
        let turn = recent.turn();
        if let Some(turn) = turn {
            clock.sleep_until(turn).await;
        }
        recent.sent = Some(clock.now());
        // Should this future be dropped before the answer, the last request counts as answered when it was sent.
        recent.answered = [recent.answered[1], recent.sent];
        let answer = request.await;
        recent.answered[1] = Some(clock.now());
        answer
    }
}

impl Recent {
    fn turn(&self) -> Option<Timestamp> {
        let apart = self.sent.map(|sent| sent + APART);
        apart.max(self.answered[0].map(|answered| answered + WINDOW))
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use futures::future::join_all;
    use proptest::prelude::*;

    use super::*;

    /// Waits by moving its hands, in milliseconds.
    #[derive(Default)]
    struct VirtualClock(Mutex<i64>);

    #[async_trait]
    impl Clock for VirtualClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_millisecond(*self.0.lock().unwrap()).unwrap()
        }

        async fn sleep_until(&self, at: Timestamp) {
            let mut now = self.0.lock().unwrap();
            *now = at.as_millisecond().max(*now);
        }
    }

    /// When each request reaches AWS, if the ways there and back take these milliseconds.
    async fn arrivals(ways: &[(i64, i64)]) -> Vec<i64> {
        let (clock, pace) = (VirtualClock::default(), Pace::default());
        let clock = &clock;
        let requests = ways.iter().map(|&(there, back)| {
            pace.keep(clock, async move {
                let mut now = clock.0.lock().unwrap();
                let arrived = *now + there;
                *now = arrived + back;
                arrived
            })
        });
        join_all(requests).await
    }

    #[tokio::test]
    async fn two_requests_a_second_are_sent_where_answers_are_quick() {
        assert_eq!(arrivals(&[(0, 0); 5]).await, [0, 500, 1_000, 1_500, 2_000]);
    }

    proptest! {
        #[test]
        fn no_second_has_three_requests_whatever_way_each_takes(
            ways in proptest::collection::vec((0..400i64, prop_oneof![0..100i64, 0..3_000i64]), 3..20)
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let arrived = runtime.block_on(arrivals(&ways));
            for three in arrived.windows(3) {
                prop_assert!(three[2] - three[0] >= 1_000, "{arrived:?}");
            }
        }
    }
}
