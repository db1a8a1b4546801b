//! `rotakey scan baseline update`.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use rotakey_scan::baseline::{Baseline, LineNumbers, Update};

use super::super::run::{HowArgs, WhatArgs};
use super::super::source;
use super::{FileArgs, read, write};
use crate::cli::GlobalArgs;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;
use crate::quantity::count;

/// Write what is found now into the baseline, and take out what is gone
#[derive(Debug, Args)]
#[command(after_help = concat!("A file in which nothing is new stays as it is, byte for byte: lines may move. Labels
stay, and so does what detect-secrets wrote. What is gone is taken out only where
it was looked for.

Examples:
  rotakey scan baseline update
  rotakey scan baseline update --exclude vendor/ --no-lines
  rotakey scan baseline update src/ --baseline src/.secrets.baseline

", exit_codes!()))]
pub(in super::super) struct UpdateArgs {
    /// Files and folders [default: the folder that you are in]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    how: HowArgs,
    /// Bring the line numbers of known values up to date as well
    #[arg(long)]
    renew_lines: bool,
    /// Write no line numbers for new values; detect-secrets cannot audit such a file
    #[arg(long, conflicts_with = "renew_lines")]
    no_lines: bool,
}

/// Runs the command.
pub(in super::super) async fn run(
    args: &UpdateArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let path = &args.file.baseline;
    let existing = read(path)?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let mut baseline = existing.unwrap_or_else(|| Baseline::new(&name));
    let what = WhatArgs::files(args.paths.clone());
    let scanned = source::scan(&what, &args.how, false, globals, printer).await?;
    let baseline_root = scanned.root.clone();
    if let Some(root) = baseline_root.to_str() {
        baseline = baseline.below(root);
    }
    let unread: Vec<&str> =
        scanned.report.coverage.unread.iter().map(|unread| unread.place.as_str()).collect();
    let within = |file: &str| {
        // Only what was looked at and could be read to its end can be gone.
        let is_read = !unread.iter().any(|place| place.starts_with(file) || file.starts_with(place));
        let is_asked = args.paths.is_empty()
            || args.paths.iter().any(|path| {
                let path = path.to_string_lossy();
                let path = path.trim_start_matches("./").trim_end_matches('/');
                path.is_empty() || path == "." || file == path || file.starts_with(&format!("{path}/"))
            });
        is_read && is_asked
    };
    let findings: Vec<_> =
        scanned.report.findings.into_iter().filter(|finding| finding.allowed.is_none()).collect();
    let changes = baseline.update(&Update {
        findings: &findings,
        scanned: &within,
        content: &|file| fs::read(baseline_root.join(file)).ok(),
        lines: match (args.renew_lines, args.no_lines) {
            (true, _) => LineNumbers::Renew,
            (_, true) => LineNumbers::Omit,
            _ => LineNumbers::Keep,
        },
    });
    if baseline.is_changed() || !path.exists() {
        write(&baseline, path)?;
    }
    printer.note(&format!(
        "{}: {} added, {} taken out.",
        path.display(),
        count(changes.added.len(), "value"),
        count(changes.removed.len(), "value"),
    ));
    for unread in &scanned.report.coverage.unread {
        printer.warning(&unread.to_string());
    }
    Ok(if scanned.report.coverage.unread.is_empty() { Verdict::Clean } else { Verdict::Incomplete })
}
