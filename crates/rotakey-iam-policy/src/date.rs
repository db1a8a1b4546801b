//! The dates of conditions: W3C profile of ISO 8601 (`2026-11-23`, `2026-11-23T08:15Z`,
//! `2026-11-23T08:15:30.5+01:00`) or seconds since 1970.

use std::str::FromStr;

/// Nanoseconds since 1970-01-01T00:00:00Z, or `None` if the text is no date.
pub(crate) fn parse(text: &str) -> Option<i128> {
    if let Ok(seconds) = text.parse::<i64>() {
        // Four digits are a year, as AWS reads them; more are seconds.
        if text.len() != 4 {
            return Some(i128::from(seconds) * NANOSECONDS);
        }
    }
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let seconds = days(date)? * 86_400;
    let (time, nanoseconds) = time.map_or(Some((0, 0)), time_of_day)?;
    Some(i128::from(seconds + time) * NANOSECONDS + i128::from(nanoseconds))
}

const NANOSECONDS: i128 = 1_000_000_000;

/// Days since 1970-01-01 of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
fn days(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let index = usize::try_from(month - 1).ok()?;
    if parts.next().is_some() || !(1..=*lengths.get(index)?).contains(&day) {
        return None;
    }
    let leap_days = |year: i64| year / 4 - year / 100 + year / 400;
    let before_year = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
    Some(before_year + lengths[..index].iter().sum::<i64>() + day - 1)
}

/// Seconds since midnight UTC, and nanoseconds, of `hh:mm[:ss[.fraction]]` and a zone.
fn time_of_day(text: &str) -> Option<(i64, i64)> {
    let zone = text.find(['Z', '+', '-'])?;
    let (clock, zone) = text.split_at(zone);
    let offset = match zone.strip_prefix('Z') {
        Some("") => 0,
        Some(_) => return None,
        None => {
            let (hours, minutes) = zone[1..].split_once(':')?;
            let offset = bounded(hours, 23)? * 3600 + bounded(minutes, 59)? * 60;
            if zone.starts_with('-') { -offset } else { offset }
        }
    };
    let mut parts = clock.splitn(3, ':');
    let hours = bounded(parts.next()?, 23)?;
    let minutes = bounded(parts.next()?, 59)?;
    let (seconds, fraction) = match parts.next() {
        None => (0, 0),
        Some(part) => {
            let (seconds, fraction) = part.split_once('.').unwrap_or((part, "0"));
            let scale = 10_i64.pow(u32::try_from(9_usize.checked_sub(fraction.len())?).ok()?);
            (bounded(seconds, 60)?, digits(fraction, fraction.len())? * scale)
        }
    };
    Some((hours * 3600 + minutes * 60 + seconds - offset, fraction))
}

fn bounded(text: &str, limit: i64) -> Option<i64> {
    digits(text, 2).filter(|value| *value <= limit)
}

/// A number of exactly that many decimal digits.
fn digits(text: &str, length: usize) -> Option<i64> {
    let valid = !text.is_empty() && text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if valid { i64::from_str(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_instants() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970", 0),
            ("1969-12-31", -86_400),
            ("2000-02-29T00:00Z", 951_782_400),
            ("2026-11-23T15:45:00Z", 1_795_448_700),
            ("2026-11-23T16:45:00+01:00", 1_795_448_700),
            ("1795448700", 1_795_448_700),
        ] {
            assert_eq!(parse(text), Some(seconds * NANOSECONDS), "{text}");
        }
        assert_eq!(parse("1970-01-01T00:00:00.25Z"), Some(250_000_000));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "soon",
            "2026-13-01",
            "2026-02-29",
            "2026-1-1",
            "2026-01-01T",
            "2026-01-01T10Z",
            "2026-01-01T25:00Z",
            "2026-01-01T10:00",
            "2026-01-01T10:00:00.Z",
            "2026-01-01T10:00Zx",
            "2026-01-01-01",
            "2026-01-01T10:00:00.1234567890Z",
            "2026-01-01T10:00+é:00",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
