//! What was seen of the world a moment ago and need not be looked at again.
//!
//! Most steps of a rotation follow each other within seconds and change one thing each. IAM's answers may be minutes old
//! anyway, so looking at everything before every step tells nothing more; it only calls AWS, which throttles. What a
//! step may have changed is always looked at again, and so is everything once it is older than [`GOOD_FOR`].

use std::collections::BTreeMap;
use std::future::Future;

use jiff::{SignedDuration, Timestamp};
use rotakey_core::fact::{KeyFacts, LastUsed, Seen};
use rotakey_core::id::{AccessKeyId, UserId};
use rotakey_core::rotate::{Held, Intent, Slots};
use rotakey_core::secret::AccessKeyPair;

/// So long what was seen is taken for what is.
pub(crate) const GOOD_FOR: SignedDuration = SignedDuration::from_secs(30);

/// What one worker has seen of one rotation. Nothing that could not be seen is in it, and no pair outlives it.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) user: Option<Sight<Option<UserId>>>,
    pub(crate) keys: Option<Sight<Vec<KeyFacts>>>,
    pub(crate) last_used: BTreeMap<AccessKeyId, Option<Sight<LastUsed>>>,
    pub(crate) places: BTreeMap<usize, Option<Sight<Place>>>,
}

/// Something that was seen, and an instant before which it was not yet looked at.
pub(crate) struct Sight<T> {
    at: Timestamp,
    value: T,
}

/// What a destination held, with the pairs themselves as far as it gives them back.
pub(crate) struct Place {
    pub(crate) slots: Slots<Held>,
    pub(crate) pairs: Vec<AccessKeyPair>,
}

impl Clone for Place {
    fn clone(&self) -> Self {
        Self { slots: self.slots.clone(), pairs: self.pairs.iter().map(AccessKeyPair::duplicate).collect() }
    }
}

impl Memory {
    /// Forgets what an effect may have changed, whether it went well or not.
    pub(crate) fn forget(&mut self, intent: &Intent) {
        match intent {
            Intent::Probe { .. } | Intent::ProbeService { .. } => {}
            Intent::Stage { destination, .. }
            | Intent::Publish { destination, .. }
            | Intent::Restore { destination, .. }
            | Intent::Forget { destination, .. } => {
                self.places.remove(destination);
            }
            Intent::Create { .. }
            | Intent::Disable { .. }
            | Intent::Enable { .. }
            | Intent::Delete { .. } => {
                self.keys = None;
                self.last_used.clear();
            }
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// What is remembered, or what is seen now if that is too old. `oldest` becomes the instant of what is remembered, if
/// that is earlier.
pub(crate) async fn recall<T: Clone>(
    remembered: &mut Option<Sight<T>>,
    now: Timestamp,
    oldest: &mut Timestamp,
    look: impl Future<Output = Seen<T>>,
) -> Seen<T> {
    if let Some(Sight { at, value }) = remembered
        && now < *at + GOOD_FOR
    {
        *oldest = (*oldest).min(*at);
        return Seen::Known(value.clone());
    }
    let seen = look.await;
    *remembered = seen.known().map(|value| Sight { at: now, value: value.clone() });
    seen
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn recalled(memory: &mut Option<Sight<u8>>, second: i64, seen: Seen<u8>) -> (Seen<u8>, Timestamp) {
        let mut oldest = at(second);
        let look = recall(memory, at(second), &mut oldest, async { seen });
        let seen = look.now_or_never().unwrap();
        (seen, oldest)
    }

    #[test]
    fn what_was_seen_is_good_for_half_a_minute_and_no_younger_than_it_is() {
        let mut memory = None;
        assert_eq!(recalled(&mut memory, 100, Seen::Known(1)), (Seen::Known(1), at(100)));
        assert_eq!(recalled(&mut memory, 129, Seen::Known(2)), (Seen::Known(1), at(100)));
        assert_eq!(recalled(&mut memory, 130, Seen::Known(2)), (Seen::Known(2), at(130)));
    }

    #[test]
    fn what_could_not_be_seen_is_looked_at_again() {
        let mut memory = None;
        let blind = || Seen::Unknown("throttled".to_owned());
        assert_eq!(recalled(&mut memory, 100, blind()), (blind(), at(100)));
        assert_eq!(recalled(&mut memory, 101, Seen::Known(2)), (Seen::Known(2), at(101)));
    }
}
