//! When a key is used, and how regularly: active days and hours, the longest gap, the likely schedule.

mod pattern;
mod runs;
mod schedule;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::event_time::{DAY, EventTime};

pub use schedule::{Schedule, ScheduleKind};

/// The seconds of an hour.
const HOUR: i64 = 3_600;

/// The use of a key on one day (UTC), in bounded space. Which calls there were between the first and the last is
/// known to the hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayUse {
    /// Days since the beginning of 1970.
    pub day: u32,
    /// Bit `n` is set if there was a call in hour `n`.
    pub hours: u32,
    /// The first and last call, in seconds since the beginning of the day.
    pub first: u32,
    #[expect(missing_docs, reason = "told together with `first`")]
    pub last: u32,
    /// How many calls there were.
    pub calls: u32,
}

impl DayUse {
    /// One call at that time.
    pub fn once(at: EventTime) -> Self {
        let day = at.day();
        let second = (at.seconds() - day * DAY) as u32;
        Self { day: day as u32, hours: 1 << (second / 3_600), first: second, last: second, calls: 1 }
    }

    /// Adds further calls of the same day.
    pub fn add(&mut self, other: Self) {
        self.hours |= other.hours;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.calls = self.calls.saturating_add(other.calls);
    }

    /// The first second of the day.
    fn midnight(self) -> i64 {
        i64::from(self.day) * DAY
    }

    /// The first call, in seconds since 1970.
    pub(crate) fn first_second(self) -> i64 {
        self.ends().0
    }

    /// The last call, in seconds since 1970.
    pub(crate) fn last_second(self) -> i64 {
        self.ends().1
    }

    /// The first and the last call, in seconds since 1970, whatever another machine may have written.
    fn ends(self) -> (i64, i64) {
        let first = i64::from(self.first).min(DAY - 1);
        let last = i64::from(self.last).clamp(first, DAY - 1);
        (self.midnight() + first, self.midnight() + last)
    }

    /// The hours with calls; the first and the last call are in two of them.
    fn active_hours(self) -> impl Iterator<Item = i64> {
        let (first, last) = self.ends();
        let (first, last) = ((first - self.midnight()) / HOUR, (last - self.midnight()) / HOUR);
        let hours = self.hours | 1 << first | 1 << last;
        (first..=last).filter(move |hour| hours & 1 << hour != 0)
    }
}

/// How regularly a key is used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cadence {
    /// On how many days there were calls.
    pub active_days: u32,
    /// In how many hours there were calls.
    pub active_hours: u32,
    /// The longest time without a call between the first and the last one, never too short: between calls of one
    /// day it is known to the hour only, and rounded up.
    pub longest_gap_seconds: u64,
    /// The usual time from one run to the next (the median), where a run is use in consecutive hours. `None` if there
    /// was one run only.
    pub typical_interval_seconds: Option<u64>,
    /// What it looks like; `None` if there is too little to say even that it is irregular.
    pub schedule: Option<Schedule>,
}

impl Cadence {
    /// The cadence of those days. Days may come in any order, and a day in several parts. `None` if there are none.
    pub fn of(days: &[DayUse]) -> Option<Self> {
        let days = in_order(days);
        let runs = runs::runs(&days);
        Some(Self {
            active_days: u32::try_from(days.len()).unwrap_or(u32::MAX),
            active_hours: days.iter().map(|day| day.active_hours().count() as u32).sum(),
            longest_gap_seconds: runs::longest_gap(&days)?,
            typical_interval_seconds: runs::typical_interval(&runs),
            schedule: schedule::guess(&days, &runs),
        })
    }
}

/// The days, sorted and distinct.
fn in_order(days: &[DayUse]) -> Cow<'_, [DayUse]> {
    if days.is_sorted_by(|a, b| a.day < b.day) {
        return Cow::Borrowed(days);
    }
    let mut sorted = days.to_vec();
    sorted.sort_unstable_by_key(|day| day.day);
    sorted.dedup_by(|later, kept| {
        let is_same = later.day == kept.day;
        if is_same {
            kept.add(*later);
        }
        is_same
    });
    Cow::Owned(sorted)
}
