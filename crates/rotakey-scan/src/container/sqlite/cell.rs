//! The pages of a b-tree, and the cells in them.

use std::ops::Range;

use super::record::varint;

/// What a page of a b-tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    TableLeaf,
    TableInterior,
    IndexLeaf,
    IndexInterior,
}

impl Kind {
    /// Of a page whose b-tree begins behind a header. `None` if it is none.
    pub(super) fn of(page: &[u8], header: usize) -> Option<Self> {
        match page.get(header)? {
            2 => Some(Self::IndexInterior),
            5 => Some(Self::TableInterior),
            10 => Some(Self::IndexLeaf),
            13 => Some(Self::TableLeaf),
            _ => None,
        }
    }

    fn is_interior(self) -> bool {
        matches!(self, Self::TableInterior | Self::IndexInterior)
    }

    /// The page that comes behind all cells.
    pub(super) fn last_child(self, page: &[u8], header: usize) -> Option<u32> {
        if self.is_interior() { number_at(page, header + 8) } else { None }
    }
}

/// A cell of a page.
#[derive(Debug)]
pub(super) struct Cell {
    /// The page that comes ahead of it.
    pub(super) child: Option<u32>,
    /// How many bytes its payload has.
    pub(super) bytes: u64,
    /// Those that are in this page.
    pub(super) local: Range<usize>,
    /// The page in which it goes on.
    pub(super) overflow: Option<u32>,
    /// Where it begins.
    pub(super) start: usize,
}

/// The cells of a page, in order; `None` for one that cannot be, after which there are no more. All cells together have no
/// more bytes than the page, whatever it says.
pub(super) fn cells(
    page: &[u8],
    header: usize,
    kind: Kind,
    usable: usize,
) -> impl Iterator<Item = Option<Cell>> {
    let count = u16_at(page, header + 3).unwrap_or(0);
    let pointers = header + if kind.is_interior() { 12 } else { 8 };
    let mut left = page.len();
    let mut is_over = false;
    (0..count).map_while(move |number| {
        if is_over {
            return None;
        }
        let start = u16_at(page, pointers + 2 * usize::from(number)).map(usize::from);
        let cell = start.and_then(|start| cell(page, start, kind, usable.min(page.len()))).filter(|cell| {
            left.checked_sub(cell.local.len().max(4)).is_some_and(|rest| {
                left = rest;
                true
            })
        });
        is_over = cell.is_none();
        Some(cell)
    })
}

fn cell(page: &[u8], start: usize, kind: Kind, usable: usize) -> Option<Cell> {
    let mut at = start;
    let child = if kind.is_interior() {
        at += 4;
        Some(number_at(page, start)?)
    } else {
        None
    };
    if kind == Kind::TableInterior {
        return Some(Cell { child, bytes: 0, local: 0..0, overflow: None, start });
    }
    let bytes = varint(page, &mut at)?;
    if kind == Kind::TableLeaf {
        varint(page, &mut at)?;
    }
    // How much is here: <https://www.sqlite.org/fileformat2.html#b_tree_pages>
    let most = if kind == Kind::TableLeaf { usable - 35 } else { (usable - 12) * 64 / 255 - 23 };
    let least = (usable - 12) * 32 / 255 - 23;
    let here = match usize::try_from(bytes) {
        Ok(bytes) if bytes <= most => bytes,
        _ => {
            let whole = least as u64 + bytes.checked_sub(least as u64)? % (usable as u64 - 4);
            usize::try_from(whole).ok().filter(|whole| *whole <= most).unwrap_or(least)
        }
    };
    let local = at..at.checked_add(here).filter(|end| *end <= usable)?;
    let overflow = if here as u64 == bytes { None } else { Some(number_at(page, local.end)?) };
    Some(Cell { child, bytes, local, overflow, start })
}

fn u16_at(page: &[u8], at: usize) -> Option<u16> {
    page.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

fn number_at(page: &[u8], at: usize) -> Option<u32> {
    page.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}
