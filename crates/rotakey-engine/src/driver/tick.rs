//! One pass over what is due, and passes until nothing is left to do.

use std::sync::{Mutex, PoisonError};

use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use rotakey_core::id::{AccountId, RotationId};

use super::{Engine, LEASE, LOOK_EVERY, Report};
use crate::herald::Told;
use crate::journal::JournalError;
use crate::store::{Claim, Outlook, RotationSummary, StoreError, Turn};

/// How many rotations are claimed at once.
const CLAIM: usize = 64;

/// How many rotations are driven at a time. Most of these wait for seconds between their steps; how many of one account
/// are at work is bounded apart from this.
const AT_A_TIME: usize = 1_024;

/// A rotation that could not be driven, and why. The others are not affected.
#[derive(Debug)]
pub struct Undriven {
    /// The rotation.
    pub rotation: RotationId,
    /// Why.
    pub error: JournalError,
}

/// What one pass over the rotations that were due came to.
#[derive(Debug, Default)]
pub struct Tick {
    /// Those that were driven, in the order in which they were due.
    pub reports: Vec<Report>,
    /// Those that could not be.
    pub undriven: Vec<Undriven>,
    /// What there is to do after it, also of rotations that were not due.
    pub outlook: Outlook,
    /// What people were told after it, or why nothing could be found out to tell; `None` if nobody is to be told.
    pub told: Option<Result<Told, StoreError>>,
}

impl Engine<'_> {
    /// Drives the rotations of the engine's accounts that are due, each until it waits, asks or ends. What fails with
    /// one rotation does not keep the others. A rotation that another worker has claimed is left to it.
    ///
    /// # Errors
    /// Nothing could be claimed.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let accounts = self.ports.accounts.ids();
        // What becomes due during the pass is for the next one.
        let began = self.ports.clock.now();
        let failure = Mutex::new(None);
        let claims = stream::unfold(true, |is_more| {
            let (accounts, failure) = (&accounts, &failure);
            async move {
                if !is_more {
                    return None;
                }
                match self.claim(accounts, began).await {
                    Ok(claimed) => {
                        let is_more = claimed.len() == CLAIM;
                        Some((stream::iter(claimed), is_more))
                    }
                    Err(error) => {
                        *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                        None
                    }
                }
            }
        });
        let mut driven: Vec<_> = claims
            .flatten()
            .enumerate()
            .map(|(place, claimed)| async move { (place, self.drive_claimed(&claimed).await, claimed.id) })
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        // Only now, so that nothing is cut off that is under way.
        if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        driven.sort_by_key(|(place, ..)| *place);
        let mut tick = Tick::default();
        for (_, result, rotation) in driven {
            match result {
                Ok(report) => tick.reports.push(report),
                Err(error) => tick.undriven.push(Undriven { rotation, error }),
            }
        }
        tick.outlook = self.ports.store.outlook(&accounts).await?;
        if let Some(herald) = &self.herald {
            tick.told = Some(herald.pass_after(tick.reports.iter().map(summary).collect()).await);
        }
        Ok(tick)
    }

    /// Passes over what is due again and again, sleeping in between, until no rotation waits for time any more;
    /// `passed` is given every pass. Dropping the future is safe at any moment: whatever was under way is found and
    /// resolved by the next run.
    ///
    /// # Errors
    /// Nothing could be claimed.
    pub async fn run(&self, passed: impl Fn(Tick)) -> Result<(), StoreError> {
        loop {
            let tick = self.tick().await?;
            let next = tick.outlook.next;
            let to_tell = tick.told.as_ref().and_then(|told| told.as_ref().ok()?.due);
            passed(tick);
            match next {
                Some(due) => {
                    self.ports.clock.sleep_until(to_tell.map_or(due, |to_tell| to_tell.min(due))).await
                }
                None => return Ok(()),
            }
        }
    }

    async fn claim(
        &self,
        accounts: &[AccountId],
        due: Timestamp,
    ) -> Result<Vec<RotationSummary>, StoreError> {
        let until = self.ports.clock.now() + LEASE;
        self.ports.store.claim(Claim { accounts, now: due, until, limit: CLAIM }).await
    }

    /// A log that is broken is for a person. It is looked at again in a while, and complained about.
    async fn drive_claimed(&self, claimed: &RotationSummary) -> Result<Report, JournalError> {
        let driven = self.drive(&claimed.id).await;
        if !matches!(driven, Ok(_) | Err(JournalError::Store(_))) {
            let turn = Turn::Person { due: Some(self.ports.clock.now() + LOOK_EVERY) };
            // If this fails, it is looked at when the lease ends.
            let _said = self.ports.store.hand_over(&claimed.id, claimed.version, turn).await;
        }
        driven
    }
}

/// What a list would say of a rotation that was driven.
fn summary(report: &Report) -> RotationSummary {
    let rotation = &report.rotation;
    RotationSummary {
        id: rotation.id().clone(),
        subject: rotation.plan().subject.clone(),
        turn: rotation.ending().is_none().then_some(Turn::Person { due: None }),
        version: rotation.version(),
    }
}
