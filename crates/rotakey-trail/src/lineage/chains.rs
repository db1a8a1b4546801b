//! The way from a key to each of its descendants, by name.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::KeySet;
use super::edges::hash;

/// The names of the keys that minted others, as far as they were read. The many sessions that minted none cost
/// nothing.
#[derive(Debug, Clone)]
pub(crate) struct Chains {
    set: Arc<KeySet>,
    parents: Arc<HashSet<u64>>,
    names: HashMap<u64, String>,
}

impl Chains {
    /// No names yet.
    pub(crate) fn new(set: Arc<KeySet>) -> Self {
        Self { parents: Arc::new(set.parents()), names: HashMap::new(), set }
    }

    /// No names yet, of the same set.
    pub(crate) fn fresh(&self) -> Self {
        Self { set: Arc::clone(&self.set), parents: Arc::clone(&self.parents), names: HashMap::new() }
    }

    pub(crate) fn set(&self) -> &KeySet {
        &self.set
    }

    /// Takes note of a key of the set that was read.
    pub(crate) fn note(&mut self, key: &str) {
        let hash = hash(key);
        if self.parents.contains(&hash) && !self.names.contains_key(&hash) {
            self.names.insert(hash, key.to_owned());
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.names.extend(other.names);
    }

    /// The keys from the root to the one that minted this one; none for the root.
    pub(crate) fn of(&self, key: &str) -> Vec<String> {
        let mut chain = Vec::new();
        let mut next = self.set.member(hash(key));
        while let Some(member) = next.filter(|member| member.depth > 0) {
            chain.push(self.names.get(&member.parent).cloned().unwrap_or_else(|| "?".to_owned()));
            next = self.set.member(member.parent);
        }
        chain.reverse();
        chain
    }
}
