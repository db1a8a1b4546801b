//! Which trees lead to what was found.

use super::collect::{CollectedTree, Collector, NO_PACK};
use super::key::{ByKey, Key};
use crate::object_id::ObjectId;

/// What leads nowhere.
pub(super) const NONE: u32 = u32::MAX;

/// So many folders deep they are looked for one level after the other. What is deeper is looked for with all trees at once.
const DEEP: usize = 24;

/// The trees that lead to wanted blobs. There are few of them among all, and so all lists are read from one end to the other,
/// once for each level of folders: to look up each tree in a table of all would take longer.
#[derive(Debug, Default)]
pub(super) struct Ways {
    /// By the key of its id, the class of a tree. The classes of all collectors are counted together.
    pub(super) tree_of: ByKey<u32>,
    /// For each folder of each collector, its tree, or none.
    pub(super) folders: Vec<Vec<u32>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unknown,
    Leads,
    Done,
}

impl Ways {
    /// `id` tells what is at a position of the index of a pack.
    pub(super) fn find(
        collectors: &[Collector<'_>],
        id: &dyn Fn(u32, u32) -> Option<ObjectId>,
        key: &Key,
    ) -> Self {
        let mut ways = Self::default();
        let mut states: Vec<Vec<State>> = collectors
            .iter()
            .map(|collector| {
                let mut states = vec![State::Unknown; collector.classes.len()];
                collector.found.iter().for_each(|(class, ..)| states[*class as usize] = State::Leads);
                states
            })
            .collect();
        for level in 0.. {
            let fresh = ways.take(collectors, &states, id, key);
            if fresh.is_empty() {
                break;
            }
            for (collector, states) in collectors.iter().zip(&mut states) {
                let leads: Vec<bool> =
                    collector.folders.iter().map(|folder| fresh.contains_key(&folder.key)).collect();
                for (class, state) in states.iter_mut().enumerate() {
                    *state = match state {
                        State::Leads | State::Done => State::Done,
                        State::Unknown if level >= DEEP => State::Leads,
                        State::Unknown => {
                            let mut edges = collector.edges(class as u32).iter();
                            if edges.any(|edge| leads[*edge as usize]) {
                                State::Leads
                            } else {
                                State::Unknown
                            }
                        }
                    };
                }
            }
        }
        let tree = |key: u64| ways.tree_of.get(&key).copied().unwrap_or(NONE);
        ways.folders = collectors
            .iter()
            .map(|collector| collector.folders.iter().map(|folder| tree(folder.key)).collect())
            .collect();
        ways
    }

    /// Takes the trees of classes that were just found to lead there, and gives back those that are new.
    fn take(
        &mut self,
        collectors: &[Collector<'_>],
        states: &[Vec<State>],
        id: &dyn Fn(u32, u32) -> Option<ObjectId>,
        key: &Key,
    ) -> ByKey<()> {
        let (mut fresh, mut first) = (ByKey::default(), 0);
        for (collector, states) in collectors.iter().zip(states) {
            for CollectedTree { pack, position, class } in &collector.trees {
                if states[*class as usize] != State::Leads {
                    continue;
                }
                let id = match *pack {
                    NO_PACK => Some(collector.ids[*position as usize]),
                    pack => id(pack, *position),
                };
                let Some(key) = id.map(|id| key.id(&id)) else { continue };
                self.tree_of.entry(key).or_insert_with(|| {
                    fresh.insert(key, ());
                    first + class
                });
            }
            first += collector.classes.len() as u32;
        }
        fresh
    }
}
