//! Objects by their ids.

use super::buffer::Buffer;
use super::cache::Cache;
use super::damage::Damage;
use super::delta::Delta;
use super::error::ReadError;
use super::inflate::Inflater;
use super::kind::{Kinds, ObjectKind};
use super::loose;
use super::pack::{Content, Pack};
use super::store::ObjectStore;
use crate::object_id::ObjectId;

/// More deltas on deltas than git makes, by far: what has more may well be a circle.
const LONGEST_CHAIN: usize = 100_000;

/// Reads objects one by one, and remembers the bases of deltas that are likely to be wanted again.
#[derive(Debug)]
pub struct Reader<'store> {
    store: &'store ObjectStore,
    inflater: Inflater,
    cache: Cache,
    /// The pack in which the last one was: the next is probably there too.
    recent: usize,
    current: Current,
    delta: Buffer,
    spare: Buffer,
}

/// What was read last.
#[derive(Debug)]
struct Current {
    place: Option<(usize, u64)>,
    kind: ObjectKind,
    content: Buffer,
    /// Where the object begins in it.
    start: usize,
}

/// An object, until the next is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object<'reader> {
    /// What it is.
    pub kind: ObjectKind,
    /// Its bytes, without any header.
    pub content: &'reader [u8],
}

/// One of the places in which an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copy {
    /// The number of the pack, and the offset.
    Packed(usize, u64),
    /// The number of the folder.
    Loose(usize),
}

impl<'store> Reader<'store> {
    pub(super) fn new(store: &'store ObjectStore) -> Self {
        Self {
            store,
            inflater: Inflater::new(),
            cache: Cache::new(),
            recent: 0,
            current: Current { place: None, kind: ObjectKind::Blob, content: Buffer::default(), start: 0 },
            delta: Buffer::default(),
            spare: Buffer::default(),
        }
    }

    /// The store that it reads from.
    pub fn store(&self) -> &'store ObjectStore {
        self.store
    }

    /// Reads an object; `None` if it is not there. If one copy is damaged and there is another, that is read.
    pub fn read(&mut self, id: &ObjectId) -> Result<Option<Object<'_>>, ReadError> {
        let first = match self.locate(id) {
            Some((pack, offset)) => match self.read_packed(pack, offset) {
                Ok(()) => return Ok(Some(self.object())),
                Err(error) => Some((Copy::Packed(pack, offset), error)),
            },
            None => None,
        };
        for copy in self.copies(id) {
            if first.as_ref().is_some_and(|(tried, _)| *tried == copy) {
                continue;
            }
            if self.read_copy(id, copy).is_ok_and(|there| there) {
                return Ok(Some(self.object()));
            }
        }
        match first {
            Some((_, error)) => Err(error),
            None => self.read_loose(id, Kinds::All),
        }
    }

    /// All places in which an object is.
    pub(super) fn copies(&self, id: &ObjectId) -> Vec<Copy> {
        let packs = self.store.packs().iter().enumerate();
        let packed = packs.filter_map(|(number, pack)| Some(Copy::Packed(number, offset_in(pack, id)?)));
        packed.chain((0..self.store.directories().len()).map(Copy::Loose)).collect()
    }

    /// Reads one copy; `false` if it is not there.
    pub(super) fn read_copy(&mut self, id: &ObjectId, copy: Copy) -> Result<bool, ReadError> {
        match copy {
            Copy::Packed(pack, offset) => self.read_packed(pack, offset).map(|()| true),
            Copy::Loose(number) => self.read_loose_in(number, id, Kinds::All),
        }
    }

    /// What was read last.
    pub(super) fn object(&self) -> Object<'_> {
        Object { kind: self.current.kind, content: &self.current.content.content()[self.current.start..] }
    }

    /// Reads an object that has a file of its own.
    pub(super) fn read_loose(
        &mut self,
        id: &ObjectId,
        wanted: Kinds,
    ) -> Result<Option<Object<'_>>, ReadError> {
        let mut failed = None;
        for number in 0..self.store.directories().len() {
            match self.read_loose_in(number, id, wanted) {
                Ok(true) => return Ok(Some(self.object())),
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(None), Err)
    }

    fn read_loose_in(&mut self, number: usize, id: &ObjectId, wanted: Kinds) -> Result<bool, ReadError> {
        self.put_away();
        let directory = &self.store.directories()[number];
        let content = &mut self.current.content;
        content.clear();
        let read = loose::read(directory, id, wanted, &mut self.inflater, content)?;
        Ok(read.is_some_and(|(kind, start)| {
            let everything = wanted.has(kind);
            if !everything {
                self.current.content.clear();
            }
            self.current.kind = kind;
            self.current.start = if everything { start } else { 0 };
            true
        }))
    }

    fn locate(&mut self, id: &ObjectId) -> Option<(usize, u64)> {
        let packs = self.store.packs();
        let others = (0..packs.len()).filter(|&number| number != self.recent);
        let mut likely = std::iter::once(self.recent).chain(others);
        let found = likely.find_map(|number| Some((number, offset_in(packs.get(number)?, id)?)))?;
        self.recent = found.0;
        Some(found)
    }

    /// Keeps what was read last, since the next is often a delta against it.
    fn put_away(&mut self) {
        if let Some(place) = self.current.place.take() {
            let content = std::mem::take(&mut self.current.content);
            self.current.content = self.cache.keep(place, self.current.kind, content);
        }
        self.current.start = 0;
    }

    fn read_packed(&mut self, pack: usize, offset: u64) -> Result<(), ReadError> {
        self.put_away();
        // Down to what is whole, or is remembered.
        let mut deltas = Vec::new();
        let mut place = (pack, offset);
        loop {
            let (number, offset) = place;
            let packs = self.store.packs();
            let pack = &packs[number];
            let at = |damage: Damage| damage.at(pack.place(offset));
            if let Some((kind, content)) = self.cache.take(place) {
                self.current = Current { place: Some(place), kind, content, start: 0 };
                break;
            }
            let entry = pack.data().entry(offset).map_err(at)?;
            let base = match entry.content {
                Content::Object(kind) => {
                    let stream = pack.data().between(entry.data, u64::MAX);
                    self.inflater.inflate(stream, entry.size, &mut self.current.content).map_err(at)?;
                    (self.current.kind, self.current.place) = (kind, Some(place));
                    break;
                }
                Content::DeltaAt(base) => Ok((number, base)),
                Content::DeltaOf(id) => {
                    let own = pack.index.find(id).and_then(|position| pack.index.offset(position));
                    let id =
                        ObjectId::from_bytes(id).ok_or(Damage::Broken("its base has no id")).map_err(at)?;
                    own.map(|offset| (number, offset)).or_else(|| self.locate(&id)).ok_or(id)
                }
            };
            deltas.push((number, offset, entry));
            if deltas.len() > LONGEST_CHAIN {
                return Err(at(Damage::Broken("its deltas have no end")));
            }
            match base {
                Ok(base) => place = base,
                Err(id) => {
                    let directories = 0..self.store.directories().len();
                    let mut found = false;
                    for number in directories {
                        found = found || self.read_loose_in(number, &id, Kinds::All)?;
                    }
                    if !found {
                        return Err(at(Damage::NoBase(id)));
                    }
                    if self.current.start > 0 {
                        let mut content = Buffer::default();
                        content.extend(self.object().content);
                        (self.current.content, self.current.start) = (content, 0);
                    }
                    break;
                }
            }
        }
        // And up again.
        for (number, offset, entry) in deltas.into_iter().rev() {
            let pack = &self.store.packs()[number];
            let at = |damage: Damage| damage.at(pack.place(offset));
            let stream = pack.data().between(entry.data, u64::MAX);
            let made = self.inflater.inflate(stream, entry.size, &mut self.delta).and_then(|()| {
                Delta::new(&self.delta, &self.current.content)?.apply(&self.current.content, &mut self.spare)
            });
            made.map_err(at)?;
            let base = std::mem::replace(&mut self.current.content, std::mem::take(&mut self.spare));
            let base_place = self.current.place.replace((number, offset));
            self.spare = match base_place {
                Some(place) => self.cache.keep(place, self.current.kind, base),
                None => base,
            };
        }
        Ok(())
    }
}

/// Where a pack has an object.
fn offset_in(pack: &Pack, id: &ObjectId) -> Option<u64> {
    pack.index.find(id.as_bytes()).and_then(|position| pack.index.offset(position))
}
