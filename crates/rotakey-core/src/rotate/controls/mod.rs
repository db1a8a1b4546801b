//! What holds rotations back: a halt, freezes, maintenance windows, limits and canaries.
//!
//! Pure and cheap: settings, facts and an instant in, [`Permit`] out. Two questions are asked. [`Controls::admit`]
//! says which of the rotations that are due may begin now; [`Controls::permit`] says before every effect whether it
//! may be done now. What makes things safe again is never held back: enabling a key, giving applications the old one
//! again, staging a new secret where it cannot be lost, disabling a key whose secret is lost.

mod admit;
mod calendar;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use admit::{Canaries, Canary, Candidate, Fleet, Limits, Share};
pub use calendar::{Freeze, InvalidZone, Window, Zone, instant_of};

use super::effect::Intent;
use super::plan::Plan;
use super::rotation::Rotation;
use super::state::State;
use super::{LAST_USED_LAG, PROPAGATION};
use crate::policy::{Answer, UserSubject};

/// What holds rotations back, as `[rotate]` says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(default)]
pub struct Controls {
    /// How many rotations may be under way at a time.
    pub limits: Limits,
    /// Whose keys are rotated first. The others begin only when these have ended well.
    #[schemars(rename = "canary")]
    pub canaries: Vec<Canary>,
    /// When nothing is changed.
    #[schemars(rename = "freeze")]
    pub freezes: Vec<Freeze>,
    /// When something may be changed. A user for whom there is a window is left alone outside of all of them.
    #[schemars(rename = "window")]
    pub windows: Vec<Window>,
}

/// What can be held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// That a rotation begins.
    Begin,
    /// That a key is created.
    Create,
    /// That applications are given a new key.
    Publish,
    /// That a key is disabled that applications may hold.
    Disable,
    /// That a key is deleted.
    Delete,
}

/// Somebody stopped everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// Who: the ARN that AWS took them for, or where the switch is.
    pub by: String,
    /// Why.
    pub why: String,
    /// Since when, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// Whether something may be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permit {
    /// It may.
    Go,
    /// It may not.
    Wait {
        /// When it may; `None` if that is not a matter of time.
        until: Option<Timestamp>,
        /// What holds it back.
        why: String,
    },
}

/// When the steps of a rotation can be done at the earliest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// It begins, or what it waits for is not a matter of time.
    pub begins: Timestamp,
    /// The old key is disabled.
    pub disabled: Timestamp,
    /// The old key is deleted.
    pub deleted: Timestamp,
    /// What makes it later than its limit, though it would be in time otherwise.
    pub overdue_by: Option<String>,
}

impl Gate {
    /// What the configuration calls them.
    pub const ALL: [(&'static str, Self); 5] = [
        ("begin", Self::Begin),
        ("create", Self::Create),
        ("publish", Self::Publish),
        ("disable", Self::Disable),
        ("delete", Self::Delete),
    ];

    /// What an effect of that rotation is, if it is one that can be held back.
    pub fn of(rotation: &Rotation, intent: &Intent) -> Option<Self> {
        match (intent, rotation.state()) {
            (Intent::Create { .. }, _) => Some(Self::Create),
            (Intent::Publish { .. }, _) => Some(Self::Publish),
            // Nobody has its secret, or nobody will.
            (Intent::Disable { .. }, State::Orphaned { .. }) => None,
            // It may be disabled already: this makes it certain.
            (Intent::Disable { .. }, State::Disabled { .. }) => None,
            (Intent::Disable { .. }, State::Finishing(finishing)) if finishing.may_be_disabled() => None,
            (Intent::Disable { .. }, _) => Some(Self::Disable),
            (Intent::Delete { .. }, _) => Some(Self::Delete),
            // Asked only because the old key is to be deleted next.
            (Intent::Probe { .. }, State::Disabled { .. }) => Some(Self::Delete),
            (
                Intent::Stage { .. }
                | Intent::Probe { .. }
                | Intent::ProbeService { .. }
                | Intent::Restore { .. }
                | Intent::Forget { .. }
                | Intent::Enable { .. },
                _,
            ) => None,
        }
    }
}

impl Gate {
    /// The next thing that a rotation does that can be held back, as far as its log tells.
    pub fn next_of(rotation: &Rotation) -> Option<Self> {
        match rotation.state() {
            _ if rotation.rollback_wanted().is_some() => None,
            State::Planned => {
                Some(if rotation.plan().task.is_to_replace() { Self::Create } else { Self::Disable })
            }
            State::Delivering { .. } | State::Verifying { .. } => Some(Self::Publish),
            State::Adopting { .. } | State::Ready { .. } | State::BrownOut { .. } => Some(Self::Disable),
            State::Disabled { .. } => Some(Self::Delete),
            State::Finishing(finishing) if finishing.inactive_since().is_none() => Some(Self::Disable),
            State::Finishing(_) => Some(Self::Delete),
            State::Issuing { .. }
            | State::Orphaned { .. }
            | State::Deleted { .. }
            | State::RollingBack { .. }
            | State::Closed { .. } => None,
        }
    }
}

impl Halt {
    /// The halt as a reason to wait.
    pub fn permit(&self) -> Permit {
        Permit::Wait { until: None, why: format!("halted by {}: {}", self.by, self.why) }
    }
}

impl Permit {
    /// Whether it may be done.
    pub fn goes(&self) -> bool {
        matches!(self, Self::Go)
    }
}

/// After how many freezes and closed windows in a row the search for an open moment is given up.
const PATIENCE: usize = 100;

/// When what is held back by something not known is looked at again.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(1);

impl Controls {
    /// Whether the gate is open for a user at `now`, as far as the calendar and the halt say.
    pub fn permit(&self, gate: Gate, user: &UserSubject, halt: Option<&Halt>, now: Timestamp) -> Permit {
        match halt {
            Some(halt) => halt.permit(),
            None => self.calendar(gate, user, now),
        }
    }

    /// Whether an effect of a rotation may be done at `now`.
    pub fn permit_effect(
        &self,
        rotation: &Rotation,
        intent: &Intent,
        halt: Option<&Halt>,
        now: Timestamp,
    ) -> Permit {
        match (Gate::of(rotation, intent), halt) {
            (None, _) => Permit::Go,
            (Some(_), Some(halt)) => halt.permit(),
            (Some(_), None) if self.has_no_calendar() => Permit::Go,
            (Some(gate), None) => self.calendar(gate, &rotation.plan().user(), now),
        }
    }

    /// When the steps of a plan can be done at the earliest, if it begins at `now` or as soon as it may.
    pub fn forecast(&self, plan: &Plan, user: &UserSubject, now: Timestamp) -> Forecast {
        let in_time = |controls: &Self| {
            let mut held = Vec::new();
            let mut after = |gate, earliest: Timestamp| match controls.calendar(gate, user, earliest) {
                Permit::Wait { until: Some(until), why } => {
                    held.push(why);
                    until
                }
                _ => earliest,
            };
            let begins = after(Gate::Begin, now);
            let quiet = plan.timing.quiet_for + LAST_USED_LAG;
            // Disabled by way of trial first, and watched.
            let trial = plan.brown_out().map(|brown_out| brown_out + quiet);
            let disabled = if plan.task.is_to_replace() {
                let created = after(Gate::Create, begins);
                let published = after(Gate::Publish, later(created, PROPAGATION));
                after(Gate::Disable, later(published, quiet))
            } else if plan.finish().is_some_and(|finish| finish.found_inactive()) {
                begins
            } else {
                after(Gate::Disable, begins)
            };
            let disabled = trial.map_or(disabled, |trial| after(Gate::Disable, later(disabled, trial)));
            let deleted = after(Gate::Delete, later(disabled, plan.timing.delete_after));
            (begins, disabled, deleted, held)
        };
        let (begins, disabled, deleted, held) = in_time(self);
        let free = in_time(&Self::default()).2;
        let late = |limit_at: &Timestamp| free <= *limit_at && *limit_at < deleted;
        let overdue_by = plan.limit_at.filter(late).and(held.into_iter().next());
        Forecast { begins, disabled, deleted, overdue_by }
    }

    fn has_no_calendar(&self) -> bool {
        self.freezes.is_empty() && self.windows.is_empty()
    }

    /// Steps from one end to the next until no freeze is on and a window is open.
    fn calendar(&self, gate: Gate, user: &UserSubject, now: Timestamp) -> Permit {
        if self.has_no_calendar() {
            return Permit::Go;
        }
        let freezes: Vec<_> = self
            .freezes
            .iter()
            .filter(|freeze| freeze.holds(gate) && freeze.matcher.matches(user) != Answer::No)
            .collect();
        let windows: Vec<_> = self
            .windows
            .iter()
            .filter(|window| window.holds(gate))
            .map(|window| (window, window.matcher.matches(user)))
            .filter(|(_, answer)| *answer != Answer::No)
            .collect();
        let (mut at, mut first) = (now, None);
        for _ in 0..PATIENCE {
            let frozen = freezes.iter().find(|freeze| freeze.is_on(at));
            let held = match frozen {
                Some(freeze) => Some((freeze.to, freeze.to_string())),
                None => calendar::closed(&windows, at),
            };
            match (held, first) {
                (None, None) => return Permit::Go,
                (None, Some(why)) => return Permit::Wait { until: Some(at), why },
                (Some((until, why)), before) => {
                    first = before.or(Some(why));
                    at = until;
                }
            }
        }
        Permit::Wait { until: None, why: first.unwrap_or_default() }
    }
}

pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
