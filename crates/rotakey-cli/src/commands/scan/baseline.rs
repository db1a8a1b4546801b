//! `rotakey scan baseline`: what is known already.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use rotakey_scan::baseline::{Baseline, Entry, Label, USUAL_NAME};

mod label;
mod list;
mod update;

use crate::cli::GlobalArgs;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::output::Output;
use crate::printer::Printer;

/// Keep a file of what is known: a baseline, which detect-secrets reads too
#[derive(Debug, Args)]
#[command(after_help = exit_codes!())]
pub(super) struct BaselineArgs {
    #[command(subcommand)]
    command: BaselineCommand,
}

#[derive(Debug, Subcommand)]
enum BaselineCommand {
    Update(update::UpdateArgs),
    List(list::ListArgs),
    Label(label::LabelArgs),
}

/// Which file.
#[derive(Debug, Args)]
struct FileArgs {
    /// The baseline
    #[arg(long, value_name = "FILE", default_value = USUAL_NAME)]
    baseline: PathBuf,
}

/// Runs the command.
pub(super) async fn run(
    args: &BaselineArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    match &args.command {
        BaselineCommand::Update(args) => update::run(args, globals, printer).await,
        BaselineCommand::List(args) => list::run(args, printer),
        BaselineCommand::Label(args) => label::run(args, printer),
    }
}

/// Reads a baseline; `None` if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Baseline>, CommandError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(CommandError::usage(format!("cannot read {}: {error}", path.display()))
                .hint("Name another baseline with --baseline."));
        }
    };
    let baseline = Baseline::parse(&bytes).map_err(|error| {
        CommandError::usage(format!("{} is no baseline: {error}", path.display())).hint(
            "Take an older version of the file, or move it away and run `rotakey scan baseline update`.",
        )
    })?;
    Ok(Some(baseline))
}

/// Reads a baseline that must be there.
fn read_existing(path: &Path) -> Result<Baseline, CommandError> {
    read(path)?.ok_or_else(|| {
        CommandError::usage(format!("there is no baseline at {}", path.display()))
            .hint("`rotakey scan baseline update` writes one.")
    })
}

/// Puts the baseline in the place of its file, whole or not at all.
fn write(baseline: &Baseline, path: &Path) -> Result<(), CommandError> {
    let write = || {
        let mut output = Output::file(path)?;
        io::Write::write_all(&mut output, &baseline.to_bytes())?;
        output.finish()
    };
    write().map_err(|error| {
        CommandError::failure(format!("cannot write {}: {error}", path.display()))
            .hint("The baseline was left as it was.")
    })
}

/// What a person said of an entry, in words.
fn words(label: Label) -> &'static str {
    match label {
        Label::Unlabelled => "not judged",
        Label::Harmless => "harmless",
        Label::Real => "a real secret",
    }
}

/// The digest of an entry as it is shown and typed.
fn digest(entry: &Entry) -> String {
    entry.id.sha1.iter().map(|byte| format!("{byte:02x}")).collect()
}
