//! The decision: one safe step, named by looking at the log and at the world.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::effect::{Effect, Intent};
use super::event::{Ending, Event, Note};
use super::observed::{HeldSlots, Observed, Preflight};
use super::proof::{CutOver, Rested, Withdrawn};
use super::question::Question;
use super::rotation::{ACCEPTANCES, Adoption, InFlight, NewKey, OldKey, Probes, Rotation, State};
use super::{LAST_USED_GRANULARITY, LAST_USED_LAG, SETTLE};
use crate::fact::{KeyFacts, KeyStatus, LastUsed, Seen};
use crate::id::AccessKeyId;

/// The time between two probes of a key.
const PROBE_INTERVAL: SignedDuration = SignedDuration::from_secs(5);

/// The time after which something that could not be seen is looked at again.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// How often a use of the old key is worth a log entry while applications move.
const USE_RESOLUTION: SignedDuration = SignedDuration::from_hours(12);

/// How far the creation date of a key may lie outside the time of the create, for clocks that differ.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// After how many refusals of the same step a person is asked.
const PATIENCE: u32 = 5;

/// The one next step of a rotation.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Do this, logging its start before and its outcome after.
    Do(Effect),
    /// Append this to the log and decide again.
    Record(Event),
    /// Nothing is to be done before that instant.
    Wait {
        /// When to look again at the latest.
        until: Timestamp,
        /// What is waited for.
        why: String,
    },
    /// A person must decide.
    Ask(Question),
    /// The rotation is over.
    Done(Ending),
}

/// A step, or what prevents the step that was thought of.
type Step = Result<Next, Next>;

impl Rotation {
    /// Names the next step. `now` must not be later than the instant at which looking began, so that all
    /// that was seen is at least as fresh as the decision takes it to be.
    pub fn next(&self, seen: &Observed, now: Timestamp) -> Next {
        let decision = Decision { rotation: self, seen, now };
        match decision.next() {
            Ok(next) | Err(next) => decision.with_patience(next),
        }
    }

    /// Whether a decision needs to know if the destinations can be written to.
    pub fn needs_preflight(&self) -> bool {
        matches!(self.state, State::Planned) && self.rollback.is_none()
    }

    /// The end of what is being waited for that no look at the world can bring forward, if there is one.
    /// Until then a worker need not look.
    pub fn asleep_until(&self, now: Timestamp) -> Option<Timestamp> {
        let deadline = self.in_flight.as_ref().map(|effect| effect.deadline)?;
        (now < deadline).then_some(deadline)
    }
}

struct Decision<'a> {
    rotation: &'a Rotation,
    seen: &'a Observed,
    now: Timestamp,
}

impl Decision<'_> {
    fn next(&self) -> Step {
        if let State::Closed { ending } = &self.rotation.state {
            return Ok(Next::Done(ending.clone()));
        }
        if let Some(effect) = &self.rotation.in_flight {
            return Ok(self.unfinished(effect));
        }
        if let Some(question) = &self.rotation.question {
            return Ok(Next::Ask(question.clone()));
        }
        self.check_user()?;
        if let State::Issuing { keys_before, started_at, deadline } = &self.rotation.state {
            return self.resolve_create(keys_before, *started_at, *deadline);
        }
        if let State::Orphaned { orphan, disabled_at } = &self.rotation.state {
            self.check_keys()?;
            return self.dispose_of_orphan(orphan, *disabled_at);
        }
        if let Some(why) = &self.rotation.rollback {
            return self.roll_back(why);
        }
        self.check_keys()?;
        match &self.rotation.state {
            State::Planned => self.create(),
            State::Delivering { new } => self.deliver(new),
            State::Verifying { new, probes, .. } => self.verify(new, probes),
            State::Adopting { new, adoption, .. } => self.adopt(new, adoption),
            State::Ready { new, cut_over, adoption, .. } => self.cut_over(new, cut_over, adoption),
            State::BrownOut { new, cut_over, disabled_at, enabled_at, .. } => {
                self.brown_out(new, cut_over, *disabled_at, *enabled_at)
            }
            State::Disabled { new, cut_over, adoption, since, new_key_checked } => {
                self.watch(new, cut_over, adoption, *since, *new_key_checked)
            }
            State::Deleted { new } => self.clean_up(new),
            State::Issuing { .. }
            | State::Orphaned { .. }
            | State::RollingBack { .. }
            | State::Closed { .. } => unreachable!("decided above"),
        }
    }

    // ---- What was started and not reported on -----------------------------------------------------------

    fn unfinished(&self, effect: &InFlight) -> Next {
        if self.now < effect.deadline {
            let why = format!(
                "{} is under way ({}) or was cut off; it is over at the latest by then",
                effect.intent.describe(&self.rotation.plan),
                effect.by
            );
            return Next::Wait { until: effect.deadline, why };
        }
        Next::Record(Event::Finished { result: super::Outcome::Unknown })
    }

    /// What came of a create whose answer is lost. The key that appeared since, if it looks in every
    /// respect like the one we asked for, is an orphan: its secret went down with the answer.
    fn resolve_create(
        &self,
        keys_before: &BTreeSet<AccessKeyId>,
        started_at: Timestamp,
        deadline: Timestamp,
    ) -> Step {
        let settled = deadline + SETTLE;
        if self.now < settled {
            return Ok(wait(settled, "the answer to CreateAccessKey was lost; IAM's answers settle until then"));
        }
        let appeared: Vec<&KeyFacts> = self
            .keys()?
            .iter()
            .filter(|key| !keys_before.contains(&key.id) && !self.rotation.deleted.contains(&key.id))
            .collect();
        match appeared.as_slice() {
            [] => Ok(note(Note::NothingCreated)),
            [key] => {
                let ours = started_at - CLOCK_SKEW <= key.created_at && key.created_at <= deadline + CLOCK_SKEW;
                let unused = *self.last_used(&key.id)? == LastUsed::Never;
                let held = self.all_slots()?.iter().any(|(_, slots)| slots_hold(slots, &key.id));
                if ours && unused && !held {
                    Ok(note(Note::OrphanFound { key: key.id.clone() }))
                } else {
                    Ok(Next::Ask(Question::ForeignKeys { keys: vec![(*key).clone()] }))
                }
            }
            several => {
                Ok(Next::Ask(Question::ForeignKeys { keys: several.iter().copied().cloned().collect() }))
            }
        }
    }

    fn dispose_of_orphan(&self, orphan: &AccessKeyId, disabled_at: Option<Timestamp>) -> Step {
        let listed = self.keys()?.iter().any(|key| key.id == *orphan);
        if !listed && self.is_settled(orphan) {
            return Ok(note(Note::OrphanGone { key: orphan.clone() }));
        }
        let withdrawn = self.withdrawn(orphan)?;
        let Some(disabled_at) = disabled_at else {
            return Ok(act(Intent::Disable { key: orphan.clone() }));
        };
        self.expect_status(orphan, KeyStatus::Inactive)?;
        match Rested::check(disabled_at, SignedDuration::ZERO, self.now) {
            Ok(rested) => Ok(Next::Do(Effect::delete_withdrawn(orphan.clone(), withdrawn, rested))),
            Err(until) => Ok(wait(until, "a key whose secret was lost rests before it is deleted")),
        }
    }

    // ---- The way forward ---------------------------------------------------------------------------------

    fn create(&self) -> Step {
        for (index, preflight) in self.seen.preflight.iter().enumerate() {
            match preflight {
                Preflight::Ready => {}
                Preflight::Unknown(why) => return Err(self.cannot_see(why)),
                Preflight::Refused(message) => {
                    let destination = self.destination(index);
                    let message = message.clone();
                    return Err(Next::Ask(Question::DestinationRefuses { destination, message }));
                }
            }
        }
        for (index, slots) in self.all_slots()? {
            if let Some(held) = &slots.current
                && held.key != *self.old()
            {
                return Err(self.destination_changed(index, slots));
            }
        }
        let listed = self.keys()?;
        if listed.iter().any(|key| self.rotation.deleted.contains(&key.id)) {
            return Ok(self.cannot_see("IAM still lists a key that this rotation deleted"));
        }
        let keys_before = listed.iter().map(|key| key.id.clone()).collect();
        Ok(act(Intent::Create { keys_before }))
    }

    fn deliver(&self, new: &NewKey) -> Step {
        let slots = self.all_slots()?;
        self.check_secret(new)?;
        for (index, slots) in slots {
            self.check_served(index, slots, new)?;
            let held = [&slots.pending, &slots.current].into_iter().flatten();
            if !held.into_iter().any(|held| held.fingerprint == new.fingerprint) {
                return Ok(act(Intent::Stage { destination: index, key: new.id.clone() }));
            }
        }
        Ok(note(Note::Delivered))
    }

    fn verify(&self, new: &NewKey, probes: &Probes) -> Step {
        let slots = self.all_slots()?;
        self.check_secret(new)?;
        if probes.works.is_none() {
            return Ok(self.probe_new_key(new, probes));
        }
        for (index, slots) in slots {
            self.check_served(index, slots, new)?;
            if slots.current.as_ref().is_none_or(|held| held.fingerprint != new.fingerprint) {
                return Ok(act(Intent::Publish { destination: index, key: new.id.clone() }));
            }
        }
        Ok(note(Note::Published))
    }

    fn probe_new_key(&self, new: &NewKey, probes: &Probes) -> Next {
        let refused = self.rotation.trouble.as_ref().is_some_and(|trouble| trouble.refusals > 0);
        if refused && self.now > probes.since + self.rotation.plan.timing.verify_timeout {
            return Next::Record(Event::RollbackRequested {
                by: "rotakey".to_owned(),
                why: format!(
                    "AWS did not accept the new key within {:#}",
                    self.rotation.plan.timing.verify_timeout
                ),
            });
        }
        match probes.last.map(|last| last + PROBE_INTERVAL).filter(|due| self.now < *due) {
            Some(due) => {
                wait(due, &format!("accepted {} of {ACCEPTANCES} times by AWS", probes.accepted))
            }
            None => act(Intent::Probe { key: new.id.clone() }),
        }
    }

    fn adopt(&self, new: &NewKey, adoption: &Adoption) -> Step {
        let old_use = self.last_used(self.old())?;
        if let Some(at) = old_use.at()
            && adoption.last_use.is_none_or(|known| at >= known + USE_RESOLUTION)
        {
            return Ok(note(Note::OldKeyUsed { last_used: old_use.clone() }));
        }
        self.check_all_served(new)?;
        let quiet_since = old_use.at().map_or(adoption.published_at, |at| at.max(adoption.published_at));
        let quiet_at = quiet_since + self.quiet_wanted(adoption) + LAST_USED_LAG;
        let adopted = self.adopted(new, adoption)?;
        let impatient = adoption.patience_from + self.rotation.plan.timing.adopt_timeout;
        match adopted {
            Some(adopted) if self.now >= quiet_at => Ok(note(Note::ReadyToDisable { quiet_since, adopted })),
            // Used since the patience began, and the patience is over: somebody has not moved.
            _ if self.now >= impatient && quiet_since > adoption.patience_from => {
                Ok(Next::Ask(Question::StillUsed { key: self.old().clone(), last_used: old_use.clone() }))
            }
            None if self.now >= impatient.max(quiet_at) => {
                Ok(Next::Ask(Question::NotAdopted { since: adoption.published_at }))
            }
            Some(_) => Ok(wait(
                quiet_at,
                &format!(
                    "the old key must stay quiet for {:#} (its uses were up to {:#} apart)",
                    self.quiet_wanted(adoption),
                    whole_hours(adoption.longest_gap)
                ),
            )),
            None => Ok(wait(
                (self.now + SignedDuration::from_hours(1)).min(impatient.max(quiet_at)),
                "no application has used the new key yet",
            )),
        }
    }

    fn cut_over(&self, new: &NewKey, cut_over: &CutOver, adoption: &Adoption) -> Step {
        self.check_quiet(cut_over, adoption)?;
        self.check_all_served(new)?;
        Ok(act(Intent::Disable { key: self.old().clone() }))
    }

    fn brown_out(
        &self,
        new: &NewKey,
        cut_over: &CutOver,
        disabled_at: Timestamp,
        enabled_at: Option<Timestamp>,
    ) -> Step {
        let timing = &self.rotation.plan.timing;
        let Some(enabled_at) = enabled_at else {
            let due = disabled_at + timing.brown_out.unwrap_or(SignedDuration::ZERO);
            if self.now < due {
                return Ok(wait(due, "the old key is disabled for a rehearsal"));
            }
            return Ok(act(Intent::Enable { key: self.old().clone() }));
        };
        let old_use = self.last_used(self.old())?;
        if old_use.at().is_some_and(|at| at > cut_over.quiet_since) {
            return Ok(note(Note::OldKeyUsed { last_used: old_use.clone() }));
        }
        self.check_all_served(new)?;
        let due = enabled_at + timing.quiet_for + LAST_USED_LAG;
        if self.now < due {
            return Ok(wait(due, "after the rehearsal, the old key must not be used again"));
        }
        Ok(note(Note::BrownOutPassed))
    }

    fn watch(
        &self,
        new: &NewKey,
        cut_over: &CutOver,
        adoption: &Adoption,
        since: Timestamp,
        new_key_checked: Option<Timestamp>,
    ) -> Step {
        // A use that shows only now, though it was before the old key was disabled, or an attempt since, if
        // AWS counts those: either way somebody needs it.
        let disproved = adoption.last_use.is_some_and(|at| at > cut_over.quiet_since);
        if disproved {
            return Ok(act(Intent::Enable { key: self.old().clone() }));
        }
        let old_use = self.last_used(self.old())?;
        if old_use.at().is_some_and(|at| at > cut_over.quiet_since) {
            return Ok(note(Note::OldKeyUsed { last_used: old_use.clone() }));
        }
        self.expect_status(self.old(), KeyStatus::Inactive)?;
        let rested = match Rested::check(since, self.rotation.plan.timing.delete_after, self.now) {
            Ok(rested) => rested,
            Err(until) => return Ok(wait(until, "the old key is disabled and watched before it is deleted")),
        };
        self.expect_status(&new.id, KeyStatus::Active)?;
        self.check_all_served(new)?;
        let fresh = new_key_checked.is_some_and(|checked| self.now < checked + SETTLE);
        if !fresh {
            self.check_secret(new)?;
            return Ok(act(Intent::Probe { key: new.id.clone() }));
        }
        Ok(Next::Do(Effect::delete_old_key(&self.rotation.plan, cut_over, rested)))
    }

    fn clean_up(&self, new: &NewKey) -> Step {
        match self.forget_everywhere(self.old())? {
            Some(forget) => Ok(forget),
            None => Ok(close(Ending::Rotated { new_key: new.id.clone() })),
        }
    }

    // ---- The way back ------------------------------------------------------------------------------------

    fn roll_back(&self, why: &str) -> Step {
        let done = || close(Ending::RolledBack { why: why.to_owned() });
        let (new, old, restored_at, disabled_at) = match &self.rotation.state {
            State::Planned => return Ok(done()),
            State::RollingBack { new, old, restored_at, disabled_at } => (new, *old, *restored_at, *disabled_at),
            _ => return Ok(note(Note::RollingBack)),
        };
        match old {
            OldKey::Unknown => return Ok(act(Intent::Enable { key: self.old().clone() })),
            OldKey::Enabled { last, .. } => return self.await_old_key(last),
            OldKey::Works => {}
        }
        let Some(restored_at) = restored_at else { return self.restore(new) };
        self.check_keys()?;
        if self.rotation.deleted.contains(&new.id) {
            return Ok(self.forget_everywhere(&new.id)?.unwrap_or_else(done));
        }
        let withdrawn = self.withdrawn(&new.id)?;
        let quiet_since = if new.exposed {
            let used = self.last_used(&new.id)?.at();
            let by_others = used.filter(|at| new.probed_at.is_none_or(|probed| *at > probed));
            by_others.map_or(restored_at, |at| at.max(restored_at))
        } else {
            restored_at
        };
        let Some(disabled_at) = disabled_at else {
            let due = quiet_since + self.rotation.plan.timing.quiet_for + LAST_USED_LAG;
            if new.exposed && self.now < due {
                return Ok(wait(due, "applications that already had the new key are to read the old one again"));
            }
            return Ok(act(Intent::Disable { key: new.id.clone() }));
        };
        if quiet_since > restored_at && quiet_since > disabled_at - LAST_USED_LAG {
            return Ok(act(Intent::Enable { key: new.id.clone() }));
        }
        self.expect_status(&new.id, KeyStatus::Inactive)?;
        match Rested::check(disabled_at, SignedDuration::ZERO, self.now) {
            Ok(rested) => Ok(Next::Do(Effect::delete_withdrawn(new.id.clone(), withdrawn, rested))),
            Err(until) => Ok(wait(until, "the new key is disabled and rests before it is deleted")),
        }
    }

    /// The old key was enabled: wait until AWS accepts it, by asking with it if its secret is at hand.
    fn await_old_key(&self, last_probe: Option<Timestamp>) -> Step {
        let settled = self.rotation.touched.get(self.old()).map_or(self.now, |touched| *touched + SETTLE);
        if self.now >= settled {
            self.expect_status(self.old(), KeyStatus::Active)?;
            return Ok(note(Note::OldKeyWorks));
        }
        if !self.seen.in_hand.contains(self.old()) {
            return Ok(wait(settled, "the old key is enabled; AWS accepts it everywhere by then"));
        }
        if let Some(due) = last_probe.map(|last| last + PROBE_INTERVAL).filter(|due| self.now < *due) {
            return Ok(wait(due, "the old key is enabled; AWS is asked whether it accepts it"));
        }
        Ok(act(Intent::Probe { key: self.old().clone() }))
    }

    fn restore(&self, new: &NewKey) -> Step {
        for (index, slots) in self.all_slots()? {
            let serves_new = slots.current.as_ref().is_some_and(|held| held.key == new.id);
            if serves_new && slots.keeps_aside(self.old()) {
                return Ok(act(Intent::Restore { destination: index, key: self.old().clone() }));
            }
            if serves_new {
                return Ok(Next::Ask(Question::CannotRestore { destination: self.destination(index) }));
            }
        }
        Ok(note(Note::Restored))
    }

    // ---- What must hold before a step -------------------------------------------------------------------

    fn check_user(&self) -> Result<(), Next> {
        match &self.seen.user {
            Seen::Known(Some(id)) if *id == self.rotation.plan.subject.user_id => Ok(()),
            Seen::Known(Some(id)) => Err(Next::Ask(Question::UserReplaced { user_id: id.clone() })),
            Seen::Known(None) => Err(Next::Ask(Question::UserGone)),
            Seen::Unknown(why) => Err(self.cannot_see(why)),
        }
    }

    /// Stops for whatever somebody else did to the keys of the user. What IAM says of a key that rotakey
    /// itself changed a moment ago may be old, and is not held against it.
    fn check_keys(&self) -> Result<(), Next> {
        let state = &self.rotation.state;
        let orphan = match state {
            State::Orphaned { orphan, .. } => Some(orphan),
            _ => None,
        };
        let new = self.rotation.new_key();
        let listed = self.keys()?;
        let foreign: Vec<KeyFacts> = listed
            .iter()
            .filter(|key| {
                let known = [Some(self.old()), new, orphan];
                !known.contains(&Some(&key.id)) && !self.rotation.deleted.contains(&key.id)
            })
            .cloned()
            .collect();
        if !foreign.is_empty() {
            return Err(Next::Ask(Question::ForeignKeys { keys: foreign }));
        }
        let old_is_deleted = matches!(state, State::Deleted { .. });
        if !old_is_deleted {
            self.check_listed(self.old())?;
        }
        if let Some(new) = new
            && !self.rotation.deleted.contains(new)
        {
            self.check_listed(new)?;
        }
        match state {
            State::Planned
            | State::Orphaned { .. }
            | State::Delivering { .. }
            | State::Verifying { .. }
            | State::Adopting { .. }
            | State::Ready { .. }
            | State::BrownOut { enabled_at: Some(_), .. } => self.expect_status(self.old(), KeyStatus::Active)?,
            _ => {}
        }
        match state {
            State::Delivering { new }
            | State::Verifying { new, .. }
            | State::Adopting { new, .. }
            | State::Ready { new, .. }
            | State::BrownOut { new, .. }
            | State::Disabled { new, .. }
            | State::Deleted { new } => self.expect_status(&new.id, KeyStatus::Active),
            _ => Ok(()),
        }
    }

    fn check_listed(&self, key: &AccessKeyId) -> Result<(), Next> {
        let listed = self.keys()?.iter().any(|facts| facts.id == *key);
        // Our own delete may have been done though its answer was lost.
        let perhaps_ours = self.rotation.deleting.contains(key);
        if listed || perhaps_ours || !self.is_settled(key) {
            return Ok(());
        }
        Err(Next::Ask(Question::KeyGone { key: key.clone() }))
    }

    fn expect_status(&self, key: &AccessKeyId, wanted: KeyStatus) -> Result<(), Next> {
        let Some(facts) = self.keys()?.iter().find(|facts| facts.id == *key) else { return Ok(()) };
        if facts.status == wanted {
            return Ok(());
        }
        if !self.is_settled(key) {
            return Err(self.cannot_see(&format!("IAM does not show {key} as {wanted} yet")));
        }
        Err(Next::Ask(match wanted {
            KeyStatus::Active => Question::DisabledByOthers { key: key.clone() },
            KeyStatus::Inactive => Question::EnabledByOthers { key: key.clone() },
        }))
    }

    /// The secret must be at hand. If every destination can be seen and none holds it, it is lost.
    fn check_secret(&self, new: &NewKey) -> Result<(), Next> {
        if self.seen.in_hand.contains(&new.id) {
            return Ok(());
        }
        self.all_slots()?;
        if new.exposed {
            let destination = self.destination(0);
            return Err(Next::Ask(Question::DestinationChanged { destination, holds: None }));
        }
        Err(note(Note::SecretLost { key: new.id.clone() }))
    }

    /// While the new key is being put there, a destination serves the old key, the new one, or none.
    fn check_served(&self, index: usize, slots: &HeldSlots, new: &NewKey) -> Result<(), Next> {
        match &slots.current {
            Some(held) if held.key != *self.old() && held.key != new.id => {
                Err(self.destination_changed(index, slots))
            }
            _ => Ok(()),
        }
    }

    /// Once published, every destination serves the new pair, exactly.
    fn check_all_served(&self, new: &NewKey) -> Result<(), Next> {
        for (index, slots) in self.all_slots()? {
            if slots.current.as_ref().is_none_or(|held| held.fingerprint != new.fingerprint) {
                return Err(self.destination_changed(index, slots));
            }
        }
        Ok(())
    }

    /// The evidence for the cut-over still holds.
    fn check_quiet(&self, cut_over: &CutOver, adoption: &Adoption) -> Result<(), Next> {
        let old_use = self.last_used(self.old())?;
        let disproved = old_use.at().is_some_and(|at| at > cut_over.quiet_since)
            || adoption.last_use.is_some_and(|at| at > cut_over.quiet_since);
        if disproved { Err(note(Note::OldKeyUsed { last_used: old_use.clone() })) } else { Ok(()) }
    }

    /// No destination serves the key or keeps it as what was served before.
    fn withdrawn(&self, key: &AccessKeyId) -> Result<Withdrawn, Next> {
        for (index, slots) in self.all_slots()? {
            if slots.current.as_ref().is_some_and(|held| held.key == *key) {
                return Err(self.destination_changed(index, slots));
            }
        }
        Ok(Withdrawn(()))
    }

    fn forget_everywhere(&self, key: &AccessKeyId) -> Result<Option<Next>, Next> {
        for (index, slots) in self.all_slots()? {
            if slots.keeps_aside(key) {
                return Ok(Some(act(Intent::Forget { destination: index, key: key.clone() })));
            }
        }
        Ok(None)
    }

    /// What shows that the new key has been adopted, if something does.
    fn adopted(&self, new: &NewKey, adoption: &Adoption) -> Result<Option<String>, Next> {
        if let Some(person) = &adoption.vouched_by {
            return Ok(Some(format!("{person} vouched for it")));
        }
        let Some(last_use) = adoption.last_use else {
            return Ok(Some("the old key was never used".to_owned()));
        };
        let idle = adoption.published_at.duration_since(last_use);
        if idle >= self.rotation.plan.timing.longest_quiet {
            return Ok(Some(format!("the old key had not been used for {} days", idle.as_hours() / 24)));
        }
        let LastUsed::At { at, service, .. } = self.last_used(&new.id)? else { return Ok(None) };
        // Our own probe is a use, and hides others for a quarter of an hour; STS is all that it calls.
        let ours = new.probed_at.is_some_and(|probed| *at <= probed + LAST_USED_GRANULARITY);
        let foreign_service = service.as_deref().is_some_and(|service| service != "sts");
        if ours && !foreign_service {
            return Ok(None);
        }
        Ok(Some(format!("the new key was used at {at} ({})", service.as_deref().unwrap_or("service unknown"))))
    }

    fn quiet_wanted(&self, adoption: &Adoption) -> SignedDuration {
        let timing = &self.rotation.plan.timing;
        timing.quiet_for.max(adoption.longest_gap.min(timing.longest_quiet))
    }

    // ---- Looking ----------------------------------------------------------------------------------------

    fn old(&self) -> &AccessKeyId {
        &self.rotation.plan.old_key
    }

    fn keys(&self) -> Result<&[KeyFacts], Next> {
        match &self.seen.keys {
            Seen::Known(keys) => Ok(keys),
            Seen::Unknown(why) => Err(self.cannot_see(why)),
        }
    }

    fn last_used(&self, key: &AccessKeyId) -> Result<&LastUsed, Next> {
        match self.seen.last_used.get(key) {
            Some(Seen::Known(last_used)) => Ok(last_used),
            Some(Seen::Unknown(why)) => Err(self.cannot_see(why)),
            None => Err(self.cannot_see(&format!("the last use of {key} was not looked at"))),
        }
    }

    /// All destinations, every one of them seen.
    fn all_slots(&self) -> Result<Vec<(usize, &HeldSlots)>, Next> {
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

    /// Whether IAM's answers about a key can no longer be older than our own last change of it.
    fn is_settled(&self, key: &AccessKeyId) -> bool {
        self.rotation.touched.get(key).is_none_or(|touched| self.now >= *touched + SETTLE)
    }

    fn destination(&self, index: usize) -> String {
        self.rotation.plan.destinations.get(index).map(ToString::to_string).unwrap_or_default()
    }

    fn destination_changed(&self, index: usize, slots: &HeldSlots) -> Next {
        Next::Ask(Question::DestinationChanged {
            destination: self.destination(index),
            holds: slots.current.as_ref().map(|held| held.key.clone()),
        })
    }

    fn cannot_see(&self, why: &str) -> Next {
        Next::Wait { until: self.now + LOOK_AGAIN, why: why.to_owned() }
    }

    /// Spaces out a step that fails, and asks a person when waiting does not help.
    fn with_patience(&self, next: Next) -> Next {
        let (Next::Do(effect), Some(trouble)) = (&next, &self.rotation.trouble) else { return next };
        if trouble.intent != *effect.intent() {
            return next;
        }
        let probing = matches!(trouble.intent, Intent::Probe { .. });
        if trouble.refusals >= PATIENCE && !probing {
            return Next::Ask(Question::KeepsFailing {
                step: trouble.intent.describe(&self.rotation.plan),
                message: trouble.message.clone(),
            });
        }
        let pause = if probing {
            PROBE_INTERVAL
        } else {
            SignedDuration::from_secs(5 << trouble.failures.min(6))
        };
        let due = trouble.last_at + pause;
        if self.now < due { wait(due, &format!("trying again after: {}", trouble.message)) } else { next }
    }
}

fn act(intent: Intent) -> Next {
    Next::Do(Effect::reversible(intent))
}

fn note(note: Note) -> Next {
    Next::Record(Event::Noted { note })
}

fn close(ending: Ending) -> Next {
    Next::Record(Event::Closed { ending })
}

fn wait(until: Timestamp, why: &str) -> Next {
    Next::Wait { until, why: why.to_owned() }
}

fn slots_hold(slots: &HeldSlots, key: &AccessKeyId) -> bool {
    slots.current.as_ref().is_some_and(|held| held.key == *key) || slots.keeps_aside(key)
}

fn whole_hours(duration: SignedDuration) -> SignedDuration {
    SignedDuration::from_hours(duration.as_hours())
}
