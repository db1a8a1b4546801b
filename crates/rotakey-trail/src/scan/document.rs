//! What stands around records: the forms in which CloudTrail and its tools hand them out.
//!
//! `{"Records": [...]}` as it is delivered to S3, `{"Events": [{"CloudTrailEvent": "..."}]}` of LookupEvents,
//! `{"logEvents": [{"message": "..."}]}` of a log subscription, `{"detail": {...}}` of EventBridge, a bare record; an array
//! of any of these; and any of these one after another, as in JSON lines.

use bumpalo::Bump;

use super::index::Index;
use super::record::{Fields, Found, object};
use super::walk::{BadJson, Walk};
use crate::record::Record;

/// How deep records may be wrapped in strings in envelopes.
const MOST_WRAPS: u32 = 4;

/// Reads one document or stream of documents, in one piece or in several.
#[derive(Debug, Default)]
pub struct Scanner {
    index: Index,
    within: Within,
    /// For records in strings.
    inner: Option<Box<Scanner>>,
    wraps: u32,
    /// How many bytes came before the present piece.
    offset: u64,
}

/// Where the present piece begins.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Between documents.
    #[default]
    Nothing,
    /// In an array of records or envelopes.
    Array {
        /// Whether the array is a member of an object.
        of_object: bool,
        /// Whether no element was read yet.
        is_new: bool,
    },
    /// In the object, behind its array.
    Object,
}

/// The text is not JSON, or none of the forms in which records come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not what CloudTrail writes, from byte {offset} on")]
pub struct Malformed {
    /// Counted from the beginning of the document after decompression.
    pub offset: u64,
}

/// What became of a piece.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// How many bytes are done with. The next piece begins behind them.
    pub consumed: usize,
    /// Objects that are no records, though they stand where records do.
    pub others: u64,
    /// What partials say of themselves, as JSON.
    pub marks: Vec<String>,
    /// The first thing that is wrong. What comes after it was read all the same if `goes_on`.
    pub malformed: Option<Malformed>,
    /// How many things are wrong.
    pub malformed_count: u64,
    /// Whether nothing more can be read of the document.
    pub is_over: bool,
}

impl Scanner {
    /// Prepares for the next document.
    pub fn reset(&mut self) {
        self.within = Within::Nothing;
        self.offset = 0;
    }

    /// Reads a piece: from where the one before was consumed up to, and to the end of the document if it `is_last`. A
    /// record that goes on beyond the piece is left for the next one, which must then be longer.
    ///
    /// Pieces are shorter than 4 GiB. Texts with escapes are decoded into the arena.
    pub fn scan<'t>(
        &mut self,
        piece: &'t str,
        is_last: bool,
        arena: &'t Bump,
        each: &mut dyn FnMut(&Record<'t>),
    ) -> Scanned {
        let mut scanned = Scanned::default();
        loop {
            let rest = &piece[scanned.consumed..];
            // What comes before a bad string is read as if the piece ended there.
            let (mut rest, mut is_cut, mut bad_string) = (rest, !is_last, None);
            while let Err(bad) = self.index.fill(rest.as_bytes()) {
                (rest, is_cut, bad_string) = (&rest[..bad.offset], true, Some(bad.offset));
            }
            let begin = scanned.consumed;
            let (done, result) = self.units(rest, is_cut, arena, each, &mut scanned);
            scanned.consumed = begin + done;
            let bad = match (result, bad_string) {
                (Err(bad), _) => bad.offset,
                (Ok(()), Some(offset)) => offset,
                (Ok(()), None) => {
                    self.offset += scanned.consumed as u64;
                    return scanned;
                }
            };
            scanned.malformed_count += 1;
            let offset = self.offset + (begin + bad) as u64;
            scanned.malformed = scanned.malformed.or(Some(Malformed { offset }));
            // Between documents the next line may be a good one again.
            let line =
                (self.within == Within::Nothing).then(|| piece[scanned.consumed..].find("\n{")).flatten();
            match line {
                Some(line) => scanned.consumed += line + 1,
                None if self.within == Within::Nothing && !is_last => {
                    // The bad line may go on in the next piece; what there is of it is done with.
                    let tail = usize::from(piece.ends_with('\n'));
                    scanned.consumed = piece.len() - tail;
                    self.offset += scanned.consumed as u64;
                    return scanned;
                }
                None => {
                    scanned.is_over = true;
                    return scanned;
                }
            }
        }
    }

    /// Reads as many records as are whole. How far it came, and what is wrong there.
    fn units<'t>(
        &mut self,
        piece: &'t str,
        is_cut: bool,
        arena: &'t Bump,
        each: &mut dyn FnMut(&Record<'t>),
        scanned: &mut Scanned,
    ) -> (usize, Result<(), BadJson>) {
        let Self { index, within, inner, wraps, .. } = self;
        let mut walk = Walk::new(piece, index);
        let mut fields = Fields::default();
        let mut done = 0;
        let result = loop {
            // At the end of a piece is the place of the next one.
            done = walk.offset().max(done);
            if walk.offset() == piece.len() {
                let is_good = is_cut || *within == Within::Nothing;
                break if is_good { Ok(()) } else { walk.bad() };
            }
            match unit(&mut walk, within, &mut fields, arena) {
                Ok(Some(Found::Record)) => each(&fields.record),
                Ok(Some(Found::Envelope(text))) => {
                    scanned.others += if *wraps < MOST_WRAPS {
                        let inner = inner.get_or_insert_default();
                        inner.wraps = *wraps + 1;
                        inner.reset();
                        let within = inner.scan(text, true, arena, each);
                        within.others + within.malformed_count
                    } else {
                        1
                    };
                }
                Ok(Some(Found::Mark(mark))) => scanned.marks.push(mark.to_owned()),
                Ok(Some(Found::Other)) => scanned.others += 1,
                Ok(None | Some(Found::Container)) => {}
                Err(_) if is_cut && walk.offset() >= piece.len() => break Ok(()),
                Err(bad) => break Err(bad),
            }
        };
        (done, result)
    }
}

/// Goes over one step of the document: an element, or what stands before or behind them.
#[inline(always)]
fn unit<'t>(
    walk: &mut Walk<'t, '_>,
    within: &mut Within,
    fields: &mut Fields<'t>,
    arena: &'t Bump,
) -> Result<Option<Found<'t>>, BadJson> {
    match *within {
        Within::Nothing => {
            if walk.take(b'[') {
                *within = Within::Array { of_object: false, is_new: true };
                return Ok(None);
            }
            let found = object(walk, true, fields, arena)?;
            if matches!(found, Found::Container) {
                *within = Within::Array { of_object: true, is_new: true };
            }
            Ok(Some(found))
        }
        Within::Array { of_object, is_new } => {
            if is_new && walk.take(b']') || !is_new && !walk.another(b']')? {
                *within = if of_object { Within::Object } else { Within::Nothing };
                return Ok(None);
            }
            let found = object(walk, false, fields, arena)?;
            *within = Within::Array { of_object, is_new: false };
            Ok(Some(found))
        }
        Within::Object => {
            if walk.another(b'}')? {
                walk.key()?;
                walk.skip()?;
            } else {
                *within = Within::Nothing;
            }
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests;
