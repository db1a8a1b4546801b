//! What a scan found, written for programs: one file for each form.
//!
//! No form holds a secret: of each there are the first characters and digests. Findings that are allowed or known are in
//! the forms that can say so (JSON lines and SARIF), and in the others are counted.

use std::io::{self, Write};

use jiff::Timestamp;

use crate::scan::Report;

pub mod document;
#[cfg(any(test, feature = "specimen"))]
pub mod fixture;
mod github;
mod junit;
mod sarif;
mod tally;
mod words;

#[cfg(test)]
mod tests;

pub use tally::Tally;
pub use words::{circumstances, date, file, place, sentence, title};

/// The forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// A line of JSON for each finding; see [`document::FindingDocument`].
    JsonLines,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands, which GitHub shows as annotations.
    Github,
    /// JUnit's XML, for test reports.
    Junit,
}

/// What is told of the scan itself. Time is an argument.
#[derive(Debug, Default, Clone)]
pub struct About {
    /// The version of rotakey.
    pub version: String,
    /// When the scan began and ended.
    pub times: Option<(Timestamp, Timestamp)>,
    /// Whether there was a baseline, so that a finding that it does not know is new.
    pub baseline: bool,
    /// The repositories that were scanned.
    pub repositories: Vec<Repository>,
}

/// A repository that was scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Where it comes from, as an absolute URI without credentials.
    pub uri: String,
    /// The commit that is checked out.
    pub revision: Option<String>,
    /// The branch that is checked out.
    pub branch: Option<String>,
}

/// Writes a report. The writer need not be buffered.
pub fn write(form: Form, report: &Report, about: &About, out: &mut dyn Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    match form {
        Form::JsonLines => document::write_lines(report, about, &mut out)?,
        Form::Sarif => sarif::write(report, about, &mut out)?,
        Form::Github => github::write(report, &mut out)?,
        Form::Junit => junit::write(report, about, &mut out)?,
    }
    out.flush()
}
