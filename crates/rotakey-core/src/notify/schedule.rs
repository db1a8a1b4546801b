//! When notices that can wait are sent together.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

/// Once a day, at a time of the day in a named time zone: `09:00 Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    at: Time,
    zone: TimeZone,
}

/// A text that is no [`Digest`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDigest {
    /// Not a time and a zone.
    #[error("{0:?} is not a time of the day in a time zone")]
    Form(String),
    /// No such zone.
    #[error("the time zone {0:?} is not known on this machine")]
    Zone(String),
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let form = || InvalidDigest::Form(text.to_owned());
        let (at, zone) = text.split_once(' ').ok_or_else(form)?;
        let is_time = at.len() == 5 && at.as_bytes()[2] == b':';
        let at = format!("{at}:00").parse().ok().filter(|_| is_time).ok_or_else(form)?;
        let zone = TimeZone::get(zone.trim()).map_err(|_| InvalidDigest::Zone(zone.trim().to_owned()))?;
        Ok(Self { at, zone })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.zone.iana_name().unwrap_or("UTC");
        write!(f, "{:02}:{:02} {zone}", self.at.hour(), self.at.minute())
    }
}

impl Digest {
    /// The first digest at or after that instant. Where a clock is put forward past the time of the digest, it is sent
    /// as much later; where it is put back, at the first of the two.
    pub fn after(&self, instant: Timestamp) -> Timestamp {
        let day = instant.to_zoned_datetime(self.zone.clone()).date();
        let on = |day: jiff::civil::Date| {
            let digest = self.zone.to_ambiguous_zoned_datetime(day.to_datetime(self.at)).compatible();
            digest.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
        };
        let today = on(day);
        if today >= instant { today } else { day.tomorrow().map_or(Timestamp::MAX, on) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(digest: &str, instant: &str) -> String {
        let digest: Digest = digest.parse().unwrap();
        digest.after(instant.parse().unwrap()).to_string()
    }

    #[test]
    fn the_digest_is_at_its_time_in_its_zone_also_when_clocks_change() {
        let berlin = "09:00 Europe/Berlin";
        assert_eq!(after(berlin, "2026-07-01T06:59:59Z"), "2026-07-01T07:00:00Z");
        assert_eq!(after(berlin, "2026-07-01T07:00:00Z"), "2026-07-01T07:00:00Z");
        assert_eq!(after(berlin, "2026-07-01T07:00:01Z"), "2026-07-02T07:00:00Z");
        assert_eq!(after(berlin, "2026-10-24T08:00:00Z"), "2026-10-25T08:00:00Z", "the clock was put back");
        // 02:30 does not exist on that day.
        assert_eq!(after("02:30 Europe/Berlin", "2026-03-29T00:00:00Z"), "2026-03-29T01:30:00Z");
        // Tomorrow in the zone, still today in UTC.
        assert_eq!(after("00:30 Asia/Tokyo", "2026-07-01T15:00:00Z"), "2026-07-01T15:30:00Z");
    }

    #[test]
    fn a_digest_is_shown_as_it_was_written_and_nothing_else_is_one() {
        for text in ["09:00 Europe/Berlin", "23:59 UTC"] {
            assert_eq!(text.parse::<Digest>().unwrap().to_string(), text);
        }
        let unknown = InvalidDigest::Zone("Mars/Olympus".into());
        assert_eq!("09:00 Mars/Olympus".parse::<Digest>(), Err(unknown));
        for text in ["", "09:00", "9:00 UTC", "24:00 UTC", "09:00:30 UTC", "daily UTC"] {
            assert_eq!(text.parse::<Digest>(), Err(InvalidDigest::Form(text.into())), "{text}");
        }
    }
}
