//! Tables for people: aligned columns, cut to the width of the terminal where that is known.

use anstyle::Style;

use crate::terminal::{elide, escape, width};

/// The spaces between two columns.
const GAP: usize = 2;

/// No column is cut below this width, except to its own content.
const NARROWEST: usize = 8;

/// Whether a column may be cut when the terminal is too narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Identifiers and numbers: half of one is worth nothing.
    Whole,
    /// Names and sentences: their middle can go.
    Elide,
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

/// A table under construction. Every row has at most as many cells as there are columns.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Fit>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table of those columns.
    pub(crate) fn new(columns: impl Into<Vec<Fit>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as lines, each ending with a line break and none with a space. `limit` is the width of the
    /// terminal; without one nothing is cut.
    pub(crate) fn render(&self, limit: Option<usize>) -> String {
        let widths = self.widths(limit);
        let mut text = String::new();
        for row in &self.rows {
            let last = row.iter().rposition(|cell| !cell.text.is_empty());
            let mut pending = 0;
            for (cell, &column) in row.iter().zip(&widths).take(last.map_or(0, |index| index + 1)) {
                let shown = elide(&cell.text, column);
                let style = cell.style;
                text.extend(std::iter::repeat_n(' ', pending));
                text.push_str(&format!("{style}{shown}{style:#}"));
                pending = column - width(&shown) + GAP;
            }
            text.push('\n');
        }
        text
    }

    /// The width of each column: that of its widest cell, less what the elastic columns must give, the
    /// widest of them first.
    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                self.rows
                    .iter()
                    .filter_map(|row| row.get(column))
                    .map(|cell| width(&cell.text))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let Some(limit) = limit else { return widths };
        loop {
            let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
            let widest = (0..widths.len())
                .filter(|&column| self.columns[column] == Fit::Elide && widths[column] > NARROWEST)
                .max_by_key(|&column| widths[column]);
            match widest {
                Some(column) if total > limit => widths[column] -= 1,
                _ => return widths,
            }
        }
    }
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
    fn a_cell_cannot_break_out_of_its_row() {
        let mut table = Table::new([Fit::Elide]);
        table.row([Cell::new("a\nb\u{1b}[31m")]);
        assert_eq!(table.render(None), "a\\nb\\u{1b}[31m\n");
    }
}
