//! One pack.

use std::path::Path;

use super::damage::Damage;
use super::index::Index;
use super::kind::{ObjectFormat, ObjectKind};
use super::map::{self, Bytes};
use super::walk;
use crate::object_id::ObjectId;
use crate::place::text_of;

/// What stands before the first entry: a mark, the version, the number of entries.
pub(super) const HEADER: u64 = 12;

/// A pack and its index.
#[derive(Debug)]
pub struct Pack {
    /// The name of its file.
    pub(super) name: String,
    pub(super) index: Index,
    data: PackData,
}

/// A pack alone.
#[derive(Debug)]
pub(super) struct PackData {
    bytes: Bytes,
    count: u32,
    length: usize,
}

/// The head of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'pack> {
    pub(super) content: Content<'pack>,
    /// The size of what is compressed: the object, or the delta.
    pub(super) size: u64,
    /// Where the compressed data begins.
    pub(super) data: u64,
}

/// What an entry holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content<'pack> {
    Object(ObjectKind),
    /// A delta against the entry that is there.
    DeltaAt(u64),
    /// A delta against the object with this id.
    DeltaOf(&'pack [u8]),
}

impl Pack {
    /// The check sum at its end. Packs with the same one hold the same.
    pub fn checksum(&self) -> ObjectId {
        ObjectId::from_bytes(self.data.checksum()).expect("as long as an id")
    }

    /// Whether an object is in it.
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.index.find(id.as_bytes()).is_some()
    }

    /// The ids of its blobs, in the order of the pack. This reads the head of every entry.
    pub fn blobs(&self) -> Vec<ObjectId> {
        walk::blobs(self)
    }

    /// The id at a position of its index; `None` if it has not so many.
    pub(in crate::git) fn id(&self, position: u32) -> Option<ObjectId> {
        (position < self.index.count()).then(|| self.index.object(position))
    }

    pub(super) fn new(path: &Path, data: PackData, index: Index) -> Self {
        Self { name: file_name(path), index, data }
    }

    pub(super) fn data(&self) -> &PackData {
        &self.data
    }

    /// The place of an entry, in words.
    pub(super) fn place(&self, offset: u64) -> String {
        format!("pack {} at {offset}", self.name)
    }
}

/// The name of a file, for a person.
pub(super) fn file_name(path: &Path) -> String {
    text_of(path.file_name().unwrap_or_default().as_encoded_bytes()).into_owned()
}

impl PackData {
    pub(super) fn open(path: &Path, format: ObjectFormat) -> Result<Self, OpenPackError> {
        Self::new(map::map(path).map_err(OpenPackError::Io)?, format).map_err(OpenPackError::Damaged)
    }

    pub(super) fn new(bytes: Bytes, format: ObjectFormat) -> Result<Self, &'static str> {
        let length = format.length();
        if bytes.len() < HEADER as usize + length {
            return Err("it is too short");
        }
        let (mark, rest) = bytes.split_at(4);
        let number = |at: usize| rest[at..].first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        if mark != b"PACK" {
            return Err("it does not begin as packs do");
        }
        if !matches!(number(0), 2 | 3) {
            return Err("its version is unknown");
        }
        let count = number(4);
        Ok(Self { count, bytes, length })
    }

    /// How many entries it says to have.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Where the entries end.
    pub(super) fn end(&self) -> u64 {
        (self.bytes.len() - self.length) as u64
    }

    pub(super) fn checksum(&self) -> &[u8] {
        &self.bytes[self.bytes.len() - self.length..]
    }

    /// The bytes from one offset to another, both cut to where entries can be.
    pub(super) fn between(&self, start: u64, end: u64) -> &[u8] {
        let most = self.bytes.len() - self.length;
        let end = usize::try_from(end).unwrap_or(most).min(most);
        let start = usize::try_from(start).unwrap_or(end).min(end);
        &self.bytes[start..end]
    }

    /// Tells the system that all of it will be read, so that pages are mapped many at a time.
    pub(super) fn prepare(&self) {
        #[cfg(target_os = "linux")]
        if let Bytes::Mapped(map) = &self.bytes {
            // Advice only: what is refused is read page by page.
            let _ = map.advise(memmap2::Advice::WillNeed);
        }
    }

    /// The entry at an offset.
    pub(super) fn entry(&self, offset: u64) -> Result<Entry<'_>, Damage> {
        const CUT: Damage = Damage::Broken("it is cut off");
        if !(HEADER..self.end()).contains(&offset) {
            return Err(Damage::Broken("no entry can be there"));
        }
        let bytes = self.between(offset, self.end());
        let first = bytes[0];
        let mut size = u64::from(first & 15);
        let (mut at, mut shift) = (1, 4);
        let mut last = first;
        while last & 0x80 != 0 {
            last = *bytes.get(at).ok_or(CUT)?;
            at += 1;
            let bits = u64::from(last & 0x7f);
            if shift > 57 && bits >> (64 - shift.min(64)) != 0 || shift > 63 {
                return Err(Damage::Broken("its size has too many digits"));
            }
            size |= bits << shift;
            shift += 7;
        }
        let content = match first >> 4 & 7 {
            1 => Content::Object(ObjectKind::Commit),
            2 => Content::Object(ObjectKind::Tree),
            3 => Content::Object(ObjectKind::Blob),
            4 => Content::Object(ObjectKind::Tag),
            6 => {
                let mut last = *bytes.get(at).ok_or(CUT)?;
                at += 1;
                let mut distance = u64::from(last & 0x7f);
                while last & 0x80 != 0 {
                    last = *bytes.get(at).ok_or(CUT)?;
                    at += 1;
                    if distance >= 1 << 56 {
                        return Err(Damage::Broken("its base is too far away"));
                    }
                    distance = (distance + 1) << 7 | u64::from(last & 0x7f);
                }
                let base = offset.checked_sub(distance).filter(|&base| base >= HEADER && distance > 0);
                Content::DeltaAt(base.ok_or(Damage::Broken("its base is outside of the pack"))?)
            }
            7 => {
                let id = bytes.get(at..at + self.length).ok_or(CUT)?;
                at += self.length;
                Content::DeltaOf(id)
            }
            _ => return Err(Damage::Broken("its kind is unknown")),
        };
        // Where an index is wrong, what stands there may look like the head of an entry, but hardly like two.
        match bytes.get(at..).and_then(|stream| stream.first_chunk()) {
            Some(&[method, check])
                if method & 15 == 8 && u16::from_be_bytes([method, check]).is_multiple_of(31) =>
            {
                Ok(Entry { content, size, data: offset + at as u64 })
            }
            Some(_) => Err(Damage::Broken("no compressed data begins behind its head")),
            None => Err(CUT),
        }
    }
}

/// A pack that could not be opened.
#[derive(Debug)]
pub(super) enum OpenPackError {
    Io(std::io::Error),
    Damaged(&'static str),
}
