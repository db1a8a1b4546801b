//! A cache for as long as the process runs: for forks that are scanned in one run, and for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{CacheError, Entry, Outcome, RulesVersion, Run, ScanCache, Stats, USED, Unit};

/// A cache in memory. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct MemoryCache(Arc<Mutex<BTreeMap<(RulesVersion, Unit), Kept>>>);

#[derive(Debug)]
struct Kept {
    outcome: Outcome,
    used: i64,
}

impl MemoryCache {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<(RulesVersion, Unit), Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ScanCache for MemoryCache {
    async fn look_up(&self, run: &Run, units: &[Unit]) -> Result<Vec<Option<Outcome>>, CacheError> {
        let mut all = self.kept();
        let mut known = |unit: &Unit| {
            let kept = all.get_mut(&(run.rules, *unit))?;
            kept.used = kept.used.max(run.day);
            Some(kept.outcome.clone())
        };
        Ok(units.iter().map(&mut known).collect())
    }

    async fn add(&self, run: &Run, entries: &[Entry]) -> Result<(), CacheError> {
        let mut all = self.kept();
        for Entry { unit, outcome } in entries {
            all.entry((run.rules, *unit)).or_insert_with(|| Kept { outcome: outcome.clone(), used: run.day });
        }
        Ok(())
    }

    async fn prune(&self, before: i64) -> Result<u64, CacheError> {
        let mut all = self.kept();
        let count = all.len();
        all.retain(|_, kept| kept.used >= before - USED);
        Ok((count - all.len()) as u64)
    }

    async fn stats(&self) -> Result<Stats, CacheError> {
        let all = self.kept();
        let mut stats = Stats::default();
        let mut last = None;
        for ((rules, unit), kept) in &*all {
            stats.rules += u64::from(last.replace(*rules) != Some(*rules));
            match unit {
                Unit::Blob(_) => stats.blobs += 1,
                Unit::Pack(_) => stats.packs += 1,
            }
            stats.with_findings += u64::from(!kept.outcome.findings.is_empty());
        }
        Ok(stats)
    }

    async fn close(self: Box<Self>) -> Result<(), CacheError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::conformance::{self, Harness, Place};

    struct Memory;

    #[async_trait]
    impl Harness for Memory {
        async fn empty(&self) -> Box<dyn Place> {
            Box::new(MemoryCache::default())
        }
    }

    #[async_trait]
    impl Place for MemoryCache {
        async fn open(&self) -> Box<dyn ScanCache> {
            Box::new(self.clone())
        }
    }

    #[tokio::test]
    async fn memory_keeps_the_contract_of_caches() {
        conformance::check_all(&Memory).await;
    }
}
