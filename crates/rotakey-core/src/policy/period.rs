//! A length of time as people write it in a policy: `90d`, `36h`, `1d 12h`.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A length of time in whole seconds, never negative. A day has exactly 24 hours: IAM's dates are UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    seconds: i64,
}

/// A text that is no [`Period`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a length of time: write days, hours, minutes and seconds, such as \"90d\" or \"1d 12h\""
)]
pub struct InvalidPeriod {
    text: String,
}

impl Period {
    /// No time at all.
    pub const ZERO: Self = Self { seconds: 0 };

    /// So many seconds.
    pub const fn seconds(count: u32) -> Self {
        Self { seconds: count as i64 }
    }

    /// So many minutes.
    pub const fn minutes(count: u32) -> Self {
        Self { seconds: count as i64 * MINUTE }
    }

    /// So many hours.
    pub const fn hours(count: u32) -> Self {
        Self { seconds: count as i64 * HOUR }
    }

    /// So many days of 24 hours.
    pub const fn days(count: u32) -> Self {
        Self { seconds: count as i64 * DAY }
    }

    /// From `start` to `end`, or `None` if `end` is earlier. Fractions of a second are dropped.
    pub fn between(start: Timestamp, end: Timestamp) -> Option<Self> {
        let seconds = end.duration_since(start).as_secs();
        (end >= start).then_some(Self { seconds })
    }

    /// The length in seconds.
    pub const fn as_seconds(self) -> i64 {
        self.seconds
    }

    /// The number of whole days in it.
    pub const fn whole_days(self) -> i64 {
        self.seconds / DAY
    }

    /// The instant that is this much later than `at` (the end of time at most).
    pub fn after(self, at: Timestamp) -> Timestamp {
        at.checked_add(SignedDuration::from(self)).unwrap_or(Timestamp::MAX)
    }

    /// The instant that is this much earlier than `at` (the beginning of time at most).
    pub fn before(self, at: Timestamp) -> Timestamp {
        at.checked_sub(SignedDuration::from(self)).unwrap_or(Timestamp::MIN)
    }
}

impl From<Period> for SignedDuration {
    fn from(period: Period) -> Self {
        Self::from_secs(period.seconds)
    }
}

/// Exact, in the largest units that fit: `91 d 4 h`, `3 min 2 s`, `0 s`.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.seconds == 0 {
            return f.write_str("0 s");
        }
        let parts = [
            (self.seconds / DAY, " d"),
            (self.seconds % DAY / HOUR, " h"),
            (self.seconds % HOUR / MINUTE, " min"),
            (self.seconds % MINUTE, " s"),
        ];
        let mut separator = "";
        for (count, unit) in parts.into_iter().filter(|(count, _)| *count > 0) {
            f.write_str(separator)?;
            write!(f, "{count}")?;
            f.write_str(unit)?;
            separator = " ";
        }
        Ok(())
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Period {
    type Err = InvalidPeriod;

    /// Reads numbers with the units `d`, `h`, `m` (or `min`) and `s`, each at most once and the larger
    /// ones first, with or without spaces between.
    fn from_str(text: &str) -> Result<Self, InvalidPeriod> {
        parse(text).ok_or_else(|| InvalidPeriod { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<Period> {
    let mut rest = text.trim();
    let mut seconds = 0_i64;
    let mut larger = i64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let tail = tail.trim_start();
        let (name, tail) = tail.split_at(tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len()));
        let unit = match name {
            "d" => DAY,
            "h" => HOUR,
            "m" | "min" => MINUTE,
            "s" => 1,
            _ => return None,
        };
        if unit >= larger {
            return None;
        }
        // 32 bits of days are ten thousand millennia: a larger number is a slip of the hand.
        let count = i64::from(number.parse::<u32>().ok()?);
        seconds = seconds.checked_add(count * unit)?;
        larger = unit;
        rest = tail.trim_start();
    }
    (larger != i64::MAX).then_some(Period { seconds })
}

impl JsonSchema for Period {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A length of time: days, hours, minutes and seconds, such as \"90d\" or \"1d 12h\".",
            // Without look-around, which not every validator knows; so the order of the units is not told.
            "pattern": r"^\s*([0-9]+\s*(d|h|m|min|s)\s*)+$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        let cases = [
            ("90d", Period::days(90)),
            ("36h", Period::hours(36)),
            ("1d 12h", Period::hours(36)),
            ("1d12h", Period::hours(36)),
            ("5m", Period::minutes(5)),
            ("5 min", Period::minutes(5)),
            (" 1d 1h 1m 1s ", Period::seconds(90_061)),
            ("0s", Period::ZERO),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_could_mean_two_things_is_refused() {
        for text in
            ["", " ", "90", "d", "90 days", "-1d", "1.5d", "12h 1d", "1d 1d", "99999999999d", "1w", "1M"]
        {
            assert!(text.parse::<Period>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn lengths_are_shown_exactly() {
        assert_eq!((Period::days(91).as_seconds(), Period::days(91).to_string()), (7_862_400, "91 d".into()));
        assert_eq!(Period::seconds(91 * 86_400 + 4 * 3_600).to_string(), "91 d 4 h");
        assert_eq!(Period::seconds(182).to_string(), "3 min 2 s");
        assert_eq!(Period::ZERO.to_string(), "0 s");
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        proptest::proptest!(|(seconds: u32)| {
            let period = Period::seconds(seconds);
            proptest::prop_assert_eq!(period.to_string().parse(), Ok(period));
        });
    }
}
