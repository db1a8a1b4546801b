//! Reads a credential report of IAM: one line for each user of an account and one for its root user.
//!
//! A report is read row by row, or section by section in several threads, and never held as a whole, so that its
//! size does not matter. Columns are found by their names: AWS has added some before, and will again.
//!
//! One row that cannot be read is an error of the whole report: whoever reads on would count keys of some
//! users and call it an audit, so nothing is claimed of a report that cannot be read to its end.
//!
//! The format is described in the IAM User Guide, "Get credential reports for your AWS account".

mod cell;
mod columns;
mod content;
mod error;
mod instant;
mod line;
mod row;
mod section;
mod subject;

use std::io::BufRead;
use std::sync::Arc;

use jiff::Timestamp;

use columns::Columns;
use content::Content;
pub use error::ReportError;
use line::Lines;
pub use row::{LastUseCell, Row, Slot};
pub use section::{Section, Sections};

/// Reads the rows of a credential report, one after the other.
///
/// The report may be the CSV itself, or what the API and `aws iam get-credential-report` answer with: a JSON
/// object with the report as base64 in `Content`. Both are read in a stream.
#[derive(Debug)]
pub struct ReportReader<R> {
    lines: Lines<Content<R>>,
    columns: Arc<Columns>,
}

impl<R: BufRead> ReportReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// If it is not that of a credential report.
    pub fn new(input: R) -> Result<Self, ReportError> {
        let mut lines = Lines::new(Content::detect(input)?);
        let columns = if lines.advance()? {
            Columns::from_header(&lines)?
        } else {
            return Err(ReportError::NotAReport { found: "nothing at all".to_owned(), hint: None });
        };
        Ok(Self { lines, columns: Arc::new(columns) })
    }

    /// The next row, or `None` behind the last.
    ///
    /// # Errors
    ///
    /// If the row, or the input itself, cannot be read. No row behind it should be read then.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, ReportError> {
        if self.lines.advance()? { Row::read(&self.lines, &self.columns).map(Some) } else { Ok(None) }
    }

    /// Cuts the rows that were not read yet into sections, for several threads.
    pub fn into_sections(self) -> Sections<R> {
        Sections::new(self.lines, self.columns)
    }

    /// The columns that this version does not know, by name. They are passed over.
    pub fn unknown_columns(&self) -> &[String] {
        &self.columns.unknown
    }

    /// When AWS made the report: only the JSON form says it, and it may say it behind the content, so it
    /// is known for sure only when [`next_row`](Self::next_row) has returned `None`.
    pub fn generated_at(&self) -> Option<Timestamp> {
        self.lines.input().generated_at()
    }
}

#[cfg(test)]
mod tests;
