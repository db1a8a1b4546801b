//! Takes rotation logs from one store to another: the whole log as lines of JSON, and the checks before and after.
//!
//! An export says nothing of the store that it comes from, nor of whose turn it is: two stores with the same logs have the
//! same export, byte by byte. A rotation that is open after an import is due at once, and the worker that looks says
//! whose turn it is.

mod export;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use futures::{StreamExt, stream};
use jiff::Timestamp;
use rotakey_core::id::{RotationId, UserId};
use rotakey_core::rotate::{BrokenLog, Entry, IllegalHistory, Record, Rotation, Subject};

use crate::inventory::Progress;
use crate::store::{Append, RotationSummary, Store, StoreError, Turn};

pub use export::{Export, ExportError, ExportedLog};

/// So many logs are read at a time.
const CONCURRENCY: usize = 16;

/// One log, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The rotation.
    pub id: RotationId,
    /// Whose key it rotates.
    pub subject: Subject,
    /// All records, in order.
    pub records: Vec<Record>,
}

impl Log {
    /// Checks the hash chain, and replays the rotation.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check(&self) -> Result<Rotation, Unsound> {
        let entries = Entry::open_all(&self.id, &self.records)?;
        let rotation = Rotation::replay(&self.id, &entries)?;
        if rotation.plan().subject != self.subject {
            return Err(Unsound::AnotherSubject { rotation: self.id.clone() });
        }
        Ok(rotation)
    }
}

/// A log that nothing may be done with.
#[derive(Debug, thiserror::Error)]
pub enum Unsound {
    /// The hash chain does not hold.
    #[error(transparent)]
    Broken(#[from] BrokenLog),
    /// The chain holds, but no run of the machine can have written this.
    #[error(transparent)]
    Illegal(#[from] IllegalHistory),
    /// The log is of another user than it is kept for.
    #[error("the log of rotation {rotation} is of another user than it is kept for")]
    AnotherSubject {
        /// The rotation.
        rotation: RotationId,
    },
}

/// Why logs could not be taken over.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A log in the store is not sound.
    #[error(transparent)]
    Unsound(#[from] Unsound),
    /// The export cannot be used.
    #[error("the export cannot be used: {0}")]
    Export(#[from] ExportError),
    /// The export could not be written.
    #[error("the export cannot be written: {0}")]
    Write(io::Error),
}

/// How much was written or read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Rotations.
    pub rotations: u64,
    /// Their records.
    pub records: u64,
}

impl Amount {
    fn add(&mut self, log: &Log) {
        self.rotations += 1;
        self.records += log.records.len() as u64;
    }
}

/// Writes all logs of the store, in the order in which the rotations began.
///
/// # Errors
/// A log that is not sound is not exported, and nothing after it.
pub async fn export(
    store: &dyn Store,
    out: &mut dyn io::Write,
    progress: &dyn Progress,
) -> Result<Amount, TransferError> {
    let listed = store.rotations().await?;
    let total = listed.len();
    let mut writer = export::Writer::begin(out).map_err(TransferError::Write)?;
    let mut loading = stream::iter(listed).map(|summary| load(store, summary)).buffered(CONCURRENCY);
    let mut done = 0;
    while let Some(loaded) = loading.next().await {
        let (_, log) = loaded?;
        let rotation = log.check()?;
        writer.write(&log, rotation.ending().is_none()).map_err(TransferError::Write)?;
        done += 1;
        progress.step(done, Some(total), "exporting rotations");
    }
    drop(loading);
    writer.end().map_err(TransferError::Write)
}

async fn load(store: &dyn Store, summary: RotationSummary) -> Result<(RotationSummary, Log), StoreError> {
    let records = store.load(&summary.id).await?;
    let log = Log { id: summary.id.clone(), subject: summary.subject.clone(), records };
    Ok((summary, log))
}

/// What an import would do.
#[derive(Debug, Default)]
pub struct Survey {
    /// What is in the export.
    pub amount: Amount,
    /// The rotations that the store does not have.
    pub new: BTreeSet<RotationId>,
    /// What stands in the way. Nothing is imported then.
    pub conflicts: Vec<String>,
}

impl Survey {
    /// How many rotations the store has already, exactly as they are in the export.
    pub fn present(&self) -> u64 {
        self.amount.rotations - self.new.len() as u64 - self.conflicts.len() as u64
    }
}

/// Reads an export to its end and checks each log of it, and looks what the store has already. Changes nothing.
///
/// # Errors
/// The export is not whole or not sound, or the store cannot be read.
pub async fn survey(
    store: &dyn Store,
    export: Export<impl io::BufRead>,
    progress: &dyn Progress,
) -> Result<Survey, TransferError> {
    let known: BTreeMap<RotationId, RotationSummary> =
        store.rotations().await?.into_iter().map(|summary| (summary.id.clone(), summary)).collect();
    let open = known.values().filter(|summary| summary.is_open());
    let mut open: BTreeMap<UserId, RotationId> =
        open.map(|summary| (summary.subject.user_id.clone(), summary.id.clone())).collect();
    let mut survey = Survey::default();
    for log in export {
        let ExportedLog { log, is_open } = log?;
        survey.amount.add(&log);
        progress.step(
            usize::try_from(survey.amount.rotations).unwrap_or(usize::MAX),
            None,
            "checking rotations",
        );
        let id = &log.id;
        match known.get(id) {
            Some(_) if store.load(id).await? == log.records => {}
            Some(_) => survey.conflicts.push(format!("the store has another log of rotation {id}")),
            None if survey.new.contains(id) => {
                survey.conflicts.push(format!("rotation {id} is in the export twice"));
            }
            None => match open.get(&log.subject.user_id).filter(|_| is_open) {
                Some(busy) => survey.conflicts.push(format!(
                    "rotation {id} is open, and so is {busy} of the same user in the store or the export"
                )),
                None => {
                    if is_open {
                        open.insert(log.subject.user_id.clone(), id.clone());
                    }
                    survey.new.insert(id.clone());
                }
            },
        }
    }
    Ok(survey)
}

/// Appends the rotations of the export that the store does not have, each whole or not at all. Can be run again after it
/// was cut off: what is there by then is not appended again.
///
/// # Errors
/// As those of [`survey`], and [`StoreError::Conflict`] if somebody else writes the same rotations meanwhile.
pub async fn import(
    store: &dyn Store,
    export: Export<impl io::BufRead>,
    survey: &Survey,
    progress: &dyn Progress,
) -> Result<Amount, TransferError> {
    let mut amount = Amount::default();
    for log in export {
        let ExportedLog { log, is_open } = log?;
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
        store.append(append).await?;
        amount.add(&log);
        let done = usize::try_from(amount.rotations).unwrap_or(usize::MAX);
        progress.step(done, Some(survey.new.len()), "importing rotations");
    }
    Ok(amount)
}

/// Reads every log of the store and checks it. `found` is told of each that is not sound, or not what the store says of it.
///
/// # Errors
/// The store cannot be read.
pub async fn verify(
    store: &dyn Store,
    progress: &dyn Progress,
    mut found: impl FnMut(&RotationId, String),
) -> Result<Amount, StoreError> {
    let listed = store.rotations().await?;
    let total = listed.len();
    let mut amount = Amount::default();
    let mut loading = stream::iter(listed).map(|summary| load(store, summary)).buffered(CONCURRENCY);
    while let Some(loaded) = loading.next().await {
        let (summary, log) = loaded?;
        amount.add(&log);
        match log.check() {
            Err(unsound) => found(&log.id, unsound.to_string()),
            // A rotation may have been moved on between the list and the load, but never back.
            Ok(rotation) if rotation.version() < summary.version => {
                found(&log.id, format!("rotation {} lacks records at its end", log.id));
            }
            Ok(rotation)
                if rotation.version() == summary.version
                    && rotation.ending().is_none() != summary.is_open() =>
            {
                let says = if summary.is_open() { "open" } else { "over" };
                found(
                    &log.id,
                    format!("rotation {} is listed as {says}, and its log says otherwise", log.id),
                );
            }
            Ok(_) => {}
        }
        progress.step(
            usize::try_from(amount.rotations).unwrap_or(usize::MAX),
            Some(total),
            "checking rotations",
        );
    }
    Ok(amount)
}

/// Holds the store against an export of it. `found` is told of each rotation that is not the same in both.
///
/// # Errors
/// The export is not whole or not sound, or the store cannot be read.
pub async fn compare(
    store: &dyn Store,
    export: Export<impl io::BufRead>,
    progress: &dyn Progress,
    mut found: impl FnMut(&RotationId, String),
) -> Result<Amount, TransferError> {
    let mut unmet: BTreeSet<RotationId> =
        store.rotations().await?.into_iter().map(|summary| summary.id).collect();
    let mut amount = Amount::default();
    for log in export {
        let ExportedLog { log, .. } = log?;
        amount.add(&log);
        progress.step(usize::try_from(amount.rotations).unwrap_or(usize::MAX), None, "comparing rotations");
        let id = &log.id;
        if !unmet.remove(id) {
            found(id, format!("rotation {id} is in the export, and not in the store"));
            continue;
        }
        let kept = store.load(id).await?;
        let alike = kept.iter().zip(&log.records).take_while(|(kept, exported)| kept == exported).count();
        match (kept.len() - alike, log.records.len() - alike) {
            (0, 0) => {}
            (more, 0) => {
                found(id, format!("rotation {id} has {more} more records in the store than in the export"))
            }
            (0, more) => {
                found(id, format!("rotation {id} has {more} more records in the export than in the store"))
            }
            _ => found(id, format!("rotation {id} differs from record {} on", alike + 1)),
        }
    }
    for id in unmet {
        found(&id, format!("rotation {id} is in the store, and not in the export"));
    }
    Ok(amount)
}

#[cfg(test)]
mod tests;
