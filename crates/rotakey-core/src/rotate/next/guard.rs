//! What must hold before a step; and what stops it, if it does not.

use jiff::SignedDuration;

use super::{Decision, Next, act, note, wait};
use crate::fact::{KeyFacts, KeyStatus, Seen};
use crate::id::AccessKeyId;
use crate::rotate::approval::{Approved, ApprovedStep};
use crate::rotate::effect::Intent;
use crate::rotate::event::Note;
use crate::rotate::proof::{CutOver, Withdrawn};
use crate::rotate::question::Question;
use crate::rotate::slots::{Held, Slots};
use crate::rotate::state::{Adoption, NewKey, State};

/// How long an approval is waited for before the world is looked at again.
const AGREEMENT: SignedDuration = SignedDuration::from_hours(1);

impl Decision<'_> {
    /// Whoever must agree to the step has. Waited for and not asked about, so that the keys are watched meanwhile.
    pub(super) fn check_approved(&self, step: ApprovedStep) -> Result<Approved, Next> {
        self.rotation.plan.approved(step, &self.rotation.approvals, self.now).map_err(|missing| {
            let id = &self.rotation.id;
            let why = format!("{missing}: `rotakey rotate approve {id} --step {step}`");
            wait(self.now + AGREEMENT, &why)
        })
    }

    pub(super) fn check_user(&self) -> Result<(), Next> {
        match &self.seen.user {
            Seen::Known(Some(id)) if *id == self.rotation.plan.subject.user_id => Ok(()),
            Seen::Known(Some(id)) => Err(Next::Ask(Question::UserReplaced { user_id: id.clone() })),
            Seen::Known(None) => Err(Next::Ask(Question::UserGone)),
            Seen::Unknown(why) => Err(self.cannot_see(why)),
        }
    }

    /// Stops for whatever somebody else did to the keys of the user. What IAM says of a key that rotakey
    /// itself changed a moment ago may be old, and is not held against it.
    pub(super) fn check_keys(&self) -> Result<(), Next> {
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
            | State::BrownOut { enabled_at: Some(_), .. } => {
                self.expect_status(self.old(), KeyStatus::Active)?
            }
            _ => {}
        }
        match state {
            State::Adopting { new, .. }
            | State::Ready { new, .. }
            | State::BrownOut { new, .. }
            | State::Disabled { new, .. }
            | State::Deleted { new } => self.expect_status(&new.id, KeyStatus::Active),
            _ => Ok(()),
        }
    }

    pub(super) fn check_listed(&self, key: &AccessKeyId) -> Result<(), Next> {
        let listed = self.keys()?.iter().any(|facts| facts.id == *key);
        // Our own delete may have been done though its answer was lost.
        let perhaps_ours = self.rotation.deleting.contains(key);
        if listed || perhaps_ours || !self.is_settled(key) {
            return Ok(());
        }
        Err(Next::Ask(Question::KeyGone { key: key.clone() }))
    }

    pub(super) fn expect_status(&self, key: &AccessKeyId, wanted: KeyStatus) -> Result<(), Next> {
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
    pub(super) fn check_secret(&self, new: &NewKey) -> Result<(), Next> {
        if self.seen.in_hand.contains(&new.id) {
            return Ok(());
        }
        let slots = self.all_slots()?;
        if !self.is_settled(&new.id) && !new.exposed {
            return Err(self.cannot_see("the worker that created the key may still hold its secret"));
        }
        match slots.first() {
            Some((index, slots)) if new.exposed => Err(self.destination_changed(*index, slots)),
            _ => Err(note(Note::SecretLost { key: new.id.clone() })),
        }
    }

    /// While the new key is being put there, a destination serves the old key, the new one, or none.
    pub(super) fn check_served(&self, index: usize, slots: &Slots<Held>, new: &NewKey) -> Result<(), Next> {
        match &slots.current {
            Some(held) if held.key != *self.old() && held.key != new.id => {
                Err(self.destination_changed(index, slots))
            }
            _ => Ok(()),
        }
    }

    /// Once published, every destination serves the new pair, exactly.
    pub(super) fn check_all_served(&self, new: &NewKey) -> Result<(), Next> {
        for (index, slots) in self.all_slots()? {
            if slots.current.as_ref().is_none_or(|held| held.fingerprint != new.fingerprint) {
                return Err(self.destination_changed(index, slots));
            }
        }
        Ok(())
    }

    /// The evidence for the cut-over still holds.
    pub(super) fn check_quiet(&self, cut_over: &CutOver) -> Result<(), Next> {
        let old_use = self.last_used(self.old())?;
        let disproved = old_use.at().is_some_and(|at| at > cut_over.quiet_since);
        if disproved { Err(note(Note::OldKeyUsed { last_used: old_use.clone() })) } else { Ok(()) }
    }

    /// No destination serves the key or keeps it as what was served before.
    pub(super) fn withdrawn(&self, key: &AccessKeyId) -> Result<Withdrawn, Next> {
        for (index, slots) in self.all_slots()? {
            if slots.current.as_ref().is_some_and(|held| held.key == *key) {
                return Err(self.destination_changed(index, slots));
            }
        }
        Ok(Withdrawn(()))
    }

    pub(super) fn forget_everywhere(&self, key: &AccessKeyId) -> Result<Option<Next>, Next> {
        for (index, slots) in self.all_slots()? {
            if slots.keeps_aside(key) {
                return Ok(Some(act(Intent::Forget { destination: index, key: key.clone() })));
            }
        }
        Ok(None)
    }

    pub(super) fn quiet_wanted(&self, adoption: &Adoption) -> SignedDuration {
        let timing = &self.rotation.plan.timing;
        timing.quiet_for.max(adoption.longest_gap.min(timing.longest_quiet))
    }
}
