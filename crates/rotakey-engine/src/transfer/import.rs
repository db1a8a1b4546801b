//! Takes an export into a store, after a look at what is there already.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use jiff::Timestamp;
use rotakey_core::id::{RotationId, UserId};

use super::{Amount, Export, Exported, ExportedLog, Place, Told, TransferError};
use crate::control::{self, Control};
use crate::herald::look_at_all;
use crate::inventory::Progress;
use crate::store::{Append, RotationSummary, StoreError, Turn};

/// What an import would do.
#[derive(Debug, Default)]
pub struct Survey {
    /// What is in the export.
    pub amount: Amount,
    /// The rotations that the store does not have.
    pub new: BTreeSet<RotationId>,
    /// How many rotations the store has already, exactly as they are in the export.
    pub present: u64,
    /// What stands in the way. Nothing is imported then.
    pub conflicts: Vec<String>,
}

/// Reads an export to its end and checks all of it, and looks what the store has already. Changes nothing.
///
/// # Errors
/// The export is not whole or not sound, or the store cannot be read.
pub async fn survey(
    place: Place<'_>,
    export: Export<impl io::BufRead>,
    progress: &dyn Progress,
) -> Result<Survey, TransferError> {
    let known: BTreeMap<RotationId, RotationSummary> =
        place.store.rotations().await?.into_iter().map(|summary| (summary.id.clone(), summary)).collect();
    let open = known.values().filter(|summary| summary.is_open());
    let mut open: BTreeMap<UserId, RotationId> =
        open.map(|summary| (summary.subject.user_id.clone(), summary.id.clone())).collect();
    let said = control::all(place.store).await?;
    let mut survey = Survey::default();
    for exported in export {
        let ExportedLog { log, is_open, told } = match exported? {
            Exported::Control(control) => {
                survey.amount.controls += 1;
                survey.conflicts.extend(contradiction(&said, &control));
                continue;
            }
            Exported::Log(log) => log,
        };
        survey.amount.add(&log, told.as_ref());
        progress.step(survey.amount.done(), None, "checking rotations");
        let id = &log.id;
        let clash = match known.get(id) {
            Some(_) if place.store.load(id).await? == log.records => {
                survey.present += 1;
                None
            }
            Some(_) => Some(format!("the store has another log of rotation {id}")),
            None if survey.new.contains(id) => Some(format!("rotation {id} is in the export twice")),
            None => match open.get(&log.subject.user_id).filter(|_| is_open) {
                Some(busy) => Some(format!(
                    "rotation {id} is open, and so is {busy} of the same user in the store or the export"
                )),
                None => {
                    if is_open {
                        open.insert(log.subject.user_id.clone(), id.clone());
                    }
                    survey.new.insert(id.clone());
                    None
                }
            },
        };
        let clash = match (clash, &told) {
            (None, Some(told)) => told_otherwise(place, id, told).await?,
            (clash, _) => clash,
        };
        survey.conflicts.extend(clash);
    }
    Ok(survey)
}

/// What the store has under the same name, if it is something else.
fn contradiction(said: &[Control], control: &Control) -> Option<String> {
    let kept = said.iter().find(|kept| kept.name == control.name)?;
    (kept.body != control.body).then(|| format!("the store has something else under {}", control.name))
}

/// What the store knows otherwise. What it does not know, or knows beyond the export, is no conflict.
async fn told_otherwise(
    place: Place<'_>,
    id: &RotationId,
    told: &Told,
) -> Result<Option<String>, StoreError> {
    if told.deliveries.is_empty() {
        return Ok(None);
    }
    let known = Told::new(place.outbox.deliveries(&id.into()).await?, false);
    let differs = |one: &&_| known.find(one).is_some_and(|known| known != *one);
    let other = told.deliveries.iter().find(differs);
    Ok(other.map(|one| format!("the store knows otherwise what came of {} on {}", one.notice, one.channel)))
}

/// Takes over what the store does not have: what people said first, so that a halt holds from the beginning, then each
/// rotation whole or not at all, after what people were told of it, so that nobody is told twice. Can be run again after
/// it was cut off: what is there by then is not written again.
///
/// # Errors
/// As those of [`survey`], and [`StoreError::Conflict`] if somebody else writes the same rotations meanwhile.
pub async fn import(
    place: Place<'_>,
    export: Export<impl io::BufRead>,
    survey: &Survey,
    progress: &dyn Progress,
) -> Result<Amount, TransferError> {
    let mut amount = Amount::default();
    for exported in export {
        let ExportedLog { log, is_open, told } = match exported? {
            Exported::Control(Control { name, body }) => {
                place.store.set_control(&name, Some(&body)).await?;
                amount.controls += 1;
                continue;
            }
            Exported::Log(log) => log,
        };
        if let Some(told) = &told {
            amount.deliveries += tell(place, &log.id, told).await?;
        }
        if !survey.new.contains(&log.id) {
            continue;
        }
        let append = Append {
            rotation: &log.id,
            subject: &log.subject,
            expected_version: 0,
            records: &log.records,
            closes: !is_open,
            turn: Turn::Worker { due: Timestamp::UNIX_EPOCH },
        };
        place.store.append(append).await?;
        amount.add(&log, None);
        progress.step(amount.done(), Some(survey.new.len()), "importing rotations");
    }
    // Somebody may have to be told at once.
    look_at_all(place.store).await?;
    Ok(amount)
}

/// Writes what is not there. What is there is the same, as the survey has seen.
async fn tell(place: Place<'_>, id: &RotationId, told: &Told) -> Result<u64, StoreError> {
    let mut written = 0;
    for delivery in &told.deliveries {
        match place.outbox.write(delivery).await {
            Ok(()) => written += 1,
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    if told.is_settled {
        place.outbox.settle(id).await?;
    }
    Ok(written)
}
