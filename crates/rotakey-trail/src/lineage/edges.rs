//! Pass 1: which keys descend from a key.

use std::collections::{HashMap, HashSet};

use super::key_set::{KeySet, Member};
use crate::answer::Answer;
use crate::fingerprint::fingerprint;
use crate::minted::{Created, Minted};
use crate::record::Record;

/// The most edges that are kept: 1.5 GiB.
const MOST_EDGES: usize = 64 << 20;

/// How far the derivation tree of a key reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Its sessions, and theirs.
    #[default]
    Sessions,
    /// Also the long-term keys that were created with any of them, and theirs.
    CreatedKeys,
}

/// All calls by which one key made another. Which of them matter is known at the end only, so each is kept in 24
/// bytes: the hashes of two key ids and a time. Calls of AWS services and of federated identities, by far the most,
/// are signed with no key and are not kept.
///
/// Should there be too many all the same, only the direct descendants of the roots are followed, and the
/// [`KeySet`] says so.
#[derive(Debug, Clone)]
pub struct Edges {
    reach: Reach,
    roots: HashSet<u64>,
    edges: Vec<Edge>,
    /// How many there may be until they are sorted and the doubled ones removed.
    compact_at: usize,
    most: usize,
    overflowed: bool,
}

/// Sorted by parent, child and time. The time comes last, so that of doubled edges the first is the earliest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    parent: u64,
    child: u64,
    at: u32,
}

impl Edges {
    /// No edges yet. The roots are the keys whose descendants will be asked for.
    pub fn new<'a>(roots: impl IntoIterator<Item = &'a str>, reach: Reach) -> Self {
        Self {
            reach,
            roots: roots.into_iter().map(hash).collect(),
            edges: Vec::new(),
            compact_at: 1 << 16,
            most: MOST_EDGES,
            overflowed: false,
        }
    }

    /// The root and everything that descends from it. Of several ways that lead to a key the shortest counts, of
    /// several shortest the earliest.
    pub fn descendants(&mut self, root: &str) -> KeySet {
        self.compact();
        let root_hash = hash(root);
        let mut members = HashMap::from([(
            root_hash,
            Member { key: root_hash, parent: root_hash, minted_at: 0, depth: 0 },
        )]);
        let mut frontier = vec![root_hash];
        for depth in 1.. {
            let mut found: Vec<Edge> = frontier
                .iter()
                .flat_map(|&parent| self.of_parent(parent))
                .filter(|edge| !members.contains_key(&edge.child))
                .copied()
                .collect();
            found.sort_unstable_by_key(|edge| (edge.child, edge.at, edge.parent));
            found.dedup_by_key(|edge| edge.child);
            if found.is_empty() {
                break;
            }
            frontier = found.iter().map(|edge| edge.child).collect();
            members.extend(found.into_iter().map(|Edge { parent, child, at }| {
                (child, Member { key: child, parent, minted_at: at, depth })
            }));
        }
        KeySet::new(root, members.into_values().collect(), self.overflowed)
    }

    fn of_parent(&self, parent: u64) -> &[Edge] {
        let start = self.edges.partition_point(|edge| edge.parent < parent);
        let length = self.edges[start..].partition_point(|edge| edge.parent == parent);
        &self.edges[start..start + length]
    }

    fn push(&mut self, edge: Edge) {
        if self.overflowed && !self.roots.contains(&edge.parent) {
            return;
        }
        self.edges.push(edge);
        if self.edges.len() >= self.compact_at {
            self.compact();
        }
    }

    fn compact(&mut self) {
        self.edges.sort_unstable();
        self.edges.dedup_by_key(|edge| (edge.parent, edge.child));
        if self.edges.len() > self.most && !self.overflowed {
            self.overflowed = true;
        }
        if self.overflowed {
            self.edges.retain(|edge| self.roots.contains(&edge.parent));
        }
        let room = self.edges.len().min(self.most / 4).max(1 << 16);
        self.compact_at = self.edges.len() + room;
    }
}

impl Answer for Edges {
    fn take(&mut self, records: &[Record<'_>]) {
        for record in records {
            let Some(parent) = record.identity.access_key_id else { continue };
            let child = match self.reach {
                _ if record.response.is_none() => None,
                Reach::CreatedKeys if record.event_name == "CreateAccessKey" => {
                    Created::of(record).map(|created| hash(&created.child))
                }
                _ => Minted::child(record).map(|child| hash(&child)),
            };
            if let Some(child) = child {
                self.push(Edge { parent: hash(parent), child, at: seconds(record) });
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.overflowed |= other.overflowed;
        self.edges.extend(other.edges);
        self.compact();
    }
}

/// The time of the record in 32 bits, which last until 2106.
fn seconds(record: &Record<'_>) -> u32 {
    u32::try_from(record.time.seconds()).unwrap_or(u32::MAX)
}

/// The hash of a key id. Among ten million keys two of the same hash are a chance of one in 300,000.
pub(super) fn hash(key: &str) -> u64 {
    fingerprint(key.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edges(most: usize, pairs: &[(u8, u8, u32)]) -> Edges {
        let mut edges = Edges { most, ..Edges::new(["0"], Reach::Sessions) };
        for &(parent, child, at) in pairs {
            let (parent, child) = (hash(&parent.to_string()), hash(&child.to_string()));
            edges.push(Edge { parent, child, at });
        }
        edges
    }

    fn members(edges: &mut Edges) -> Vec<u8> {
        let set = edges.descendants("0");
        (0..=u8::MAX).filter(|key| set.contains(&key.to_string())).collect()
    }

    #[test]
    fn cycles_end_and_each_key_has_one_parent() {
        let mut edges =
            edges(99, &[(0, 1, 5), (1, 2, 6), (2, 1, 1), (2, 0, 7), (1, 1, 1), (0, 2, 9), (8, 9, 1)]);
        assert_eq!(members(&mut edges), [0, 1, 2]);
        let set = edges.descendants("0");
        assert_eq!((set.depth("1"), set.depth("2"), set.depth("9")), (Some(1), Some(1), None));
    }

    #[test]
    fn too_many_edges_leave_the_direct_descendants_and_say_so() {
        let mut edges = edges(2, &[(0, 1, 1), (1, 2, 1), (2, 3, 1), (0, 4, 1)]);
        assert_eq!(members(&mut edges), [0, 1, 4]);
        assert!(edges.descendants("0").is_cut());
    }

    proptest! {
        #[test]
        fn any_order_split_and_repetition_give_the_same_set(
            pairs in prop::collection::vec((0_u8..8, 0_u8..8, 0_u32..4), 0..30).prop_shuffle(),
            split in 0_usize..30,
            most in 4_usize..30,
        ) {
            let mut sorted = pairs.clone();
            sorted.sort_unstable();
            let mut at_once = edges(most, &sorted);
            let mut merged = edges(most, &pairs[split.min(pairs.len())..]);
            merged.merge(edges(most, &pairs[..split.min(pairs.len())]));
            merged.merge(edges(most, &pairs));
            prop_assert_eq!(merged.descendants("0"), at_once.descendants("0"));
        }
    }
}
