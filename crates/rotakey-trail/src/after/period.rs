//! When a key could not be used.

use serde::Serialize;

use crate::event_time::EventTime;
use crate::keys::{Change, LifeEvent};

/// A time during which a key was switched off or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unusable {
    /// The first instant.
    pub from: EventTime,
    /// When it was switched on again; absent if it never was.
    pub until: Option<EventTime>,
    /// Why.
    pub because: Because,
    /// Who did it.
    pub principal: Option<String>,
    /// `eventID` of what did it.
    pub event_id: Option<String>,
}

/// Why a key could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// `UpdateAccessKey` made it inactive.
    Disabled,
    /// `DeleteAccessKey`.
    Deleted,
    /// Whoever asks says so.
    Stated,
}

impl Because {
    /// In one word, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
            Self::Stated => "stated",
        }
    }
}

impl Unusable {
    /// The times that these changes made, in order. They are sorted, and none lies within another. A time that
    /// is `stated` begins there at the latest.
    pub(crate) fn times(changes: &[LifeEvent], stated: Option<EventTime>) -> Vec<Self> {
        let mut times: Vec<Self> = Vec::new();
        let mut stated = stated.map(|from| Self {
            from,
            until: None,
            because: Because::Stated,
            principal: None,
            event_id: None,
        });
        for event in changes {
            if let Some(time) = stated.take_if(|time| time.from <= event.at) {
                Self::begin(&mut times, time);
            }
            let because = match event.change {
                Change::Created | Change::Enabled => {
                    if let Some(time) = times.last_mut().filter(|time| time.until.is_none()) {
                        time.until = Some(event.at);
                    }
                    continue;
                }
                Change::Disabled => Because::Disabled,
                Change::Deleted => Because::Deleted,
            };
            let (principal, event_id) = (event.principal.clone(), event.event_id.clone());
            Self::begin(&mut times, Self { from: event.at, until: None, because, principal, event_id });
        }
        if let Some(time) = stated {
            Self::begin(&mut times, time);
        }
        times
    }

    /// A key that cannot be used is not switched off a second time; but that it was deleted is worth knowing.
    fn begin(times: &mut Vec<Self>, time: Self) {
        match times.last_mut().filter(|last| last.until.is_none()) {
            Some(last) if time.because == Because::Deleted && last.because != Because::Deleted => {
                last.because = Because::Deleted;
            }
            Some(_) => {}
            None => times.push(time),
        }
    }

    /// Whether the key could not be used at that time.
    pub(crate) fn holds(&self, at: EventTime) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(changes: &[(&str, Change)], stated: Option<&str>, expected: &[(&str, Option<&str>, Because)]) {
        let at = |text: &str| EventTime::parse(&format!("2026-11-{text}:00:00Z")).unwrap();
        let events: Vec<LifeEvent> = changes
            .iter()
            .map(|&(text, change)| LifeEvent {
                at: at(text),
                change,
                principal: None,
                provenance: None,
                event_id: None,
            })
            .collect();
        let times: Vec<_> = Unusable::times(&events, stated.map(at))
            .into_iter()
            .map(|time| (time.from, time.until, time.because))
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|&(from, until, because)| (at(from), until.map(at), because)).collect();
        assert_eq!(times, expected);
    }

    #[test]
    fn a_key_is_unusable_from_when_it_is_switched_off_until_it_is_switched_on() {
        use Change::{Created, Deleted, Disabled, Enabled};
        check(&[], None, &[]);
        check(&[("01T10", Created)], None, &[]);
        check(
            &[("02T10", Disabled), ("03T10", Enabled), ("04T10", Disabled), ("05T10", Deleted)],
            None,
            &[("02T10", Some("03T10"), Because::Disabled), ("04T10", None, Because::Deleted)],
        );
        check(&[("02T10", Disabled), ("03T10", Disabled)], None, &[("02T10", None, Because::Disabled)]);
        check(&[("03T10", Deleted)], None, &[("03T10", None, Because::Deleted)]);
    }

    #[test]
    fn what_is_stated_counts_until_the_trail_says_that_the_key_was_switched_on() {
        use Change::{Disabled, Enabled};
        check(&[], Some("02T10"), &[("02T10", None, Because::Stated)]);
        check(&[("03T10", Enabled)], Some("02T10"), &[("02T10", Some("03T10"), Because::Stated)]);
        check(&[("01T10", Disabled)], Some("02T10"), &[("01T10", None, Because::Disabled)]);
        check(&[("03T10", Disabled)], Some("02T10"), &[("02T10", None, Because::Stated)]);
    }
}
