//! Every blob of a store, reachable or not, each once.
//!
//! A pack holds a forest: objects that are whole, deltas against them, deltas against those. It is read tree by tree, so
//! that each base is inflated once and is at hand for all that build on it, and no more than a few are held at a time.
//! What is searched is what a delta brings: where the base holds nothing, only what is new and what is around its seams
//! can. A blob that nothing builds on and that brings nothing is then never put together.

mod damaged;
mod duplicates;
mod family;
mod follow;
mod forest;
mod loose;
mod notes;
mod work;

use std::num::NonZeroUsize;
use std::sync::Mutex;

use super::kind::Kinds;
use super::pack::Pack;
use super::store::ObjectStore;
use super::unindexed;
use crate::coverage::Unread;
use crate::object_id::ObjectId;
use damaged::Failure;
use duplicates::Duplicates;
use family::Worker;
use forest::{Forest, NONE};
pub use notes::{Change, Named, Notes, Visit};
use work::Work;

/// What looks for something in blobs. Several threads call it at the same time.
pub trait Search: Sync {
    /// How far around a place [`Search::screen`] looks, in bytes.
    fn window(&self) -> usize;

    /// Whether there can be anything here. Whether a place makes it `true` must depend on nothing but [`Search::window`] bytes
    /// before and behind that place, and on whether the content begins or ends there.
    fn screen(&self, content: &[u8]) -> bool;

    /// Whether that holds for this content. Where it does not, as where something depends on whether a byte is at an even place,
    /// all that builds on the content is searched as a whole.
    fn is_local(&self, _content: &[u8]) -> bool {
        true
    }

    /// Whether a blob that begins so is to be looked into in any case, since it is an archive or packed otherwise. It is
    /// given the first [`HEAD`] bytes, or all if there are fewer.
    fn opens(&self, _head: &[u8]) -> bool {
        false
    }

    /// A blob for which one of the two is `true`.
    fn blob(&self, id: &ObjectId, content: &[u8]);

    /// A blob for which neither is.
    fn clean(&self, _id: &ObjectId, _size: u64) {}

    /// A pack whose blobs, of which there are so many, all were searched or are known: now, or when an earlier pack was
    /// read that has them too. Those that could not be read are told as unread, each by its id.
    fn pack(&self, _checksum: &ObjectId, _blobs: u64) {}

    /// Who goes along with one worker of [`walk_commits_and_trees`]: it is called instead of [`Search::blob`] for what is in
    /// packs.
    fn visitor(&self) -> Option<Box<dyn Visit + '_>> {
        None
    }

    /// Something that could not be read.
    fn unread(&self, unread: Unread);
}

/// How much of a blob [`Search::opens`] sees.
pub const HEAD: usize = 512;

/// Which blobs were searched before.
pub trait Known: Sync {
    /// Whether all blobs of the pack with this check sum were. They are then not counted, nor asked for.
    fn knows_pack(&self, _checksum: &ObjectId) -> bool {
        false
    }

    /// Whether this one was. It is asked once for each blob of a walk, so that it can also note that it was asked.
    fn knows(&self, id: &ObjectId) -> bool;
}

/// Knows no blob.
#[derive(Debug, Clone, Copy)]
pub struct NothingKnown;

impl Known for NothingKnown {
    fn knows(&self, _id: &ObjectId) -> bool {
        false
    }
}

/// What a walk went through.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Walked {
    /// Blobs that were searched.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs that were known.
    pub cached: u64,
    /// How many bytes were really looked at.
    pub screened: u64,
}

impl Walked {
    fn add(&mut self, other: Self) {
        self.blobs += other.blobs;
        self.bytes += other.bytes;
        self.cached += other.cached;
        self.screened += other.screened;
    }
}

/// How much a worker holds of objects that others build on, in bytes. Beyond it they are let go and made again.
const HELD: usize = 64 << 20;

/// Searches every blob that is not known, and tells what could not be read. What could not be opened is in
/// [`ObjectStore::problems`] only.
pub fn walk(store: &ObjectStore, workers: NonZeroUsize, known: &dyn Known, search: &dyn Search) -> Walked {
    walk_holding(store, workers, HELD, known, search)
}

pub(super) fn walk_holding(
    store: &ObjectStore,
    workers: NonZeroUsize,
    held: usize,
    known: &dyn Known,
    search: &dyn Search,
) -> Walked {
    Task { store, workers, held, known, search, kinds: Kinds::Blobs, large: Mutex::new(()) }.walk()
}

/// Hands all commits and trees to a search, with which it does not matter what it screens or opens. A commit begins with `tree `,
/// which no tree does.
pub fn walk_commits_and_trees(store: &ObjectStore, workers: NonZeroUsize, search: &dyn Search) -> Walked {
    let kinds = Kinds::CommitsAndTrees;
    Task { store, workers, held: HELD, known: &NothingKnown, search, kinds, large: Mutex::new(()) }.walk()
}

/// The ids of a pack's blobs; of all its objects, if its index cannot be true.
pub(super) fn blobs(pack: &Pack) -> Vec<ObjectId> {
    match Forest::new(0, pack, &pack.index, &Duplicates::none(), &NothingKnown, Kinds::Blobs) {
        Some(forest) => forest.wanted().collect(),
        None => (0..pack.index.count()).map(|position| pack.index.object(position)).collect(),
    }
}

/// What all parts of a walk need.
struct Task<'a> {
    store: &'a ObjectStore,
    workers: NonZeroUsize,
    held: usize,
    known: &'a dyn Known,
    search: &'a dyn Search,
    kinds: Kinds,
    /// Who has something large.
    large: Mutex<()>,
}

impl Task<'_> {
    fn walk(&self) -> Walked {
        let duplicates = Duplicates::find(self.store.packs());
        let mut walked = Walked::default();
        let mut failures = Vec::new();
        for (number, pack) in self.store.packs().iter().enumerate() {
            if !self.known.knows_pack(&pack.checksum()) {
                walked.add(self.pack(number, pack, &duplicates, &mut failures));
            }
        }
        walked.add(loose::walk(self));
        walked.add(damaged::read_other_copies(self, failures));
        walked
    }

    fn pack(
        &self,
        number: usize,
        pack: &Pack,
        duplicates: &Duplicates,
        failures: &mut Vec<Failure>,
    ) -> Walked {
        pack.data().prepare();
        let (remade, none);
        let mut duplicates = duplicates;
        let forest = match Forest::new(number, pack, &pack.index, duplicates, self.known, self.kinds) {
            Some(forest) => forest,
            None => {
                let (index, problems) = unindexed::index(pack.data(), &pack.name, self.store);
                problems.into_iter().for_each(|unread| self.search.unread(unread));
                (remade, none) = (index, Duplicates::none());
                duplicates = &none;
                match Forest::new(number, pack, &remade, duplicates, self.known, self.kinds) {
                    Some(forest) => forest,
                    // A made index names each place once.
                    None => return Walked::default(),
                }
            }
        };
        let mut walked = Walked { cached: forest.cached, ..Walked::default() };
        failures.extend_from_slice(&forest.failures);
        let work = Work::new(&forest, self.workers);
        let (forest, work) = (&forest, &work);
        let run = move || Worker::new(self, forest, duplicates, work).run();
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..work.workers()).map(|_| scope.spawn(run)).collect();
            let mut ends = vec![run()];
            ends.extend(others.into_iter().map(|other| match other.join() {
                Ok(end) => end,
                Err(panic) => std::panic::resume_unwind(panic),
            }));
            for (part, failed) in ends {
                walked.add(part);
                failures.extend(failed);
            }
        });
        if forest.foreign.is_empty() {
            self.search.pack(&pack.checksum(), forest.blobs);
        }
        walked
    }

    /// Searches a blob that is there as a whole.
    fn search_whole(&self, id: &ObjectId, content: &[u8]) -> Walked {
        let search = self.search;
        if search.screen(content) || search.opens(&content[..content.len().min(HEAD)]) {
            search.blob(id, content);
        } else {
            search.clean(id, content.len() as u64);
        }
        let bytes = content.len() as u64;
        Walked { blobs: 1, bytes, cached: 0, screened: bytes }
    }
}
