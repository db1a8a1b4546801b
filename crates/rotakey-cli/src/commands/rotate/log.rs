//! `rotakey rotate log`: everything that happened to one rotation.

use clap::Args;
use rotakey_core::id::RotationId;
use rotakey_core::rotate::Event;
use rotakey_engine::store::Store;
use serde::Serialize;

use super::logbook::Logbook;
use super::words::describe;
use crate::cli::Format;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::{Printer, cannot_write};
use crate::quantity::instant;
use crate::table::{Cell, Fit, Table};

/// Print the log of a rotation, after checking its hash chain
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey rotate status --all              lists the rotations and their ids
  rotakey rotate log r-4gq2w6xk7d2m5n3a
  rotakey rotate log r-4gq2w6xk7d2m5n3a --format json

Each entry is chained to the one before by its hash. A log that was changed is
an error that names the entry. No entry holds a secret.

",
    exit_codes!()
))]
pub(crate) struct LogArgs {
    /// The rotation
    rotation: RotationId,
}

/// One entry in `--format json`.
#[derive(Debug, Serialize)]
struct EntryData<'a> {
    version: u64,
    at: jiff::Timestamp,
    #[serde(flatten)]
    event: &'a Event,
    hash: &'a str,
}

/// Runs the command.
pub(crate) async fn run(
    args: &LogArgs,
    store: &dyn Store,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let Logbook { entries, rotation } = Logbook::open(store, &args.rotation).await?;
    match printer.format() {
        Format::Json => {
            let data: Vec<EntryData<'_>> = entries
                .iter()
                .map(|entry| EntryData {
                    version: entry.version,
                    at: entry.at,
                    event: &entry.event,
                    hash: entry.hash.as_str(),
                })
                .collect();
            printer.json(&data)?;
        }
        Format::Csv => {
            let mut rows = csv::Writer::from_writer(printer.data());
            let mut write = |row: &[&str]| rows.write_record(row).map_err(|error| cannot_write(error.into()));
            write(&["version", "at", "kind", "text", "hash"])?;
            for entry in &entries {
                let (kind, text) = describe(&entry.event, rotation.plan());
                write(&[&entry.version.to_string(), &instant(entry.at), kind, &text, entry.hash.as_str()])?;
            }
            rows.flush().map_err(cannot_write)?;
        }
        Format::Human => {
            let subject = &rotation.plan().subject;
            printer.text(&format!(
                "Rotation {} of user {} ({}) in account {}\n\n",
                rotation.id(),
                subject.user_name,
                subject.user_id,
                subject.account_id,
            ))?;
            let palette = printer.palette();
            let mut table = Table::new([Fit::Whole, Fit::Whole, Fit::Whole, Fit::Wrap]);
            for entry in &entries {
                let (kind, text) = describe(&entry.event, rotation.plan());
                table.row([
                    Cell::new(format!("{:>3}", entry.version)).style(palette.quiet),
                    Cell::new(instant(entry.at)).style(palette.quiet),
                    Cell::new(kind).style(palette.heading),
                    Cell::new(text),
                ]);
            }
            printer.table(&table)?;
            let last = entries.last().map_or("", |entry| entry.hash.as_str());
            printer.text(&format!("\nThe hash chain holds. Its head is {last}\n"))?;
        }
    }
    Ok(Verdict::Clean)
}
