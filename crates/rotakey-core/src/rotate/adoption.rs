//! Whether applications have moved to the new key: one judgement, for the machine and for reminders.

use jiff::Timestamp;

use super::LAST_USED_GRANULARITY;
use super::rotation::Rotation;
use super::service::points;
use super::state::{Adoption, NewKey};
use super::usage::ConsumerUse;
use crate::fact::LastUsed;

impl Rotation {
    /// What shows that the new key has been adopted, if something does. Its last use is asked for only if that
    /// depends on it.
    pub(crate) fn adopted<'u, E>(
        &self,
        new: &NewKey,
        adoption: &Adoption,
        last_used: impl FnOnce() -> Result<&'u LastUsed, E>,
    ) -> Result<Option<String>, E> {
        if let Some(person) = &adoption.vouched_by {
            return Ok(Some(format!("{person} vouched for it")));
        }
        let Some(last_use) = adoption.last_use else {
            return Ok(Some("the old key was never used".to_owned()));
        };
        let idle = adoption.published_at.duration_since(last_use);
        if idle >= self.plan.timing.longest_quiet {
            return Ok(Some(format!("the old key had not been used for {} days", idle.as_hours() / 24)));
        }
        if let Some(used) = self.usage.adopters().first() {
            return Ok(Some(format!("the new key was used at {} ({})", used.last_at, used.consumer)));
        }
        let LastUsed::At { at, service, .. } = last_used()? else { return Ok(None) };
        // Our own probes are uses, and hide others for a quarter of an hour.
        let ours = new.probed_at.is_some_and(|probed| *at <= probed + LAST_USED_GRANULARITY);
        let probed = points(&self.plan, &self.usage);
        let foreign_service = service.as_deref().is_some_and(|service| {
            service != "sts" && service != "ses" && probed.iter().all(|point| point.service != service)
        });
        if ours && !foreign_service {
            return Ok(None);
        }
        Ok(Some(format!(
            "the new key was used at {at} ({})",
            service.as_deref().unwrap_or("service unknown")
        )))
    }

    /// The last use of the old key by others than rotakey, which asks with it whether it works again after it was
    /// missed.
    pub(crate) fn old_use<'u>(&self, last_used: &'u LastUsed) -> &'u LastUsed {
        let ours = self.old_key_asked_at.zip(last_used.at()).is_some_and(|(asked, at)| at <= asked)
            && matches!(last_used, LastUsed::At { service: Some(service), .. } if service == "sts");
        if ours { &LastUsed::Never } else { last_used }
    }

    /// The consumers that used the old key after the new one was in place (or after somebody vouched that all have
    /// it), and are not known to have moved since.
    pub(crate) fn still_on_old(&self, adoption: &Adoption, now: Timestamp) -> Vec<&ConsumerUse> {
        let left = self.usage.left(&self.plan.timing, adoption.answered_for, now).into_iter();
        left.map(|left| left.used).filter(|used| used.last_at > adoption.to_move_from()).collect()
    }

    /// Whether that use of the old key means that somebody has not moved: not if a source that sees all uses has
    /// seen who it was, and whoever used the key has moved.
    pub(crate) fn shows_a_straggler(&self, adoption: &Adoption, last_use: Timestamp) -> bool {
        last_use > adoption.to_move_from() && !self.usage.has_seen(&self.plan.timing, last_use)
    }
}
