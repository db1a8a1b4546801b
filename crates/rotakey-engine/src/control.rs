//! What people say to all workers at once, kept beside the logs: a halt, and approvals of plans that have not begun.

use rotakey_core::rotate::controls::Halt;
use rotakey_core::rotate::{Approval, PlanHash};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::{Store, StoreError};

const HALT: &str = "halt";

/// The halt that is in force.
///
/// # Errors
/// The store cannot be read. Whoever asks must then take it that there is a halt.
pub async fn halt(store: &dyn Store) -> Result<Option<Halt>, StoreError> {
    let kept = store.controls(HALT).await?;
    kept.iter().find(|(name, _)| name == HALT).map(|(name, body)| read(name, body)).transpose()
}

/// Stops every worker at its next step, or lets them go on.
pub async fn set_halt(store: &dyn Store, halt: Option<&Halt>) -> Result<(), StoreError> {
    store.set_control(HALT, halt.map(write).as_deref()).await
}

/// What people have approved of a plan that has not begun.
pub async fn approvals(store: &dyn Store, plan: &PlanHash) -> Result<Vec<Approval>, StoreError> {
    let kept = store.controls(&format!("approval/{plan}/")).await?;
    kept.iter().map(|(name, body)| read(name, body)).collect()
}

/// Keeps an approval until the rotation begins. One person's later approval of the same step takes the place of the
/// earlier one.
pub async fn approve(store: &dyn Store, approval: &Approval) -> Result<(), StoreError> {
    store.set_control(&name(approval), Some(&write(approval))).await
}

/// Drops an approval that the log of its rotation has.
pub(crate) async fn drop_approval(store: &dyn Store, approval: &Approval) -> Result<(), StoreError> {
    store.set_control(&name(approval), None).await
}

fn name(approval: &Approval) -> String {
    format!("approval/{}/{}/{}", approval.plan, approval.step, approval.by)
}

pub(crate) fn write(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and instants are JSON")
}

pub(crate) fn read<T: DeserializeOwned>(name: &str, body: &str) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|error| StoreError::Unavailable {
        location: format!("{name} in the store"),
        message: format!("it cannot be read: {error}"),
    })
}
