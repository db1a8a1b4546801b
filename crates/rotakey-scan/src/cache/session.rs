//! One repository against a cache: what of it is known, and what to add when the rest was scanned.
//!
//! ```text
//! begin(packs, loose) -> known ... scanned, pack_was_read ... -> finish(findings, unread)
//! ```
//!
//! Nothing of this depends on how a repository is read. Whoever walks it asks [`Known::contains`] for each blob, and
//! says of each one it has scanned that it did. What the walk does not say was scanned is not added.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::id_set::IdSet;
use super::{CacheError, CachedFinding, Entry, Outcome, Run, ScanCache, Unit};
use crate::coverage::{Reason, Unread};
use crate::finding::Finding;
use crate::object_id::ObjectId;

/// How many units a cache is asked for, or told, at a time.
pub const BATCH: usize = 10_000;

/// How many questions are under way at a time: a server far away answers some while others travel.
const AT_ONCE: usize = 4;

/// A pack of the repository, as its index tells of it.
pub trait Pack: Send + Sync {
    /// The checksum at its end.
    fn checksum(&self) -> ObjectId;

    /// The ids of its blobs. Other objects' ids may be among them where it costs much to tell; each costs a question.
    /// Asked for only if the pack is not known.
    fn blobs(&self) -> Box<dyn Iterator<Item = ObjectId> + Send + '_>;

    /// Whether an object is in it.
    fn contains(&self, id: &ObjectId) -> bool;
}

/// What of a repository need not be scanned.
#[derive(Debug, Default)]
pub struct Known {
    packs: BTreeSet<ObjectId>,
    /// Of packs that are not known, and loose ones.
    blobs: IdSet,
    /// How many blobs the known packs have.
    blobs_of_packs: u64,
    findings: Vec<CachedFinding>,
}

/// A repository that is being scanned with a cache. The walk's threads share it.
pub struct Session<'a> {
    run: Run,
    packs: &'a [&'a dyn Pack],
    loose: IdSet,
    known: Known,
    walked: Mutex<Walked>,
}

/// What the walk said.
#[derive(Default)]
struct Walked {
    blobs: Vec<ObjectId>,
    /// How many blobs each has.
    packs: BTreeMap<ObjectId, u64>,
}

/// What came of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    /// Blobs that nobody had scanned before.
    pub blobs: u64,
    /// Packs, likewise.
    pub packs: u64,
}

impl Known {
    /// Whether all blobs of the pack with this checksum are known: it need not be walked.
    pub fn has_pack(&self, checksum: &ObjectId) -> bool {
        self.packs.contains(checksum)
    }

    /// Whether a blob of a pack that is not known, or a loose one, need not be scanned.
    pub fn contains(&self, blob: &ObjectId) -> bool {
        self.blobs.contains(blob)
    }

    /// How many blobs are known. Those that are in several packs count several times.
    pub fn count(&self) -> u64 {
        self.blobs_of_packs + self.blobs.len() as u64
    }

    /// What was found in known blobs, in those that are in several packs once.
    ///
    /// # Errors
    /// [`CacheError::Damaged`]: scan without the cache.
    pub fn findings(&self) -> Result<Vec<Finding>, CacheError> {
        let finding = |cached: &CachedFinding| {
            cached.finding().map_err(|error| CacheError::Damaged {
                location: format!("what the cache has of blob {}", cached.blob()),
                message: error.to_string(),
            })
        };
        self.findings.iter().map(finding).collect()
    }
}

impl<'a> Session<'a> {
    /// Asks what is known. With `values`, blobs in which something was found count as unknown: a cache has no values, so
    /// whoever needs them must scan.
    pub async fn begin(
        cache: &dyn ScanCache,
        run: Run,
        packs: &'a [&'a dyn Pack],
        loose: &[ObjectId],
        values: bool,
    ) -> Result<Self, CacheError> {
        let mut asking = Asking { cache, run, values, findings: BTreeSet::new() };
        let mut known = Known::default();
        let checksums: BTreeSet<Unit> = packs.iter().map(|pack| Unit::Pack(pack.checksum())).collect();
        for (unit, blobs) in asking.look_up(checksums.into_iter()).await? {
            known.packs.insert(*unit.id());
            known.blobs_of_packs += blobs;
        }
        let unknown = packs.iter().filter(|pack| !known.packs.contains(&pack.checksum()));
        let mut ask = IdSet::default();
        for id in unknown.flat_map(|pack| pack.blobs()).chain(loose.iter().copied()) {
            ask.push(&id);
        }
        ask.sort();
        for (unit, _) in asking.look_up(ask.iter().map(Unit::Blob)).await? {
            known.blobs.push(unit.id());
        }
        known.blobs.sort();
        known.findings = asking.findings.into_iter().collect();
        let loose = loose.iter().copied().collect();
        Ok(Self { run, packs, loose, known, walked: Mutex::default() })
    }

    /// What need not be scanned.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// Says that these blobs were read and scanned. Best told many at a time, by a thread when it is done with them.
    pub fn scanned(&self, blobs: impl IntoIterator<Item = ObjectId>) {
        self.walked().blobs.extend(blobs);
    }

    /// Says that a pack was walked to its end: that of its blobs each is known, was scanned, or is told of as unread.
    pub fn pack_was_read(&self, checksum: ObjectId, blobs: u64) {
        self.walked().packs.insert(checksum, blobs);
    }

    /// What there is to add. `findings` are all that the scan has of these blobs, whatever a person wants to see of them,
    /// before paths are put into them; those of other repositories may be among them. `unread` is all that could not be
    /// read in this repository. What in it names an object, as `blob 1234…`, spoils that object; the end of a shallow
    /// history spoils nothing; anything else spoils all, since it cannot be told what it is in.
    pub fn entries(self, findings: &[Finding], unread: &[Unread]) -> Vec<Entry> {
        let walked = self.walked.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut spoilt = BTreeSet::new();
        for unread in unread.iter().filter(|unread| unread.reason != Reason::Shallow) {
            match object_in(&unread.place) {
                Some(id) => spoilt.insert(id),
                None => return Vec::new(),
            };
        }
        let mut found: BTreeMap<ObjectId, BTreeSet<CachedFinding>> = BTreeMap::new();
        for finding in self.known.findings {
            found.entry(finding.blob()).or_default().insert(finding);
        }
        for finding in findings {
            match (CachedFinding::of(finding), finding.blob) {
                (Some(cached), _) => {
                    found.entry(cached.blob()).or_default().insert(cached);
                }
                (None, Some(blob)) => {
                    spoilt.insert(blob);
                }
                (None, None) => {}
            }
        }
        let mut entries = Vec::new();
        let blobs: IdSet = walked.blobs.into_iter().collect();
        for id in blobs.iter().filter(|id| !spoilt.contains(id)) {
            let findings = found.get(&id).into_iter().flatten().cloned().collect();
            entries.push(Entry { unit: Unit::Blob(id), outcome: Outcome { blobs: 1, findings } });
        }
        // A pack that holds what its index does not name would be known without that.
        let is_named =
            |id: &ObjectId| self.loose.contains(id) || self.packs.iter().any(|pack| pack.contains(id));
        if !blobs.iter().all(|id| is_named(&id)) {
            return entries;
        }
        for pack in self.packs {
            let checksum = pack.checksum();
            let Some(&blobs) = walked.packs.get(&checksum) else { continue };
            if self.known.packs.contains(&checksum) || spoilt.iter().any(|id| pack.contains(id)) {
                continue;
            }
            let within = found.iter().filter(|(id, _)| pack.contains(id));
            let findings = within.flat_map(|(_, findings)| findings.iter().cloned()).collect();
            entries.push(Entry { unit: Unit::Pack(checksum), outcome: Outcome { blobs, findings } });
        }
        entries
    }

    /// Adds what [`entries`](Self::entries) says.
    pub async fn finish(
        self,
        cache: &dyn ScanCache,
        findings: &[Finding],
        unread: &[Unread],
    ) -> Result<Added, CacheError> {
        let run = self.run;
        let entries = self.entries(findings, unread);
        // Packs come last: whoever knows one knows its blobs.
        for entries in entries.chunks(BATCH) {
            cache.add(&run, entries).await?;
        }
        let packs = entries.iter().filter(|entry| matches!(entry.unit, Unit::Pack(_))).count() as u64;
        Ok(Added { blobs: entries.len() as u64 - packs, packs })
    }

    fn walked(&self) -> MutexGuard<'_, Walked> {
        self.walked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Questions to a cache, and what they have brought.
struct Asking<'c> {
    cache: &'c dyn ScanCache,
    run: Run,
    values: bool,
    findings: BTreeSet<CachedFinding>,
}

impl Asking<'_> {
    /// The units that are known, each with how many blobs it has.
    async fn look_up(
        &mut self,
        mut units: impl Iterator<Item = Unit> + Send,
    ) -> Result<Vec<(Unit, u64)>, CacheError> {
        let batches = std::iter::from_fn(|| {
            let batch: Vec<Unit> = units.by_ref().take(BATCH).collect();
            (!batch.is_empty()).then_some(batch)
        });
        let (cache, run) = (self.cache, self.run);
        let ask = |batch: Vec<Unit>| async move {
            let outcomes = cache.look_up(&run, &batch).await?;
            Ok((batch, outcomes))
        };
        let mut answers = stream::iter(batches).map(ask).buffered(AT_ONCE);
        let mut known = Vec::new();
        while let Some((batch, outcomes)) = answers.try_next().await? {
            for (unit, outcome) in batch.into_iter().zip(outcomes) {
                let Some(outcome) = outcome else { continue };
                if self.values && !outcome.findings.is_empty() {
                    continue;
                }
                known.push((unit, outcome.blobs));
                self.findings.extend(outcome.findings);
            }
        }
        Ok(known)
    }
}

/// The object that a place is, or is in, as [`Place`](crate::place::Place) writes it: `blob 1234…!a.zip!b`.
fn object_in(place: &str) -> Option<ObjectId> {
    let (kind, rest) = place.split_once(' ')?;
    if !["blob", "tree", "commit", "tag", "object"].contains(&kind) {
        return None;
    }
    let (id, _) = rest.split_once('!').unwrap_or((rest, ""));
    id.parse().ok()
}

#[cfg(test)]
mod tests;
