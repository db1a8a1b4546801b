//! The readers of single files and entries, for fuzz targets.

use super::buffer::Buffer;
use super::delta::{Delta, Instruction};
use super::index::Index;
use super::inflate::Inflater;
use super::kind::{Kinds, ObjectFormat, ObjectKind};
use super::map::Bytes;
use super::{loose, seams};
use crate::object_id::ObjectId;

/// What a delta makes of a base; `None` if it is damaged.
pub fn delta(base: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
    let (base, delta) = (buffer(base), buffer(delta));
    let mut made = Buffer::default();
    Delta::new(&delta, &base).ok()?.apply(&base, &mut made).ok()?;
    Some(made.content().to_vec())
}

/// The first bytes of what a delta makes of a base, at most so many.
pub fn delta_head(base: &[u8], delta: &[u8], most: usize) -> Option<Vec<u8>> {
    let (base, delta) = (buffer(base), buffer(delta));
    let mut head = Buffer::default();
    let differs = Delta::new(&delta, &base).ok()?.head(&base, most, &mut head).ok()?;
    let head = if differs { head.content() } else { base.content() };
    Some(head[..head.len().min(most)].to_vec())
}

/// What of the result of a delta is not in its base, and so many bytes around its seams; `None` if that is most of it.
pub fn delta_seams(base: &[u8], delta: &[u8], reach: usize) -> Option<Vec<u8>> {
    let (base, delta) = (buffer(base), buffer(delta));
    let mut new = Buffer::default();
    let whole = seams::collect(&Delta::new(&delta, &base).ok()?, &base, reach, &mut new).ok()?;
    whole.then(|| new.content().to_vec())
}

/// A part of what a delta makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// So many bytes of the base from there on.
    Copy {
        /// From where.
        from: usize,
        /// How many.
        length: usize,
    },
    /// New bytes.
    New(Vec<u8>),
}

/// The instructions of a delta; `None` if one is damaged.
pub fn delta_instructions(base: &[u8], delta: &[u8]) -> Option<Vec<Part>> {
    let (base, delta) = (buffer(base), buffer(delta));
    let delta = Delta::new(&delta, &base).ok()?;
    let told = delta.instructions().map(|instruction| {
        Some(match instruction.ok()? {
            Instruction::Copy { from, length } => Part::Copy { from, length },
            Instruction::Insert { at, length } => Part::New(delta.inserted(at, length).to_vec()),
        })
    });
    told.collect()
}

/// The object in the file of a loose one; `None` if it is damaged.
pub fn loose_object(file: &[u8]) -> Option<(ObjectKind, Vec<u8>)> {
    let mut content = Buffer::default();
    let (kind, start) = loose::parse(file, Kinds::All, &mut Inflater::new(), &mut content).ok()?;
    Some((kind, content.content()[start..].to_vec()))
}

/// The index of a pack.
#[derive(Debug)]
pub struct PackIndex(Index);

impl PackIndex {
    /// Takes an index for what it says.
    pub fn new(bytes: &[u8], format: ObjectFormat) -> Option<Self> {
        Index::new(Bytes::Owned(bytes.to_vec()), format).ok().map(Self)
    }

    /// An index that holds these objects.
    pub fn build(entries: &[(ObjectId, u64)], format: ObjectFormat) -> Self {
        let entries = entries.iter().map(|(id, offset)| (id.as_bytes().to_vec(), *offset)).collect();
        Self(Index::build(entries, format, &vec![0; format.length()]))
    }

    /// The objects, in their order, and where they are.
    pub fn objects(&self) -> impl Iterator<Item = (ObjectId, Option<u64>)> {
        (0..self.0.count()).map(|position| (self.0.object(position), self.0.offset(position)))
    }

    /// Where an object is.
    pub fn find(&self, id: &ObjectId) -> Option<u64> {
        self.0.find(id.as_bytes()).and_then(|position| self.0.offset(position))
    }
}

fn buffer(bytes: &[u8]) -> Buffer {
    let mut buffer = Buffer::default();
    buffer.extend(bytes);
    buffer
}
