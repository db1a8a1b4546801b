//! A cache in an object store, or in a folder that several machines see: immutable *segments*, each named by the digest of
//! what is in it.
//!
//! All segments of the rules are read once, when somebody first asks: 20 bytes of memory for each blob. A run adds one
//! segment, and more only if it adds very many units. Nothing is ever overwritten, and nobody waits for anybody.
//!
//! Segments are of a *period* of [`USED`] days, the one in which their units were last used. What is asked for and known
//! only from an earlier period is written again with what is new; so to prune is to delete the segments of early periods.
//!
//! Whoever closes a cache and finds many small segments of a period writes one with all that they have, and deletes them
//! then. Several may do so at once: nothing is deleted before all that is in it is somewhere else. A reader that comes when
//! a segment has just gone lists them again.

mod segment;
mod shelf;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::fs::DirBuilder;
use std::sync::Arc;

use async_trait::async_trait;
use futures::lock::Mutex;
use futures::stream::TryStreamExt as _;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;

use self::segment::{Pending, Segment, clean};
use self::shelf::{Listed, Name, Shelf};
use super::id_set::IdSet;
use super::{CacheError, Entry, Outcome, RulesVersion, Run, ScanCache, Stats, USED, Unit};

/// How many units wait in memory at most before they are written.
const WAITING: usize = 250_000;

/// So many small segments of a period are put together.
const MANY: usize = 16;

/// A segment that is smaller is a small one. In bytes.
const SMALL: u64 = 32 << 20;

/// How large a segment becomes by being put together, at most. In bytes.
const LARGE: u64 = 256 << 20;

/// How often segments may go while they are read.
const PATIENCE: usize = 10;

/// A cache in an object store.
#[derive(Debug)]
pub struct ObjectCache {
    shelf: Shelf,
    loaded: Mutex<BTreeMap<RulesVersion, Loaded>>,
}

/// All that is known by one set of rules.
#[derive(Debug, Default)]
struct Loaded {
    /// The segments that were read.
    segments: BTreeSet<Name>,
    /// Clean blobs by the period in which they were used.
    clean: BTreeMap<u32, Vec<IdSet>>,
    /// All else, with the last period in which it was used.
    others: BTreeMap<Unit, (Outcome, u32)>,
    /// What is still to be written, by period.
    pending: BTreeMap<u32, Pending>,
}

impl ObjectCache {
    /// The cache below that path of a store. `location` is what people are told of where it is, without a password.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Path, location: String) -> Self {
        Self { shelf: Shelf::new(store, prefix, location), loaded: Mutex::default() }
    }

    /// The cache in a folder, which is made (0700) if it is not there.
    ///
    /// # Errors
    /// [`CacheError::Unavailable`] if there can be no folder.
    pub fn in_folder(folder: &std::path::Path) -> Result<Self, CacheError> {
        let location: String = folder.to_string_lossy().escape_debug().collect();
        let failed = |message: String| CacheError::Unavailable { location: location.clone(), message };
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(folder).map_err(|error| failed(error.to_string()))?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| failed(error.to_string()))?;
        Ok(Self::new(Arc::new(store.with_fsync(true)), Path::default(), location))
    }

    /// Reads what there is by these rules, if that was not done before.
    async fn load<'l>(
        &self,
        all: &'l mut BTreeMap<RulesVersion, Loaded>,
        rules: RulesVersion,
    ) -> Result<&'l mut Loaded, CacheError> {
        Ok(match all.entry(rules) {
            btree_map::Entry::Occupied(loaded) => loaded.into_mut(),
            btree_map::Entry::Vacant(place) => place.insert(self.read(rules, |_| true).await?),
        })
    }

    /// Reads the segments of these rules that are wanted.
    async fn read(
        &self,
        rules: RulesVersion,
        wanted: impl Fn(&Listed) -> bool,
    ) -> Result<Loaded, CacheError> {
        let mut loaded = Loaded::default();
        for _ in 0..PATIENCE {
            let mut listed = self.shelf.list(Some(rules)).await?;
            listed.retain(|listed| wanted(listed) && !loaded.segments.contains(&listed.name));
            let mut segments = std::pin::pin!(self.shelf.read_all(listed));
            let mut all = true;
            while let Some((name, segment)) = segments.try_next().await? {
                match segment {
                    Some(segment) => loaded.take(name, segment),
                    None => all = false,
                }
            }
            if all {
                return Ok(loaded);
            }
        }
        Err(self.shelf.restless())
    }

    /// Writes what waits.
    async fn flush(&self, rules: RulesVersion, loaded: &mut Loaded) -> Result<(), CacheError> {
        while let Some((&period, pending)) = loaded.pending.first_key_value() {
            let segment = pending.segment();
            let name = self.shelf.write(rules, period, &segment).await?;
            // Only now: what could not be written still waits.
            loaded.pending.pop_first();
            loaded.take(name, segment);
        }
        Ok(())
    }

    async fn flush_all(&self, all: &mut BTreeMap<RulesVersion, Loaded>) -> Result<(), CacheError> {
        for (&rules, loaded) in all {
            self.flush(rules, loaded).await?;
        }
        Ok(())
    }

    /// Puts small segments together where there are many.
    async fn put_together(&self, rules: RulesVersion) -> Result<(), CacheError> {
        for group in to_put_together(&self.shelf.list(Some(rules)).await?) {
            let Some(period) = group.first().map(|listed| listed.name.period) else { continue };
            let (mut whole, mut parts) = (Segment::default(), Vec::new());
            let mut segments = std::pin::pin!(self.shelf.read_all(group));
            while let Some((name, segment)) = segments.try_next().await? {
                // Somebody else has put it together with others.
                let Some(segment) = segment else { continue };
                whole.add(segment);
                parts.push(name);
            }
            let written = self.shelf.write(rules, period, &whole).await?;
            // One of them may have had all that the others have: then it is what was written.
            for part in parts.iter().filter(|part| **part != written) {
                self.shelf.delete(part).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl ScanCache for ObjectCache {
    async fn look_up(&self, run: &Run, units: &[Unit]) -> Result<Vec<Option<Outcome>>, CacheError> {
        let mut all = self.loaded.lock().await;
        let loaded = self.load(&mut all, run.rules).await?;
        let period = period(run.day);
        Ok(units.iter().map(|unit| loaded.use_of(unit, period)).collect())
    }

    async fn add(&self, run: &Run, entries: &[Entry]) -> Result<(), CacheError> {
        let mut all = self.loaded.lock().await;
        let loaded = self.load(&mut all, run.rules).await?;
        let period = period(run.day);
        for Entry { unit, outcome } in entries {
            if loaded.get(unit).is_none() {
                loaded.pending.entry(period).or_default().insert(*unit, outcome);
            }
        }
        if loaded.pending.values().map(Pending::len).sum::<usize>() >= WAITING {
            self.flush(run.rules, loaded).await?;
        }
        Ok(())
    }

    async fn prune(&self, before: i64) -> Result<u64, CacheError> {
        let mut all = self.loaded.lock().await;
        self.flush_all(&mut all).await?;
        // Read again by the next question.
        all.clear();
        let is_early = |listed: &Listed| (i64::from(listed.name.period) + 1) * USED <= before;
        let listed = self.shelf.list(None).await?;
        let early: Vec<&Listed> = listed.iter().filter(|listed| is_early(listed)).collect();
        let rules: BTreeSet<RulesVersion> = early.iter().map(|listed| listed.name.rules).collect();
        let mut gone = 0;
        for rules in rules {
            let count = self.read(rules, |_| true).await?.count();
            let left = self.read(rules, |listed| !is_early(listed)).await?.count();
            gone += (count.blobs + count.packs).saturating_sub(left.blobs + left.packs);
        }
        for listed in early {
            self.shelf.delete(&listed.name).await?;
        }
        Ok(gone)
    }

    async fn stats(&self) -> Result<Stats, CacheError> {
        let mut all = self.loaded.lock().await;
        self.flush_all(&mut all).await?;
        drop(all);
        let listed = self.shelf.list(None).await?;
        let rules: BTreeSet<RulesVersion> = listed.iter().map(|listed| listed.name.rules).collect();
        let mut stats = Stats {
            rules: rules.len() as u64,
            bytes: listed.iter().map(|listed| listed.bytes).sum(),
            ..Stats::default()
        };
        for rules in rules {
            let count = self.read(rules, |_| true).await?.count();
            stats.blobs += count.blobs;
            stats.packs += count.packs;
            stats.with_findings += count.with_findings;
        }
        Ok(stats)
    }

    async fn close(self: Box<Self>) -> Result<(), CacheError> {
        let mut all = self.loaded.lock().await;
        self.flush_all(&mut all).await?;
        let rules: Vec<RulesVersion> = all.keys().copied().collect();
        // They are many bytes, and nobody asks any more.
        all.clear();
        for rules in rules {
            self.put_together(rules).await?;
        }
        Ok(())
    }
}

impl Loaded {
    /// Takes over what a segment has.
    fn take(&mut self, name: Name, segment: Segment) {
        for (unit, outcome) in segment.others {
            let (_, period) = self.others.entry(unit).or_insert((outcome, name.period));
            *period = name.period.max(*period);
        }
        if !segment.clean.is_empty() {
            self.clean.entry(name.period).or_default().push(segment.clean);
        }
        self.segments.insert(name);
    }

    /// What is known of a unit, and the last period in which it was used.
    fn get(&self, unit: &Unit) -> Option<(Outcome, u32)> {
        // What has findings comes first, in case that somebody says it has none.
        if let Some((outcome, period)) = self.others.get(unit) {
            return Some((outcome.clone(), *period));
        }
        if let Some((outcome, period)) =
            self.pending.iter().rev().find_map(|(period, pending)| Some((pending.get(unit)?, *period)))
        {
            return Some((outcome, period));
        }
        let Unit::Blob(id) = unit else { return None };
        let (period, _) =
            self.clean.iter().rev().find(|(_, sets)| sets.iter().any(|set| set.contains(id)))?;
        Some((clean(), *period))
    }

    /// What is known of a unit, which is used now.
    fn use_of(&mut self, unit: &Unit, now: u32) -> Option<Outcome> {
        let (outcome, period) = self.get(unit)?;
        if period < now {
            self.pending.entry(now).or_default().insert(*unit, &outcome);
            if let Some((_, period)) = self.others.get_mut(unit) {
                *period = now;
            }
        }
        Some(outcome)
    }

    fn count(&self) -> Stats {
        let blobs = self.clean.values().flatten().flat_map(IdSet::iter);
        let blobs = blobs.filter(|id| !self.others.contains_key(&Unit::Blob(*id)));
        let mut stats = Stats { blobs: blobs.collect::<IdSet>().len() as u64, ..Stats::default() };
        for (unit, (outcome, _)) in &self.others {
            match unit {
                Unit::Blob(_) => stats.blobs += 1,
                Unit::Pack(_) => stats.packs += 1,
            }
            stats.with_findings += u64::from(!outcome.findings.is_empty());
        }
        stats
    }
}

/// The period that a day is in.
fn period(day: i64) -> u32 {
    u32::try_from(day.div_euclid(USED)).unwrap_or(if day < 0 { 0 } else { u32::MAX })
}

/// Which small segments are put together: of each set of rules and period, if there are many, the smallest first and
/// never more than becomes too large.
fn to_put_together(listed: &[Listed]) -> Vec<Vec<Listed>> {
    let mut small: BTreeMap<(RulesVersion, u32), Vec<Listed>> = BTreeMap::new();
    for listed in listed.iter().filter(|listed| listed.bytes < SMALL) {
        small.entry((listed.name.rules, listed.name.period)).or_default().push(*listed);
    }
    small.retain(|_, segments| segments.len() >= MANY);
    let mut groups: Vec<Vec<Listed>> = small.into_values().collect();
    for group in &mut groups {
        group.sort_by_key(|listed| (listed.bytes, listed.name));
        let mut bytes = 0;
        group.retain(|listed| {
            bytes += listed.bytes;
            bytes <= LARGE
        });
    }
    groups
}
