//! The bytes of an index.

use super::cache_tree::CacheTree;
use super::split::Link;
use super::{Index, IndexEntry, Problem};
use crate::git::objects::ObjectFormat;
use crate::git::tree::Mode;
use crate::object_id::ObjectId;

/// The bytes of all paths together. With the prefixes of version 4, a small file can stand for very many.
const MOST_PATHS: usize = 1 << 30;

/// Times, device, inode, mode, owner and size.
const STAT: usize = 40;

/// Reads an index, and what it says of a larger one that it belongs to.
pub(super) fn parse(bytes: &[u8], format: ObjectFormat) -> Result<(Index, Option<Link>), Problem> {
    let cut_off = Problem::Damaged("it is cut off");
    let (header, _) = bytes.split_first_chunk::<12>().ok_or(cut_off.clone())?;
    if !header.starts_with(b"DIRC") {
        return Err(Problem::Damaged("it does not begin as an index does"));
    }
    let version = number(&header[4..8]);
    if !matches!(version, 2..=4) {
        return Err(Problem::Unsupported(format!("version {version}")));
    }
    // What stands at the end is the checksum.
    let end = bytes.len().checked_sub(format.length()).filter(|end| *end >= 12).ok_or(cut_off.clone())?;
    let mut reader =
        Reader { rest: &bytes[12..end], format, version, index: Index::default(), previous: 0..0 };
    let count = number(&header[8..12]);
    // Not more than there can be.
    reader.index.entries.reserve((count as usize).min(bytes.len() / (STAT + format.length())));
    reader.index.paths.reserve(bytes.len() / 2);
    for _ in 0..count {
        let entry = reader.entry().ok_or(cut_off.clone())?;
        reader.index.entries.push(entry);
        if reader.index.paths.len() > MOST_PATHS {
            return Err(Problem::Damaged("its paths are longer than a gibibyte"));
        }
    }
    let Reader { mut rest, mut index, .. } = reader;
    let mut link = None;
    while !rest.is_empty() {
        let (header, behind) = rest.split_first_chunk::<8>().ok_or(cut_off.clone())?;
        let (content, behind) =
            behind.split_at_checked(number(&header[4..]) as usize).ok_or(cut_off.clone())?;
        match &header[..4] {
            b"TREE" => {
                index.cache_tree = CacheTree::parse(content, format.length())
                    .ok_or(Problem::Damaged("its extension `TREE` is damaged"))?;
            }
            b"link" => link = Link::parse(content, format)?,
            // The entries for folders are told by their mode.
            b"sdir" => {}
            // What begins with an upper-case letter may be left alone.
            [b'A'..=b'Z', ..] => {}
            name => {
                let name = name.escape_ascii();
                return Err(Problem::Unsupported(format!("extension `{name}`")));
            }
        }
        rest = behind;
    }
    Ok((index, link))
}

struct Reader<'a> {
    rest: &'a [u8],
    format: ObjectFormat,
    version: u32,
    index: Index,
    /// Where the path of the entry before is.
    previous: std::ops::Range<usize>,
}

impl Reader<'_> {
    /// `None` if it is cut off.
    fn entry(&mut self) -> Option<IndexEntry> {
        let start = self.rest;
        let (stat, rest) = start.split_at_checked(STAT)?;
        let (id, rest) = rest.split_at_checked(self.format.length())?;
        let (flags, mut rest) = rest.split_first_chunk::<2>()?;
        let flags = u16::from_be_bytes(*flags);
        let mut extended = 0;
        if flags & 0x4000 != 0 && self.version >= 3 {
            let (more, behind) = rest.split_first_chunk::<2>()?;
            extended = u16::from_be_bytes(*more);
            rest = behind;
        }
        let paths = &mut self.index.paths;
        let begin = paths.len();
        if self.version == 4 {
            let (dropped, behind) = offset(rest)?;
            let kept = self.previous.len().checked_sub(dropped)?;
            let end = memchr::memchr(0, behind)?;
            paths.extend_from_within(self.previous.start..self.previous.start + kept);
            paths.extend_from_slice(&behind[..end]);
            self.rest = &behind[end + 1..];
        } else {
            let length = match usize::from(flags & 0xfff) {
                // It does not fit, and ends with a zero.
                0xfff => memchr::memchr(0, rest)?,
                length => length,
            };
            paths.extend_from_slice(rest.get(..length)?);
            // Filled up with one to eight zeros to a multiple of eight bytes.
            let whole = (start.len() - rest.len() + length + 8) & !7;
            self.rest = start.get(whole..)?;
        }
        self.previous = begin..paths.len();
        Some(IndexEntry {
            path: (u32::try_from(begin).ok()?, u32::try_from(paths.len() - begin).ok()?),
            id: ObjectId::from_bytes(id)?,
            mode: Mode(number(&stat[24..28])),
            stage: (flags >> 12 & 3) as u8,
            intent_to_add: extended & 0x2000 != 0,
        })
    }
}

/// A number as in packs' offsets: seven bits in each byte, and one added where another byte follows.
fn offset(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    let mut value = usize::from(first & 0x7f);
    let mut byte = *first;
    while byte & 0x80 != 0 {
        let (next, behind) = rest.split_first()?;
        (byte, rest) = (*next, behind);
        value = value.checked_add(1)?.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
    }
    Some((value, rest))
}

/// Four bytes, the highest first.
pub(super) fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
