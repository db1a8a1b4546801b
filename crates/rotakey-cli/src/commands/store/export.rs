//! `rotakey store export`: all that a store keeps as lines of JSON.

use clap::Args;
use rotakey_engine::transfer::export;
use rotakey_store::LogLocation;

use super::super::config::no_csv;
use super::{shown, transfer_error};
use crate::cli::{Format, GlobalArgs};
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;
use crate::progress::Progress;
use crate::rotation_log::Log;

/// Write all that a store keeps as lines of JSON: logs with their hash chains, what people were told
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "With the logs go what people were told of the rotations, the halt, and approvals
of plans that have not begun. Every log is checked before it is written; one
that is not sound ends the export. Two stores that keep the same have the same
export, byte by byte. No secret is in it. docs/stores.md describes the format.

Examples:
  rotakey store export --output log.jsonl
  rotakey store export --store postgres://keeper@db.example.com/keys | gzip > l.gz
  rotakey store export | rotakey store import --store dynamodb://rotations -

",
    exit_codes!()
))]
pub(super) struct ExportArgs {}

/// Runs the command.
pub(super) async fn run(
    _args: &ExportArgs,
    location: &LogLocation,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    if printer.format() == Format::Csv {
        return Err(no_csv("store export"));
    }
    let log = Log::read(location, globals).await?;
    let progress = Progress::new(printer);
    let exported = export(log.place(), &mut printer.sink(), &progress).await;
    drop(progress);
    log.close().await;
    let amount = exported.map_err(transfer_error)?;
    printer.finish()?;
    printer.note(&format!("Exported {} from {location}.", shown(amount)));
    Ok(Verdict::Clean)
}
