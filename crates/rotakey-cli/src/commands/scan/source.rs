//! From what is asked for to a report: which source is read, and how.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use rotakey_scan::container::Limits;
use rotakey_scan::scan::{Options, Report, Scan};

use super::run::{HowArgs, WhatArgs};
use crate::cli::GlobalArgs;
use crate::error::CommandError;
use crate::printer::Printer;

mod changes;
mod files;
mod history;
mod repository;
mod watch;

pub(super) use repository::hooks_folder;

/// What came of a scan, and where it was.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) report: Report,
    /// The folder that the paths in the report count from, and in which a baseline is looked for.
    pub(super) root: PathBuf,
    /// Findings that are left out since what they are about was there before.
    pub(super) before: usize,
}

impl Scanned {
    fn of(report: Report, root: impl Into<PathBuf>) -> Self {
        Self { report, root: root.into(), before: 0 }
    }
}

/// Scans what is asked for. With `keep_values`, found values are kept in memory.
pub(super) async fn scan(
    what: &WhatArgs,
    how: &HowArgs,
    keep_values: bool,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Scanned, CommandError> {
    let options = options(how, keep_values);
    if what.history {
        return history::scan(what, how, &options, globals, printer).await;
    }
    let scan = Scan::new(options);
    if let Some(revision) = &what.since {
        return changes::since(&only_repository(what)?, revision, scan);
    }
    if what.staged {
        return changes::staged(&only_repository(what)?, scan);
    }
    if what.pre_receive {
        return changes::received(&only_repository(what)?, scan);
    }
    files::scan(what, how, scan, globals, printer).await
}

fn options(how: &HowArgs, keep_values: bool) -> Options {
    let limits = Limits { depth: how.max_depth, unpacked: how.max_unpacked, ..Limits::default() };
    Options { keep_values, limits }
}

/// The one repository that a question about changes is about.
fn only_repository(what: &WhatArgs) -> Result<PathBuf, CommandError> {
    match what.paths.as_slice() {
        [] => Ok(PathBuf::from(".")),
        [path] => Ok(path.clone()),
        _ => Err(CommandError::usage("this is asked of one repository at a time")),
    }
}

/// How many threads scan.
fn workers(how: &HowArgs) -> NonZeroUsize {
    how.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

/// The current folder in full, as far as it can be told.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
