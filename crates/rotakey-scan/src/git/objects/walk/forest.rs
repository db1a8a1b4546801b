//! Which entry of a pack builds on which.

use super::damaged::Failure;
use super::duplicates::Duplicates;
use super::{Known, Named, Pack};
use crate::git::objects::damage::Damage;
use crate::git::objects::index::Index;
use crate::git::objects::kind::Kinds;
use crate::git::objects::pack::Content;
use crate::object_id::ObjectId;

/// No entry.
pub(super) const NONE: u32 = u32::MAX;

/// The blobs of a pack, as trees of deltas. Entries are numbered in the order in which they are in the pack.
#[derive(Debug)]
pub(super) struct Forest<'a> {
    pub(super) pack: &'a Pack,
    pub(super) number: usize,
    kinds: Kinds,
    index: &'a Index,
    /// Where each entry is, ascending; and where the last one ends.
    offsets: Vec<u64>,
    /// Where the index has each entry.
    positions: Vec<u32>,
    states: Vec<State>,
    /// The first of those that build on each, and the next that builds on the same.
    first: Vec<u32>,
    next: Vec<u32>,
    /// How many blobs are wanted of each and all that build on it.
    weights: Vec<u32>,
    /// Blobs that are whole and that something wanted builds on, or are wanted.
    pub(super) roots: Vec<u32>,
    /// Deltas against objects that are not in the pack.
    pub(super) foreign: Vec<u32>,
    /// How many blobs there are.
    pub(super) blobs: u64,
    /// How many of them are known.
    pub(super) cached: u64,
    pub(super) failures: Vec<Failure>,
}

/// What is known of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is a delta whose base is not known yet.
    Unresolved,
    /// Its base is just being looked for: if one comes back to it, they go around in a circle.
    Open,
    /// It is not a blob.
    Other,
    /// It builds on what is not in the pack, and may be a blob.
    Foreign,
    /// It builds on what is not there, or cannot be read itself.
    Lost,
    /// A blob that is not to be searched.
    Blob,
    /// A blob that is.
    Wanted,
}

/// Where the bases of deltas are.
struct Links {
    /// For each entry its base, or none.
    bases: Vec<u32>,
    /// Whether a base stands behind what builds on it, as only bases named by ids can.
    forward: bool,
}

impl<'a> Forest<'a> {
    /// The forest of a pack by an index of it, which need not be the one that the pack came with; nothing, if the index
    /// cannot be true, and so hides what is there.
    pub(super) fn new(
        number: usize,
        pack: &'a Pack,
        index: &'a Index,
        duplicates: &Duplicates,
        known: &dyn Known,
        kinds: Kinds,
    ) -> Option<Self> {
        let mut forest = Self {
            pack,
            number,
            kinds,
            index,
            offsets: Vec::new(),
            positions: Vec::new(),
            states: Vec::new(),
            first: Vec::new(),
            next: Vec::new(),
            weights: Vec::new(),
            roots: Vec::new(),
            foreign: Vec::new(),
            blobs: 0,
            cached: 0,
            failures: Vec::new(),
        };
        let buckets = forest.sort_entries()?;
        let mut links = forest.read_heads(&buckets);
        drop(buckets);
        forest.resolve(&mut links);
        forest.choose(duplicates, known);
        forest.link(&links);
        Some(forest)
    }

    /// The entries that build on this one and are wanted, or have wanted ones that build on them.
    pub(super) fn children(&self, entry: u32) -> u32 {
        self.first[entry as usize]
    }

    /// The next entry that builds on the same.
    pub(super) fn sibling(&self, entry: u32) -> u32 {
        self.next[entry as usize]
    }

    /// The ids of what is wanted, in the order of the pack.
    pub(super) fn wanted(&self) -> impl Iterator<Item = ObjectId> {
        (0..self.len())
            .filter(|&entry| self.is_wanted(entry) || self.is_foreign(entry))
            .map(|entry| self.id(entry))
    }

    pub(super) fn weight(&self, entry: u32) -> u32 {
        self.weights[entry as usize]
    }

    pub(super) fn is_wanted(&self, entry: u32) -> bool {
        self.states[entry as usize] == State::Wanted
    }

    pub(super) fn is_foreign(&self, entry: u32) -> bool {
        self.states[entry as usize] == State::Foreign
    }

    pub(super) fn offset(&self, entry: u32) -> u64 {
        self.offsets[entry as usize]
    }

    /// Where the entry ends, if the index names all of them.
    pub(super) fn end(&self, entry: u32) -> u64 {
        self.offsets[entry as usize + 1]
    }

    /// Where the index has the entry.
    pub(super) fn position(&self, entry: u32) -> u32 {
        self.positions[entry as usize]
    }

    pub(super) fn id(&self, entry: u32) -> ObjectId {
        self.index.object(self.positions[entry as usize])
    }

    /// Which object it is. One that only an index that was made anew has is looked up at once.
    pub(super) fn named<'b>(&'b self, entry: u32, id: &'b mut Option<ObjectId>) -> Named<'b> {
        if std::ptr::eq(self.index, &self.pack.index) {
            Named::At { pack: self.pack, number: self.number as u32, position: self.position(entry) }
        } else {
            Named::Id(id.insert(self.id(entry)))
        }
    }

    pub(super) fn failure(&self, entry: u32, damage: Damage) -> Failure {
        let is_blob = self.kinds == Kinds::Blobs && self.is_wanted(entry);
        Failure { pack: self.number, id: self.id(entry), offset: self.offset(entry), damage, is_blob }
    }

    fn len(&self) -> u32 {
        self.positions.len() as u32
    }

    /// Puts the entries in the order of the pack.
    fn sort_entries(&mut self) -> Option<Buckets> {
        let (index, end) = (self.index, self.pack.data().end());
        let mut buckets = Buckets::new(end, index.count());
        for position in 0..index.count() {
            buckets.count(index.offset(position).filter(|&offset| offset < end)?);
        }
        self.offsets = vec![0; index.count() as usize];
        self.positions = vec![0; index.count() as usize];
        buckets.begin();
        for position in 0..index.count() {
            let offset = index.offset(position)?;
            let at = buckets.place(offset);
            (self.offsets[at], self.positions[at]) = (offset, position);
        }
        buckets.sort(&mut self.offsets, &mut self.positions);
        self.offsets.push(end);
        self.offsets.is_sorted_by(|a, b| a < b).then_some(buckets)
    }

    /// Reads the head of each entry.
    fn read_heads(&mut self, buckets: &Buckets) -> Links {
        let (data, index) = (self.pack.data(), self.index);
        self.states = vec![State::Unresolved; self.positions.len()];
        let mut links = Links { bases: vec![NONE; self.positions.len()], forward: false };
        for entry in 0..self.len() {
            let at = entry as usize;
            let content = match data.entry(self.offsets[at]) {
                Ok(head) => head.content,
                Err(damage) => {
                    self.states[at] = State::Lost;
                    self.failures.push(self.failure(entry, damage));
                    continue;
                }
            };
            let base = match content {
                Content::Object(kind) => {
                    self.states[at] = if self.kinds.has(kind) { State::Blob } else { State::Other };
                    continue;
                }
                Content::DeltaAt(base) => Some(base),
                Content::DeltaOf(id) => match index.find(id) {
                    Some(position) => index.offset(position),
                    None => {
                        self.states[at] = State::Foreign;
                        self.foreign.push(entry);
                        continue;
                    }
                },
            };
            let Some(base) = base.and_then(|base| buckets.find(base, &self.offsets)) else {
                self.states[at] = State::Lost;
                self.failures.push(self.failure(entry, Damage::Broken("its base is at no entry")));
                continue;
            };
            links.bases[at] = base;
            if base >= entry {
                links.forward = true;
            } else {
                // Unless it waits for its own base, which the next step sees to.
                self.states[at] = self.states[base as usize];
            }
        }
        links
    }

    /// Follows bases that stand behind what builds on them.
    fn resolve(&mut self, links: &mut Links) {
        let mut waiting = Vec::new();
        for entry in 0..self.len() {
            let mut at = entry;
            while self.states[at as usize] == State::Unresolved {
                self.states[at as usize] = State::Open;
                waiting.push(at);
                at = links.bases[at as usize];
            }
            let state = match self.states[at as usize] {
                // Whatever leads into a circle hangs in the air as well.
                State::Open => State::Lost,
                state => state,
            };
            for at in waiting.drain(..) {
                self.states[at as usize] = state;
            }
        }
        for entry in 0..self.len() {
            let base = &mut links.bases[entry as usize];
            if self.states[entry as usize] == State::Lost && *base != NONE {
                *base = NONE;
                self.failures.push(self.failure(entry, Damage::Broken("its base cannot be read")));
            }
        }
    }

    /// Marks what is to be searched.
    fn choose(&mut self, duplicates: &Duplicates, known: &dyn Known) {
        for entry in 0..self.len() {
            let position = self.positions[entry as usize];
            self.blobs += u64::from(self.states[entry as usize] == State::Blob);
            match self.states[entry as usize] {
                State::Blob if duplicates.contains(self.number, position) => {}
                State::Blob if known.knows(&self.index.object(position)) => self.cached += 1,
                State::Blob => self.states[entry as usize] = State::Wanted,
                // Whatever is not inflated is not seen to be damaged. That is looked at where it may hide a blob.
                State::Other if self.kinds == Kinds::Blobs && !self.is_as_indexed(entry) => {
                    let damage = Damage::Broken("it is not what its index says, and may be a blob");
                    self.failures.push(self.failure(entry, damage));
                }
                _ => {}
            }
        }
    }

    /// Whether an entry has the check sum that the index tells. It sees a wrong index too: what it takes for a commit
    /// may be the middle of a blob.
    fn is_as_indexed(&self, entry: u32) -> bool {
        let bytes = self.pack.data().between(self.offset(entry), self.end(entry));
        let told = self.index.checksum(self.positions[entry as usize]);
        told.is_none_or(|told| told == libdeflater::crc32(bytes))
    }

    /// Makes the lists of what builds on what, and counts.
    fn link(&mut self, links: &Links) {
        let count = self.positions.len();
        self.first = vec![NONE; count];
        self.next = vec![NONE; count];
        // What is foreign may be a blob.
        let weigh = |state: &State| u32::from(matches!(state, State::Wanted | State::Foreign));
        self.weights = self.states.iter().map(weigh).collect();
        if links.forward {
            self.weigh_in_any_order(links);
        } else {
            for entry in (0..count).rev() {
                if let Some(weight) = self.weights.get(links.bases[entry] as usize) {
                    self.weights[links.bases[entry] as usize] = weight + self.weights[entry];
                }
            }
        }
        for entry in (0..count).rev() {
            let base = links.bases[entry] as usize;
            if self.weights[entry] == 0 {
                continue;
            }
            if base < count {
                self.next[entry] = std::mem::replace(&mut self.first[base], entry as u32);
            } else if matches!(self.states[entry], State::Blob | State::Wanted) {
                self.roots.push(entry as u32);
            }
        }
        self.roots.reverse();
    }

    /// Adds weights from the leaves to the roots.
    fn weigh_in_any_order(&mut self, links: &Links) {
        let mut children = vec![0_u32; links.bases.len()];
        for &base in &links.bases {
            if let Some(children) = children.get_mut(base as usize) {
                *children += 1;
            }
        }
        for leaf in 0..links.bases.len() {
            let mut at = leaf;
            // What has been counted is marked, so that it is not taken for a leaf again.
            while children[at] == 0 {
                children[at] = NONE;
                let base = links.bases[at] as usize;
                if base >= links.bases.len() {
                    break;
                }
                self.weights[base] += self.weights[at];
                children[base] -= 1;
                at = base;
            }
        }
    }
}

/// Offsets sorted by their first bits, which places nearly all of them: entries are of similar size.
struct Buckets {
    shift: u32,
    /// Where each bucket begins; while they are filled, where the next one goes.
    starts: Vec<u32>,
}

impl Buckets {
    fn new(end: u64, count: u32) -> Self {
        let average = end / u64::from(count.max(1)) + 1;
        let shift = average.next_power_of_two().trailing_zeros();
        Self { shift, starts: vec![0; (end >> shift) as usize + 3] }
    }

    /// Counts an offset, two buckets further than it is in: the one in between is for filling.
    fn count(&mut self, offset: u64) {
        self.starts[(offset >> self.shift) as usize + 2] += 1;
    }

    fn begin(&mut self) {
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
    }

    /// Where an offset goes. Once all are placed, each bucket begins where its number says.
    fn place(&mut self, offset: u64) -> usize {
        let start = &mut self.starts[(offset >> self.shift) as usize + 1];
        *start += 1;
        *start as usize - 1
    }

    fn sort(&self, offsets: &mut [u64], positions: &mut [u32]) {
        let mut pairs: Vec<(u64, u32)> = Vec::new();
        for bounds in self.starts.windows(2) {
            let range = bounds[0] as usize..bounds[1] as usize;
            if range.len() < 2 {
                continue;
            }
            let (offsets, positions) = (&mut offsets[range.clone()], &mut positions[range]);
            pairs.clear();
            pairs.extend(offsets.iter().copied().zip(positions.iter().copied()));
            pairs.sort_unstable();
            for (at, &(offset, position)) in pairs.iter().enumerate() {
                (offsets[at], positions[at]) = (offset, position);
            }
        }
    }

    /// The entry at an offset.
    fn find(&self, offset: u64, offsets: &[u64]) -> Option<u32> {
        let bucket = usize::try_from(offset >> self.shift).ok()?;
        let (start, end) = (*self.starts.get(bucket)?, *self.starts.get(bucket + 1)?);
        let at = offsets[start as usize..end as usize].binary_search(&offset).ok()?;
        Some(start + at as u32)
    }
}
