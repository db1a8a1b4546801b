//! Reading what was seen. What could not be seen is waited for.

use jiff::SignedDuration;

use super::{Decision, Next};
use crate::fact::{KeyFacts, LastUsed, Seen};
use crate::id::AccessKeyId;
use crate::rotate::SETTLE;
use crate::rotate::effect::Intent;
use crate::rotate::question::Question;
use crate::rotate::slots::{Held, Slots};

/// The time after which something that could not be seen is looked at again. Longer than any nap within one
/// pass of the engine, so that a pass ends, and says what it could not see, instead of hanging.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(2);

impl Decision<'_> {
    pub(super) fn old(&self) -> &AccessKeyId {
        &self.rotation.plan.old_key
    }

    pub(super) fn keys(&self) -> Result<&[KeyFacts], Next> {
        match &self.seen.keys {
            Seen::Known(keys) => Ok(keys),
            Seen::Unknown(why) => Err(self.cannot_see(why)),
        }
    }

    pub(super) fn last_used(&self, key: &AccessKeyId) -> Result<&LastUsed, Next> {
        match self.seen.last_used.get(key) {
            Some(Seen::Known(last_used)) => Ok(last_used),
            Some(Seen::Unknown(why)) => Err(self.cannot_see(why)),
            None => Err(self.cannot_see(&format!("the last use of {key} was not looked at"))),
        }
    }

    /// All destinations, every one of them seen.
    pub(super) fn all_slots(&self) -> Result<Vec<(usize, &Slots<Held>)>, Next> {
        self.seen
            .destinations
            .iter()
            .enumerate()
            .map(|(index, slots)| match slots {
                Seen::Known(slots) => Ok((index, slots)),
                Seen::Unknown(why) => Err(self.cannot_see(why)),
            })
            .collect()
    }

    /// Whether a key does not exist any more; not only in an old answer.
    pub(super) fn is_gone(&self, key: &AccessKeyId) -> Result<bool, Next> {
        Ok(self.is_settled(key) && self.keys()?.iter().all(|facts| facts.id != *key))
    }

    /// Whether IAM's answers about a key can no longer be older than our own last change of it.
    pub(super) fn is_settled(&self, key: &AccessKeyId) -> bool {
        self.rotation.touched.get(key).is_none_or(|touched| self.seen.looked_at >= *touched + SETTLE)
    }

    /// What AWS said when it refused the key that was probed last.
    pub(super) fn probe_refused(&self) -> Option<&str> {
        let trouble = self.rotation.trouble.as_ref()?;
        let refused = trouble.refusals > 0 && matches!(trouble.intent, Intent::Probe { .. });
        refused.then_some(&trouble.message)
    }

    pub(super) fn destination(&self, index: usize) -> String {
        self.rotation.plan.destinations.get(index).map(ToString::to_string).unwrap_or_default()
    }

    pub(super) fn destination_changed(&self, index: usize, slots: &Slots<Held>) -> Next {
        Next::Ask(Question::DestinationChanged {
            destination: self.destination(index),
            holds: slots.current.as_ref().map(|held| held.key.clone()),
        })
    }

    pub(super) fn cannot_see(&self, why: &str) -> Next {
        Next::Wait { until: self.now + LOOK_AGAIN, why: why.to_owned() }
    }
}
