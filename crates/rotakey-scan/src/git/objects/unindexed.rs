//! Packs that have no index, or one that is wrong: one is made in memory.

use std::collections::HashMap;

use flate2::{Decompress, FlushDecompress, Status};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::buffer::Buffer;
use super::damage::Damage;
use super::delta::Delta;
use super::index::Index;
use super::inflate::Inflater;
use super::kind::{ObjectFormat, ObjectKind};
use super::pack::{Content, Entry, HEADER, PackData};
use super::store::ObjectStore;
use crate::coverage::Unread;
use crate::object_id::ObjectId;

/// How much is held of objects that others are deltas against.
const MOST_HELD: usize = 1 << 30;

/// Makes the index of a pack, and tells what of it cannot be read.
pub(super) fn index(data: &PackData, name: &str, store: &ObjectStore) -> (Index, Vec<Unread>) {
    let mut indexer = Indexer {
        data,
        name,
        format: store.object_format(),
        inflater: Inflater::new(),
        entries: Vec::new(),
        named: Vec::new(),
        deltas_at: HashMap::new(),
        deltas_of: HashMap::new(),
        problems: Vec::new(),
        held: 0,
    };
    indexer.find_entries();
    indexer.name_objects(store);
    let index = Index::build(indexer.named, indexer.format, data.checksum());
    (index, indexer.problems)
}

struct Indexer<'a> {
    data: &'a PackData,
    name: &'a str,
    format: ObjectFormat,
    inflater: Inflater,
    /// Where each entry is, and where its data ends.
    entries: Vec<(u64, Entry<'a>, u64)>,
    named: Vec<(Vec<u8>, u64)>,
    /// The numbers of the entries that are deltas against the entry at an offset, or against an object by its id.
    deltas_at: HashMap<u64, Vec<usize>>,
    deltas_of: HashMap<&'a [u8], Vec<usize>>,
    problems: Vec<Unread>,
    held: usize,
}

/// An object whose deltas are being read.
struct Base {
    kind: ObjectKind,
    content: Buffer,
    deltas: Vec<usize>,
}

impl Indexer<'_> {
    fn problem(&mut self, offset: u64, damage: Damage) {
        self.problems.push(damage.at(format!("pack {} at {offset}", self.name)).unread());
    }

    /// Walks through the pack. Only by inflating an entry it is known where the next one begins.
    fn find_entries(&mut self) {
        let data = self.data;
        let mut offset = HEADER;
        for number in 0..data.count() {
            let found = data.entry(offset).and_then(|entry| {
                let length = stream_length(data.between(entry.data, u64::MAX), entry.size)?;
                Ok((entry, entry.data + length))
            });
            match found {
                Ok((entry, end)) => {
                    let which = self.entries.len();
                    match entry.content {
                        Content::Object(_) => {}
                        Content::DeltaAt(base) => self.deltas_at.entry(base).or_default().push(which),
                        Content::DeltaOf(id) => self.deltas_of.entry(id).or_default().push(which),
                    }
                    self.entries.push((offset, entry, end));
                    offset = end;
                }
                Err(damage) => {
                    self.problem(offset, damage);
                    let rest = data.count() - number - 1;
                    if rest > 0 {
                        let place = format!("pack {} behind {offset}", self.name);
                        let mut unread = Damage::Broken("").at(place).unread();
                        unread.detail = format!("{rest} entries cannot be found without an index");
                        self.problems.push(unread);
                    }
                    break;
                }
            }
        }
    }

    /// Takes the hash of each object.
    fn name_objects(&mut self, store: &ObjectStore) {
        for number in 0..self.entries.len() {
            let (offset, entry, end) = self.entries[number];
            let Content::Object(kind) = entry.content else { continue };
            let mut content = Buffer::default();
            match self.inflater.inflate(self.data.between(entry.data, end), entry.size, &mut content) {
                Ok(()) => {
                    let base = self.name_object(offset, kind, content);
                    self.name_deltas(base);
                }
                Err(damage) => self.problem(offset, damage),
            }
        }
        // What is left is against objects of other packs.
        let mut reader = store.reader();
        let mut foreign: Vec<&[u8]> = self.deltas_of.keys().copied().collect();
        foreign.sort_unstable();
        for id in foreign {
            let Some(object) = ObjectId::from_bytes(id) else { continue };
            // It may have been named as one against another of these.
            if let Ok(Some(base)) = reader.read(&object)
                && let Some(deltas) = self.deltas_of.remove(id)
            {
                let mut content = Buffer::default();
                content.extend(base.content);
                self.held += content.capacity();
                self.name_deltas(Some(Base { kind: base.kind, content, deltas }));
            }
        }
        let mut lost: Vec<(usize, Damage)> = Vec::new();
        for (id, deltas) in &self.deltas_of {
            let Some(id) = ObjectId::from_bytes(id) else { continue };
            lost.extend(deltas.iter().map(|&delta| (delta, Damage::NoBase(id))));
        }
        let nowhere = Damage::Broken("its base cannot be read");
        lost.extend(self.deltas_at.values().flatten().map(|&delta| (delta, nowhere)));
        lost.sort_unstable_by_key(|&(delta, _)| delta);
        for (delta, damage) in lost {
            self.problem(self.entries[delta].0, damage);
        }
    }

    /// Names one object. It is given back if others are deltas against it.
    fn name_object(&mut self, offset: u64, kind: ObjectKind, content: Buffer) -> Option<Base> {
        let id = hash(self.format, kind, content.content());
        let mut deltas = self.deltas_at.remove(&offset).unwrap_or_default();
        deltas.extend(self.deltas_of.remove(id.as_slice()).unwrap_or_default());
        self.named.push((id, offset));
        self.held += content.capacity();
        let base = Base { kind, content, deltas };
        if base.deltas.is_empty() {
            self.held -= base.content.capacity();
            return None;
        }
        Some(base)
    }

    fn name_deltas(&mut self, base: Option<Base>) {
        let mut bases: Vec<Base> = base.into_iter().collect();
        let mut delta = Buffer::default();
        while let Some(base) = bases.last_mut() {
            let Some(number) = base.deltas.pop() else {
                self.held -= base.content.capacity();
                bases.pop();
                continue;
            };
            let (offset, entry, end) = self.entries[number];
            let mut content = Buffer::default();
            let made = self
                .inflater
                .inflate(self.data.between(entry.data, end), entry.size, &mut delta)
                .and_then(|()| Delta::new(&delta, &base.content)?.apply(&base.content, &mut content));
            let kind = base.kind;
            if base.deltas.is_empty() {
                self.held -= base.content.capacity();
                bases.pop();
            }
            match made {
                Ok(()) if self.held + content.capacity() > MOST_HELD => {
                    self.problem(offset, Damage::TooLarge(content.len() as u64));
                }
                Ok(()) => bases.extend(self.name_object(offset, kind, content)),
                Err(damage) => self.problem(offset, damage),
            }
        }
    }
}

/// How many bytes a zlib stream has, which must inflate to so many.
fn stream_length(stream: &[u8], size: u64) -> Result<u64, Damage> {
    const DAMAGED: Damage = Damage::Broken("its compressed data is damaged");
    let mut zlib = Decompress::new(true);
    let mut discarded = vec![0; 32 << 10];
    loop {
        let rest = stream.get(zlib.total_in() as usize..).ok_or(DAMAGED)?;
        let before = (zlib.total_in(), zlib.total_out());
        let status = zlib.decompress(rest, &mut discarded, FlushDecompress::None).map_err(|_| DAMAGED)?;
        if zlib.total_out() > size {
            return Err(Damage::Broken("it is longer than it says to be"));
        }
        if status == Status::StreamEnd {
            break;
        }
        if before == (zlib.total_in(), zlib.total_out()) {
            return Err(Damage::Broken("it is cut off"));
        }
    }
    if zlib.total_out() == size {
        Ok(zlib.total_in())
    } else {
        Err(Damage::Broken("it is shorter than it says to be"))
    }
}

/// The id of an object.
pub(super) fn hash(format: ObjectFormat, kind: ObjectKind, content: &[u8]) -> Vec<u8> {
    let header = format!("{} {}\0", kind.name(), content.len());
    match format {
        ObjectFormat::Sha1 => Sha1::new().chain_update(header).chain_update(content).finalize().to_vec(),
        ObjectFormat::Sha256 => Sha256::new().chain_update(header).chain_update(content).finalize().to_vec(),
    }
}
