//! What is known already, or allowed, or excluded.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use rotakey_scan::allow::{Allowed, Exclude, GitleaksIgnore};
use rotakey_scan::baseline::USUAL_NAME;

use super::baseline;
use super::source::Scanned;
use crate::error::CommandError;
use crate::printer::Printer;

/// What is not reported again.
#[derive(Debug, Args)]
pub(super) struct KnownArgs {
    /// What is known [default: .secrets.baseline at the root of what is scanned, if it is there]
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Use no baseline
    #[arg(long, conflicts_with = "baseline")]
    pub(super) no_baseline: bool,
}

/// Leaves out what is excluded, and marks what a baseline knows and what `.gitleaksignore` allows. Returns whether there is a
/// baseline.
pub(super) fn mark(
    args: &KnownArgs,
    exclude: &Exclude,
    scanned: &mut Scanned,
    printer: &Printer,
) -> Result<bool, CommandError> {
    let root_text = scanned.root.to_str();
    // Files were not read; of blobs the paths are known only now.
    if !exclude.is_empty() {
        scanned.report.findings.retain(|finding| {
            let file = finding.path.split('!').next().unwrap_or_default();
            finding.blob.is_none() || !exclude.excludes(file, false, root_text)
        });
        scanned.report.coverage.unread.retain(|unread| {
            let file = unread.place.split('!').next().unwrap_or_default();
            !exclude.excludes(file, false, root_text)
        });
    }
    if let Ok(bytes) = fs::read(scanned.root.join(".gitleaksignore")) {
        let ignore = GitleaksIgnore::parse(&bytes);
        for line in ignore.not_understood() {
            printer.warning(&format!(".gitleaksignore, line {line}, is not understood and ignores nothing."));
        }
        for finding in scanned.report.findings.iter_mut().filter(|finding| finding.allowed.is_none()) {
            if ignore.allows(finding, root_text) {
                finding.allowed = Some(Allowed::GitleaksIgnore);
            }
        }
    }
    let Some(baseline) = find(args, &scanned.root)? else { return Ok(false) };
    let baseline = match root_text {
        Some(root) => baseline.below(root),
        None => baseline,
    };
    for finding in &mut scanned.report.findings {
        finding.known = baseline.knows(finding);
    }
    Ok(true)
}

fn find(args: &KnownArgs, root: &Path) -> Result<Option<rotakey_scan::baseline::Baseline>, CommandError> {
    match &args.baseline {
        _ if args.no_baseline => Ok(None),
        Some(path) => baseline::read(path)?
            .ok_or_else(|| {
                CommandError::usage(format!("there is no baseline at {}", path.display()))
                    .hint("`rotakey scan baseline update` writes one.")
            })
            .map(Some),
        None => baseline::read(&root.join(USUAL_NAME)),
    }
}

/// The patterns of `--exclude`.
pub(super) fn exclude(patterns: &[String]) -> Result<Exclude, CommandError> {
    Exclude::new(patterns).map_err(|error| CommandError::usage(format!("--exclude: {error}")))
}
