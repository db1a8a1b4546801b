//! Rows of usage, wherever they come from.

use std::ops::Range;

use rotakey_trail::usage::schema::KeyUsage;
use rotakey_trail::usage::{GroupBy, RowSums, UsageTable};

/// The rows.
pub(super) enum Rows {
    /// Counted just now from records: millions of rows may be in little memory.
    Counted(UsageTable),
    /// Told by an index.
    Told(Vec<KeyUsage>, GroupBy),
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Counted(table) => table.len(),
            Self::Told(rows, _) => rows.len(),
        }
    }

    pub(super) fn group_by(&self) -> GroupBy {
        match self {
            Self::Counted(table) => table.group_by(),
            Self::Told(_, group_by) => *group_by,
        }
    }

    /// Calls `each` with those rows.
    pub(super) fn each_row(&self, range: Range<usize>, each: impl FnMut(&KeyUsage)) {
        match self {
            Self::Counted(table) => {
                let mut each = each;
                table.rows(range).for_each(|row| each(&row));
            }
            Self::Told(rows, _) => rows[range].iter().for_each(each),
        }
    }

    /// Calls `each` with all rows, without their lists.
    pub(super) fn each_sum(&self, mut each: impl FnMut(usize, &RowSums<'_>)) {
        match self {
            Self::Counted(table) => table.each_sum(each),
            Self::Told(rows, _) => {
                rows.iter().enumerate().for_each(|(number, row)| each(number, &RowSums::of(row)));
            }
        }
    }
}
