//! `rotakey store import`: takes an export into a store.

use std::path::PathBuf;

use clap::Args;
use rotakey_engine::transfer::{Amount, Survey, import, survey};
use rotakey_store::LogLocation;
use serde::Serialize;

use super::super::config::no_csv;
use super::{ExportFile, counted, shown, transfer_error};
use crate::cli::{Format, GlobalArgs};
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;
use crate::progress::Progress;
use crate::rotation_log::Log;

/// Take an export into a store that does not have its rotations yet
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "The whole export is read and checked first: each hash chain, each history, and
that nothing in the store stands in the way. Then each rotation is written whole
or not at all, after what people were told of it: nobody is told twice. What the
store has already, exactly as in the export, is left alone, so that an import
that was cut off is simply run again. Exports of older versions are taken, too;
the first ones say nothing of what people were told.

Let no rotakey work on the store that the export is from while its rotations
move on in another: both would drive them.

Examples:
  rotakey store import --store postgres://keeper@db.example.com/keys log.jsonl
  rotakey store export | rotakey store import --store dynamodb://rotations -

",
    exit_codes!()
))]
pub(super) struct ImportArgs {
    /// The export; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Serialize)]
struct Answer {
    schema_version: u32,
    store: String,
    rotations: u64,
    records: u64,
    deliveries: u64,
    controls: u64,
    already_there: u64,
}

/// The most conflicts that are told one by one.
const FEW: usize = 10;

/// Runs the command.
pub(super) async fn run(
    args: &ImportArgs,
    location: &LogLocation,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    if printer.format() == Format::Csv {
        return Err(no_csv("store import"));
    }
    let file = ExportFile::open(&args.file)?;
    // What is no export makes no store.
    file.read()?;
    let log = Log::open(location, globals).await?;
    let taken = take(&file, &log, printer).await;
    log.close().await;
    let (found, amount) = taken?;
    let store = location.to_string();
    match printer.format() {
        Format::Json => printer.json(&Answer {
            schema_version: 1,
            store,
            rotations: amount.rotations,
            records: amount.records,
            deliveries: amount.deliveries,
            controls: amount.controls,
            already_there: found.present,
        })?,
        _ => {
            let already = match found.present {
                0 => String::new(),
                present => format!(" {} had been there already.", counted(present, "rotation")),
            };
            printer.text(&format!("Imported {} into {store}.{already}\n", shown(amount)))?;
        }
    }
    Ok(Verdict::Clean)
}

async fn take(file: &ExportFile, log: &Log, printer: &Printer) -> Result<(Survey, Amount), CommandError> {
    let progress = Progress::new(printer);
    let found = survey(log.place(), file.read()?, &progress).await.map_err(transfer_error)?;
    if !found.conflicts.is_empty() {
        drop(progress);
        return Err(refused(&found));
    }
    let amount = import(log.place(), file.read()?, &found, &progress).await.map_err(transfer_error)?;
    Ok((found, amount))
}

fn refused(found: &Survey) -> CommandError {
    let number = found.conflicts.len();
    let mut text = format!("nothing was imported, for {}:", crate::quantity::count(number, "conflict"));
    for conflict in found.conflicts.iter().take(FEW) {
        text.push_str(&format!("\n  {conflict}"));
    }
    if number > FEW {
        text.push_str(&format!("\n  and {} more", number - FEW));
    }
    CommandError::usage(text).hint(
        "Import into an empty store, or find out with `rotakey store verify --export FILE` which of the two is right.",
    )
}
