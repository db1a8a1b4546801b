//! From what was collected to the commits that brought blobs in.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use super::collect::Collector;
use super::key::{ByKey, Key};
use super::sets::{Pair, Set, Sets};
use super::ways::{NONE, Ways};
use super::{EachCommitAndTree, Located, Reach, Tips};
use crate::git::commit::Signature;
use crate::git::read::ReadObjects;
use crate::git::revision::peel;
use crate::object_id::ObjectId;

/// All commits and trees.
pub(super) struct Graph<'a> {
    collectors: Vec<Collector<'a>>,
    ways: Ways,
    /// Which collector has a class, and where.
    classes: Vec<(u32, u32)>,
    commits: Vec<Commit>,
    commit_of: ByKey<u32>,
}

struct Commit {
    id: ObjectId,
    tree: u32,
    seconds: i64,
    parents: Vec<u32>,
}

impl<'a> Graph<'a> {
    pub(super) fn new(collectors: Vec<Collector<'a>>, each: &impl EachCommitAndTree, key: &Key) -> Self {
        let ways = Ways::find(&collectors, &|pack, position| each.id(pack, position), key);
        let classes = collectors.iter().enumerate().flat_map(|(number, collector)| {
            (0..collector.classes.len() as u32).map(move |class| (number as u32, class))
        });
        let classes = classes.collect();
        Self { commits: Vec::new(), commit_of: ByKey::default(), ways, collectors, classes }
    }

    /// The blobs that were found and the places at which they are, the earliest first.
    pub(super) fn introduced(
        &mut self,
        tips: &Tips,
        key: &Key,
        objects: &mut impl ReadObjects,
    ) -> Vec<(u32, Located)> {
        if self.collectors.iter().all(|collector| collector.found.is_empty()) {
            return Vec::new();
        }
        self.commits(key);
        let mut sets = Sets::new();
        let of_tree = self.sets_of_trees(&mut sets);
        let set = |commit: u32| match self.commits[commit as usize].tree {
            NONE => Set::EMPTY,
            tree => of_tree[tree as usize].unwrap_or(Set::EMPTY),
        };
        let order = self.order();
        let reach = self.reach(tips, key, objects);
        let mut first: BTreeMap<Pair, (Reach, usize, u32)> = BTreeMap::new();
        for (place, commit) in order.iter().enumerate() {
            let own = set(*commit);
            let parents = &self.commits[*commit as usize].parents;
            if own == Set::EMPTY || parents.iter().any(|parent| set(*parent) == own) {
                continue;
            }
            let before: Vec<&[Pair]> = parents.iter().map(|parent| sets.pairs(set(*parent))).collect();
            let reach = reach[*commit as usize];
            for pair in sets.pairs(own) {
                if before.iter().any(|before| before.binary_search(pair).is_ok()) {
                    continue;
                }
                let entry = first.entry(*pair).or_insert((reach, place, 0));
                entry.2 += 1;
                if (reach, place) < (entry.0, entry.1) {
                    (entry.0, entry.1) = (reach, place);
                }
            }
        }
        let head = tips.head.and_then(|head| self.commit_of.get(&key.id(&head)));
        let in_head = head.map(|head| sets.pairs(set(*head))).unwrap_or_default();
        let mut places: Vec<(Reach, usize, Pair, u32)> =
            first.into_iter().map(|(pair, (reach, place, times))| (reach, place, pair, times)).collect();
        places.sort_unstable();
        places
            .into_iter()
            .map(|(reach, place, pair, times)| {
                let (blob, path) = sets.tell(pair);
                let commit = self.commits[order[place] as usize].id;
                let in_head = in_head.binary_search(&pair).is_ok();
                (
                    blob,
                    Located { path, commit, reach, again: times - 1, in_head, author: Signature::default() },
                )
            })
            .collect()
    }

    fn commits(&mut self, key: &Key) {
        let count = self.collectors.iter().map(|collector| collector.commits.len()).sum();
        let mut commit_of = ByKey::with_capacity_and_hasher(count, Default::default());
        let mut commits: Vec<Commit> = Vec::with_capacity(count);
        let mut parents_of = Vec::with_capacity(count);
        for collector in &self.collectors {
            let mut parents = collector.parents.as_slice();
            for commit in &collector.commits {
                let (own, rest) = parents.split_at(commit.parents as usize);
                parents = rest;
                commit_of.entry(key.id(&commit.id)).or_insert_with(|| {
                    let tree = self.ways.tree_of.get(&commit.tree).copied().unwrap_or(NONE);
                    commits.push(Commit {
                        id: commit.id,
                        tree,
                        seconds: commit.seconds,
                        parents: Vec::new(),
                    });
                    parents_of.push(own);
                    commits.len() as u32 - 1
                });
            }
        }
        for (commit, own) in commits.iter_mut().zip(parents_of) {
            commit.parents = own.iter().filter_map(|parent| commit_of.get(parent).copied()).collect();
        }
        (self.commits, self.commit_of) = (commits, commit_of);
    }

    /// For each tree that a commit leads to, which blobs are where in it.
    fn sets_of_trees(&self, sets: &mut Sets) -> Vec<Option<Set>> {
        let mut of_tree: Vec<Option<Set>> = vec![None; self.classes.len()];
        let mut found: HashMap<(u32, u32), Vec<Set>> = HashMap::new();
        for (number, collector) in self.collectors.iter().enumerate() {
            for (tree, blob, name) in &collector.found {
                let set = sets.one(*blob, collector.name(*name));
                found.entry((number as u32, *tree)).or_default().push(set);
            }
        }
        // A tree is on the way while its folders are looked at. It cannot hold itself, unless somebody broke SHA-1.
        let mut open: Vec<(u32, bool)> = Vec::new();
        for commit in self.commits.iter().filter(|commit| commit.tree != NONE) {
            open.push((commit.tree, false));
            while let Some((tree, folders_done)) = open.pop() {
                if of_tree[tree as usize].is_some() && !folders_done {
                    continue;
                }
                let (number, at) = self.classes[tree as usize];
                let (collector, folders) =
                    (&self.collectors[number as usize], &self.ways.folders[number as usize]);
                let edges = collector.edges(at);
                if !folders_done {
                    of_tree[tree as usize] = Some(Set::EMPTY);
                    let before = open.len();
                    open.push((tree, true));
                    open.extend(
                        edges
                            .iter()
                            .map(|edge| folders[*edge as usize])
                            .filter(|folder| *folder != NONE && of_tree[*folder as usize].is_none())
                            .map(|folder| (folder, false)),
                    );
                    if open.len() > before + 1 {
                        continue;
                    }
                    open.pop();
                }
                let mut parts = found.get(&(number, at)).cloned().unwrap_or_default();
                for edge in edges {
                    let folder = folders[*edge as usize];
                    if folder != NONE
                        && let Some(set) = of_tree[folder as usize].filter(|set| *set != Set::EMPTY)
                    {
                        let name = collector.name(collector.folders[*edge as usize].name);
                        parts.push(sets.below(name, set));
                    }
                }
                of_tree[tree as usize] = Some(sets.union(parts));
            }
        }
        of_tree
    }

    /// All commits, each behind its parents, and otherwise by date.
    fn order(&self) -> Vec<u32> {
        let mut children: Vec<Vec<u32>> = self.commits.iter().map(|_| Vec::new()).collect();
        let mut waiting: Vec<u32> = self.commits.iter().map(|commit| commit.parents.len() as u32).collect();
        for (number, commit) in self.commits.iter().enumerate() {
            for parent in &commit.parents {
                children[*parent as usize].push(number as u32);
            }
        }
        let entry = |number: u32| {
            let commit = &self.commits[number as usize];
            Reverse((commit.seconds, commit.id, number))
        };
        let mut ready: BinaryHeap<_> = (0..self.commits.len() as u32)
            .filter(|number| waiting[*number as usize] == 0)
            .map(entry)
            .collect();
        let mut order = Vec::with_capacity(self.commits.len());
        while let Some(Reverse((_, _, number))) = ready.pop() {
            order.push(number);
            for child in &children[number as usize] {
                waiting[*child as usize] -= 1;
                if waiting[*child as usize] == 0 {
                    ready.push(entry(*child));
                }
            }
        }
        order
    }

    fn reach(&self, tips: &Tips, key: &Key, objects: &mut impl ReadObjects) -> Vec<Reach> {
        let mut reach = vec![Reach::Nothing; self.commits.len()];
        let number = |id: &ObjectId| self.commit_of.get(&key.id(id)).copied();
        // What is no commit is a tag, or leads nowhere.
        let mut commit = |id: &ObjectId| number(id).or_else(|| number(&peel(objects, *id).ok()?.commit()?));
        let head: Vec<ObjectId> = tips.head.into_iter().collect();
        for (how, ids) in [
            (Reach::Reference, &head),
            (Reach::Reference, &tips.references),
            (Reach::Stash, &tips.stash),
            (Reach::Log, &tips.logs),
        ] {
            let mut open: Vec<u32> = ids.iter().filter_map(&mut commit).collect();
            while let Some(commit) = open.pop() {
                if reach[commit as usize] == Reach::Nothing {
                    reach[commit as usize] = how;
                    open.extend(&self.commits[commit as usize].parents);
                }
            }
        }
        reach
    }
}
