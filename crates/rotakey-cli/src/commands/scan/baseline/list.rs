//! `rotakey scan baseline list`.

use clap::Args;
use rotakey_scan::baseline::Label;
use serde::Serialize;

use super::{FileArgs, digest, read_existing, words};
use crate::cli::Format;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;
use crate::quantity::count;
use crate::table::{Cell, Fit, Table};

/// Say what is known, and what nobody has judged yet
#[derive(Debug, Args)]
#[command(after_help = concat!("The exit code is 1 as long as something is not judged, or is a real secret.

Examples:
  rotakey scan baseline list
  rotakey scan baseline list --all --format json

", exit_codes!()))]
pub(super) struct ListArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Also what is judged to be harmless
    #[arg(long)]
    all: bool,
}

/// An entry as programs read it.
#[derive(Debug, Serialize)]
struct Row<'a> {
    path: &'a str,
    line: Option<u64>,
    sha1: String,
    #[serde(rename = "type")]
    secret_type: &'a str,
    is_secret: Option<bool>,
}

/// Runs the command.
pub(super) fn run(args: &ListArgs, printer: &Printer) -> Result<Verdict, CommandError> {
    let baseline = read_existing(&args.file.baseline)?;
    let all = baseline.entries();
    let open = all.iter().filter(|entry| entry.label != Label::Harmless).count();
    let shown: Vec<_> = all.iter().filter(|entry| args.all || entry.label != Label::Harmless).collect();
    if printer.format() == Format::Human {
        let mut table = Table::new([Fit::Whole, Fit::Elide, Fit::Whole]);
        if !shown.is_empty() {
            let heading = |text| Cell::new(text).style(printer.palette().heading);
            table.row(["LABEL", "PLACE", "SHA-1"].map(heading));
        }
        for entry in &shown {
            let place = match entry.line {
                Some(line) => format!("{}:{line}", entry.id.path),
                None => entry.id.path.clone(),
            };
            table.row([Cell::new(words(entry.label)), Cell::new(&place), Cell::new(digest(entry))]);
        }
        printer.table(&table)?;
        printer.note(&format!("{}, {open} of them not judged or real.", count(all.len(), "value")));
        if open > 0 {
            printer.hint("Judge each: rotakey scan baseline label PATH SHA1 --real | --harmless");
        }
    } else {
        let rows: Vec<Row<'_>> = shown
            .iter()
            .map(|entry| Row {
                path: &entry.id.path,
                line: entry.line,
                sha1: digest(entry),
                secret_type: &entry.id.secret_type,
                is_secret: match entry.label {
                    Label::Unlabelled => None,
                    Label::Harmless => Some(false),
                    Label::Real => Some(true),
                },
            })
            .collect();
        printer.json(&rows)?;
    }
    Ok(if open > 0 { Verdict::Findings } else { Verdict::Clean })
}
