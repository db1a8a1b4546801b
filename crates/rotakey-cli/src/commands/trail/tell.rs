//! What is said of every reading: what was left out, and what that means.

use rotakey_trail::summary::Summary;

use crate::error::Verdict;
use crate::printer::Printer;
use crate::quantity::{count, grouped};

/// The most problems that are told to people one by one.
const FEW: usize = 10;

/// Says what was not read. The verdict is `Incomplete` if something was not, else the one given.
pub(super) fn tell(summary: &Summary, verdict: Verdict, printer: &Printer) -> Verdict {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    for problem in summary.problems.iter().take(FEW) {
        printer.warning(&format!("{}: {}", problem.file, problem.message));
    }
    if summary.problem_count > FEW as u64 {
        let more = count(number(summary.problem_count) - FEW, "more problem");
        printer.warning(&format!("… and {more}; --format json lists them."));
    }
    if summary.malformed_records > 0 {
        let records = count(number(summary.malformed_records), "record");
        printer.warning(&format!("{records} without a time, a service or an action: passed over."));
    }
    printer.detail(&format!(
        "{} read: {} records, {} of them duplicates, {} outside of what was asked about.",
        count(number(summary.files), "file"),
        grouped(number(summary.records)),
        grouped(number(summary.duplicates)),
        grouped(number(summary.outside)),
    ));
    if summary.is_complete() {
        return verdict;
    }
    printer.warning("Not all could be read: what is said here may be less than what happened.");
    Verdict::Incomplete
}
