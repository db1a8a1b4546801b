//! `rotakey store verify`: whether every log of a store is sound.

use std::path::PathBuf;

use clap::Args;
use rotakey_core::id::RotationId;
use rotakey_engine::store::StoreError;
use rotakey_engine::transfer::{Amount, TransferError, compare, verify};
use rotakey_store::LogLocation;
use serde::Serialize;

use super::super::config::no_csv;
use super::{ExportFile, shown, transfer_error};
use crate::cli::{Format, GlobalArgs};
use crate::error::{CommandError, ErrorKind, Verdict, exit_codes};
use crate::explain::store_error;
use crate::printer::Printer;
use crate::progress::Progress;
use crate::rotation_log::Log;
use crate::terminal::escape;

/// Check the hash chain and the history of every rotation, and that an export matches
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "A log is sound if each record is chained to the one before it, and if the machine
can have written it. What people were told must be of an entry of the log, and
what they said to all workers must be understood. Changes nothing.

Exits with 1 if something is not as it must be, and with 4 if not all could be
read.

Examples:
  rotakey store verify
  rotakey store verify --store dynamodb://rotations --export log.jsonl

",
    exit_codes!()
))]
pub(super) struct VerifyArgs {
    /// Also hold the store against this export; - is standard input
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
}

#[derive(Serialize)]
struct Answer {
    schema_version: u32,
    store: String,
    rotations: u64,
    records: u64,
    deliveries: u64,
    controls: u64,
    problems: Vec<Problem>,
}

#[derive(Serialize)]
struct Problem {
    /// `None` for what is of no rotation.
    rotation: Option<RotationId>,
    what: String,
}

/// Runs the command.
pub(super) async fn run(
    args: &VerifyArgs,
    location: &LogLocation,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    if printer.format() == Format::Csv {
        return Err(no_csv("store verify"));
    }
    let file = args.export.as_deref().map(ExportFile::open).transpose()?;
    let log = Log::read(location, globals).await?;
    let checked = check(&log, file.as_ref(), location, printer).await;
    log.close().await;
    let answer = checked?;
    let sound = answer.problems.is_empty();
    match printer.format() {
        Format::Json => printer.json(&answer)?,
        _ => print(&answer, args.export.is_some(), printer)?,
    }
    Ok(if sound { Verdict::Clean } else { Verdict::Findings })
}

async fn check(
    log: &Log,
    file: Option<&ExportFile>,
    location: &LogLocation,
    printer: &Printer,
) -> Result<Answer, CommandError> {
    let progress = Progress::new(printer);
    let mut problems = Vec::new();
    let mut found =
        |rotation: Option<&RotationId>, what| problems.push(Problem { rotation: rotation.cloned(), what });
    let amount = verify(log.place(), &progress, &mut found).await.map_err(unread)?;
    if let Some(file) = file {
        let compared = compare(log.place(), file.read()?, &progress, &mut found).await;
        compared.map_err(|error| match error {
            TransferError::Store(error) => unread(error),
            error => transfer_error(error),
        })?;
    }
    let Amount { rotations, records, deliveries, controls } = amount;
    let store = location.to_string();
    Ok(Answer { schema_version: 1, store, rotations, records, deliveries, controls, problems })
}

/// Of what could not be read nothing is claimed.
fn unread(error: StoreError) -> CommandError {
    CommandError { kind: ErrorKind::Incomplete, ..store_error(error) }
}

fn print(answer: &Answer, compared: bool, printer: &Printer) -> Result<(), CommandError> {
    let palette = printer.palette();
    for Problem { what, .. } in &answer.problems {
        printer.text(&format!("{}problem:{:#} {}\n", palette.bad, palette.bad, escape(what)))?;
    }
    let &Answer { rotations, records, deliveries, controls, .. } = answer;
    let amount = Amount { rotations, records, deliveries, controls };
    let verdict = match (answer.problems.len(), compared) {
        (0, false) => "all sound".to_owned(),
        (0, true) => "all sound, and as in the export".to_owned(),
        (number, _) => crate::quantity::count(number, "problem"),
    };
    printer.text(&format!("{}: {}, {verdict}.\n", answer.store, shown(amount)))
}
