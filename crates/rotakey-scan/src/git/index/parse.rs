//! The bytes of an index.

use super::cache_tree::CacheTree;
use super::split::Link;
use super::{IndexEntry, Problem};
use crate::git::objects::ObjectFormat;
use crate::git::objects::map::Bytes;
use crate::git::tree::Mode;
use crate::object_id::ObjectId;

/// The bytes of all paths together. With the prefixes of version 4, a small file can stand for very many.
const MOST_PATHS: usize = 1 << 30;

/// Times, device, inode, mode, owner and size.
const STAT: usize = 40;

const HEADER: usize = 12;

/// An index that was seen to be whole.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) packed: Packed,
    pub(super) cache_tree: CacheTree,
    /// What it says of a larger one that it belongs to.
    pub(super) link: Option<Link>,
}

/// Entries as they stand in a file. They are read where they are: to build them all takes longer than all the rest.
#[derive(Debug)]
pub(super) struct Packed {
    bytes: Bytes,
    layout: Layout,
    count: u32,
}

#[derive(Debug, Clone, Copy)]
struct Layout {
    version: u32,
    format: ObjectFormat,
}

/// Goes over all entries once, so that who reads them later need not expect an error, and reads what stands behind them.
pub(super) fn parse(bytes: Bytes, format: ObjectFormat) -> Result<Parsed, Problem> {
    let cut_off = Problem::Damaged("it is cut off");
    let (header, _) = bytes.split_first_chunk::<HEADER>().ok_or(cut_off.clone())?;
    if !header.starts_with(b"DIRC") {
        return Err(Problem::Damaged("it does not begin as an index does"));
    }
    let version = number(&header[4..8]);
    if !matches!(version, 2..=4) {
        return Err(Problem::Unsupported(format!("version {version}")));
    }
    let layout = Layout { version, format };
    let count = number(&header[8..12]);
    // What stands at the end is the checksum.
    let end = bytes.len().checked_sub(format.length()).filter(|end| *end >= HEADER);
    let mut rest = &bytes[HEADER..end.ok_or(cut_off.clone())?];
    let (mut prefixed, mut paths) = (Vec::new(), 0);
    for _ in 0..count {
        let (entry, behind) = layout.entry(rest, &mut prefixed).ok_or(cut_off.clone())?;
        paths += entry.path.map_or(prefixed.len(), <[u8]>::len);
        if paths > MOST_PATHS {
            return Err(Problem::Damaged("its paths are longer than a gibibyte"));
        }
        rest = behind;
    }
    let (mut cache_tree, mut link) = (CacheTree::default(), None);
    while !rest.is_empty() {
        let (header, behind) = rest.split_first_chunk::<8>().ok_or(cut_off.clone())?;
        let (content, behind) =
            behind.split_at_checked(number(&header[4..]) as usize).ok_or(cut_off.clone())?;
        match &header[..4] {
            b"TREE" => {
                cache_tree = CacheTree::parse(content, format.length())
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
    Ok(Parsed { packed: Packed { bytes, layout, count }, cache_tree, link })
}

impl Packed {
    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    pub(super) fn cursor(&self) -> Cursor<'_> {
        let rest = &self.bytes[HEADER..self.bytes.len() - self.layout.format.length()];
        let mut cursor =
            Cursor { layout: self.layout, rest, left: self.count, current: None, prefixed: Vec::new() };
        cursor.advance();
        cursor
    }
}

/// Stands at an entry, or behind the last.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    layout: Layout,
    /// What is behind the entry, and how many follow.
    rest: &'a [u8],
    left: u32,
    current: Option<Entry<'a>>,
    /// The path, in version 4.
    prefixed: Vec<u8>,
}

/// An entry that is not looked at closely.
#[derive(Debug, Clone, Copy)]
struct Entry<'a> {
    bytes: &'a [u8],
    flags: u16,
    extended: u16,
    /// `None` if it has a beginning in common with the one before, and is not here as a whole.
    path: Option<&'a [u8]>,
}

impl Cursor<'_> {
    pub(super) fn path(&self) -> Option<&[u8]> {
        self.current.map(|entry| entry.path.unwrap_or(&self.prefixed))
    }

    pub(super) fn entry(&self) -> Option<IndexEntry<'_>> {
        let Entry { bytes, flags, extended, path } = self.current?;
        Some(IndexEntry {
            path: path.unwrap_or(&self.prefixed),
            id: ObjectId::from_bytes(&bytes[STAT..STAT + self.layout.format.length()])?,
            mode: Mode(number(&bytes[24..28])),
            stage: (flags >> 12 & 3) as u8,
            intent_to_add: extended & 0x2000 != 0,
        })
    }

    pub(super) fn advance(&mut self) {
        self.current = None;
        if let Some(left) = self.left.checked_sub(1)
            && let Some((entry, rest)) = self.layout.entry(self.rest, &mut self.prefixed)
        {
            (self.current, self.rest, self.left) = (Some(entry), rest, left);
        }
    }
}

impl Layout {
    /// The entry at the beginning, and what is behind it; `None` if it is cut off. In version 4 the path of the one before
    /// becomes that of this one.
    fn entry<'a>(self, bytes: &'a [u8], prefixed: &mut Vec<u8>) -> Option<(Entry<'a>, &'a [u8])> {
        let (_, rest) = bytes.split_at_checked(STAT + self.format.length())?;
        let (flags, mut rest) = rest.split_first_chunk::<2>()?;
        let flags = u16::from_be_bytes(*flags);
        let mut extended = 0;
        if flags & 0x4000 != 0 && self.version >= 3 {
            let (more, behind) = rest.split_first_chunk::<2>()?;
            extended = u16::from_be_bytes(*more);
            rest = behind;
        }
        if self.version == 4 {
            let (dropped, behind) = offset(rest)?;
            let end = memchr::memchr(0, behind)?;
            prefixed.truncate(prefixed.len().checked_sub(dropped)?);
            prefixed.extend_from_slice(&behind[..end]);
            return Some((Entry { bytes, flags, extended, path: None }, &behind[end + 1..]));
        }
        let length = match usize::from(flags & 0xfff) {
            // It does not fit, and ends with a zero.
            0xfff => memchr::memchr(0, rest)?,
            length => length,
        };
        let path = rest.get(..length)?;
        // Filled up with one to eight zeros to a multiple of eight bytes.
        let whole = (bytes.len() - rest.len() + length + 8) & !7;
        Some((Entry { bytes, flags, extended, path: Some(path) }, bytes.get(whole..)?))
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
