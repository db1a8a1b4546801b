//! Contents of any size, scanned in pieces that overlap.
//!
//! Whatever is found is found with at least [`OVERLAP`]` / 2` bytes around it, as far as the content has them: so a match
//! on the seam of two pieces is whole in one of them, and so are pairs whose halves are that far apart.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{self, Read};

use crate::detect::Found;
use crate::finding::{Digests, Mark};
use crate::kind::Kind;
use crate::place::Place;
use crate::scan::Scan;

/// How much is scanned at a time. It fits into a processor's cache.
pub(crate) const PIECE: usize = 1 << 20;

/// How much of a piece is in the next one as well.
pub(crate) const OVERLAP: usize = 32 << 10;

/// A content, piece by piece.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    scan: &'a Scan,
    place: &'a Place<'a>,
    /// How many bytes are before the piece.
    offset: u64,
    /// The line and the column in which the piece begins.
    mark: Mark,
    /// What was told already of the bytes that the next piece has, too.
    told: Vec<Told>,
    known: Option<(&'a Known, bool)>,
}

/// What was found in one place and need not be told again of another.
pub(crate) type Known = RefCell<HashSet<(Kind, Digests)>>;

#[derive(Debug, PartialEq, Eq)]
struct Told {
    kind: Kind,
    digests: Digests,
    end: u64,
}

impl<'a> Pieces<'a> {
    /// A content of which nothing was scanned.
    pub(crate) fn new(scan: &'a Scan, place: &'a Place<'a>) -> Self {
        Self { scan, place, offset: 0, mark: Mark::default(), told: Vec::new(), known: None }
    }

    /// Notes what is found; and if that is asked for, tells only what was not known before.
    pub(crate) fn with_known(self, known: &'a Known, is_only_new: bool) -> Self {
        Self { known: Some((known, is_only_new)), ..self }
    }

    /// Scans as much of a buffer as can be, and keeps in it what the next piece needs; or all of it, if it is the last.
    pub(crate) fn push(&mut self, buffer: &mut Vec<u8>, is_last: bool) {
        if is_last || buffer.len() >= PIECE {
            let done = self.piece(buffer, is_last);
            buffer.drain(..done);
        }
    }

    /// All of a content that is in memory.
    pub(crate) fn whole(mut self, content: &[u8]) {
        let mut rest = content;
        while rest.len() > PIECE + OVERLAP {
            rest = &rest[self.piece(&rest[..PIECE], false)..];
        }
        self.piece(rest, true);
        self.scan.add_bytes(content.len() as u64);
    }

    /// All that a reader has; `buffer` is its beginning, and what is read is put there.
    ///
    /// # Errors
    /// Those of the reader. What came before is scanned.
    pub(crate) fn stream(mut self, buffer: &mut Vec<u8>, reader: &mut dyn Read) -> io::Result<()> {
        let mut total = buffer.len() as u64;
        loop {
            let before = buffer.len();
            let outcome = fill(buffer, PIECE, reader);
            total += (buffer.len() - before) as u64;
            let is_last = buffer.len() < PIECE || outcome.is_err();
            let done = self.piece(buffer, is_last);
            if is_last {
                self.scan.add_bytes(total);
                return outcome;
            }
            buffer.drain(..done);
        }
    }

    /// Scans a piece, and says how many bytes at its beginning are not needed again: the next piece begins behind them.
    fn piece(&mut self, piece: &[u8], is_last: bool) -> usize {
        let done = if is_last { piece.len() } else { piece.len() - OVERLAP };
        // What begins before was told with the piece before, what begins behind will be told with the next one.
        let first = if self.offset == 0 { 0 } else { OVERLAP / 2 };
        let behind = if is_last { usize::MAX } else { piece.len() - OVERLAP / 2 };
        let found = self.scan.detect(piece);
        if !found.is_empty() {
            let digests: Vec<Digests> = found.iter().map(|found| Digests::of(&found.value)).collect();
            let is_told = |found: &Found, digests: &Digests| {
                let (kind, digests) = (found.kind, *digests);
                // What only this piece shows, though it begins before: the end of a long run of base64.
                let is_new = || {
                    let start = self.offset + found.span.start as u64;
                    let is_same =
                        |told: &Told| told.kind == kind && told.digests == digests && told.end > start;
                    found.span.end > OVERLAP && !self.told.iter().any(is_same)
                };
                found.span.start < behind && (found.span.start >= first || is_new())
            };
            let mut keep: Vec<bool> =
                found.iter().zip(&digests).map(|(found, digests)| is_told(found, digests)).collect();
            if let Some((known, is_only_new)) = self.known {
                let mut known = known.borrow_mut();
                for ((found, digests), keep) in found.iter().zip(&digests).zip(&mut keep) {
                    *keep &= known.insert((found.kind, *digests)) || !is_only_new;
                }
            }
            self.scan.keep(self.place, piece, self.mark, &found, &digests, &keep);
            let next = self.offset + done as u64;
            self.told.retain(|told| told.end > next);
            let told = found.iter().zip(&digests).zip(&keep).filter(|(_, keep)| **keep);
            self.told.extend(told.filter_map(|((found, digests), _)| {
                let end = self.offset + found.span.end as u64;
                (end > next).then_some(Told { kind: found.kind, digests: *digests, end })
            }));
        }
        if !is_last {
            self.mark.advance(&piece[..done]);
            self.offset += done as u64;
        }
        done
    }
}

/// Reads until the buffer has so many bytes or there are no more.
pub(crate) fn fill(buffer: &mut Vec<u8>, bytes: usize, reader: &mut dyn Read) -> io::Result<()> {
    while buffer.len() < bytes {
        let at = buffer.len();
        // Growing by doubling, since most contents are small.
        let room = (bytes - at).min(at.max(32 << 10));
        buffer.resize(at + room, 0);
        let read = loop {
            match reader.read(&mut buffer[at..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        buffer.truncate(at + read.as_ref().map_or(0, |read| (*read).min(room)));
        if read? == 0 {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
