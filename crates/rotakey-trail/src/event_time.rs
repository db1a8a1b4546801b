//! The time of an event, which CloudTrail tells to the second.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

/// The seconds of a day.
pub const DAY: i64 = 86_400;

/// Whole seconds since the beginning of 1970, UTC; from 1970 up to 9999. Shown and serialized as
/// `2026-11-23T15:45:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EventTime(i64);

impl EventTime {
    /// The time so many seconds after the beginning of 1970, if it is before the year 10000.
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        (0..253_402_300_800).contains(&seconds).then_some(Self(seconds))
    }

    /// Seconds since the beginning of 1970.
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// Days since the beginning of 1970.
    pub fn day(self) -> i64 {
        self.0.div_euclid(DAY)
    }

    /// Reads what CloudTrail writes, `2026-11-23T15:45:00Z`, and other forms of RFC 3339; fractions of seconds
    /// are cut off. `None` for anything else, and before 1970.
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_usual(text.as_bytes()).or_else(|| {
            let timestamp: Timestamp = text.parse().ok()?;
            Self::from_seconds(timestamp.as_second())
        })
    }

    /// The form that CloudTrail writes, in some nanoseconds.
    fn parse_usual(text: &[u8]) -> Option<Self> {
        let text: &[u8; 20] = text.try_into().ok()?;
        if [text[4], text[7], text[10], text[13], text[16], text[19]] != *b"--T::Z" {
            return None;
        }
        let digits = |from: usize, until: usize| {
            text[from..until].iter().try_fold(0_i64, |number, digit| {
                digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
            })
        };
        let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
        let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let month_length = match month {
            2 => 28 + i64::from(is_leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        if !(1..=month_length).contains(&day) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        // Days since 1970, with years that begin in March: https://howardhinnant.github.io/date_algorithms.html
        let march_year = if month <= 2 { year - 1 } else { year };
        let era = march_year.div_euclid(400);
        let year_of_era = march_year - era * 400;
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        Self::from_seconds(days * DAY + hour * 3_600 + minute * 60 + second)
    }
}

impl From<EventTime> for Timestamp {
    fn from(time: EventTime) -> Self {
        Self::from_second(time.0).expect("the range of event times is within that of timestamps")
    }
}

impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Timestamp::from(*self), f)
    }
}

impl Serialize for EventTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventTime {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no time")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_times_that_exist_are_read() {
        let seconds = |text| EventTime::parse(text).map(EventTime::seconds);
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2024-02-29T23:59:59Z"), Some(1_709_251_199));
        assert_eq!(seconds("2024-02-29T23:59:59.999Z"), Some(1_709_251_199));
        assert_eq!(seconds("2024-03-01T00:59:59+01:00"), Some(1_709_251_199));
        for wrong in [
            "",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn the_quick_way_reads_what_the_library_reads(seconds in 0_i64..253_402_300_800) {
            let time = EventTime::from_seconds(seconds).unwrap();
            prop_assert_eq!(EventTime::parse_usual(time.to_string().as_bytes()), Some(time));
        }
    }
}
