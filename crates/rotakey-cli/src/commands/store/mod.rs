//! `rotakey store`: looks after the log of rotations.

use std::fs::File;
use std::io::{self, BufReader, Seek as _};
use std::path::Path;

use clap::{Args, Subcommand};
use rotakey_engine::store::StoreError;
use rotakey_engine::transfer::{Amount, Export, ExportError, TransferError};

use crate::cli::GlobalArgs;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::explain::store_error;
use crate::printer::Printer;
use crate::rotation_log::StoreArgs;

mod export;
mod import;
mod migrate;
mod verify;

/// Look after the log of rotations: its schema, its soundness, its move to another store
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = concat!(
        "The log is kept in an SQLite file, in PostgreSQL, or in a table of DynamoDB; the
last two for rotakey on several machines. An export takes it from one to another.

Examples:
  rotakey store verify                     is every log of this store sound?
  rotakey store export --output log.jsonl
  rotakey store migrate --store dynamodb://rotations --apply
  rotakey store import --store dynamodb://rotations log.jsonl

",
        exit_codes!()
    )
)]
pub(crate) struct StoreCommandArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    Migrate(migrate::MigrateArgs),
    Export(export::ExportArgs),
    Import(import::ImportArgs),
    Verify(verify::VerifyArgs),
}

/// Runs the command.
pub(crate) async fn run(
    args: StoreCommandArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let location = args.store.location(globals)?;
    match args.command {
        StoreCommand::Migrate(args) => migrate::run(&args, &location, globals, printer).await,
        StoreCommand::Export(args) => export::run(&args, &location, globals, printer).await,
        StoreCommand::Import(args) => import::run(&args, &location, globals, printer).await,
        StoreCommand::Verify(args) => verify::run(&args, &location, globals, printer).await,
    }
}

/// An export that is read twice: once to check it, and once to use it.
struct ExportFile(File);

impl ExportFile {
    /// That file; `-` is standard input, which is put aside for the second time.
    fn open(path: &Path) -> Result<Self, CommandError> {
        let unreadable = |error: io::Error| {
            let shown = path.display();
            CommandError::usage(format!("cannot read the export {shown}: {error}"))
                .hint("`rotakey store export --output FILE` writes one.")
        };
        if path != Path::new("-") {
            return File::open(path).map(Self).map_err(unreadable);
        }
        let mut aside = tempfile::tempfile().map_err(unreadable)?;
        io::copy(&mut io::stdin().lock(), &mut aside).map_err(unreadable)?;
        Ok(Self(aside))
    }

    /// From its beginning.
    fn read(&self) -> Result<Export<BufReader<&File>>, CommandError> {
        let mut file = &self.0;
        file.rewind().map_err(|error| export_error(error.into()))?;
        Export::open(BufReader::new(file)).map_err(export_error)
    }
}

fn transfer_error(error: TransferError) -> CommandError {
    match error {
        TransferError::Store(error @ StoreError::Conflict) => CommandError::failure(error)
            .hint("Somebody else writes to the store meanwhile; run the command again: it goes on where it stopped."),
        TransferError::Store(error) => store_error(error),
        TransferError::Unsound(error) => CommandError::failure(error)
            .hint("`rotakey store verify` names every log that is not sound; restore the store from a backup."),
        TransferError::Export(error) => export_error(error),
        TransferError::Write(error) => crate::printer::cannot_write(error),
    }
}

fn export_error(error: ExportError) -> CommandError {
    let hint = match &error {
        ExportError::Newer { .. } => "Use that rotakey for it.",
        ExportError::Truncated { .. } => {
            "Export again: `rotakey store export --output FILE` writes it whole or not at all."
        }
        _ => "Nothing was changed. Export again, or use another copy of the export.",
    };
    CommandError::usage(format!("the export cannot be used: {error}")).hint(hint)
}

/// `3 rotations with 42 records, 5 notices, 1 control`; of the last two, what there is.
fn shown(amount: Amount) -> String {
    let Amount { rotations, records, deliveries, controls } = amount;
    let mut text = format!("{} with {}", counted(rotations, "rotation"), counted(records, "record"));
    for (number, what) in [(deliveries, "notice"), (controls, "control")] {
        if number > 0 {
            text.push_str(&format!(", {}", counted(number, what)));
        }
    }
    text
}

fn counted(number: u64, singular: &str) -> String {
    crate::quantity::count(usize::try_from(number).unwrap_or(usize::MAX), singular)
}
