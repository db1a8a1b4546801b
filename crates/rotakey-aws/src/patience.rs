//! Trying again what only reads, or what AWS knows not to do twice.

use std::future::Future;

use jiff::SignedDuration;
use rotakey_engine::port::{Clock, PortError, PortErrorKind};

/// How long a call that AWS throttles or does not answer is tried again, on top of the SDK's own retries.
pub(crate) const PATIENCE: [SignedDuration; 6] = [
    SignedDuration::from_secs(1),
    SignedDuration::from_secs(2),
    SignedDuration::from_secs(4),
    SignedDuration::from_secs(8),
    SignedDuration::from_secs(16),
    SignedDuration::from_secs(32),
];

/// How long a call of a rotation is tried again while AWS throttles it. A step must be over within a minute, and is
/// come back to anyway.
pub(crate) const BRIEF_PATIENCE: [SignedDuration; 6] = [
    SignedDuration::from_millis(250),
    SignedDuration::from_millis(500),
    SignedDuration::from_secs(1),
    SignedDuration::from_secs(2),
    SignedDuration::from_secs(4),
    SignedDuration::from_secs(8),
];

/// Tries a call that only reads again while AWS throttles it or does not answer.
pub(crate) async fn patiently<T, F>(
    clock: &dyn Clock,
    call: impl Fn() -> F + Send + Sync,
) -> Result<T, PortError>
where
    F: Future<Output = Result<T, PortError>> + Send,
{
    repeatedly(clock, &PATIENCE, is_passing, call).await
}

/// Tries a call again after each of these pauses while it fails like that.
pub(crate) async fn repeatedly<T, F>(
    clock: &dyn Clock,
    pauses: &[SignedDuration],
    passes: fn(PortErrorKind) -> bool,
    call: impl Fn() -> F + Send + Sync,
) -> Result<T, PortError>
where
    F: Future<Output = Result<T, PortError>> + Send,
{
    for pause in pauses {
        match call().await {
            Err(error) if passes(error.kind) => clock.sleep_until(clock.now() + *pause).await,
            result => return result,
        }
    }
    call().await
}

/// `LimitExceeded` is IAM's answer to too many requests for a credential report.
pub(crate) fn is_passing(kind: PortErrorKind) -> bool {
    matches!(kind, PortErrorKind::Throttled | PortErrorKind::Ambiguous | PortErrorKind::LimitExceeded)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use jiff::Timestamp;

    use super::*;

    /// Waits by moving its hands.
    struct VirtualClock(Mutex<Timestamp>);

    #[async_trait]
    impl Clock for VirtualClock {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }

        async fn sleep_until(&self, at: Timestamp) {
            *self.0.lock().unwrap() = at;
        }
    }

    /// Calls something that fails so often with that error, and then succeeds; returns the result, the
    /// number of calls and the seconds that they took.
    async fn call_failing(times: usize, kind: PortErrorKind) -> (Result<(), PortError>, usize, i64) {
        let clock = VirtualClock(Mutex::new(Timestamp::UNIX_EPOCH));
        let calls = AtomicUsize::new(0);
        let result = patiently(&clock, || async {
            match calls.fetch_add(1, Ordering::Relaxed) {
                call if call < times => Err(PortError::new(kind, "x", "y")),
                _ => Ok(()),
            }
        })
        .await;
        (result, calls.into_inner(), clock.now().as_second())
    }

    #[tokio::test]
    async fn a_throttled_look_is_repeated_for_a_minute_and_then_fails() {
        for kind in [PortErrorKind::Throttled, PortErrorKind::Ambiguous, PortErrorKind::LimitExceeded] {
            assert_eq!(call_failing(3, kind).await, (Ok(()), 4, 7), "{kind:?}");
            let (result, calls, seconds) = call_failing(usize::MAX, kind).await;
            assert_eq!((result.unwrap_err().kind, calls, seconds), (kind, 7, 63));
        }
    }

    #[tokio::test]
    async fn a_refused_look_is_not_repeated() {
        for kind in [PortErrorKind::Denied, PortErrorKind::Credentials, PortErrorKind::NotFound] {
            let (result, calls, seconds) = call_failing(usize::MAX, kind).await;
            assert_eq!((result.unwrap_err().kind, calls, seconds), (kind, 1, 0));
        }
    }
}
