//! The directory at the end of an archive.

use std::io::{self, BufReader, Read};

use super::super::read_at::{ReadAt, Section};

/// How long the record at the end is, without a comment.
pub(super) const END: usize = 22;

/// How long the record ahead of it is that tells where the one with large numbers is.
const LOCATOR: usize = 20;

/// How long an entry is, without its name.
const ENTRY: usize = 46;

/// Where the directory is.
pub(super) struct Directory {
    start: u64,
    bytes: u64,
    /// How far everything is behind where the archive says, because something was put ahead of it.
    shift: u64,
}

/// What the directory says of a member.
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) method: u16,
    pub(super) is_encrypted: bool,
    pub(super) has_descriptor: bool,
    pub(super) sum: u32,
    pub(super) packed: u64,
    pub(super) unpacked: u64,
    pub(super) offset: u64,
}

impl Directory {
    /// `None` if there is none, or it cannot be where it should.
    pub(super) fn find(archive: &impl ReadAt) -> io::Result<Option<Self>> {
        let length = archive.length()?;
        let most = END + usize::from(u16::MAX) + LOCATOR;
        let tail_start = length.saturating_sub(most as u64);
        let tail = archive.bytes_at(tail_start, most)?;
        // From the end, the first whose comment ends where the archive does; or failing that, the first at all.
        let ends = || memchr::memmem::rfind_iter(&tail, b"PK\x05\x06").filter(|at| tail.len() - at >= END);
        let is_exact = |at: &usize| at + END + usize::from(u16_at(&tail, at + 20)) == tail.len();
        let Some(at) = ends().find(is_exact).or_else(|| ends().next()) else { return Ok(None) };
        let mut end_at = tail_start + at as u64;
        let (mut bytes, mut start) = (u64::from(u32_at(&tail, at + 12)), u64::from(u32_at(&tail, at + 16)));
        if at >= LOCATOR && tail[at - LOCATOR..].starts_with(b"PK\x06\x07") {
            let told = u64_at(&tail, at - LOCATOR + 8);
            // Where it should be, if it was not moved.
            let near = (end_at - LOCATOR as u64).saturating_sub(56);
            for large_at in [told, near] {
                let large = archive.bytes_at(large_at, 56)?;
                if large.len() == 56 && large.starts_with(b"PK\x06\x06") {
                    (bytes, start, end_at) = (u64_at(&large, 40), u64_at(&large, 48), large_at);
                    break;
                }
            }
        }
        // The directory ends where the record at the end begins, whatever was put ahead of the archive.
        let Some(begins) = end_at.checked_sub(bytes) else { return Ok(None) };
        let directory = match begins.checked_sub(start) {
            Some(shift) => Self { start: begins, bytes, shift },
            None => Self { start, bytes, shift: 0 },
        };
        let is_there = |directory: &Self| {
            let signature = archive.bytes_at(directory.start, 4)?;
            Ok::<_, io::Error>(bytes == 0 || signature.starts_with(b"PK\x01\x02"))
        };
        if is_there(&directory)? {
            return Ok(Some(directory));
        }
        let literal = Self { start, bytes, shift: 0 };
        Ok(is_there(&literal)?.then_some(literal))
    }

    pub(super) fn entries<'a, A: ReadAt>(&self, archive: &'a A) -> Entries<'a, A> {
        let section = Section::new(archive, self.start, self.start.saturating_add(self.bytes));
        Entries { reader: BufReader::with_capacity(32 << 10, section), left: self.bytes, shift: self.shift }
    }
}

/// The entries of a directory, in its order.
pub(super) struct Entries<'a, A> {
    reader: BufReader<Section<'a, A>>,
    left: u64,
    shift: u64,
}

impl<A: ReadAt> Entries<'_, A> {
    /// The next entry. An error that is none of the source says what is wrong.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        if self.left < ENTRY as u64 {
            return Ok(None);
        }
        let mut fixed = [0; ENTRY];
        self.reader.read_exact(&mut fixed)?;
        if !fixed.starts_with(b"PK\x01\x02") {
            return Err(io::Error::other("an entry does not begin as one"));
        }
        let lengths = [28, 30, 32].map(|at| usize::from(u16_at(&fixed, at)));
        let mut texts = vec![0; lengths.iter().sum()];
        self.reader.read_exact(&mut texts)?;
        self.left = self.left.saturating_sub((ENTRY + texts.len()) as u64);
        let extra = texts[lengths[0]..lengths[0] + lengths[1]].to_vec();
        texts.truncate(lengths[0]);
        let flags = u16_at(&fixed, 8);
        let mut numbers = [24, 20, 42].map(|at| u64::from(u32_at(&fixed, at)));
        large_numbers(&extra, &mut numbers);
        let [unpacked, packed, offset] = numbers;
        Ok(Some(Entry {
            name: texts,
            method: u16_at(&fixed, 10),
            is_encrypted: flags & 1 != 0,
            has_descriptor: flags & 8 != 0,
            sum: u32_at(&fixed, 16),
            packed,
            unpacked,
            offset: offset.saturating_add(self.shift),
        }))
    }
}

impl Entry {
    /// Whether there is nothing to read, as of a folder.
    pub(super) fn is_empty(&self) -> bool {
        self.packed == 0 && self.unpacked == 0
    }
}

/// Takes the numbers that do not fit into 32 bits from where they then are, in their order.
pub(super) fn large_numbers(mut extra: &[u8], numbers: &mut [u64]) {
    while extra.len() >= 4 {
        let (kind, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let Some(field) = extra.get(4..4 + length) else { return };
        if kind == 1 {
            let mut large = field.chunks_exact(8).map(|bytes| u64_at(bytes, 0));
            for number in numbers.iter_mut().filter(|number| **number == u64::from(u32::MAX)) {
                if let Some(large) = large.next() {
                    *number = large;
                }
            }
            return;
        }
        extra = &extra[4 + length..];
    }
}

/// A number in a record, of which the length was checked.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
