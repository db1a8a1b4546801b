//! Gaps between calls, and runs: use in consecutive hours.

use super::{DayUse, HOUR};

/// Use in consecutive hours, over midnight as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// When it began, in seconds since 1970: the first call of a day is known exactly, others are taken to be at the
    /// beginning of their hour.
    pub(super) start: i64,
    /// Its last hour, in hours since 1970.
    pub(super) last_hour: i64,
}

/// The runs, in order.
pub(super) fn runs(days: &[DayUse]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for day in days {
        let (first, _) = day.ends();
        for hour in day.active_hours() {
            let hour = day.midnight() / HOUR + hour;
            match runs.last_mut() {
                Some(run) if run.last_hour + 1 == hour => run.last_hour = hour,
                _ => runs.push(Run { start: first.max(hour * HOUR), last_hour: hour }),
            }
        }
    }
    runs
}

/// The median of the times from one run to the next.
pub(super) fn typical_interval(runs: &[Run]) -> Option<u64> {
    let mut intervals: Vec<i64> = runs.windows(2).map(|pair| pair[1].start - pair[0].start).collect();
    intervals.sort_unstable();
    u64::try_from(*intervals.get(intervals.len() / 2)?).ok()
}

/// The longest time in which there may have been no call. `None` if there are no days.
pub(super) fn longest_gap(days: &[DayUse]) -> Option<u64> {
    let between = days.windows(2).map(|pair| pair[1].ends().0 - pair[0].ends().1);
    let within = days.iter().map(|day| longest_gap_within(*day));
    between.chain(within).max().and_then(|gap| u64::try_from(gap).ok())
}

/// Of the calls of an hour it is only known that there were any, so the gap is measured from the earliest that the
/// one may have been to the latest that the other may have been.
fn longest_gap_within(day: DayUse) -> i64 {
    let (first, last) = day.ends();
    let hours: Vec<i64> = day.active_hours().map(|hour| day.midnight() + hour * HOUR).collect();
    let earliest = |hour: i64| hour.max(first);
    let latest = |hour: i64| (hour + HOUR - 1).min(last);
    let between = hours.windows(2).map(|pair| latest(pair[1]) - earliest(pair[0]));
    // Two calls may share an hour only if there are more calls than hours.
    let may_share = day.calls as usize > hours.len();
    let within = hours.iter().filter(|_| may_share).map(|hour| latest(*hour) - earliest(*hour));
    between.chain(within).max().unwrap_or(0)
}
