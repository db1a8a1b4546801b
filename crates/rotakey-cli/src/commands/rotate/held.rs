//! What holds a rotation back that is under way, as far as its log and the calendar tell.

use jiff::Timestamp;
use rotakey_core::rotate::Rotation;
use rotakey_core::rotate::controls::{Controls, Gate, Halt, Permit};
use serde::Serialize;

use crate::quantity::instant;

/// What is asked.
#[derive(Debug, Default)]
pub(crate) struct Holds<'a> {
    /// The calendar; `None` if nobody has read it.
    pub(crate) controls: Option<&'a Controls>,
    pub(crate) halt: Option<Halt>,
}

/// Why something waits, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Held {
    /// `None` if it is not a matter of time.
    pub(crate) until: Option<Timestamp>,
    pub(crate) why: String,
}

impl Holds<'_> {
    /// What its next step that changes something is held back by, were it due now.
    pub(crate) fn of(&self, rotation: &Rotation, now: Timestamp) -> Option<Held> {
        let gate = Gate::next_of(rotation)?;
        let user = rotation.plan().user();
        Held::of(self.controls?.permit(gate, &user, self.halt.as_ref(), now))
    }
}

impl Held {
    /// What a permit says, if it is none.
    pub(crate) fn of(permit: Permit) -> Option<Self> {
        match permit {
            Permit::Go => None,
            Permit::Wait { until, why } => Some(Self { until, why }),
        }
    }

    /// In words: `until 2026-11-24T08:00:00Z: outside of its maintenance window`.
    pub(crate) fn words(&self) -> String {
        match self.until {
            Some(until) => format!("until {}: {}", instant(until), self.why),
            None => self.why.clone(),
        }
    }
}
