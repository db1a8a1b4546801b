//! The use of the session keys that were minted from a key, directly or not.

use std::collections::{BTreeSet, HashMap};

use super::batch::Batch;
use super::usage::tally;
use crate::event_time::EventTime;
use crate::minted::Minted;
use crate::outcome::Outcome;
use crate::usage::schema::{SessionUse, Tally};

/// A key that was minted by another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Edge {
    pub parent: String,
    pub child: String,
}

impl Edge {
    /// `None` where no key signed the call.
    pub fn of(minted: &Minted) -> Option<Self> {
        Some(Self { parent: minted.parent.clone()?, child: minted.child.clone() })
    }
}

/// All calls of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in `KeyUsage`")]
pub struct Totals {
    pub calls: u64,
    pub denied_calls: u64,
    pub failed_calls: u64,
    pub throttled_calls: u64,
    pub first_at: Option<EventTime>,
    pub last_at: Option<EventTime>,
}

impl Totals {
    /// Of each key of a batch.
    pub fn of(batch: &Batch) -> HashMap<String, Self> {
        let mut totals: Vec<Self> = vec![Self::default(); batch.keys.len()];
        for one in &batch.uses {
            let error = batch.operations[one.place.operation as usize].error;
            totals[one.place.key as usize].add(&batch.names[error as usize], tally(one.day_use));
        }
        batch.keys.iter().cloned().zip(totals).collect()
    }

    /// Adds calls that ended in that error, or in none if it is empty.
    pub fn add(&mut self, error: &str, tally: Tally) {
        self.calls += tally.calls;
        match Outcome::of(Some(error).filter(|error| !error.is_empty())) {
            Outcome::Done => {}
            Outcome::Throttled => self.throttled_calls += tally.calls,
            Outcome::Denied => {
                self.denied_calls += tally.calls;
                self.failed_calls += tally.calls;
            }
            Outcome::Failed => self.failed_calls += tally.calls,
        }
        self.first_at = Some(self.first_at.map_or(tally.first_at, |first| first.min(tally.first_at)));
        self.last_at = self.last_at.max(Some(tally.last_at));
    }
}

/// The parent of each key. If several are said to have minted it, the first by name.
pub(super) fn parents(edges: &[Edge]) -> HashMap<&str, &str> {
    let mut parents: HashMap<&str, &str> = HashMap::new();
    for edge in edges {
        let parent = parents.entry(&edge.child).or_insert(&edge.parent);
        *parent = (*parent).min(&edge.parent);
    }
    parents
}

/// What the sessions of each of these keys did. Keys without sessions are left out. Made up records may go round in
/// circles: no key is its own session.
pub(super) fn sessions<'a>(
    keys: impl IntoIterator<Item = &'a str>,
    parents: &HashMap<&'a str, &'a str>,
    totals: &HashMap<String, Totals>,
) -> HashMap<&'a str, SessionUse> {
    let mut children: HashMap<&str, Vec<&str>> = HashMap::new();
    for (child, parent) in parents {
        children.entry(parent).or_default().push(child);
    }
    let mut found = HashMap::new();
    for key in keys {
        let mut descendants = BTreeSet::new();
        let mut ahead = vec![key];
        while let Some(parent) = ahead.pop() {
            for child in children.get(parent).into_iter().flatten() {
                if *child != key && descendants.insert(*child) {
                    ahead.push(child);
                }
            }
        }
        if !descendants.is_empty() {
            found.insert(key, sum(&descendants, totals));
        }
    }
    found
}

fn sum(descendants: &BTreeSet<&str>, totals: &HashMap<String, Totals>) -> SessionUse {
    let mut sum = SessionUse { keys: descendants.len() as u64, ..SessionUse::default() };
    for totals in descendants.iter().filter_map(|key| totals.get(*key)) {
        sum.calls += totals.calls;
        sum.denied_calls += totals.denied_calls;
        sum.failed_calls += totals.failed_calls;
        sum.throttled_calls += totals.throttled_calls;
        sum.first_at = [sum.first_at, totals.first_at].into_iter().flatten().min();
        sum.last_at = sum.last_at.max(totals.last_at);
    }
    sum
}
