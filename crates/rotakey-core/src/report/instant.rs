//! The instants of a credential report.

use jiff::Timestamp;

/// Reads an instant such as `2020-01-02T03:04:05+00:00`. That form and the one with `Z`, in which AWS writes
/// all of them, are read without detours: there are up to ten in each of a million rows.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let second = match text.as_bytes() {
        [seconds @ .., b'Z'] | [seconds @ .., b'+', b'0', b'0', b':', b'0', b'0'] => in_utc(seconds),
        _ => None,
    };
    match second {
        Some(second) => Timestamp::from_second(second).ok(),
        None => text.parse().ok(),
    }
}

/// Seconds since 1970 of exactly `2020-01-02T03:04:05`, or `None` if it is written otherwise.
fn in_utc(text: &[u8]) -> Option<i64> {
    let &[y1, y2, y3, y4, b'-', o1, o2, b'-', d1, d2, b'T', h1, h2, b':', m1, m2, b':', s1, s2] = text else {
        return None;
    };
    let year = number(&[y1, y2, y3, y4])?;
    let (month, day) = (number(&[o1, o2])?, number(&[d1, d2])?);
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?);
    let exists = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    (exists && hour < 24 && minute < 60 && second < 60)
        .then(|| days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", for years from 0: a year that begins in
/// March has its leap day at the end.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, months_since_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let century_cycle = year.div_euclid(400);
    let year_of_cycle = year.rem_euclid(400);
    let day_of_year = (153 * months_since_march + 2) / 5 + day - 1;
    let day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
    century_cycle * 146_097 + day_of_cycle - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_are_read_as_aws_writes_them() {
        for text in ["2020-02-29T23:59:59+00:00", "2020-02-29T23:59:59Z", "2020-03-01T00:59:59+01:00"] {
            assert_eq!(parse(text).map(Timestamp::as_second), Some(1_583_020_799), "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in [
            "",
            "N/A",
            "2020-02-30T00:00:00Z",
            "2021-02-29T00:00:00Z",
            "2020-13-01T00:00:00Z",
            "2020-01-01T24:00:00Z",
            "2020-01-01",
            "2020-01-01T00:00:00",
            "2020-01-01T00:00:0",
            "2020-01-01T00:00:00+00:0",
            "20200101 000000",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_quick_way_reads_what_the_thorough_one_reads(second in -62_135_596_800_i64..=253_402_207_200) {
            let instant = Timestamp::from_second(second).unwrap();
            let text = instant.to_string();
            prop_assert_eq!(parse(&text), Some(instant));
            prop_assert_eq!(in_utc(text.trim_end_matches('Z').as_bytes()), Some(second));
        }
    }
}
