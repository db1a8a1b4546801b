//! Which days something happens on: all, those of a working week, one of each week or month, every so many.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::event_time::DAY;

/// The longest time that is looked at, in days. A schedule is that of months or of a few years.
const MOST_DAYS: i64 = 20_000;

/// The furthest that a next day may be.
const MOST_TO_NEXT: i64 = 400;

/// The least share of what is expected and of what is seen that must agree, for a pattern to be one.
const LEAST_AGREEMENT: f64 = 0.75;

/// A set of days, as days since 1970. Weekdays are counted from Monday, which is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern {
    Daily,
    /// Five days in a row of each week, from that one on. It is not Monday where the working day begins on the
    /// evening before in UTC.
    FiveDays(i64),
    Weekly(i64),
    /// Every so many days; those that leave that remainder.
    Days(i64, i64),
    Monthly(i8),
    LastOfMonth,
    /// Day, and month modulo 3.
    Quarterly(i8, i8),
}

/// How well a pattern describes what was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    /// On how many days it should have happened, between the first and the last time.
    pub(super) expected: usize,
    /// On how many of them it did.
    pub(super) fitting: usize,
    /// What else happened.
    pub(super) others: usize,
}

impl Fit {
    /// The share of all that was expected or seen on which both agree (Dice's coefficient).
    pub(super) fn agreement(self) -> f64 {
        let all = self.expected + self.fitting + self.others;
        if all == 0 { 0.0 } else { (2 * self.fitting) as f64 / all as f64 }
    }

    /// From how often it was seen: a coincidence becomes unlikely with each time. Twice is 0.25, four times 0.5, a
    /// month of days 0.9.
    pub(super) fn certainty(self) -> f64 {
        let fitting = self.fitting as f64;
        if fitting < 2.0 { 0.0 } else { (fitting - 1.0) / (fitting + 2.0) }
    }

    /// Whether it can be called a pattern at all.
    pub(super) fn is_one(self) -> bool {
        self.agreement() >= LEAST_AGREEMENT && self.fitting >= 2
    }

    pub(super) fn confidence(self) -> f64 {
        self.agreement() * self.certainty()
    }
}

impl Pattern {
    /// The pattern that describes those days best, and how well; `others` is how much happened apart from them.
    /// The days are sorted and distinct.
    pub(super) fn best(days: &[i64], others: usize) -> Option<(Self, Fit)> {
        let span = days.last()? - days.first()? + 1;
        if span > MOST_DAYS {
            return None;
        }
        let mut best: Option<(Self, Fit)> = None;
        for pattern in Self::candidates(days, span) {
            let fit = pattern.fit(days, others);
            let least = if matches!(pattern, Self::Days(..) | Self::Quarterly(..)) { 3 } else { 2 };
            let is_better = best.is_none_or(|(_, best)| best.confidence() < fit.confidence());
            if fit.is_one() && fit.fitting >= least && is_better {
                best = Some((pattern, fit));
            }
        }
        best
    }

    /// What may come into question. Whatever has more than twice as many days as a pattern expects is not it.
    fn candidates(days: &[i64], span: i64) -> Vec<Self> {
        let mut candidates = vec![Self::Daily];
        let is_rare_enough = |length: i64| days.len() as i64 <= 2 * (span / length + 1);
        let weekdays =
            |first: i64| days.iter().filter(|day| (weekday(**day) - first).rem_euclid(7) < 5).count();
        // Monday to Friday, if nothing else is better.
        candidates.extend(best_of([0, 6, 5, 1, 2, 3, 4], weekdays).map(Self::FiveDays));
        if is_rare_enough(7) {
            let on = |wanted: i64| days.iter().filter(|day| weekday(**day) == wanted).count();
            candidates.extend(best_of(0..7, on).map(Self::Weekly));
        }
        candidates.extend(Self::every_so_many(days));
        if is_rare_enough(28) {
            let dates: Vec<Date> = days.iter().filter_map(|day| date(*day)).collect();
            let on = |wanted: i8| dates.iter().filter(|date| date.day() == wanted).count();
            let day = best_of(1..=31, on);
            candidates.extend(day.map(Self::Monthly));
            candidates.push(Self::LastOfMonth);
            if let Some(day) = day.filter(|_| is_rare_enough(90)) {
                let in_month = |wanted: i8| {
                    dates.iter().filter(|date| date.day() == day && date.month() % 3 == wanted).count()
                };
                candidates.extend(best_of(0..3, in_month).map(|month| Self::Quarterly(day, month)));
            }
        }
        candidates
    }

    /// By the usual distance, if it is not one of the calendar's.
    fn every_so_many(days: &[i64]) -> Option<Self> {
        let mut distances: Vec<i64> = days.windows(2).map(|pair| pair[1] - pair[0]).collect();
        distances.sort_unstable();
        let distance = *distances.get(distances.len() / 2)?;
        if !matches!(distance, 2..=6 | 8..=27 | 32..=60) {
            return None;
        }
        let on = |remainder: i64| days.iter().filter(|day| **day % distance == remainder).count();
        best_of(0..distance, on).map(|remainder| Self::Days(distance, remainder))
    }

    pub(super) fn fit(self, days: &[i64], others: usize) -> Fit {
        let (Some(first), Some(last)) = (days.first(), days.last()) else {
            return Fit { expected: 0, fitting: 0, others };
        };
        let expected = match self {
            Self::Daily => usize::try_from(last - first + 1).unwrap_or(usize::MAX),
            _ => (*first..=*last).filter(|day| self.has(*day)).count(),
        };
        let fitting = days.iter().filter(|day| self.has(**day)).count();
        Fit { expected, fitting, others: others + days.len() - fitting }
    }

    /// Whether it happens on that day.
    fn has(self, day: i64) -> bool {
        match self {
            Self::Daily => true,
            Self::FiveDays(first) => (weekday(day) - first).rem_euclid(7) < 5,
            Self::Weekly(wanted) => weekday(day) == wanted,
            Self::Days(distance, remainder) => day % distance == remainder,
            Self::Monthly(wanted) => date(day).is_some_and(|date| date.day() == wanted),
            Self::LastOfMonth => date(day).is_some_and(|date| date.day() == date.days_in_month()),
            Self::Quarterly(wanted, month) => {
                date(day).is_some_and(|date| date.day() == wanted && date.month() % 3 == month)
            }
        }
    }

    /// The next days of it, from that one on.
    pub(super) fn from(self, day: i64) -> impl Iterator<Item = i64> {
        (day..day.saturating_add(MOST_TO_NEXT)).filter(move |day| self.has(*day))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Daily => f.write_str("daily"),
            Self::FiveDays(0) => f.write_str("weekdays"),
            Self::FiveDays(first) => write!(f, "{}-{}", name(first), name(first + 4)),
            Self::Weekly(day) => write!(f, "weekly, {}", name(day)),
            Self::Days(distance, remainder) if distance % 7 == 0 => {
                write!(f, "every {} weeks, {}", distance / 7, name(weekday(remainder)))
            }
            Self::Days(distance, _) => write!(f, "every {distance} days"),
            Self::Monthly(day) => write!(f, "monthly, {day}{}", ordinal(day)),
            Self::LastOfMonth => f.write_str("monthly, last day"),
            Self::Quarterly(day, _) => write!(f, "quarterly, {day}{}", ordinal(day)),
        }
    }
}

/// The first of those that it says the most of, if it says anything of one.
fn best_of<T: Copy>(all: impl IntoIterator<Item = T>, says: impl Fn(T) -> usize) -> Option<T> {
    let mut best = (0, None);
    for one in all {
        let count = says(one);
        if count > best.0 {
            best = (count, Some(one));
        }
    }
    best.1
}

fn weekday(day: i64) -> i64 {
    // 1970 began on a Thursday.
    (day + 3).rem_euclid(7)
}

fn date(day: i64) -> Option<Date> {
    let midnight = Timestamp::from_second(day.checked_mul(DAY)?).ok()?;
    Some(Offset::UTC.to_datetime(midnight).date())
}

fn name(weekday: i64) -> &'static str {
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
        [weekday.rem_euclid(7) as usize]
}

fn ordinal(day: i8) -> &'static str {
    match day {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    }
}
