//! What people say to all workers at once, kept beside the logs: a halt, and approvals of plans that have not begun.

use rotakey_core::rotate::controls::Halt;
use rotakey_core::rotate::{Approval, PlanHash};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::{Store, StoreError};

const HALT: &str = "halt";

/// What the names of approvals begin with.
const APPROVAL: &str = "approval/";

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
    let kept = store.controls(&format!("{APPROVAL}{plan}/")).await?;
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
    format!("{APPROVAL}{}/{}/{}", approval.plan, approval.step, approval.by)
}

/// Something that a person said, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// The name that it is kept under.
    pub name: String,
    /// The text.
    pub body: String,
}

impl Control {
    /// Whether it is a halt or an approval, and kept under the right name. An error says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        let Self { name, body } = self;
        if name == HALT {
            return read::<Halt>(name, body).map(drop).map_err(|error| error.to_string());
        }
        let approval: Approval = read(name, body).map_err(|error| error.to_string())?;
        match self::name(&approval) == *name {
            true => Ok(()),
            false => Err(format!("an approval is kept under {name}, which is not its name")),
        }
    }
}

/// All that people said, in the order of the names. What workers keep for each other is not among it.
///
/// # Errors
/// The store cannot be read.
pub async fn all(store: &dyn Store) -> Result<Vec<Control>, StoreError> {
    let mut kept = store.controls(APPROVAL).await?;
    kept.extend(store.controls(HALT).await?.into_iter().filter(|(name, _)| name == HALT));
    Ok(kept.into_iter().map(|(name, body)| Control { name, body }).collect())
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
