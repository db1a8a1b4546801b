//! What holds an effect back, asked before each.

use jiff::{SignedDuration, Timestamp};
use rotakey_core::id::AccessKeyId;
use rotakey_core::rotate::controls::{Controls, Gate, Halt, Permit};
use rotakey_core::rotate::{Approval, Event, Intent, Rotation};

use super::{Engine, Standing};
use crate::control;
use crate::journal::{Journal, JournalError};
use crate::store::StoreError;

/// How long until a worker looks whether a halt is over.
const HALTED: SignedDuration = SignedDuration::from_mins(5);

/// What a worker is held by.
#[derive(Clone, Copy)]
pub struct Guard<'a> {
    /// The settings.
    pub controls: &'a Controls,
    /// A switch on the worker's own machine, for when the store cannot be reached: asked before each effect.
    pub switch: &'a (dyn Fn() -> Option<Halt> + Send + Sync),
    /// The access key that the worker's calls are signed with, if it is a user's.
    pub own_key: Option<&'a AccessKeyId>,
}

/// A worker that nothing but the halt in the store holds.
pub(super) const UNGUARDED: Guard<'static> = Guard {
    controls: &Controls { limits: NO_LIMITS, canaries: Vec::new(), freezes: Vec::new(), windows: Vec::new() },
    switch: &|| None,
    own_key: None,
};

const NO_LIMITS: rotakey_core::rotate::controls::Limits =
    rotakey_core::rotate::controls::Limits { in_flight: None, in_flight_per_account: None };

impl<'a> Engine<'a> {
    /// The same engine, held by that.
    #[must_use]
    pub fn under(self, guard: Guard<'a>) -> Self {
        Self { guard, ..self }
    }

    /// The halt that is in force, here or for all workers.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn halted(&self) -> Result<Option<Halt>, StoreError> {
        match (self.guard.switch)() {
            Some(halt) => Ok(Some(halt)),
            None => control::halt(self.ports.store).await,
        }
    }

    /// What an effect waits for, if it may not be done now.
    pub(super) async fn held_back(
        &self,
        rotation: &Rotation,
        intent: &Intent,
        now: Timestamp,
    ) -> Result<Option<Standing>, JournalError> {
        if Gate::of(rotation, intent).is_none() {
            return Ok(None);
        }
        let halt = self.halted().await?;
        let permit = match self.takes_own_key(intent) {
            Some(permit) => permit,
            None => self.guard.controls.permit_effect(rotation, intent, halt.as_ref(), now),
        };
        Ok(match permit {
            Permit::Go => None,
            Permit::Wait { until, why } => {
                let until = until.unwrap_or(now + HALTED);
                let why = format!("cannot {} now: {why}", intent.describe(rotation.plan()));
                Some(Standing::Waits { until, why })
            }
        })
    }

    /// A worker never takes away the key that it runs on: it could not even give it back.
    fn takes_own_key(&self, intent: &Intent) -> Option<Permit> {
        let (Intent::Disable { key } | Intent::Delete { key }) = intent else { return None };
        (self.guard.own_key == Some(key)).then(|| Permit::Wait {
            until: None,
            why: "rotakey itself still runs on this key; run it with the new one".to_owned(),
        })
    }

    /// Takes what people approved before the rotation began into its log.
    pub(super) async fn take_approvals(&self, journal: &mut Journal) -> Result<bool, JournalError> {
        let now = self.ports.clock.now();
        if journal.rotation().awaits_approval(now).is_none() {
            return Ok(false);
        }
        let kept = control::approvals(self.ports.store, &journal.rotation().plan().hash()).await?;
        let mut taken = false;
        // One that is not given yet, by the clock of this worker, is left for later.
        for approval in kept.into_iter().filter(|approval| approval.at <= now) {
            if counts(journal.rotation(), &approval) {
                self.append_approval(journal, &approval).await?;
                taken = true;
            }
            control::drop_approval(self.ports.store, &approval).await?;
        }
        Ok(taken)
    }

    async fn append_approval(&self, journal: &mut Journal, approval: &Approval) -> Result<(), JournalError> {
        self.append_at_work(journal, &Event::Approved { approval: approval.clone() }).await
    }
}

/// Whether an approval is new to the log, and one that its plan asks for.
fn counts(rotation: &Rotation, approval: &Approval) -> bool {
    !rotation.approvals().contains(approval) && rotation.plan().may_approve(approval.step, &approval.by)
}
