//! Contents that hold others: archives, compressed files, databases. They are known by their bytes, not by their names.
//!
//! Nothing that a container says is believed: members are read as far as there are bytes, what they unpack to is bounded for
//! all that is in one outermost content, and what could not be read is told.

mod failure;
mod format;
mod read_at;
mod sqlite;
mod tar;
mod unpack;
mod zip;

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::Read;

use self::failure::{Failure, Level, Leveled, Metered, Outcome, Stop};
use self::format::Format;
use self::unpack::Unpacked;
use crate::coverage::{Reason, Unread};
use crate::pieces::{PIECE, Pieces, fill};
use crate::place::Place;
use crate::scan::Scan;

/// How far containers are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most containers in containers; compression counts as one.
    pub depth: usize,
    /// The most bytes that one outermost content may unpack to.
    pub unpacked: u64,
    /// The most bytes that it may unpack to for each byte that it has, once it has unpacked to `free`.
    pub ratio: u64,
    /// What any content may unpack to, however small it is.
    pub free: u64,
    /// The most bytes of a member that are held in memory where it has to be read out of order: an archive or a database
    /// in an archive. Larger ones are read as they come.
    pub held: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 8, unpacked: 64 << 30, ratio: 200, free: 1 << 30, held: 16 << 20 }
    }
}

/// Whether a content that begins like this may hold others, so that nothing can be said of it by looking at its bytes.
pub fn opens(head: &[u8]) -> bool {
    Format::of(head) != Format::Plain
}

/// How much that could not be read is told one by one for each outermost content.
const MOST_TOLD: u64 = 1_000;

/// Whether a content that begins so is a container.
pub(crate) fn is_container(head: &[u8]) -> bool {
    Format::of(head) != Format::Plain
}

/// Opens one outermost content, whatever is in it.
#[derive(Debug)]
pub(crate) struct Opener<'a> {
    scan: &'a Scan,
    limits: Limits,
    /// The bytes of the outermost content, or those that came until now.
    packed: Cell<u64>,
    unpacked: Cell<u64>,
    told: Cell<u64>,
    /// Buffers that are not in use.
    buffers: RefCell<Vec<Vec<u8>>>,
}

impl<'a> Opener<'a> {
    /// For a content that has so many bytes; zero for one that comes as a stream.
    pub(crate) fn new(scan: &'a Scan, packed: u64) -> Self {
        Self {
            scan,
            limits: scan.options().limits,
            packed: Cell::new(packed),
            unpacked: Cell::new(0),
            told: Cell::new(0),
            buffers: RefCell::default(),
        }
    }

    /// Scans an outermost content that is in memory.
    pub(crate) fn slice(self, place: &Place<'_>, content: &[u8]) {
        if Format::of(content) == Format::Plain {
            // Nearly all contents are.
            self.plain(place, content);
        } else {
            let _stopped = self.opened(place, content, 0);
            self.finish(place);
        }
    }

    /// Scans an outermost content as it comes.
    pub(crate) fn outermost_stream(self, place: &Place<'_>, reader: &mut dyn Read) {
        let mut source = Leveled::new(Counted { reader, count: &self.packed }, 0, Reason::Io);
        let _stopped = self.stream(place, &mut source, 0);
        self.finish(place);
    }

    /// Scans a file that was opened; `head` is its beginning, as much as was read.
    pub(crate) fn file(self, place: &Place<'_>, file: &File, head: &mut Vec<u8>) {
        let format = Format::of(head);
        let _stopped = match format {
            Format::Zip => zip::indexed(&self, place, file, 0),
            Format::Sqlite => sqlite::database(&self, place, file, 0),
            _ if zip::ends_as_one(file) => zip::indexed(&self, place, file, 0),
            _ => {
                let mut rest = Leveled::new(file, 0, Reason::Io);
                self.begun_stream(place, format, head, &mut rest, 0)
            }
        };
        self.finish(place);
    }

    /// Scans a content that is in memory.
    fn opened(&self, place: &Place<'_>, content: &[u8], level: Level) -> Outcome {
        match Format::of(content) {
            Format::Zip => zip::indexed(self, place, content, level),
            Format::Sqlite => sqlite::database(self, place, content, level),
            Format::Plain => {
                self.plain(place, content);
                Ok(())
            }
            format => self.unpack(place, format, &mut &*content, level),
        }
    }

    /// Scans a content that is in memory and no container.
    fn plain(&self, place: &Place<'_>, content: &[u8]) {
        self.scan.add_content();
        Pieces::new(self.scan, place).whole(content);
    }

    /// Scans a content as it comes.
    fn stream(&self, place: &Place<'_>, reader: &mut dyn Read, level: Level) -> Outcome {
        let mut head = self.buffer();
        let filled = fill(&mut head, PIECE, reader);
        let outcome = if filled.is_ok() && head.len() == PIECE {
            let format = Format::of(&head);
            self.begun_stream(place, format, &mut head, reader, level)
        } else {
            let opened = self.opened(place, &head, level);
            filled.map_err(|error| self.failed(place, error)).and(opened)
        };
        self.give_back(head);
        outcome
    }

    /// Scans a content of which the beginning was read.
    fn begun_stream(
        &self,
        place: &Place<'_>,
        format: Format,
        head: &mut Vec<u8>,
        reader: &mut dyn Read,
        level: Level,
    ) -> Outcome {
        match format {
            Format::Plain => {
                self.scan.add_content();
                Pieces::new(self.scan, place).stream(head, reader).map_err(|error| self.failed(place, error))
            }
            Format::Zip | Format::Sqlite => {
                let filled = fill(head, self.limits.held, reader);
                if filled.is_err() || head.len() < self.limits.held {
                    let opened = self.opened(place, head, level);
                    return filled.map_err(|error| self.failed(place, error)).and(opened);
                }
                let mut whole = head.chain(reader);
                match format {
                    Format::Zip => zip::sequential(self, place, &mut whole, level),
                    _ => sqlite::stream(self, place, &mut whole),
                }
            }
            format => self.unpack(place, format, &mut head.chain(reader), level),
        }
    }

    /// Scans what is in a container that is read from its beginning to its end.
    fn unpack(&self, place: &Place<'_>, format: Format, reader: &mut dyn Read, level: Level) -> Outcome {
        let Some(level) = self.deeper(place, level) else { return Ok(()) };
        let outcome = match format {
            Format::Tar => tar::members(self, place, reader, level),
            format => {
                let unpacked = Leveled::new(Unpacked::new(format, reader), level, Reason::Corrupt);
                self.stream(place, &mut self.metered(unpacked), level)
            }
        };
        Stop::caught_at(level, outcome)
    }

    /// The level of what is in a container at this one. `None` if that is too deep, which is told.
    fn deeper(&self, place: &Place<'_>, level: Level) -> Option<Level> {
        let is_open = level < self.limits.depth;
        if !is_open {
            self.tell(place, Reason::TooDeep, format!("more than {}", self.limits.depth));
        }
        is_open.then_some(level + 1)
    }

    /// Counts what is unpacked, and ends it at the limit.
    fn metered<R: Read>(&self, reader: R) -> Metered<'_, 'a, R> {
        Metered { opener: self, reader }
    }

    /// Counts what was unpacked.
    fn spend(&self, bytes: u64) -> Result<(), Failure> {
        let unpacked = self.unpacked.get().saturating_add(bytes);
        self.unpacked.set(unpacked);
        let Limits { unpacked: most, ratio, free, .. } = self.limits;
        let detail = if unpacked > most {
            format!("more than {most} bytes; the rest was not read")
        } else if unpacked > free && unpacked > self.packed.get().saturating_mul(ratio) {
            format!("more than {ratio} times its size; the rest was not read")
        } else {
            return Ok(());
        };
        Err(Failure { level: 0, reason: Reason::TooLarge, detail })
    }

    /// Tells why a content ends before it should, and which containers end with it.
    fn failed(&self, place: &Place<'_>, error: std::io::Error) -> Stop {
        let Failure { level, reason, detail } = Failure::of(error);
        self.tell(place, reason, detail);
        Stop { level }
    }

    /// Tells that something could not be read.
    fn tell(&self, place: &Place<'_>, reason: Reason, detail: impl Into<String>) {
        self.told.set(self.told.get() + 1);
        if self.told.get() <= MOST_TOLD {
            self.scan.unread(Unread { place: place.to_string(), reason, detail: detail.into() });
        }
    }

    fn finish(self, place: &Place<'_>) {
        if let more @ 1.. = self.told.get().saturating_sub(MOST_TOLD) {
            let detail = format!("so are {more} more of its members, or could not be read otherwise");
            self.scan.unread(Unread { place: place.to_string(), reason: Reason::Corrupt, detail });
        }
    }

    fn buffer(&self) -> Vec<u8> {
        self.buffers.borrow_mut().pop().unwrap_or_default()
    }

    fn give_back(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        buffer.shrink_to(PIECE);
        self.buffers.borrow_mut().push(buffer);
    }
}

/// Counts what comes.
struct Counted<'a, R> {
    reader: R,
    count: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
