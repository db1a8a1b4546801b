//! Tables for people: aligned columns, cut to the width of the terminal where that is known.

use anstyle::Style;

use crate::terminal::{elide, escape, width, wrap};

/// The spaces between two columns.
const GAP: usize = 2;

/// The width at which sentences are broken where there is no terminal to tell one.
const PROSE: usize = 80;

/// No sentence is pressed into less than this.
const NARROWEST_PROSE: usize = 24;

/// What a column does when the terminal is too narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Nothing. For identifiers and numbers: half of one is worth nothing.
    Whole,
    /// It loses the middle of its texts. For names.
    Elide,
    /// It breaks its texts into lines. For sentences, in the last column only.
    Wrap,
}

impl Fit {
    /// The width below which a column is never narrowed.
    fn narrowest(self) -> usize {
        match self {
            Self::Whole => 0,
            Self::Elide => 8,
            Self::Wrap => NARROWEST_PROSE,
        }
    }
}

/// One cell: harmless text and its style.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A cell with foreign or own text; what could harm a terminal is escaped.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self { text: escape(text.as_ref()).into_owned(), style: Style::new() }
    }

    #[must_use]
    pub(crate) fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

/// A table under construction. Every row has at most as many cells as there are columns; the last cell of a
/// row that has fewer spans the rest of the line, and is broken into lines there.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Fit>,
    rows: Vec<Row>,
}

#[derive(Debug)]
enum Row {
    Cells(Vec<Cell>),
    /// A sentence across all columns. It is wrapped where the terminal ends.
    Sentence {
        indent: usize,
        cell: Cell,
    },
}

impl Table {
    /// An empty table of those columns.
    pub(crate) fn new(columns: impl Into<Vec<Fit>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(Row::Cells(cells.into_iter().collect()));
    }

    /// Adds a sentence about the row before.
    pub(crate) fn sentence(&mut self, indent: usize, cell: Cell) {
        self.rows.push(Row::Sentence { indent, cell });
    }

    /// The table as lines, each ending with a line break and none with a space. `limit` is the width of the
    /// terminal; without one nothing is cut, for whoever searches in a pipe wants to find it.
    pub(crate) fn render(&self, limit: Option<usize>) -> String {
        let widths = self.widths(limit);
        let mut text = String::new();
        for row in &self.rows {
            match row {
                Row::Cells(cells) => self.push_cells(&mut text, cells, &widths, limit),
                Row::Sentence { indent, cell: Cell { text: sentence, style } } => {
                    for line in wrap(sentence, prose_room(*indent, limit)) {
                        text.push_str(&format!("{:indent$}{style}{line}{style:#}\n", ""));
                    }
                }
            }
        }
        text
    }

    /// The width of each column: that of its widest cell, less what the elastic columns must give, the
    /// widest of them first.
    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| match row {
                    Row::Cells(cells) if self.spans(cells, column) => None,
                    Row::Cells(cells) => cells.get(column),
                    Row::Sentence { .. } => None,
                });
                cells.map(|cell| width(&cell.text)).max().unwrap_or(0)
            })
            .collect();
        let may_shrink = |column: usize| match self.columns[column] {
            Fit::Whole => false,
            Fit::Elide => limit.is_some(),
            Fit::Wrap => true,
        };
        loop {
            let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
            let widest = (0..widths.len())
                .filter(|&column| may_shrink(column) && widths[column] > self.columns[column].narrowest())
                .max_by_key(|&column| widths[column]);
            match widest {
                Some(column) if total > limit.unwrap_or(PROSE) => widths[column] -= 1,
                _ => return widths,
            }
        }
    }

    /// Whether the cell in that column is the last of a row that has fewer cells than the table columns.
    fn spans(&self, cells: &[Cell], column: usize) -> bool {
        column + 1 == cells.len() && cells.len() < self.columns.len()
    }

    /// Appends one row of cells, each as wide as its column, and no space behind the last.
    fn push_cells(&self, text: &mut String, cells: &[Cell], widths: &[usize], limit: Option<usize>) {
        let used = cells.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1);
        let (mut start, mut gap) = (0, 0);
        for (index, Cell { text: content, style }) in cells[..used].iter().enumerate() {
            let column = widths[index];
            let lines = match self.columns[index] {
                _ if self.spans(cells, index) => wrap(content, prose_room(start, limit)),
                Fit::Wrap => wrap(content, column),
                Fit::Whole | Fit::Elide => vec![elide(content, column).into_owned()],
            };
            for (number, line) in lines.iter().enumerate() {
                if number > 0 {
                    text.push('\n');
                    gap = start;
                }
                text.push_str(&format!("{:gap$}{style}{line}{style:#}", ""));
                gap = column.saturating_sub(width(line)) + GAP;
            }
            start += column + GAP;
        }
        text.push('\n');
    }
}

/// The width of a sentence that begins in that column.
fn prose_room(start: usize, limit: Option<usize>) -> usize {
    limit.unwrap_or(PROSE).saturating_sub(start).max(NARROWEST_PROSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([Fit::Elide, Fit::Whole, Fit::Elide]);
        table.row(["USER", "KEY", "RULE"].map(Cell::new));
        table.row(["service-reporting-production", "AKIAQNZGKIQY56JQ7WML", "default"].map(Cell::new));
        table.row(["bob", "", ""].map(Cell::new));
        table
    }

    #[test]
    fn columns_are_aligned_and_no_line_ends_in_spaces() {
        assert_eq!(
            table().render(None),
            "USER                          KEY                   RULE\n\
             service-reporting-production  AKIAQNZGKIQY56JQ7WML  default\n\
             bob\n"
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_names_but_never_identifiers() {
        assert_eq!(
            table().render(Some(45)),
            "USER            KEY                   RULE\n\
             service…uction  AKIAQNZGKIQY56JQ7WML  default\n\
             bob\n"
        );
        assert!(table().render(Some(10)).contains("AKIAQNZGKIQY56JQ7WML"));
    }

    #[test]
    fn a_sentence_is_wrapped_below_its_row_and_widens_no_column() {
        let mut table = table();
        table.sentence(2, Cell::new("waits for the old key to be quiet; it was used 3 h ago"));
        assert_eq!(
            table.render(Some(45)).lines().skip(3).collect::<Vec<_>>(),
            ["  waits for the old key to be quiet; it was", "  used 3 h ago"]
        );
    }

    #[test]
    fn the_last_column_may_go_on_below_itself() {
        let mut table = Table::new([Fit::Whole, Fit::Wrap]);
        table.row(["noted", "every destination holds the new pair"].map(Cell::new));
        assert_eq!(table.render(Some(33)), "noted  every destination holds\n       the new pair\n");
        assert_eq!(table.render(None), "noted  every destination holds the new pair\n");
        table.row(["noted", &"quiet ".repeat(20)].map(Cell::new));
        assert!(
            table.render(None).lines().all(|line| line.len() <= PROSE),
            "sentences are broken in a pipe, too"
        );
    }

    #[test]
    fn the_last_cell_of_a_short_row_spans_the_rest_of_the_line() {
        let mut table = table();
        table.row(["  missing-tag", "alice lacks the tags Owner, Application"].map(Cell::new));
        assert_eq!(
            table.render(Some(45)).lines().skip(3).collect::<Vec<_>>(),
            ["  missing-tag   alice lacks the tags Owner,", "                Application"]
        );
    }

    #[test]
    fn a_cell_cannot_break_out_of_its_row() {
        let mut table = Table::new([Fit::Elide]);
        table.row([Cell::new("a\nb\u{1b}[31m")]);
        assert_eq!(table.render(None), "a\\nb\\u{1b}[31m\n");
    }
}
