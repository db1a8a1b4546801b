//! How fast one account is called: as fast as it goes, until AWS throttles.
//!
//! IAM has a token bucket for each operation in each account, and its size is not told
//! ([IAM resources at scale, part 2](https://aws.amazon.com/blogs/infrastructure-and-automation/)), so what is allowed
//! is found out: an operation that is throttled is slowed down, and becomes faster again with every second in which
//! it is not. The SDK's adaptive retries would slow down by service and region, so that one account would hold up all
//! others.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use jiff::{SignedDuration, Timestamp};
use rotakey_engine::port::{Clock, PortError, PortErrorKind};

use crate::error::is_throttling;
use crate::patience::{BRIEF_PATIENCE, PATIENCE, is_passing, repeatedly};

/// Calls in one account. Clones share what was found out about its limits.
#[derive(Clone)]
pub(crate) struct Pace {
    clock: Arc<dyn Clock>,
    throttle: Throttle,
}

/// What was found out about the limits of one account, by operation. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Throttle(Arc<Mutex<BTreeMap<String, Bucket>>>);

/// One operation that was throttled. Those that never were have none.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Calls a second.
    rate: f64,
    /// When the next call may be sent.
    next: Timestamp,
    /// When the rate was changed last.
    changed: Timestamp,
}

/// The rate of an operation that was throttled for the first time. IAM's limits are of this order.
const FIRST_RATE: f64 = 10.0;

/// Slower than this no operation becomes: a call every two seconds.
const LEAST_RATE: f64 = 0.5;

/// An operation that has become as fast as this is not held back any more.
const FREE_RATE: f64 = 500.0;

/// What throttling does to the rate. As gentle as this, an operation stays near its limit: going down by a third and
/// up again by a tenth of itself each second, it uses five sixths of what is allowed.
const SLOWER: f64 = 0.7;

/// What a second without throttling does to it.
const FASTER: f64 = 1.1;

impl Pace {
    pub(crate) fn new(clock: Arc<dyn Clock>, throttle: Throttle) -> Self {
        Self { clock, throttle }
    }

    /// Sends one call when its turn has come. It is not sent again, whatever comes of it.
    pub(crate) async fn once<T>(
        &self,
        operation: &str,
        call: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        let turn = self.throttle.turn(operation, || self.clock.now());
        if let Some(turn) = turn {
            self.clock.sleep_until(turn).await;
        }
        let result = call.await;
        match &result {
            Err(error) if error.kind == PortErrorKind::Throttled => {
                self.throttle.slow_down(operation, turn, self.clock.now());
            }
            _ if turn.is_some() => self.throttle.speed_up(operation, self.clock.now()),
            _ => {}
        }
        result
    }

    /// Sends a call that only reads again, for about a minute, while AWS throttles it or does not answer.
    pub(crate) async fn patiently<T, F>(
        &self,
        operation: &str,
        call: impl Fn() -> F + Send + Sync,
    ) -> Result<T, PortError>
    where
        T: Send,
        F: Future<Output = Result<T, PortError>> + Send,
    {
        repeatedly(&*self.clock, &PATIENCE, is_passing, || self.once(operation, call())).await
    }

    /// Sends a call again for some seconds while AWS throttles it, which is to say that nothing has happened.
    pub(crate) async fn while_throttled<T, F>(
        &self,
        operation: &str,
        call: impl Fn() -> F + Send + Sync,
    ) -> Result<T, PortError>
    where
        T: Send,
        F: Future<Output = Result<T, PortError>> + Send,
    {
        let throttled = |kind| kind == PortErrorKind::Throttled;
        repeatedly(&*self.clock, &BRIEF_PATIENCE, throttled, || self.once(operation, call())).await
    }

    pub(crate) fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pace").field("throttle", &self.throttle).finish_non_exhaustive()
    }
}

impl Throttle {
    /// When the call may be sent; `None` if the operation is not held back.
    fn turn(&self, operation: &str, now: impl Fn() -> Timestamp) -> Option<Timestamp> {
        let mut buckets = self.buckets();
        let bucket = buckets.get_mut(operation)?;
        let turn = bucket.next.max(now());
        bucket.next = turn + SignedDuration::from_secs_f64(1.0 / bucket.rate);
        Some(turn)
    }

    /// A call that had its turn before the rate was last changed tells nothing of the present rate.
    fn slow_down(&self, operation: &str, turn: Option<Timestamp>, now: Timestamp) {
        let mut buckets = self.buckets();
        match buckets.get_mut(operation) {
            None => {
                let next = now + SignedDuration::from_secs_f64(1.0 / FIRST_RATE);
                buckets.insert(operation.to_owned(), Bucket { rate: FIRST_RATE, next, changed: now });
            }
            Some(bucket) if turn.is_some_and(|turn| turn >= bucket.changed) => {
                bucket.rate = (bucket.rate * SLOWER).max(LEAST_RATE);
                bucket.changed = now;
            }
            Some(_) => {}
        }
    }

    fn speed_up(&self, operation: &str, now: Timestamp) {
        let mut buckets = self.buckets();
        let Some(bucket) = buckets.get_mut(operation) else { return };
        let clean = now.duration_since(bucket.changed);
        if clean < SignedDuration::from_secs(1) {
            return;
        }
        bucket.rate *= FASTER.powf(clean.as_secs_f64());
        bucket.changed = now;
        if bucket.rate > FREE_RATE {
            buckets.remove(operation);
        }
    }

    fn buckets(&self) -> MutexGuard<'_, BTreeMap<String, Bucket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the SDK from sending throttled calls again by itself: then they would not be in any bucket. What breaks on the
/// way it sends again.
#[derive(Debug)]
pub(crate) struct LeaveThrottlingToUs;

impl ClassifyRetry for LeaveThrottlingToUs {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let throttled = context.response().is_some_and(|response| {
            let told = response.body().bytes().is_some_and(names_throttling);
            told || response.status().as_u16() == 429
        });
        if throttled { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "LeaveThrottlingToUs"
    }
}

/// Whether the body of an error of the query protocol is about throttling.
fn names_throttling(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return false };
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    code.is_some_and(|(code, _)| is_throttling(code.trim()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use futures::stream::{self, StreamExt as _};

    use super::*;

    /// Waits by moving its hands, in microseconds.
    #[derive(Default)]
    struct VirtualClock(Mutex<i64>);

    #[async_trait]
    impl Clock for VirtualClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_microsecond(*self.0.lock().unwrap()).unwrap()
        }

        async fn sleep_until(&self, at: Timestamp) {
            let mut now = self.0.lock().unwrap();
            *now = at.as_microsecond().max(*now);
        }
    }

    /// AWS with a token bucket that takes so many calls at once, and so many a second.
    struct Limited {
        clock: Arc<VirtualClock>,
        rate: f64,
        most: f64,
        state: Mutex<(f64, Timestamp)>,
        refused: AtomicUsize,
    }

    impl Limited {
        fn new(rate: f64, most: f64) -> Self {
            let clock = Arc::new(VirtualClock::default());
            let state = Mutex::new((most, clock.now()));
            Self { clock, rate, most, state, refused: AtomicUsize::new(0) }
        }

        /// One call, which takes five milliseconds.
        async fn call(&self) -> Result<(), PortError> {
            self.clock.sleep_until(self.clock.now() + SignedDuration::from_millis(5)).await;
            let now = self.clock.now();
            let mut state = self.state.lock().unwrap();
            let (tokens, since) = *state;
            let tokens = (tokens + now.duration_since(since).as_secs_f64() * self.rate).min(self.most);
            if tokens < 1.0 {
                *state = (tokens, now);
                self.refused.fetch_add(1, Ordering::Relaxed);
                return Err(PortError::new(PortErrorKind::Throttled, "x", "Rate exceeded"));
            }
            *state = (tokens - 1.0, now);
            Ok(())
        }
    }

    /// So many calls one after the other: the seconds that they took, and how many were refused.
    async fn drive(limited: &Limited, calls: usize) -> (f64, usize) {
        let pace = Pace::new(limited.clock.clone(), Throttle::default());
        let begin = limited.clock.now();
        for _ in 0..calls {
            pace.while_throttled("iam:X", || limited.call()).await.unwrap();
        }
        let took = limited.clock.now().duration_since(begin).as_secs_f64();
        (took, limited.refused.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn what_is_not_throttled_is_not_held_back() {
        let (seconds, refused) = drive(&Limited::new(1_000.0, 1_000.0), 400).await;
        assert_eq!(refused, 0);
        assert!((seconds - 2.0).abs() < 0.01, "400 calls of 5 ms took {seconds} s");
    }

    #[tokio::test]
    async fn a_limit_is_found_and_kept_near_whatever_it_is() {
        for rate in [2.0, 8.0, 30.0, 100.0] {
            let calls = (rate * 120.0) as usize;
            let (seconds, refused) = drive(&Limited::new(rate, rate), calls).await;
            let share = calls as f64 / seconds / rate;
            assert!(share > 0.75, "{rate} a second: {share:.2} of it used");
            assert!(refused * 5 < calls, "{rate} a second: {refused} of {calls} refused");
        }
    }

    #[tokio::test]
    async fn a_limit_that_ends_holds_nothing_back_for_long() {
        let mut limited = Limited::new(5.0, 5.0);
        drive(&limited, 100).await;
        let pace = Pace::new(limited.clock.clone(), Throttle::default());
        for _ in 0..50 {
            pace.while_throttled("iam:X", || limited.call()).await.unwrap();
        }
        limited.rate = 1e6;
        limited.most = 1e6;
        for _ in 0..6_000 {
            pace.while_throttled("iam:X", || limited.call()).await.unwrap();
        }
        let begin = limited.clock.now();
        for _ in 0..200 {
            pace.while_throttled("iam:X", || limited.call()).await.unwrap();
        }
        let seconds = limited.clock.now().duration_since(begin).as_secs_f64();
        assert!((seconds - 1.0).abs() < 0.01, "200 calls of 5 ms took {seconds} s");
    }

    #[tokio::test]
    async fn one_operation_of_one_account_holds_up_no_other() {
        let limited = Limited::new(2.0, 2.0);
        let throttle = Throttle::default();
        let pace = Pace::new(limited.clock.clone(), throttle.clone());
        for _ in 0..20 {
            pace.while_throttled("iam:X", || limited.call()).await.unwrap();
        }
        assert!(throttle.turn("iam:X", || limited.clock.now()).is_some());
        assert!(throttle.turn("iam:Y", || limited.clock.now()).is_none());
        assert!(Throttle::default().turn("iam:X", || limited.clock.now()).is_none());
    }

    #[tokio::test]
    async fn many_calls_at_once_that_are_throttled_slow_down_once() {
        let throttle = Throttle::default();
        let clock = Arc::new(VirtualClock::default());
        let pace = Pace::new(clock, throttle.clone());
        let refuse =
            || async { Err::<(), _>(PortError::new(PortErrorKind::Throttled, "x", "Rate exceeded")) };
        stream::iter(0..50)
            .for_each_concurrent(None, |_| async { assert!(pace.once("iam:X", refuse()).await.is_err()) })
            .await;
        assert!(
            throttle.buckets()["iam:X"].rate >= FIRST_RATE * SLOWER.powi(50)
                && throttle.buckets()["iam:X"].rate > LEAST_RATE * 0.99
        );
    }

    #[tokio::test]
    async fn what_must_not_be_sent_twice_is_sent_once() {
        let sent = AtomicUsize::new(0);
        let pace = Pace::new(Arc::new(VirtualClock::default()), Throttle::default());
        let call = || async {
            sent.fetch_add(1, Ordering::Relaxed);
            Err::<(), _>(PortError::new(PortErrorKind::Throttled, "x", "Rate exceeded"))
        };
        assert!(pace.once("iam:CreateAccessKey", call()).await.is_err());
        assert_eq!(sent.into_inner(), 1);
    }

    #[test]
    fn throttling_is_recognised_in_the_body_of_an_answer() {
        let body = |code: &str| format!("<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>");
        assert!(names_throttling(body("Throttling").as_bytes()));
        assert!(!names_throttling(body("AccessDenied").as_bytes()));
        assert!(!names_throttling(b"Throttling"));
    }
}
