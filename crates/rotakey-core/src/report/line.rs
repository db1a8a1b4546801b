//! Reads a text line by line and splits each line into its values.
//!
//! A general CSV reader would take a quotation mark without its other half for the beginning of a value that
//! goes on to the end of the input, however large that is. A credential report is simpler than CSV may be: a
//! value in quotes holds commas, but neither quotes nor line breaks. So every line can be split by itself, an
//! error is told of the line that it is in, and no more than one line is ever held.

use std::io::{BufRead, Read};
use std::ops::Range;

use super::error::ReportError;

/// The present line of a text, split into values. The buffers are used again for the next one.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    text: String,
    values: Vec<Range<usize>>,
    number: u64,
    ends_with_newline: bool,
    /// Whether the text ends where the input does.
    is_last: bool,
}

impl<R: BufRead> Lines<R> {
    /// No line of a credential report is anywhere near as long; what is must not fill the memory.
    const LONGEST: u64 = 64 * 1024;

    /// The lines of a whole text.
    pub(super) fn new(input: R) -> Self {
        Self::within(input, 0, true)
    }

    /// Lines of a text with so many lines before; `is_last` if none come behind.
    pub(super) fn within(input: R, lines_before: u64, is_last: bool) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            text: String::new(),
            values: Vec::new(),
            number: lines_before,
            ends_with_newline: true,
            is_last,
        }
    }

    pub(super) fn input(&self) -> &R {
        &self.input
    }

    /// What is behind the present line.
    pub(super) fn into_input(self) -> R {
        self.input
    }

    /// Goes to the next line; `false` if there is none. One empty line at the end of the text is none.
    pub(super) fn advance(&mut self) -> Result<bool, ReportError> {
        if !self.read()? {
            return Ok(false);
        }
        if self.text.is_empty() {
            let line = self.number;
            if self.read()? || !self.is_last {
                return Err(ReportError::Line { line, what: "it is empty" });
            }
            return Ok(false);
        }
        self.split()?;
        Ok(true)
    }

    /// The line as a whole, without its end.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The number of the line, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The number of values in the line.
    pub(super) fn width(&self) -> usize {
        self.values.len()
    }

    /// The value at that place, without its quotes.
    pub(super) fn value(&self, index: usize) -> &str {
        &self.text[self.values[index].clone()]
    }

    /// Whether the input ends in this line, without the end of a line.
    pub(super) fn is_open_ended(&self) -> bool {
        !self.ends_with_newline
    }

    fn read(&mut self) -> Result<bool, ReportError> {
        // The bytes go from the buffer into the text and back: checked once, never copied.
        self.buffer = std::mem::take(&mut self.text).into_bytes();
        self.buffer.clear();
        let length = self.input.by_ref().take(Self::LONGEST).read_until(b'\n', &mut self.buffer)?;
        if length == 0 {
            return Ok(false);
        }
        self.number += 1;
        let line = self.number;
        self.ends_with_newline = self.buffer.last() == Some(&b'\n');
        if !self.ends_with_newline && length as u64 == Self::LONGEST {
            return Err(ReportError::Line { line, what: "it is too long for a line of a credential report" });
        }
        while matches!(self.buffer.last(), Some(b'\n' | b'\r')) {
            self.buffer.pop();
        }
        self.text = String::from_utf8(std::mem::take(&mut self.buffer))
            .map_err(|_| ReportError::Line { line, what: "it is not text in UTF-8" })?;
        Ok(true)
    }

    fn split(&mut self) -> Result<(), ReportError> {
        self.values.clear();
        let bytes = self.text.as_bytes();
        if memchr::memchr(b'"', bytes).is_some() {
            return self.split_quoted();
        }
        let mut start = 0;
        for comma in memchr::memchr_iter(b',', bytes) {
            self.values.push(start..comma);
            start = comma + 1;
        }
        self.values.push(start..bytes.len());
        Ok(())
    }

    fn split_quoted(&mut self) -> Result<(), ReportError> {
        let bytes = self.text.as_bytes();
        let find = |byte, from: usize| memchr::memchr(byte, &bytes[from..]).map(|offset| from + offset);
        let wrong = |what| Err(ReportError::Line { line: self.number, what });
        let mut start = 0;
        loop {
            let (value, end) = if bytes.get(start) == Some(&b'"') {
                let Some(quote) = find(b'"', start + 1) else {
                    return wrong("a quotation mark has no other half");
                };
                (start + 1..quote, quote + 1)
            } else {
                let end = find(b',', start).unwrap_or(bytes.len());
                (start..end, end)
            };
            if bytes[value.clone()].contains(&b'"') {
                return wrong("a quotation mark stands within a value");
            }
            self.values.push(value);
            match bytes.get(end) {
                Some(b',') => start = end + 1,
                Some(_) => return wrong("a value goes on behind its quotation mark"),
                None => return Ok(()),
            }
        }
    }
}
