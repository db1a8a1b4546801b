//! The applications of one user: how often they use a key, and which.

use jiff::{SignedDuration, Timestamp};

use super::Assumptions;
use crate::fact::LastUsed;

/// The applications of one user, which use a key again and again.
#[derive(Debug, Clone)]
pub(super) struct Applications {
    /// A use before all others that are told of.
    first: Option<Timestamp>,
    /// The time between two uses.
    pause: SignedDuration,
    service: Option<String>,
    region: Option<String>,
    /// From when on they use another key than before.
    switched_at: Option<Timestamp>,
}

impl Applications {
    /// Those of a key that was last used then.
    pub(super) fn of(last_used: Option<&LastUsed>, assumptions: &Assumptions, now: Timestamp) -> Self {
        let (first, service, region) = match last_used {
            Some(LastUsed::At { at, service, region }) => ((*at).min(now), service.clone(), region.clone()),
            Some(LastUsed::Never) | None => {
                return Self {
                    first: None,
                    pause: assumptions.busiest,
                    service: None,
                    region: None,
                    switched_at: None,
                };
            }
        };
        // Whole seconds, since a use is recorded in such.
        let idle = SignedDuration::from_secs(now.duration_since(first).as_secs());
        Self { first: Some(first), pause: idle.max(assumptions.busiest), service, region, switched_at: None }
    }

    /// From then on they use the new key.
    pub(super) fn switch_at(&mut self, at: Timestamp) {
        self.switched_at = Some(at);
    }

    /// They use the key that is rotated next, which is the one that they switched to.
    pub(super) fn settle(&mut self) {
        self.switched_at = None;
    }

    /// The last use of the key from before the switch.
    pub(super) fn last_use_of_old(&self, now: Timestamp) -> LastUsed {
        let until = self.switched_at.map_or(now, |switched| switched.min(now));
        self.last_use_until(until).map_or(LastUsed::Never, |at| self.used(at))
    }

    /// The last use of the key from after the switch.
    pub(super) fn last_use_of_new(&self, now: Timestamp) -> LastUsed {
        let use_at = self
            .switched_at
            .filter(|switched| *switched <= now)
            .and_then(|switched| self.last_use_until(now).filter(|at| *at > switched));
        use_at.map_or(LastUsed::Never, |at| self.used(at))
    }

    fn used(&self, at: Timestamp) -> LastUsed {
        LastUsed::At { at, region: self.region.clone(), service: self.service.clone() }
    }

    fn last_use_until(&self, until: Timestamp) -> Option<Timestamp> {
        let first = self.first.filter(|first| *first <= until)?;
        let pauses = until.duration_since(first).as_secs() / self.pause.as_secs().max(1);
        Some(first + SignedDuration::from_secs(pauses * self.pause.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_key_is_used_again_after_as_long_as_it_was_idle() {
        let used =
            LastUsed::At { at: at("2026-01-01T00:00:00Z"), region: None, service: Some("s3".to_owned()) };
        let now = at("2026-01-04T00:00:00Z");
        let mut applications = Applications::of(Some(&used), &Assumptions::default(), now);
        assert_eq!(applications.last_use_of_old(now).at(), Some(now));
        let later = at("2026-01-08T12:00:00Z");
        assert_eq!(applications.last_use_of_old(later).at(), Some(at("2026-01-07T00:00:00Z")));
        applications.switch_at(at("2026-01-05T00:00:00Z"));
        assert_eq!(applications.last_use_of_old(later).at(), Some(now));
        assert_eq!(applications.last_use_of_new(later).at(), Some(at("2026-01-07T00:00:00Z")));
        assert_eq!(applications.last_use_of_new(at("2026-01-06T00:00:00Z")), LastUsed::Never);
    }

    #[test]
    fn a_key_that_was_never_used_stays_so() {
        let now = at("2026-01-04T00:00:00Z");
        let applications = Applications::of(Some(&LastUsed::Never), &Assumptions::default(), now);
        assert_eq!(applications.last_use_of_old(at("2027-01-01T00:00:00Z")), LastUsed::Never);
    }
}
