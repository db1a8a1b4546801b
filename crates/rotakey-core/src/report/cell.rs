//! The values of a row, by what their columns hold.

use std::io::BufRead;

use jiff::Timestamp;

use super::columns::{Column, Columns};
use super::error::ReportError;
use super::instant;
use super::line::Lines;

/// A value that AWS may leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell<T> {
    /// It is there.
    Value(T),
    /// `N/A`: there is none.
    None,
    /// `no_information` or `not_supported`: there may be one.
    Unknown,
}

impl<T> Cell<T> {
    /// The value, if it is there.
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::None | Self::Unknown => None,
        }
    }
}

/// The row that is being read.
pub(super) struct Cells<'a, R> {
    pub(super) lines: &'a Lines<R>,
    pub(super) columns: &'a Columns,
}

impl<'a, R: BufRead> Cells<'a, R> {
    /// The text of a required column.
    pub(super) fn text(&self, column: Column) -> &'a str {
        let place = self.columns.place(column).expect("the header was checked for required columns");
        self.lines.value(place)
    }

    /// A text that may be left out.
    pub(super) fn optional_text(&self, column: Column) -> Cell<&'a str> {
        without(self.text(column)).unwrap_or(Cell::Value(self.text(column)))
    }

    /// `true` or `false`, in any letter case.
    pub(super) fn flag(&self, column: Column) -> Result<bool, ReportError> {
        read_flag(self.text(column)).ok_or_else(|| self.wrong(column, "true or false"))
    }

    /// `true` or `false`, which may be left out.
    pub(super) fn optional_flag(&self, column: Column) -> Result<Cell<bool>, ReportError> {
        let text = self.text(column);
        without(text)
            .or_else(|| read_flag(text).map(Cell::Value))
            .ok_or_else(|| self.wrong(column, "true, false or not_supported"))
    }

    /// An instant.
    pub(super) fn instant(&self, column: Column) -> Result<Timestamp, ReportError> {
        instant::parse(self.text(column))
            .ok_or_else(|| self.wrong(column, "an instant such as 2020-01-02T03:04:05+00:00"))
    }

    /// An instant that may be left out.
    pub(super) fn optional_instant(&self, column: Column) -> Result<Cell<Timestamp>, ReportError> {
        let text = self.text(column);
        without(text)
            .or_else(|| instant::parse(text).map(Cell::Value))
            .ok_or_else(|| self.wrong(column, "an instant such as 2020-01-02T03:04:05+00:00, or N/A"))
    }

    /// Fails if a column that nothing is judged by holds what it never does: the report is damaged then, or
    /// cut off.
    pub(super) fn check_unused(&self) -> Result<(), ReportError> {
        const FLAGS: [Column; 3] = [Column::MfaActive, Column::Cert1Active, Column::Cert2Active];
        const INSTANTS: [Column; 5] = [
            Column::PasswordLastUsed,
            Column::PasswordLastChanged,
            Column::PasswordNextRotation,
            Column::Cert1LastRotated,
            Column::Cert2LastRotated,
        ];
        for column in FLAGS.into_iter().filter(|column| self.columns.place(*column).is_some()) {
            self.optional_flag(column)?;
        }
        for column in INSTANTS.into_iter().filter(|column| self.columns.place(*column).is_some()) {
            self.optional_instant(column)?;
        }
        Ok(())
    }

    /// The error of a value that is not what its column holds.
    pub(super) fn wrong(&self, column: Column, expected: &'static str) -> ReportError {
        ReportError::Cell {
            line: self.lines.number(),
            column: column.name(),
            found: shortened(self.text_of_any(column)),
            expected,
            truncated: self.lines.is_open_ended(),
        }
    }

    fn text_of_any(&self, column: Column) -> &'a str {
        self.columns.place(column).map_or("", |place| self.lines.value(place))
    }
}

/// The words that stand in the place of a value.
fn without<T>(text: &str) -> Option<Cell<T>> {
    match text {
        "N/A" => Some(Cell::None),
        "no_information" | "not_supported" => Some(Cell::Unknown),
        _ => None,
    }
}

fn read_flag(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The beginning of a text, for a message.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
