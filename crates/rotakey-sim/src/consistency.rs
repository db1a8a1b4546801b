//! How eventual the consistency is: plain data, like the faults.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How late changes become true and visible. All spans are in milliseconds in JSON. The default is the
/// friendly weather of a quiet day: keys work within some seconds, and reads are current.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Consistency {
    /// How long a new key (or one made active again) is refused. Each service learns of it on its own within
    /// this range: that one accepts the key does not mean that another does.
    pub new_key: DelayRange,
    /// How long a key keeps working after it was made inactive.
    pub inactivated_key: DelayRange,
    /// How long a key keeps working after it was deleted.
    pub deleted_key: DelayRange,
    /// How old the state that IAM's reads answer from may be: each read is somewhere between fresh and this.
    #[serde(with = "milliseconds")]
    pub stale_reads: Duration,
    /// How long a use takes to show in `GetAccessKeyLastUsed` and the credential report.
    #[serde(with = "milliseconds")]
    pub last_used_lag: Duration,
    /// How long a call takes to show in CloudTrail's `LookupEvents`.
    #[serde(with = "milliseconds")]
    pub trail_delay: Duration,
    /// How long a replica of a secret lags behind the secret.
    pub replication: DelayRange,
    /// How long a call takes; every call moves the clock by a draw from this range.
    pub latency: DelayRange,
}

impl Default for Consistency {
    fn default() -> Self {
        Self {
            new_key: DelayRange::milliseconds(1_000, 8_000),
            inactivated_key: DelayRange::milliseconds(500, 5_000),
            deleted_key: DelayRange::milliseconds(500, 5_000),
            stale_reads: Duration::ZERO,
            last_used_lag: Duration::from_secs(5 * 60),
            trail_delay: Duration::from_secs(5 * 60),
            replication: DelayRange::milliseconds(1_000, 5_000),
            latency: DelayRange::milliseconds(15, 120),
        }
    }
}

impl Consistency {
    /// Every change is true and visible at once. Calls still take their time.
    pub fn immediate() -> Self {
        Self {
            new_key: DelayRange::NONE,
            inactivated_key: DelayRange::NONE,
            deleted_key: DelayRange::NONE,
            stale_reads: Duration::ZERO,
            last_used_lag: Duration::ZERO,
            trail_delay: Duration::ZERO,
            replication: DelayRange::NONE,
            ..Self::default()
        }
    }
}

/// A span that is drawn anew each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelayRange {
    /// The shortest, in milliseconds.
    pub shortest: u64,
    /// The longest, in milliseconds.
    pub longest: u64,
}

impl DelayRange {
    /// No delay.
    pub const NONE: Self = Self { shortest: 0, longest: 0 };

    /// Between so many milliseconds.
    pub const fn milliseconds(shortest: u64, longest: u64) -> Self {
        Self { shortest, longest }
    }

    /// The delay that a random number stands for.
    pub(crate) fn at(self, number: u64) -> Duration {
        let spread = self.longest.saturating_sub(self.shortest);
        let extra = if spread == u64::MAX { number } else { number % (spread + 1) };
        Duration::from_millis(self.shortest.saturating_add(extra))
    }
}

mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        u64::try_from(span.as_millis()).unwrap_or(u64::MAX).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_from_json_and_the_rest_keeps_its_default() {
        let text = r#"{"stale_reads": 90000, "new_key": {"shortest": 0, "longest": 60000}}"#;
        let settings: Consistency = serde_json::from_str(text).unwrap();
        assert_eq!(settings.stale_reads, Duration::from_secs(90));
        assert_eq!(settings.new_key, DelayRange::milliseconds(0, 60_000));
        assert_eq!(settings.latency, Consistency::default().latency);
        assert!(
            serde_json::from_str::<Consistency>(r#"{"stale_read": 1}"#).is_err(),
            "a typing error is said"
        );
    }

    #[test]
    fn delays_stay_in_their_range() {
        let range = DelayRange::milliseconds(10, 12);
        let seen = (0..9).map(|number| range.at(number).as_millis()).collect::<Vec<_>>();
        assert_eq!(seen, [10, 11, 12, 10, 11, 12, 10, 11, 12]);
    }
}
