//! Why a credential report cannot be read.

use std::io;

/// A credential report that cannot be read. Nothing is claimed of it, also not of the rows before.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The input itself failed.
    #[error("the credential report cannot be read: {0}")]
    Input(#[source] io::Error),
    /// It begins unlike a credential report.
    #[error("this is not a credential report: it begins with {found}")]
    NotAReport {
        /// What it begins with.
        found: String,
        /// What it may be instead.
        hint: Option<&'static str>,
    },
    /// The header lacks columns.
    #[error("the credential report lacks the columns {}", .0.join(", "))]
    MissingColumns(Vec<&'static str>),
    /// The header has a column twice.
    #[error("the credential report has the column {0} twice")]
    DuplicateColumn(&'static str),
    /// A line has too few or too many values.
    #[error("line {line} has {found} values where the header has {expected}{}", cut(*.truncated))]
    Width {
        /// The line, counted from 1 with the header.
        line: u64,
        /// The number of its values.
        found: usize,
        /// The number of columns.
        expected: usize,
        /// Whether the input ends within the line.
        truncated: bool,
    },
    /// A value is not what its column holds.
    #[error("line {line}, column {column}: {found:?} is not {expected}{}", cut(*.truncated))]
    Cell {
        /// The line, counted from 1 with the header.
        line: u64,
        /// The column.
        column: &'static str,
        /// The value, cut to a bearable length.
        found: String,
        /// What the column holds.
        expected: &'static str,
        /// Whether the input ends within the line.
        truncated: bool,
    },
    /// A line is not CSV as AWS writes it.
    #[error("line {line}: {what}")]
    Line {
        /// The line, counted from 1 with the header.
        line: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The JSON around the report is not what the API answers with.
    #[error("this is not an answer of iam:GetCredentialReport: {0}")]
    Json(String),
}

impl ReportError {
    /// What to do about it, if that can be told.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAReport { hint, .. } => *hint,
            Self::Width { truncated: true, .. } | Self::Cell { truncated: true, .. } => {
                Some("the end of the file is missing: fetch the report again")
            }
            _ => None,
        }
    }
}

fn cut(truncated: bool) -> &'static str {
    if truncated { ": the report ends in the middle of this line" } else { "" }
}

/// An error of this kind that came through a reader comes out as itself.
impl From<io::Error> for ReportError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(error) => Self::Input(error),
        }
    }
}

impl From<ReportError> for io::Error {
    fn from(error: ReportError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}
