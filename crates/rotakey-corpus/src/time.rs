//! Dates, as CloudTrail writes them.

use std::fmt::Write as _;

pub(crate) const DAY: i64 = 86_400;
pub(crate) const HOUR: i64 = 3_600;

/// Year, month and day of a number of days since the beginning of 1970.
/// <https://howardhinnant.github.io/date_algorithms.html>
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// `2026-11-23T15:45:00Z`.
pub(crate) fn iso(text: &mut String, seconds: i64) {
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    for (number, width, after) in [
        (year, 4, '-'),
        (month, 2, '-'),
        (day, 2, 'T'),
        (second / HOUR, 2, ':'),
        (second / 60 % 60, 2, ':'),
        (second % 60, 2, 'Z'),
    ] {
        let mut divisor = if width == 4 { 1_000 } else { 10 };
        while divisor > 0 {
            text.push(char::from(b'0' + (number / divisor % 10) as u8));
            divisor /= 10;
        }
        text.push(after);
    }
}

/// `Jul 10, 2023 12:24:29 PM`, newer ones with a comma after the year.
pub(crate) fn spoken(text: &mut String, seconds: i64, is_newer: bool) {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    let (hour, half) = (second / HOUR, if second < 12 * HOUR { "AM" } else { "PM" });
    let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
    let comma = if is_newer { "," } else { "" };
    let month = MONTHS[(month - 1) as usize];
    let _ =
        write!(text, "{month} {day}, {year}{comma} {hour}:{:02}:{:02} {half}", second / 60 % 60, second % 60);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_in_both_forms() {
        let written = |seconds| {
            let (mut first, mut second) = (String::new(), String::new());
            iso(&mut first, seconds);
            spoken(&mut second, seconds, true);
            (first, second)
        };
        let pair = |first: &str, second: &str| (first.to_owned(), second.to_owned());
        assert_eq!(written(0), pair("1970-01-01T00:00:00Z", "Jan 1, 1970, 12:00:00 AM"));
        assert_eq!(written(1_709_251_199), pair("2024-02-29T23:59:59Z", "Feb 29, 2024, 11:59:59 PM"));
    }
}
