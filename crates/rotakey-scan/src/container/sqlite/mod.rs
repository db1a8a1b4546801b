//! SQLite databases and their write-ahead logs. <https://www.sqlite.org/fileformat2.html>
//!
//! Tables are members: each row is a line of `column=value`, put together from all pages that it is in. What else is in the
//! file is scanned beside: pages that are in no table, whose rows were deleted or are of an index, and in all pages the room
//! that no row has, where deleted rows still stand.

mod cell;
mod leftover;
mod record;
mod schema;

use std::io::{self, Read};

use self::cell::{Cell, Kind};
use self::leftover::Leftover;
use self::record::Encoding;
use self::schema::Table;
use super::Opener;
use super::failure::{Level, Outcome, Stop};
use super::read_at::ReadAt;
use crate::coverage::Reason;
use crate::pieces::{Known, PIECE, Pieces, fill};
use crate::place::Place;

/// What a database is ahead of its first page.
const HEADER: usize = 100;

/// The most tables that are told apart.
const MOST_TABLES: usize = 10_000;

/// How the pages of a database are laid out.
#[derive(Debug, Clone, Copy)]
struct Layout {
    page: usize,
    /// What of a page is in use.
    usable: usize,
    encoding: Encoding,
}

impl Layout {
    /// `None` if there is no such layout.
    fn of(header: &[u8]) -> Option<Self> {
        let page = match header.get(16..18)? {
            [0, 1] => 1 << 16,
            bytes => usize::from(bytes[0]) << 8 | usize::from(bytes[1]),
        };
        let usable = page.checked_sub(usize::from(*header.get(20)?))?;
        let encoding = Encoding::of(*header.get(59)?);
        (page.is_power_of_two() && page >= 512 && usable >= 480).then_some(Self { page, usable, encoding })
    }
}

/// Scans a database, or a write-ahead log, that can be read out of order.
pub(super) fn database<A: ReadAt>(opener: &Opener<'_>, place: &Place<'_>, file: A, level: Level) -> Outcome {
    let Some(level) = opener.deeper(place, level) else { return Ok(()) };
    let outcome = database_at(opener, place, &file).map_err(|error| opener.failed(place, error));
    Stop::caught_at(level, outcome)
}

fn database_at<A: ReadAt>(opener: &Opener<'_>, place: &Place<'_>, file: &A) -> io::Result<()> {
    let header = file.bytes_at(0, HEADER)?;
    let length = file.length()?;
    let known = Known::default();
    if header.starts_with(b"SQLite") {
        let Some(layout) = Layout::of(&header) else {
            opener.tell(
                place,
                Reason::Corrupt,
                "its pages have no size that there is; it is scanned as it is",
            );
            return pages(opener, place, &mut super::read_at::Section::new(file, 0, length), None, &known);
        };
        let mut database =
            Database { opener, file, layout, seen: Seen::new(length.div_ceil(layout.page as u64)) };
        let mut is_told = false;
        for table in database.schema()? {
            let is_whole = database.table(&table, &Place::member(&table.name, place), &known)?;
            if !is_whole && !std::mem::replace(&mut is_told, true) {
                opener.tell(place, Reason::Corrupt, "not all pages of its tables are there");
            }
        }
        let mut all = super::read_at::Section::new(file, 0, length);
        return pages(opener, place, &mut all, Some((layout, 0)), &known);
    }
    let layout = log_layout(&header);
    pages(opener, place, &mut super::read_at::Section::new(file, 0, length), layout, &known)
}

/// Scans a database or a log as it comes, page by page.
pub(super) fn stream(opener: &Opener<'_>, place: &Place<'_>, reader: &mut dyn Read) -> Outcome {
    let mut header = Vec::new();
    let outcome = fill(&mut header, HEADER, reader).and_then(|()| {
        let layout = if header.starts_with(b"SQLite") {
            opener.tell(place, Reason::TooLarge, "rows that are in several pages were not put together");
            Layout::of(&header).map(|layout| (layout, 0))
        } else {
            log_layout(&header)
        };
        pages(opener, place, &mut header.chain(reader), layout, &Known::default())
    });
    outcome.map_err(|error| opener.failed(place, error))
}

/// The layout of a write-ahead log, and how long the header of each of its pages is.
fn log_layout(header: &[u8]) -> Option<(Layout, usize)> {
    let page = u32::from_be_bytes(*header.get(8..)?.first_chunk()?) as usize;
    let is_known = page.is_power_of_two() && (512..=1 << 16).contains(&page);
    is_known.then_some((Layout { page, usable: page, encoding: Encoding::Utf8 }, LOG_FRAME))
}

/// What stands ahead of a log, and ahead of each page of it.
const LOG_HEADER: usize = 32;
const LOG_FRAME: usize = 24;

/// Scans all pages, each by itself, for what is not known yet.
fn pages(
    opener: &Opener<'_>,
    place: &Place<'_>,
    reader: &mut dyn Read,
    layout: Option<(Layout, usize)>,
    known: &Known,
) -> io::Result<()> {
    opener.scan.add_content();
    let mut pieces = Pieces::new(opener.scan, place).with_known(known, true);
    let mut buffer = opener.buffer();
    let Some((layout, frame)) = layout else { return pieces.stream(&mut buffer, reader) };
    let mut page = Vec::with_capacity(frame + layout.page);
    let mut leftover = Leftover::new(layout);
    let mut is_first = true;
    if frame > 0 {
        fill(&mut page, LOG_HEADER, reader)?;
    }
    loop {
        page.clear();
        let outcome = fill(&mut page, frame + layout.page, reader);
        opener.scan.add_bytes(page.len() as u64);
        let page_of_log_is_first = frame > 0 && page.starts_with(&[0, 0, 0, 1]);
        let header = if page_of_log_is_first || (is_first && frame == 0) { HEADER } else { 0 };
        leftover.add(page.get(frame..).unwrap_or_default(), header, &mut buffer);
        let is_last = outcome.is_err() || page.len() < frame + layout.page;
        pieces.push(&mut buffer, is_last);
        if is_last {
            opener.give_back(buffer);
            return outcome;
        }
        is_first = false;
    }
}

/// A database that can be read out of order.
struct Database<'o, 'a, A> {
    opener: &'o Opener<'a>,
    file: &'o A,
    layout: Layout,
    seen: Seen,
}

impl<A: ReadAt> Database<'_, '_, A> {
    /// The tables that the database says it has.
    fn schema(&mut self) -> io::Result<Vec<Table>> {
        let mut tables = Vec::new();
        let encoding = self.layout.encoding;
        self.rows(1, &mut |payload| {
            if tables.len() < MOST_TABLES {
                tables.extend(Table::of(payload, encoding));
            }
            Ok(())
        })?;
        Ok(tables)
    }

    /// Scans the rows of a table. Whether all pages of it are there.
    fn table(&mut self, table: &Table, place: &Place<'_>, known: &Known) -> io::Result<bool> {
        let Ok(root) = u32::try_from(table.root) else { return Ok(false) };
        if root == 0 {
            // A view of something else.
            return Ok(true);
        }
        let opener = self.opener;
        let encoding = self.layout.encoding;
        let mut pieces = Pieces::new(opener.scan, place).with_known(known, false);
        let mut buffer = opener.buffer();
        let outcome = self.rows(root, &mut |payload| {
            let before = buffer.len();
            record::render(payload, encoding, &table.columns, &mut buffer);
            let added = (buffer.len() - before) as u64;
            opener.scan.add_bytes(added);
            pieces.push(&mut buffer, false);
            // The names of columns stand in each row, and may be longer than all of the file's rows.
            Ok(opener.spend(added)?)
        });
        pieces.push(&mut buffer, true);
        opener.give_back(buffer);
        opener.scan.add_content();
        outcome
    }

    /// Hands out the payload of each row below a page, in order. No page is read twice, whatever the pages say. Whether all
    /// were there.
    fn rows(&mut self, root: u32, each: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<bool> {
        let mut is_whole = true;
        let mut waiting = vec![root];
        while let Some(number) = waiting.pop() {
            let Some(page) = self.page(number)? else {
                is_whole = false;
                continue;
            };
            let header = if number == 1 { HEADER } else { 0 };
            let Some(kind) = Kind::of(&page, header) else {
                is_whole = false;
                continue;
            };
            let children = waiting.len();
            for cell in cell::cells(&page, header, kind, self.layout.usable) {
                let Some(cell) = cell else {
                    is_whole = false;
                    break;
                };
                waiting.extend(cell.child);
                if !cell.local.is_empty() {
                    let (payload, is_complete) = self.payload(&page, &cell)?;
                    is_whole &= is_complete;
                    each(&payload)?;
                }
            }
            waiting.extend(kind.last_child(&page, header));
            waiting[children..].reverse();
        }
        Ok(is_whole)
    }

    /// A payload with what of it is in other pages. Whether that is all.
    fn payload(&mut self, page: &[u8], cell: &Cell) -> io::Result<(Vec<u8>, bool)> {
        let mut payload = page[cell.local.clone()].to_vec();
        let most = u64::min(cell.bytes, self.opener.limits.held as u64);
        let mut next = cell.overflow;
        while let Some(number) = next.filter(|_| (payload.len() as u64) < most) {
            let Some(page) = self.page(number)? else { return Ok((payload, false)) };
            let left = usize::try_from(cell.bytes - payload.len() as u64).unwrap_or(usize::MAX);
            payload.extend(&page[4..self.layout.usable.min(4 + left).min(page.len())]);
            next = Some(u32::from_be_bytes([page[0], page[1], page[2], page[3]]));
        }
        let is_complete = payload.len() as u64 >= cell.bytes;
        Ok((payload, is_complete))
    }

    /// A page that was not read before. `None` if there is none of that number.
    fn page(&mut self, number: u32) -> io::Result<Option<Vec<u8>>> {
        if !self.seen.is_new(number) {
            return Ok(None);
        }
        let page = self.file.bytes_at(u64::from(number - 1) * self.layout.page as u64, self.layout.page)?;
        // The last one may be cut off.
        Ok((page.len() == self.layout.page).then_some(page))
    }
}

/// Which pages were read.
struct Seen {
    bits: Vec<u64>,
    pages: u64,
}

impl Seen {
    fn new(pages: u64) -> Self {
        // There are no pages beyond what a number can tell.
        let pages = pages.min(u64::from(u32::MAX));
        Self { bits: vec![0; usize::try_from(pages / 64 + 1).unwrap_or(0)], pages }
    }

    fn is_new(&mut self, number: u32) -> bool {
        let Some(index) = number.checked_sub(1).filter(|index| u64::from(*index) < self.pages) else {
            return false;
        };
        let (word, bit) = (index as usize / 64, 1 << (index % 64));
        let is_new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        is_new
    }
}

/// A page is never larger than a piece.
const _: () = assert!(1 << 16 < PIECE);
