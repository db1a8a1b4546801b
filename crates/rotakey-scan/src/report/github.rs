//! GitHub's workflow commands, which it shows as annotations of a commit.

use std::io::{self, Write};

use super::words::{counted, file, place, sentence};
use super::{Tally, title};
use crate::finding::Finding;
use crate::kind::Severity;
use crate::scan::Report;

/// GitHub shows so many annotations of each level for a step, and drops the others. One of each level is kept for what is said
/// of the whole.
const SHOWN: usize = 9;

/// So many places that could not be read are named.
const NAMED: usize = 5;

/// Writes the worst first.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let tally = Tally::of(report);
    let mut left_out = 0;
    for (severity, level) in
        [(Severity::High, "error"), (Severity::Medium, "warning"), (Severity::Low, "notice")]
    {
        let open = report.findings.iter().filter(|finding| finding.severity == severity && finding.is_open());
        for (number, finding) in open.enumerate() {
            if number < SHOWN {
                annotation(finding, level, out)?;
            } else {
                left_out += 1;
            }
        }
    }
    let unread = &report.coverage.unread;
    if !unread.is_empty() {
        let named: Vec<String> = unread.iter().take(NAMED).map(ToString::to_string).collect();
        let more = unread.len().saturating_sub(NAMED);
        let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
        let text =
            format!("{} could not be read:\n{}{more}", counted(unread.len(), "place"), named.join("\n"));
        writeln!(out, "::warning title={}::{}", property("rotakey scan"), data(&text))?;
    }
    let level = if tally.high > 0 { "error" } else { "notice" };
    let mut text = format!(
        "{} high, {} medium, {} low; {} allowed, {} known by the baseline",
        tally.high, tally.medium, tally.low, tally.allowed, tally.known
    );
    if tally.known_real > 0 {
        text.push_str(&format!(", of which {} labelled as real secrets", tally.known_real));
    }
    if left_out > 0 {
        text.push_str(&format!("; {} not shown here", counted(left_out, "finding")));
    }
    writeln!(out, "::{level} title={}::{}", property("rotakey scan"), data(&text))
}

fn annotation(finding: &Finding, level: &str, out: &mut dyn Write) -> io::Result<()> {
    let position = &finding.position;
    write!(out, "::{level} ")?;
    if let Some(path) = file(finding) {
        write!(out, "file={},line={}", property(path), position.line)?;
        // Columns are only for what is on one line.
        if position.end_line == position.line {
            write!(out, ",col={},endColumn={}", position.column, position.end_column)?;
        }
        write!(out, ",endLine={},", position.end_line)?;
    }
    let mut text = sentence(finding);
    if file(finding).is_none() || finding.repository.is_some() {
        let repository = finding.repository.as_deref().map(|name| format!(" of {name}")).unwrap_or_default();
        text.push_str(&format!(", in {}{repository}", place(finding)));
    }
    writeln!(out, "title={}::{}", property(title(finding.kind, finding.severity)), data(&text))
}

/// The text of a command, escaped as GitHub's toolkit does.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command, likewise.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
