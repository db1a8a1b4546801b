//! Takes what is kept from one store to another: logs, what people were told, and what they said to all workers, as lines
//! of JSON, and the checks before and after.
//!
//! An export says nothing of the store that it comes from, nor of whose turn it is or how often something was written: two
//! stores that keep the same have the same export, byte by byte. A rotation that is open after an import is due at once,
//! and the worker that looks says whose turn it is.

mod check;
mod export;
mod import;
mod told;

use std::collections::BTreeSet;
use std::io;

use futures::{StreamExt, stream};
use rotakey_core::id::RotationId;
use rotakey_core::notify::Topic;
use rotakey_core::rotate::{BrokenLog, Entry, IllegalHistory, Record, Rotation, Subject};

use crate::control;
use crate::inventory::Progress;
use crate::outbox::Outbox;
use crate::store::{RotationSummary, Store, StoreError};

pub use check::{compare, verify};
pub use export::{Export, ExportError, Exported, ExportedLog};
pub use import::{Survey, import, survey};
pub use told::Told;

/// So many logs are read at a time.
const CONCURRENCY: usize = 16;

/// Where logs are kept, and beside them what people were told.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The logs.
    pub store: &'a dyn Store,
    /// What people were told.
    pub outbox: &'a dyn Outbox,
}

impl Place<'_> {
    /// Reads what people were told before the log, which then has every entry that was told of.
    async fn load(
        self,
        summary: RotationSummary,
        settled: &BTreeSet<RotationId>,
    ) -> Result<(RotationSummary, Log, Told), StoreError> {
        let deliveries = self.outbox.deliveries(&Topic::from(&summary.id)).await?;
        let told = Told::new(deliveries, settled.contains(&summary.id));
        let records = self.store.load(&summary.id).await?;
        let log = Log { id: summary.id.clone(), subject: summary.subject.clone(), records };
        Ok((summary, log, told))
    }
}

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
    /// What people were told does not go with the log.
    #[error("what people were told of rotation {rotation} does not go with its log: {what}")]
    Told {
        /// The rotation.
        rotation: RotationId,
        /// What is wrong.
        what: String,
    },
    /// What a person said to all workers cannot be read.
    #[error("{0}")]
    Control(String),
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
    /// Deliveries of notices about them.
    pub deliveries: u64,
    /// The halt, and approvals of plans that have not begun.
    pub controls: u64,
}

impl Amount {
    fn add(&mut self, log: &Log, told: Option<&Told>) {
        self.rotations += 1;
        self.records += log.records.len() as u64;
        self.deliveries += told.map_or(0, |told| told.deliveries.len() as u64);
    }

    /// The rotations, for a progress bar.
    fn done(&self) -> usize {
        usize::try_from(self.rotations).unwrap_or(usize::MAX)
    }
}

/// Writes all that is kept: what people said to all workers, and the logs in the order in which the rotations began.
///
/// # Errors
/// A log that is not sound is not exported, and nothing after it.
pub async fn export(
    place: Place<'_>,
    out: &mut dyn io::Write,
    progress: &dyn Progress,
) -> Result<Amount, TransferError> {
    let mut writer = export::Writer::begin(out).map_err(TransferError::Write)?;
    for control in control::all(place.store).await? {
        control.check().map_err(Unsound::Control)?;
        writer.control(&control).map_err(TransferError::Write)?;
    }
    // In this order: a rotation that is settled is then among those listed.
    let settled = place.outbox.settled().await?;
    let listed = place.store.rotations().await?;
    let total = listed.len();
    let mut loading = stream::iter(listed).map(|summary| place.load(summary, &settled)).buffered(CONCURRENCY);
    let mut done = 0;
    while let Some(loaded) = loading.next().await {
        let (_, log, told) = loaded?;
        let rotation = log.check()?;
        let is_open = rotation.ending().is_none();
        told.check(&log, is_open)?;
        writer.log(&log, is_open, &told).map_err(TransferError::Write)?;
        done += 1;
        progress.step(done, Some(total), "exporting rotations");
    }
    drop(loading);
    writer.end().map_err(TransferError::Write)
}

#[cfg(test)]
mod tests;
