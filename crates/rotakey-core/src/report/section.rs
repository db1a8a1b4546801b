//! Cuts a report into sections of whole lines, so that several threads can read one report.

use std::io::{BufRead, Read as _};
use std::sync::Arc;

use jiff::Timestamp;

use super::ReportReader;
use super::columns::Columns;
use super::content::Content;
use super::error::ReportError;
use super::line::Lines;

/// A report on its way to several readers: cutting it is quick, reading what was cut off is the work.
#[derive(Debug)]
pub struct Sections<R> {
    input: Content<R>,
    columns: Arc<Columns>,
    /// The beginning of the next section, already read.
    begun: Vec<u8>,
    /// The number of lines in all sections before.
    lines: u64,
    ended: bool,
}

/// Whole lines of a report.
#[derive(Debug)]
pub struct Section {
    text: Vec<u8>,
    columns: Arc<Columns>,
    /// The number of lines before it.
    lines_before: u64,
    is_last: bool,
    generated_at: Option<Timestamp>,
}

impl<R: BufRead> Sections<R> {
    /// About a thousand rows: worth being handed to another thread, and little memory.
    const SIZE: usize = 256 * 1024;

    pub(super) fn new(lines: Lines<Content<R>>, columns: Arc<Columns>) -> Self {
        Self { lines: lines.number(), input: lines.into_input(), columns, begun: Vec::new(), ended: false }
    }

    /// The next section, or `None` behind the last. Behind an error there is none either.
    ///
    /// # Errors
    ///
    /// If the input cannot be read, or the JSON around the report is none. Whether the rows can be read shows
    /// when they are.
    pub fn next_section(&mut self) -> Result<Option<Section>, ReportError> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(None);
        }
        let mut text = Vec::with_capacity(Self::SIZE);
        text.append(&mut self.begun);
        let room = Self::SIZE - text.len();
        self.input.by_ref().take(room as u64).read_to_end(&mut text)?;
        self.ended = text.len() < Self::SIZE;
        if !self.ended {
            // Something always stays behind, so the last section is known to be the last. Where no line ends,
            // there is one too long to be read, which is told when it is.
            let end = memchr::memrchr(b'\n', &text[..Self::SIZE - 1]).map_or(Self::SIZE, |end| end + 1);
            self.begun = text.split_off(end);
        }
        let lines_before = self.lines;
        self.lines += memchr::memchr_iter(b'\n', &text).count() as u64;
        Ok(Some(Section {
            text,
            columns: Arc::clone(&self.columns),
            lines_before,
            is_last: self.ended,
            generated_at: self.generated_at(),
        }))
    }

    /// When AWS made the report, as [`ReportReader::generated_at`] says it: for sure only behind the last
    /// section.
    pub fn generated_at(&self) -> Option<Timestamp> {
        self.input.generated_at()
    }
}

impl Section {
    /// Reads the rows. Errors name the lines of the whole report.
    pub fn reader(&self) -> ReportReader<&[u8]> {
        let text = Content::Plain(self.text.as_slice());
        ReportReader {
            lines: Lines::within(text, self.lines_before, self.is_last),
            columns: Arc::clone(&self.columns),
        }
    }

    /// When AWS made the report, if that was known when the section was cut off.
    pub fn generated_at(&self) -> Option<Timestamp> {
        self.generated_at
    }
}
