//! JUnit's XML: a test case for each file in which something is, and for each place that could not be read.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::words::{counted, place, sentence};
use super::{About, Tally};
use crate::finding::Finding;
use crate::kind::Severity;
use crate::scan::Report;

const NAME: &str = "rotakey scan";

/// Writes one suite.
pub(super) fn write(report: &Report, about: &About, out: &mut dyn Write) -> io::Result<()> {
    let tally = Tally::of(report);
    let mut files: BTreeMap<(Option<&str>, String), Vec<&Finding>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.is_open()) {
        files.entry((finding.repository.as_deref(), place(finding))).or_default().push(finding);
    }
    let unread = &report.coverage.unread;
    let (failures, errors) = (files.len(), unread.len());
    // A suite without a case is taken for one that did not run.
    let tests = (failures + errors).max(1);
    let mut counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\"");
    if let Some((start, end)) = about.times {
        counts.push_str(&format!(" time=\"{:.3}\"", end.duration_since(start).as_secs_f64()));
    }
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"{NAME}\" {counts}>")?;
    write!(out, "  <testsuite name=\"{NAME}\" {counts}")?;
    if let Some((start, _)) = about.times {
        write!(out, " timestamp=\"{}\"", start.strftime("%Y-%m-%dT%H:%M:%S"))?;
    }
    writeln!(out, ">\n    <properties>")?;
    for (name, value) in [
        ("contents", report.coverage.contents),
        ("bytes", report.coverage.bytes),
        ("allowed", tally.allowed as u64),
        ("known", tally.known as u64),
        ("known labelled as real secrets", tally.known_real as u64),
    ] {
        writeln!(out, "      <property name=\"{name}\" value=\"{value}\"/>")?;
    }
    writeln!(out, "    </properties>")?;
    for ((repository, path), findings) in &files {
        case(*repository, path, findings, out)?;
    }
    for unread in unread {
        let name = escape(&unread.place);
        writeln!(out, "    <testcase classname=\"{NAME}\" name=\"{name}\">")?;
        let message = escape(unread.reason.words());
        write!(out, "      <error type=\"unread\" message=\"{message}\">")?;
        writeln!(out, "{}</error>\n    </testcase>", escape(&unread.to_string()))?;
    }
    if files.is_empty() && unread.is_empty() {
        writeln!(out, "    <testcase classname=\"{NAME}\" name=\"no leaked AWS keys\"/>")?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn case(repository: Option<&str>, path: &str, findings: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    let class = repository.map_or_else(|| NAME.to_owned(), escape);
    let name = escape(path);
    writeln!(out, "    <testcase classname=\"{class}\" name=\"{name}\" file=\"{name}\">")?;
    let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Low);
    let message = format!("{}, at worst {worst}", counted(findings.len(), "leaked value"));
    write!(out, "      <failure type=\"{worst}\" message=\"{message}\">")?;
    for finding in findings {
        let (line, column) = (finding.position.line, finding.position.column);
        let told = format!("{path}:{line}:{column}: {}: {}", finding.severity, sentence(finding));
        writeln!(out, "{}", escape(&told))?;
        if !finding.excerpt.is_empty() {
            writeln!(out, "    {}", escape(&finding.excerpt))?;
        }
    }
    writeln!(out, "</failure>\n    </testcase>")
}

/// Text as it may stand in an element or in an attribute. What XML 1.0 cannot hold becomes U+FFFD.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' => escaped.push_str(&format!("&#{};", u32::from(character))),
            '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}
