//! What outcomes, notes and answers do to a rotation. Each is one `match` over the state and the event that
//! ends in an error, so that a history that no run can have written is loud.

use jiff::Timestamp;

use super::approval::ApprovedStep;
use super::check::Alarm;
use super::effect::{FailureKind, Intent, Outcome};
use super::event::{Answer, Note};
use super::plan::Finish;
use super::proof::{Adopted, CutOver, Delivered, OldKeyQuiet, Superseded};
use super::question::Question;
use super::rotation::{IllegalEvent, InFlight, Rotation, Trouble};
use super::service::{PointProbes, ServicePoint};
use super::state::{
    ACCEPTANCES, Adoption, Finishing, LostCreate, NewKey, OldKey, Probes, Stage, State, in_a_row,
};

impl Rotation {
    pub(super) fn finish(
        mut self,
        effect: InFlight,
        result: &Outcome,
        at: Timestamp,
        illegal: IllegalEvent,
    ) -> Result<Self, IllegalEvent> {
        if let Some(key) = effect.intent.changes_key() {
            self.touched.insert(key.clone(), at);
        }
        if let Some(new) = self.state.new_key_mut()
            && matches!(&effect.intent, Intent::Probe { key } | Intent::ProbeService { key, .. } if *key == new.id)
        {
            new.probed_at = Some(at);
        }
        match result {
            Outcome::Failed { kind, message } => {
                self.add_trouble(&effect.intent, kind.is_transient(), message, at);
            }
            Outcome::Done if effect.intent.shows() => {
                self.add_trouble(
                    &effect.intent,
                    false,
                    "it was done, but looking again does not show it",
                    at,
                );
                self.trouble.iter_mut().for_each(|trouble| trouble.reported_done = true);
            }
            Outcome::Created { .. } | Outcome::Accepted { .. } | Outcome::Done | Outcome::Unknown => {
                self.trouble = None;
            }
        }
        let old = self.plan.old_key.clone();
        self.state = match (self.state, effect.intent, result) {
            (State::Planned, Intent::Create { keys_before }, Outcome::Created { key, fingerprint }) => {
                if keys_before.contains(key) {
                    return Err(illegal);
                }
                self.touched.insert(key.clone(), at);
                State::Delivering {
                    new: NewKey {
                        id: key.clone(),
                        fingerprint: fingerprint.clone(),
                        exposed: false,
                        probed_at: None,
                    },
                }
            }
            (
                State::Planned,
                Intent::Create { keys_before },
                Outcome::Unknown | Outcome::Failed { kind: FailureKind::Ambiguous, .. },
            ) => {
                let (started_at, deadline) = (effect.started_at, effect.deadline);
                State::Issuing { create: LostCreate { keys_before, started_at, deadline } }
            }
            // Looking is all that can be done about anything else whose outcome is bad or not known.
            (state @ State::Planned, Intent::Create { .. }, Outcome::Failed { .. }) => state,
            (State::Verifying { new, delivered, probes }, Intent::Probe { .. }, outcome) => {
                State::Verifying { new, delivered, probes: probes.after(outcome, at) }
            }
            (
                State::Verifying { new, delivered, mut probes },
                Intent::ProbeService { service, region, .. },
                outcome,
            ) => {
                let probe = probes.points.entry(ServicePoint { service, region }).or_default();
                *probe = probe.after(outcome, at);
                State::Verifying { new, delivered, probes }
            }
            (state @ (State::Adopting { .. } | State::Finishing(_)), Intent::Probe { .. }, outcome) => {
                if let Some(alarm) = &mut self.alarm {
                    alarm.accepted = in_a_row(alarm.accepted, outcome);
                    alarm.probed_at = Some(at);
                    self.old_key_asked_at = Some(at);
                    if alarm.accepted >= ACCEPTANCES {
                        alarm.proof = Some(format!("AWS accepted it {ACCEPTANCES} times in a row"));
                    }
                }
                state
            }
            (
                State::Disabled { new, cut_over, adoption, since, .. },
                Intent::Probe { .. },
                Outcome::Accepted { .. },
            ) => State::Disabled { new, cut_over, adoption, since, new_key_checked: Some(at) },
            (
                State::RollingBack { new, old: back, restored_at, disabled_at },
                Intent::Probe { .. },
                outcome,
            ) => State::RollingBack { new, old: back.after_probe(outcome, at), restored_at, disabled_at },
            // From the moment a disable may have happened, the key counts as disabled: what follows then
            // (enabling it again if it is missed, else disabling it to be certain) is right in both cases.
            (
                State::Ready { new, cut_over, adoption, rehearsed },
                Intent::Disable { .. },
                Outcome::Done | Outcome::Unknown | Outcome::Failed { kind: FailureKind::Ambiguous, .. },
            ) => {
                let since = (*result == Outcome::Done).then_some(at);
                if rehearsed {
                    State::Disabled { new, cut_over, adoption, since, new_key_checked: None }
                } else {
                    State::BrownOut { new, cut_over, adoption, disabled_at: since, enabled_at: None }
                }
            }
            // Something broke: whether it was a rehearsal or not does not matter any more.
            (
                State::BrownOut { new, cut_over, adoption, .. }
                | State::Disabled { new, cut_over, adoption, .. },
                Intent::Enable { .. },
                Outcome::Done,
            ) if self.alarm.is_some() => {
                self.alarm.iter_mut().for_each(|alarm| alarm.enabled_at = Some(at));
                let adoption = Adoption { quiet_from: at, ..adoption };
                State::Adopting { new, delivered: cut_over.delivered, works: cut_over.works, adoption }
            }
            // A rehearsal that may not have taken place is not one.
            (
                State::BrownOut { new, cut_over, adoption, disabled_at: None, .. },
                Intent::Enable { .. },
                Outcome::Done,
            ) => State::Ready { new, cut_over, adoption, rehearsed: false },
            (
                State::BrownOut { new, cut_over, adoption, disabled_at, enabled_at: None },
                Intent::Enable { .. },
                Outcome::Done,
            ) => State::BrownOut { new, cut_over, adoption, disabled_at, enabled_at: Some(at) },
            (State::Disabled { new, cut_over, adoption, .. }, Intent::Enable { .. }, Outcome::Done) => {
                self.usage.looked_at = None;
                State::Adopting { new, delivered: cut_over.delivered, works: cut_over.works, adoption }
            }
            (State::Disabled { new, cut_over, adoption, .. }, Intent::Disable { .. }, Outcome::Done) => {
                State::Disabled { new, cut_over, adoption, since: Some(at), new_key_checked: None }
            }
            (State::Disabled { new, .. }, Intent::Delete { key }, Outcome::Done) => {
                self.deleted.insert(key);
                State::Deleted { new }
            }
            (State::Orphaned { orphan, inferred, .. }, Intent::Disable { .. }, Outcome::Done) => {
                State::Orphaned { orphan, inferred, disabled_at: Some(at) }
            }
            (State::Orphaned { .. }, Intent::Delete { key }, Outcome::Done) => {
                self.deleted.insert(key);
                self.question = self.put_aside.take();
                State::Planned
            }
            (
                State::RollingBack { new, restored_at, disabled_at, .. },
                Intent::Enable { key },
                Outcome::Done,
            ) if key == old => State::RollingBack {
                new,
                old: OldKey::Enabled { accepted: 0, last: None },
                restored_at,
                disabled_at,
            },
            // Enabling the new key again means that somebody still used it: the wait begins anew.
            (State::RollingBack { new, old: back, .. }, Intent::Enable { .. }, Outcome::Done) => {
                State::RollingBack { new, old: back, restored_at: Some(at), disabled_at: None }
            }
            (
                State::RollingBack { new, old: back, restored_at, .. },
                Intent::Disable { .. },
                Outcome::Done,
            ) => State::RollingBack { new, old: back, restored_at, disabled_at: Some(at) },
            (state @ State::RollingBack { .. }, Intent::Delete { key }, Outcome::Done) => {
                self.deleted.insert(key);
                state
            }
            (
                State::Finishing(finishing),
                Intent::Disable { .. },
                Outcome::Done | Outcome::Unknown | Outcome::Failed { kind: FailureKind::Ambiguous, .. },
            ) => {
                let since = (*result == Outcome::Done).then_some(at);
                let stage = match finishing.stage {
                    Stage::Ready { rehearsed: false } => {
                        Stage::BrownOut { disabled_at: since, enabled_at: None }
                    }
                    _ => Stage::Disabled { since, disproved: false },
                };
                State::Finishing(Finishing { stage, ..finishing })
            }
            (State::Finishing(finishing), Intent::Enable { .. }, Outcome::Done) => {
                let stage = match (&mut self.alarm, finishing.stage) {
                    (Some(alarm), _) => {
                        alarm.enabled_at = Some(at);
                        Some(Stage::GivenBack { quiet_from: at })
                    }
                    // A rehearsal that may not have taken place is not one.
                    (None, Stage::BrownOut { disabled_at: None, .. }) => {
                        Some(Stage::Ready { rehearsed: false })
                    }
                    (None, Stage::BrownOut { disabled_at, .. }) => {
                        Some(Stage::BrownOut { disabled_at, enabled_at: Some(at) })
                    }
                    (None, _) => None,
                };
                let finishing = |stage| State::Finishing(Finishing { stage, ..finishing });
                stage.map_or(State::Planned, finishing)
            }
            (state @ State::Finishing(_), Intent::Delete { key }, Outcome::Done) => {
                self.deleted.insert(key);
                state
            }
            (state, _, Outcome::Done | Outcome::Unknown | Outcome::Failed { .. }) => state,
            (_, _, Outcome::Created { .. } | Outcome::Accepted { .. }) => return Err(illegal),
        };
        Ok(self)
    }

    pub(super) fn note(
        mut self,
        note: &Note,
        at: Timestamp,
        illegal: IllegalEvent,
    ) -> Result<Self, IllegalEvent> {
        let agreed = self.approved(ApprovedStep::Begin, at);
        let may_be_missed = self.old_key_may_be_disabled();
        self.state = match (self.state, note) {
            (State::Issuing { create }, Note::NothingCreated) => {
                self.given_up = Some(create);
                State::Planned
            }
            (State::Issuing { create }, Note::OrphanFound { key }) if !create.keys_before.contains(key) => {
                self.touched.insert(key.clone(), at);
                State::Orphaned { orphan: key.clone(), inferred: true, disabled_at: None }
            }
            // A create that was given up was done after all.
            (State::Planned, Note::OrphanFound { key })
                if self.given_up.as_ref().is_some_and(|create| !create.keys_before.contains(key)) =>
            {
                self.given_up = None;
                self.touched.insert(key.clone(), at);
                State::Orphaned { orphan: key.clone(), inferred: true, disabled_at: None }
            }
            // Whatever was asked, the key is to be disabled first; then it is asked again.
            (State::Delivering { new } | State::Verifying { new, .. }, Note::SecretLost { key })
                if new.id == *key && !new.exposed =>
            {
                self.put_aside = self.question.take();
                State::Orphaned { orphan: key.clone(), inferred: false, disabled_at: None }
            }
            (State::Orphaned { orphan, .. }, Note::Gone { key }) if orphan == *key => {
                self.deleted.insert(key.clone());
                self.question = self.put_aside.take();
                State::Planned
            }
            (State::Disabled { new, .. }, Note::Gone { key })
                if *key == self.plan.old_key && self.deleting.contains(key) =>
            {
                self.deleted.insert(key.clone());
                State::Deleted { new }
            }
            (state @ (State::RollingBack { .. } | State::Finishing(_)), Note::Gone { key })
                if self.deleting.contains(key) =>
            {
                self.deleted.insert(key.clone());
                state
            }
            (State::Delivering { new }, Note::Delivered) => State::Verifying {
                new,
                delivered: Delivered(()),
                probes: Probes {
                    since: at,
                    last: None,
                    accepted: 0,
                    works: None,
                    points: PointProbes::default(),
                },
            },
            (
                State::Verifying { new, delivered, probes: Probes { works: Some(works), .. } },
                Note::Published,
            ) => {
                let adoption = Adoption::begun(at, self.plan.old_key_last_used.at());
                State::Adopting { new, delivered, works, adoption }
            }
            (
                state @ (State::Verifying { .. }
                | State::Adopting { .. }
                | State::BrownOut { enabled_at: Some(_), .. }
                | State::Planned
                | State::Finishing(_)),
                Note::UsageSeen { old, new },
            ) => {
                self.usage.seen(old, new, at);
                state.after_usage(old.last_at())
            }
            (
                state @ (State::Verifying { .. }
                | State::Adopting { .. }
                | State::BrownOut { enabled_at: Some(_), .. }
                | State::Planned
                | State::Finishing(_)),
                Note::UsageUnknown { why },
            ) => {
                self.usage.not_seen(why, at);
                state
            }
            (state, Note::CheckFailed { check, message })
                if may_be_missed && self.alarm.is_none() && self.rollback.is_none() =>
            {
                let Some(spec) = self.plan.checks.get(*check) else { return Err(illegal) };
                self.alarm = Some(Alarm::raised(Some(*check), format!("{spec} failed: {message}"), at));
                // Whatever is asked has time.
                self.question = None;
                self.trouble = None;
                state
            }
            (state @ (State::Adopting { .. } | State::Finishing(_)), Note::Recovered { proof }) => {
                let Some(alarm) = &mut self.alarm else { return Err(illegal) };
                alarm.proof = Some(proof.clone());
                state
            }
            (State::Adopting { new, delivered, works, adoption }, Note::OldKeyUsed { last_used }) => {
                State::Adopting { new, delivered, works, adoption: adoption.used(last_used) }
            }
            (
                State::Ready { new, cut_over, adoption, .. }
                | State::BrownOut { new, cut_over, adoption, enabled_at: Some(_), .. },
                Note::OldKeyUsed { last_used },
            ) => {
                // Who it was is worth a look at once.
                self.usage.looked_at = None;
                State::Adopting {
                    new,
                    delivered: cut_over.delivered,
                    works: cut_over.works,
                    adoption: adoption.used(last_used),
                }
            }
            // Still disabled: it is enabled again before anything else.
            (
                State::Disabled { new, cut_over, adoption, since, new_key_checked },
                Note::OldKeyUsed { last_used },
            ) => {
                State::Disabled { new, cut_over, adoption: adoption.used(last_used), since, new_key_checked }
            }
            (
                State::Adopting { new, delivered, works, adoption },
                Note::ReadyToDisable { quiet_since, .. },
            ) => {
                let cut_over = CutOver {
                    delivered,
                    works,
                    adopted: Adopted(()),
                    quiet: OldKeyQuiet(()),
                    quiet_since: *quiet_since,
                };
                let rehearsed = self.plan.brown_out().is_none();
                State::Ready { new, cut_over, adoption, rehearsed }
            }
            (
                State::Planned | State::Finishing(Finishing { stage: Stage::GivenBack { .. }, .. }),
                Note::Superseded { quiet_since, .. },
            ) if self.plan.finish().is_some() && self.alarm.is_none() && agreed => {
                // What somebody else disabled counts as inactive from the moment it was seen to be.
                let found_inactive = self.plan.finish().is_some_and(Finish::found_inactive);
                let rehearsed = self.plan.brown_out().is_none();
                State::Finishing(Finishing {
                    superseded: Superseded { quiet: OldKeyQuiet(()), quiet_since: *quiet_since },
                    stage: match found_inactive {
                        true => Stage::FoundInactive { since: at },
                        false => Stage::Ready { rehearsed },
                    },
                })
            }
            // Still disabled: it is enabled again before anything else.
            (
                State::Finishing(Finishing { superseded, stage: Stage::Disabled { since, .. } }),
                Note::OldKeyUsed { .. },
            ) => {
                let stage = Stage::Disabled { since, disproved: true };
                State::Finishing(Finishing { superseded, stage })
            }
            (State::Finishing(finishing), Note::OldKeyUsed { .. }) if !finishing.may_be_disabled() => {
                State::Planned
            }
            (
                State::Finishing(Finishing {
                    superseded,
                    stage: Stage::BrownOut { enabled_at: Some(_), .. },
                }),
                Note::BrownOutPassed,
            ) => State::Finishing(Finishing { superseded, stage: Stage::Ready { rehearsed: true } }),
            (State::BrownOut { new, cut_over, adoption, enabled_at: Some(_), .. }, Note::BrownOutPassed) => {
                State::Ready { new, cut_over, adoption, rehearsed: true }
            }
            (
                State::RollingBack { new, old: OldKey::Works, restored_at: None, disabled_at },
                Note::Restored,
            ) => State::RollingBack { new, old: OldKey::Works, restored_at: Some(at), disabled_at },
            (State::Delivering { new } | State::Verifying { new, .. }, Note::RollingBack)
                if self.rollback.is_some() && !new.exposed =>
            {
                State::Orphaned { orphan: new.id, inferred: false, disabled_at: None }
            }
            (state, Note::RollingBack)
                if self.rollback.is_some() && !matches!(state, State::RollingBack { .. }) =>
            {
                match state.into_new_key() {
                    Some(new) => {
                        State::RollingBack { new, old: OldKey::Unknown, restored_at: None, disabled_at: None }
                    }
                    None => return Err(illegal),
                }
            }
            (
                State::RollingBack { new, old: OldKey::Enabled { .. }, restored_at, disabled_at },
                Note::OldKeyWorks,
            ) => State::RollingBack { new, old: OldKey::Works, restored_at, disabled_at },
            _ => return Err(illegal),
        };
        Ok(self)
    }

    pub(super) fn answer(
        &mut self,
        answer: Answer,
        by: &str,
        at: Timestamp,
        illegal: IllegalEvent,
    ) -> Result<(), IllegalEvent> {
        let Some(question) = self.question.take() else { return Err(illegal) };
        self.trouble = None;
        if matches!(question, Question::Missed { .. }) {
            self.alarm = None;
            if let State::Finishing(finishing) = &mut self.state
                && !finishing.may_be_disabled()
            {
                finishing.stage = Stage::GivenBack { quiet_from: at };
            }
        }
        if matches!(question, Question::EnabledByOthers { .. }) {
            self.state.rest_from(at);
        }
        if let State::Adopting { adoption, .. } = &mut self.state {
            adoption.patience_from = at;
            if matches!(question, Question::Missed { .. }) {
                adoption.quiet_from = at;
            }
            if answer == Answer::Vouch && matches!(question, Question::ConsumersLeft { .. }) {
                adoption.answered_for = Some(at);
                return Ok(());
            }
            if answer == Answer::Vouch && matches!(question, Question::NotAdopted { .. }) {
                adoption.vouched_by = Some(by.to_owned());
                return Ok(());
            }
        }
        if answer == Answer::LookAgain { Ok(()) } else { Err(illegal) }
    }

    fn add_trouble(&mut self, intent: &Intent, transient: bool, message: &str, at: Timestamp) {
        let before = self.trouble.take().filter(|trouble| trouble.intent == *intent);
        let (failures, refusals) = before.map_or((0, 0), |trouble| (trouble.failures, trouble.refusals));
        self.trouble = Some(Trouble {
            intent: intent.clone(),
            failures: failures + 1,
            refusals: refusals + u32::from(!transient),
            reported_done: false,
            last_at: at,
            message: message.to_owned(),
        });
    }
}
