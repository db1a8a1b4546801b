//! The guess at a schedule.
//!
//! Several kinds of schedule are held against what was seen, and the one that explains it best is told. Its
//! confidence is the product of two numbers: on how much of what it expects and of what was seen both agree, and how
//! often it was seen at all. So a key that was used twice, on the first of two months, is "monthly" with a
//! confidence of 0.25.

use serde::{Deserialize, Serialize};

use super::pattern::{Fit, Pattern};
use super::runs::Run;
use super::{DayUse, HOUR};
use crate::event_time::{DAY, EventTime};

/// Within this time of the day a run belongs to the schedule: an hour for daylight saving, and as much for jitter.
const WINDOW: i64 = 2 * HOUR;

/// The share of hours that must have calls for use to be continuous.
const CONTINUOUS: f64 = 0.9;

/// Below this, a guess is none.
const LEAST_CONFIDENCE: f64 = 0.2;

/// What days without a time are worth less.
const WITHOUT_TIME: f64 = 0.7;

/// A guess at when a key is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// What kind of schedule it is.
    pub kind: ScheduleKind,
    /// The guess: `daily, about 02:00 UTC`.
    pub text: String,
    /// From 0 to 1.
    pub confidence: f64,
    /// What the confidence comes from: how many periods were expected and seen.
    pub explanation: String,
    /// When it should be used next, seen from the last call.
    pub next_expected: Option<EventTime>,
}

/// Kinds of schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// In nearly every hour, all the time.
    Continuous,
    /// Once in every hour.
    Hourly,
    /// Every so many hours.
    Hours,
    /// Each day.
    Daily,
    /// Five days of the week.
    Weekdays,
    /// One day of the week.
    Weekly,
    /// Every so many days.
    Days,
    /// One day of the month.
    Monthly,
    /// One day of every third month.
    Quarterly,
    /// None of these.
    Irregular,
}

/// The best guess; `None` if there is too little to guess from. Days are sorted and distinct.
pub(super) fn guess(days: &[DayUse], runs: &[Run]) -> Option<Schedule> {
    // Nearly all session keys end here.
    if runs.len() < 2 && days.len() < 2 {
        return None;
    }
    let last = days.last()?.ends().1;
    let hours: Vec<i64> =
        days.iter().flat_map(|day| day.active_hours().map(|hour| day.midnight() / HOUR + hour)).collect();
    let (window, is_long) = match window(&hours, last) {
        Some((schedule, is_long)) => (Some(schedule), is_long),
        None => (None, false),
    };
    let (window_first, window_last) = if is_long { (window, None) } else { (None, window) };
    let guesses = [
        continuous(days, &hours, last),
        every_hours(runs),
        window_first,
        at_a_time(runs, last),
        window_last,
        at_changing_times(days, last),
    ];
    let mut best: Option<Schedule> = None;
    for guess in guesses.into_iter().flatten() {
        if best.as_ref().is_none_or(|best| best.confidence < guess.confidence) {
            best = Some(guess);
        }
    }
    best.filter(|best| best.confidence >= LEAST_CONFIDENCE).or_else(|| irregular(runs))
}

/// Use in nearly every hour.
fn continuous(days: &[DayUse], hours: &[i64], last: i64) -> Option<Schedule> {
    let span = usize::try_from(hours.last()? - hours.first()? + 1).ok()?;
    let share = hours.len() as f64 / span as f64;
    if span < 24 || share < CONTINUOUS {
        return None;
    }
    let fit = Fit { expected: span, fitting: hours.len(), others: 0 };
    // A job that runs each hour does so at its minute; of other use the first call of a day comes at the beginning of
    // an hour, and the last one at the end.
    let ends: Vec<(i64, i64)> =
        days.iter().map(|day| day.ends()).map(|(a, b)| (a % HOUR, b % HOUR)).collect();
    let at_its_minute = ends.iter().filter(|(first, last)| (last - first).abs() < HOUR / 2).count();
    let is_hourly = at_its_minute as f64 >= 0.85 * ends.len() as f64;
    let mut minutes: Vec<i64> = ends.iter().map(|(first, _)| *first).collect();
    minutes.sort_unstable();
    let minute = minutes[minutes.len() / 2];
    let (kind, text) = if is_hourly {
        (ScheduleKind::Hourly, "hourly".to_owned())
    } else {
        (ScheduleKind::Continuous, "continuous".to_owned())
    };
    let next = if is_hourly { (last / HOUR + 1) * HOUR + minute } else { last + HOUR };
    let explanation = format!("calls in {} of {span} hours", hours.len());
    Some(schedule(kind, text, fit.confidence(), explanation, Some(next)))
}

/// Runs at equal distances of some hours.
fn every_hours(runs: &[Run]) -> Option<Schedule> {
    let starts: Vec<i64> = runs.iter().map(|run| run.start / HOUR).collect();
    let distances: Vec<i64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut sorted = distances.clone();
    sorted.sort_unstable();
    let usual = *sorted.get(sorted.len() / 2)?;
    if !(2..24).contains(&usual) {
        return None;
    }
    let tolerance = i64::from(usual >= 4);
    let fitting = distances.iter().filter(|distance| (*distance - usual).abs() <= tolerance).count();
    let span = starts.last()? - starts.first()?;
    let expected = usize::try_from((span + usual / 2) / usual).ok()?;
    let fit = Fit { expected, fitting, others: distances.len() - fitting };
    if !fit.is_one() || fitting < 4 {
        return None;
    }
    let next = runs.last()?.start + usual * HOUR;
    Some(schedule(
        ScheduleKind::Hours,
        format!("every {usual} h"),
        fit.confidence(),
        explain(fit),
        Some(next),
    ))
}

/// Runs that begin at about the same time of certain days.
fn at_a_time(runs: &[Run], last: i64) -> Option<Schedule> {
    let times: Vec<i64> = runs.iter().map(|run| run.start.rem_euclid(DAY)).collect();
    let cluster = Cluster::of(&times)?;
    // Days are counted from half a day before the usual time, so that a run just after midnight may belong to the day
    // before.
    let shift = cluster.centre - DAY / 2;
    let inside = runs.iter().filter(|run| cluster.has(run.start.rem_euclid(DAY)));
    let mut days: Vec<i64> = inside.map(|run| (run.start - shift).div_euclid(DAY)).collect();
    let others = runs.len() - days.len();
    days.dedup();
    let (pattern, fit) = Pattern::best(&days, others)?;
    let minutes = (cluster.centre + 150).rem_euclid(DAY) / 300 * 5;
    let text = format!("{pattern}, about {:02}:{:02} UTC", minutes / 60, minutes % 60);
    let next = pattern.from(days.last()? + 1).map(|day| day * DAY + cluster.centre).find(|next| *next > last);
    Some(schedule(kind(pattern), text, fit.confidence(), explain(fit), next))
}

/// Use at any time within certain hours of certain days, as people work. The other value is whether most of these
/// days have so many hours with use that a single time says too little.
fn window(hours: &[i64], last: i64) -> Option<(Schedule, bool)> {
    let (first_hour, length) = usual_hours(hours)?;
    let (mut days, mut counts, mut outside) = (Vec::<i64>::new(), Vec::<usize>::new(), Vec::<i64>::new());
    for hour in hours {
        let (day, within) = ((hour - first_hour).div_euclid(24), (hour - first_hour).rem_euclid(24));
        if within >= length {
            outside.push(day);
        } else if days.last() == Some(&day) {
            *counts.last_mut()? += 1;
        } else {
            days.push(day);
            counts.push(1);
        }
    }
    let inside: usize = counts.iter().sum();
    counts.sort_unstable();
    let usual_count = *counts.get(counts.len() / 2)?;
    if usual_count < 2 {
        return None;
    }
    outside.dedup();
    let (pattern, fit) = Pattern::best(&days, outside.len())?;
    let share = inside as f64 / hours.len() as f64;
    let end = (first_hour + length) % 24;
    let text = format!("{pattern} {first_hour:02}:00-{end:02}:00 UTC");
    let next =
        pattern.from(days.last()? + 1).map(|day| day * DAY + first_hour * HOUR).find(|next| *next > last);
    let explanation = format!(
        "{} of {} expected days, and {inside} of {} hours in that time",
        fit.fitting,
        fit.expected,
        hours.len()
    );
    Some((schedule(kind(pattern), text, fit.confidence() * share, explanation, next), usual_count >= 4))
}

/// The hours of the day outside of which there is hardly any use: the first one, and how many. `None` if there is no
/// quiet third of the day.
fn usual_hours(hours: &[i64]) -> Option<(i64, i64)> {
    let mut counts = [0_usize; 24];
    for hour in hours {
        counts[hour.rem_euclid(24) as usize] += 1;
    }
    let most = *counts.iter().max()?;
    let is_quiet = |hour: i64| counts[hour.rem_euclid(24) as usize] * 10 < most;
    let mut longest = (0, 0);
    for start in (0..24).filter(|hour| is_quiet(*hour) && !is_quiet(hour - 1)) {
        let length = (0..24).take_while(|hour| is_quiet(start + hour)).count() as i64;
        if length > longest.1 {
            longest = (start, length);
        }
    }
    let (quiet, length) = longest;
    (length >= 8).then_some(((quiet + length) % 24, 24 - length))
}

/// Certain days, whatever the time.
fn at_changing_times(days: &[DayUse], last: i64) -> Option<Schedule> {
    let days: Vec<i64> = days.iter().map(|day| i64::from(day.day)).collect();
    let (pattern, fit) = Pattern::best(&days, 0)?;
    let next = pattern.from(days.last()? + 1).map(|day| day * DAY).find(|next| *next > last);
    let text = format!("{pattern}, at changing times");
    Some(schedule(kind(pattern), text, fit.confidence() * WITHOUT_TIME, explain(fit), next))
}

/// What is left, if there is enough of it.
fn irregular(runs: &[Run]) -> Option<Schedule> {
    let fit = Fit { expected: runs.len(), fitting: runs.len(), others: 0 };
    let explanation = format!("{} runs, and no schedule fits them", runs.len());
    let text = "irregular".to_owned();
    (runs.len() >= 3).then(|| schedule(ScheduleKind::Irregular, text, fit.confidence(), explanation, None))
}

fn explain(fit: Fit) -> String {
    let others = match fit.others {
        0 => String::new(),
        1 => ", and 1 other run".to_owned(),
        others => format!(", and {others} other runs"),
    };
    format!("{} of {} expected runs were seen{others}", fit.fitting, fit.expected)
}

fn kind(pattern: Pattern) -> ScheduleKind {
    match pattern {
        Pattern::Daily => ScheduleKind::Daily,
        Pattern::FiveDays(_) => ScheduleKind::Weekdays,
        Pattern::Weekly(_) => ScheduleKind::Weekly,
        Pattern::Days(..) => ScheduleKind::Days,
        Pattern::Monthly(_) | Pattern::LastOfMonth => ScheduleKind::Monthly,
        Pattern::Quarterly(..) => ScheduleKind::Quarterly,
    }
}

fn schedule(
    kind: ScheduleKind,
    text: String,
    confidence: f64,
    explanation: String,
    next: Option<i64>,
) -> Schedule {
    // No more digits than it is worth.
    let confidence = (confidence * 100.0).round() / 100.0;
    Schedule { kind, text, confidence, explanation, next_expected: next.and_then(EventTime::from_seconds) }
}

/// The times of the day that lie closest together, over midnight as well.
struct Cluster {
    start: i64,
    /// The median of them.
    centre: i64,
}

impl Cluster {
    /// The most of them that lie within the window.
    fn of(times: &[i64]) -> Option<Self> {
        let mut times = times.to_vec();
        times.sort_unstable();
        let count = times.len();
        // Once more, as times of the next day.
        times.extend_from_within(..);
        times[count..].iter_mut().for_each(|time| *time += DAY);
        let (mut best, mut end) = (0..0, 0);
        for start in 0..count {
            while end < start + count && times[end] - times[start] <= WINDOW {
                end += 1;
            }
            if end - start > best.len() {
                best = start..end;
            }
        }
        let inside = &times[best];
        Some(Self { start: *inside.first()?, centre: inside[inside.len() / 2] % DAY })
    }

    fn has(&self, time: i64) -> bool {
        (time - self.start).rem_euclid(DAY) <= WINDOW
    }
}
