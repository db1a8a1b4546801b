//! The wait for applications to move: who still holds the old key, and until when it must be quiet.

use jiff::{SignedDuration, Timestamp};

use super::{Decision, Next, Step, note, wait};
use crate::fact::LastUsed;
use crate::policy::Period;
use crate::rotate::LAST_USED_LAG;
use crate::rotate::event::Note;
use crate::rotate::question::Question;
use crate::rotate::state::{Adoption, NewKey};
use crate::rotate::usage::Left;

/// How often a use of the old key is worth a log entry while applications move.
const USE_RESOLUTION: SignedDuration = SignedDuration::from_hours(12);

/// How often it is looked who uses the keys while applications move: AWS allows two lookups a second for all of an
/// account and region.
const LOOK_INTERVAL: SignedDuration = SignedDuration::from_hours(12);

/// How old the last look may be when the old key is taken away.
pub(super) const FRESH: SignedDuration = SignedDuration::from_hours(1);

/// The most consumers that are named at once.
pub(super) const MOST_NAMED: usize = 5;

impl Decision<'_> {
    pub(super) fn adopt(&self, new: &NewKey, adoption: &Adoption) -> Step {
        let old_use = self.old_use()?;
        if let Some(at) = old_use.at()
            && adoption.last_use.is_none_or(|known| at >= known + USE_RESOLUTION)
        {
            return Ok(note(Note::OldKeyUsed { last_used: old_use.clone() }));
        }
        self.check_all_served(new)?;
        if self.usage_is_older_than(LOOK_INTERVAL) {
            return Ok(self.look_at_usage());
        }
        let timing = &self.rotation.plan.timing;
        // Of several answers the latest use counts, since IAM may answer with an older one.
        let last_use = old_use.at().max(adoption.last_use).max(self.last_use_in_usage());
        let quiet_since = last_use.map_or(adoption.quiet_from, |at| at.max(adoption.quiet_from));
        let wanted = self.quiet_to_wait_for(adoption, old_use.at());
        let quiet_at = quiet_since + wanted + LAST_USED_LAG;
        let left = self.left(adoption);
        let adopted = self.adopted(new, adoption)?;
        let impatient = adoption.patience_from + timing.adopt_timeout;
        match adopted {
            Some(adopted) if self.now >= quiet_at && left.is_empty() => {
                if self.usage_is_older_than(FRESH) {
                    return Ok(self.look_at_usage());
                }
                let adopted = match self.evidence() {
                    Some(evidence) => format!("{adopted}; {evidence}"),
                    None => adopted,
                };
                Ok(note(Note::ReadyToDisable { quiet_since, adopted }))
            }
            // Used since the patience began, and the patience is over: somebody has not moved.
            _ if self.now >= impatient && quiet_since > adoption.patience_from.max(adoption.quiet_from) => {
                Ok(Next::Ask(self.still_used(&left, old_use)))
            }
            None if self.now >= impatient.max(quiet_at) => {
                Ok(Next::Ask(Question::NotAdopted { since: adoption.published_at }))
            }
            _ if !left.is_empty() => Ok(self.wait_for(&left, quiet_at)),
            Some(_) => Ok(self
                .until_look(quiet_at, &format!("the old key must stay quiet for {}", whole_hours(wanted)))),
            None => Ok(self.until_look(
                (self.now + SignedDuration::from_hours(1)).min(impatient.max(quiet_at)),
                "no application has used the new key yet",
            )),
        }
    }

    /// The last use of the old key by others than rotakey, which asks with it whether it works again after it was
    /// missed.
    fn old_use(&self) -> Result<&LastUsed, Next> {
        let used = self.last_used(self.old())?;
        let asked = self.rotation.old_key_asked_at;
        let ours = asked.zip(used.at()).is_some_and(|(asked, at)| at <= asked)
            && matches!(used, LastUsed::At { service: Some(service), .. } if service == "sts");
        Ok(if ours { &LastUsed::Never } else { used })
    }

    /// How long the old key must be quiet. Where all of its consumers are known, each is waited for by itself.
    fn quiet_to_wait_for(&self, adoption: &Adoption, last_use: Option<Timestamp>) -> SignedDuration {
        let timing = &self.rotation.plan.timing;
        match self.seen.can_see_usage && self.rotation.usage.incomplete(timing, last_use).is_none() {
            true => timing.quiet_for,
            false => self.quiet_wanted(adoption),
        }
    }

    fn left(&self, adoption: &Adoption) -> Vec<Left<'_>> {
        self.rotation.usage.left(&self.rotation.plan.timing, adoption.answered_for, self.now)
    }

    fn last_use_in_usage(&self) -> Option<Timestamp> {
        self.rotation.usage.old.as_ref()?.last_at()
    }

    pub(super) fn usage_is_older_than(&self, age: SignedDuration) -> bool {
        self.seen.can_see_usage && self.rotation.usage.looked_at.is_none_or(|at| self.now >= at + age)
    }

    pub(super) fn look_at_usage(&self) -> Next {
        Next::LookAtUsage { since: self.rotation.usage.look_since(&self.rotation.plan.timing, self.now) }
    }

    /// What the usage shows of the move, for the log.
    fn evidence(&self) -> Option<String> {
        let old = self.rotation.usage.old.as_ref()?;
        let new = self.rotation.usage.adopters().len();
        Some(format!(
            "of {} consumers of the old key none is left, {new} were seen on the new one",
            old.consumers.len()
        ))
    }

    fn still_used(&self, left: &[Left<'_>], old_use: &LastUsed) -> Question {
        let key = self.old().clone();
        if left.is_empty() {
            return Question::StillUsed { key, last_used: old_use.clone(), consumers: Vec::new() };
        }
        let consumers = left.iter().take(MOST_NAMED).map(|left| left.used.clone()).collect();
        Question::ConsumersLeft { key, consumers, number: left.len() }
    }

    /// Names those that have not moved, the one that takes longest first.
    fn wait_for(&self, left: &[Left<'_>], quiet_at: Timestamp) -> Next {
        let safe_at = left.iter().map(|left| left.safe_at).max().map_or(quiet_at, |at| at.max(quiet_at));
        let named: Vec<String> =
            left.iter().take(MOST_NAMED).map(|left| left.used.describe(self.now)).collect();
        let more = match left.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (has, date) = (if left.len() == 1 { "has" } else { "have" }, safe_at.strftime("%Y-%m-%d %H:%M"));
        self.until_look(
            safe_at,
            &format!(
                "{}{more} {has} not been seen on the new key yet; earliest safe date {date}",
                named.join("; ")
            ),
        )
    }

    /// Waits, but looks again who uses the keys in between.
    fn until_look(&self, until: Timestamp, why: &str) -> Next {
        let look = self.rotation.usage.looked_at.filter(|_| self.seen.can_see_usage);
        let look = look.map_or(until, |at| at + LOOK_INTERVAL);
        wait(until.min(look), why)
    }
}

fn whole_hours(duration: SignedDuration) -> Period {
    Period::hours(u32::try_from(duration.as_hours()).unwrap_or(u32::MAX))
}
