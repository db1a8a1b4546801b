//! Whether what is kept is as it must be, and as in an export.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use futures::{StreamExt, stream};
use rotakey_core::id::RotationId;

use super::{Amount, CONCURRENCY, Export, Exported, ExportedLog, Place, Told, TransferError};
use crate::control;
use crate::inventory::Progress;
use crate::store::StoreError;

/// Reads all that is kept and checks it. `found` is told of each rotation that is not sound, or not what the store says of
/// it, and of what people said that cannot be read.
///
/// # Errors
/// The store cannot be read.
pub async fn verify(
    place: Place<'_>,
    progress: &dyn Progress,
    mut found: impl FnMut(Option<&RotationId>, String),
) -> Result<Amount, StoreError> {
    let mut amount = Amount::default();
    for control in control::all(place.store).await? {
        amount.controls += 1;
        if let Err(what) = control.check() {
            found(None, what);
        }
    }
    // In this order: a rotation that is settled is then among those listed.
    let mut settled = place.outbox.settled().await?;
    let listed = place.store.rotations().await?;
    let total = listed.len();
    let mut loading = stream::iter(listed).map(|summary| place.load(summary, &settled)).buffered(CONCURRENCY);
    let mut met = BTreeSet::new();
    while let Some(loaded) = loading.next().await {
        let (summary, log, told) = loaded?;
        amount.add(&log, Some(&told));
        let id = &log.id;
        match log.check() {
            Err(unsound) => found(Some(id), unsound.to_string()),
            // A rotation may have been moved on between the list and the load, but never back.
            Ok(rotation) if rotation.version() < summary.version => {
                found(Some(id), format!("rotation {id} lacks records at its end"));
            }
            Ok(rotation)
                if rotation.version() == summary.version
                    && rotation.ending().is_none() != summary.is_open() =>
            {
                let says = if summary.is_open() { "open" } else { "over" };
                found(Some(id), format!("rotation {id} is listed as {says}, and its log says otherwise"));
            }
            Ok(rotation) => {
                if let Err(unsound) = told.check(&log, rotation.ending().is_none()) {
                    found(Some(id), unsound.to_string());
                }
            }
        }
        progress.step(amount.done(), Some(total), "checking rotations");
        met.insert(log.id);
    }
    drop(loading);
    settled.retain(|id| !met.contains(id));
    for id in settled {
        found(Some(&id), format!("rotation {id} is settled, and there is no log of it"));
    }
    Ok(amount)
}

/// Holds the store against an export of it. `found` is told of each rotation that is not the same in both, and of what
/// people said, as far as the export tells it.
///
/// # Errors
/// The export is not whole or not sound, or the store cannot be read.
pub async fn compare(
    place: Place<'_>,
    export: Export<impl io::BufRead>,
    progress: &dyn Progress,
    mut found: impl FnMut(Option<&RotationId>, String),
) -> Result<Amount, TransferError> {
    let settled = place.outbox.settled().await?;
    let mut unmet: BTreeSet<RotationId> =
        place.store.rotations().await?.into_iter().map(|summary| summary.id).collect();
    let mut unsaid: BTreeMap<String, String> = BTreeMap::new();
    if export.tells() {
        let said = control::all(place.store).await?;
        unsaid.extend(said.into_iter().map(|control| (control.name, control.body)));
    }
    let mut amount = Amount::default();
    for exported in export {
        let ExportedLog { log, told, .. } = match exported? {
            Exported::Control(control) => {
                amount.controls += 1;
                match unsaid.remove(&control.name) {
                    None => found(None, format!("{} is in the export, and not in the store", control.name)),
                    Some(body) if body == control.body => {}
                    Some(_) => found(None, format!("{} is another in the store", control.name)),
                }
                continue;
            }
            Exported::Log(log) => log,
        };
        amount.add(&log, told.as_ref());
        progress.step(amount.done(), None, "comparing rotations");
        let id = &log.id;
        if !unmet.remove(id) {
            found(Some(id), format!("rotation {id} is in the export, and not in the store"));
            continue;
        }
        let kept = place.store.load(id).await?;
        let alike = kept.iter().zip(&log.records).take_while(|(kept, exported)| kept == exported).count();
        match (kept.len() - alike, log.records.len() - alike) {
            (0, 0) => {}
            (more, 0) => found(
                Some(id),
                format!("rotation {id} has {more} more records in the store than in the export"),
            ),
            (0, more) => found(
                Some(id),
                format!("rotation {id} has {more} more records in the export than in the store"),
            ),
            _ => found(Some(id), format!("rotation {id} differs from record {} on", alike + 1)),
        }
        if let Some(told) = told {
            let kept = Told::new(place.outbox.deliveries(&id.into()).await?, settled.contains(id));
            for what in differences(&kept, &told) {
                found(Some(id), format!("what people were told of rotation {id}: {what}"));
            }
        }
    }
    for id in unmet {
        found(Some(&id), format!("rotation {id} is in the store, and not in the export"));
    }
    for name in unsaid.into_keys() {
        found(None, format!("{name} is in the store, and not in the export"));
    }
    Ok(amount)
}

/// What was told otherwise in the store than in the export.
fn differences(kept: &Told, exported: &Told) -> Vec<String> {
    let only_in = |these: &Told, others: &Told| {
        these.deliveries.iter().filter(|one| others.find(one).is_none()).count()
    };
    let (more, less) = (only_in(kept, exported), only_in(exported, kept));
    let other = kept.deliveries.iter().filter(|one| exported.find(one).is_some_and(|known| known != *one));
    let settled = match (kept.is_settled, exported.is_settled) {
        (true, false) => Some("it is settled in the store only".to_owned()),
        (false, true) => Some("it is settled in the export only".to_owned()),
        _ => None,
    };
    let counted =
        [(more, "only in the store"), (less, "only in the export"), (other.count(), "not the same in both")];
    let counted = counted.into_iter().filter(|(number, _)| *number > 0);
    counted.map(|(number, what)| format!("{number} deliveries {what}")).chain(settled).collect()
}
