//! Durations and instants as people read them.

use jiff::{SignedDuration, Timestamp};

const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];

/// A duration in its two largest units that are not zero: `90 d 1 s` is one second more than 90 days, and
/// must not look like 90 days. Negative durations have a minus sign.
pub(crate) fn duration(duration: SignedDuration) -> String {
    let mut rest = duration.as_secs().unsigned_abs();
    let parts: Vec<String> = UNITS
        .iter()
        .filter_map(|&(seconds, unit)| {
            let count = rest / seconds;
            rest %= seconds;
            (count > 0).then(|| format!("{count} {unit}"))
        })
        .take(2)
        .collect();
    match (parts.is_empty(), duration.is_negative()) {
        (true, _) => "0 s".to_owned(),
        (false, false) => parts.join(" "),
        (false, true) => format!("-{}", parts.join(" ")),
    }
}

/// A duration in its largest unit only, rounded down: for columns that compare at a glance.
pub(crate) fn rough(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().unsigned_abs();
    UNITS
        .iter()
        .find(|&&(unit, _)| seconds >= unit)
        .map_or_else(|| "0 s".to_owned(), |&(unit, name)| format!("{} {name}", seconds / unit))
}

/// How an instant lies to the present: `3 d ago`, `in 4 h`, `now`.
pub(crate) fn relative(at: Timestamp, now: Timestamp) -> String {
    let distance = at.duration_since(now);
    match distance.as_secs() {
        0 => "now".to_owned(),
        seconds if seconds < 0 => format!("{} ago", rough(distance)),
        _ => format!("in {}", rough(distance)),
    }
}

/// The day of an instant in UTC, `2026-11-23`.
pub(crate) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// An instant to the second in UTC, `2026-11-23T15:45:00Z`.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `1 key`, `2 keys`.
pub(crate) fn count(number: usize, singular: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {singular}{plural}", grouped(number))
}

/// A number with its thousands set apart: `12,345`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_over_the_limit_is_visible() {
        let ninety_days = SignedDuration::from_hours(90 * 24);
        assert_eq!(duration(ninety_days), "90 d");
        assert_eq!(duration(ninety_days + SignedDuration::from_secs(1)), "90 d 1 s");
        assert_eq!(duration(ninety_days + SignedDuration::from_hours(1)), "90 d 1 h");
        assert_eq!(duration(SignedDuration::from_secs(-90)), "-1 min 30 s");
        assert_eq!(duration(SignedDuration::ZERO), "0 s");
    }

    #[test]
    fn instants_are_told_from_the_present() {
        let now: Timestamp = "2026-11-23T15:45:00Z".parse().unwrap();
        let at = |text: &str| relative(text.parse().unwrap(), now);
        assert_eq!(at("2026-11-20T15:45:00Z"), "3 d ago");
        assert_eq!(at("2026-11-23T19:50:00Z"), "in 4 h");
        assert_eq!(at("2026-11-23T15:45:00Z"), "now");
    }

    #[test]
    fn numbers_are_counted_and_grouped() {
        assert_eq!(count(1, "key"), "1 key");
        assert_eq!(count(0, "key"), "0 keys");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(123), "123");
    }
}
