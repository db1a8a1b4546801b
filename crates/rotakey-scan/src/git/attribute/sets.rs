//! Which blobs are at which paths of a tree. Thousands of trees have the same answer, so each answer is kept once.

use std::collections::HashMap;

/// A set of blobs at paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Set(u32);

/// A blob at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Pair(u32);

/// A path: its first part, and the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Path(u32);

/// The end of each path.
const END: Path = Path(u32::MAX);

/// A set is cut off at so many: a folder that holds itself many times over would have more paths than there are atoms.
const MOST: usize = 1 << 14;

/// All sets.
#[derive(Debug)]
pub(super) struct Sets {
    names: Table<Box<[u8]>>,
    paths: Table<(u32, Path)>,
    pairs: Table<(u32, Path)>,
    sets: Table<Box<[Pair]>>,
    below: HashMap<(u32, Set), Set>,
    together: HashMap<Box<[Set]>, Set>,
}

impl Set {
    /// The empty one.
    pub(super) const EMPTY: Self = Self(0);
}

impl Sets {
    pub(super) fn new() -> Self {
        let mut sets = Table::default();
        sets.number(Box::default());
        Self {
            names: Table::default(),
            paths: Table::default(),
            pairs: Table::default(),
            sets,
            below: HashMap::new(),
            together: HashMap::new(),
        }
    }

    /// A blob under a name.
    pub(super) fn one(&mut self, blob: u32, name: &[u8]) -> Set {
        let name = self.names.number(name.into());
        let path = Path(self.paths.number((name, END)));
        let pair = Pair(self.pairs.number((blob, path)));
        Set(self.sets.number([pair].into()))
    }

    /// What a folder holds, seen from the one above it.
    pub(super) fn below(&mut self, name: &[u8], set: Set) -> Set {
        if set == Set::EMPTY {
            return set;
        }
        let name = self.names.number(name.into());
        if let Some(known) = self.below.get(&(name, set)) {
            return *known;
        }
        let inner: Vec<Pair> = self.pairs(set).to_vec();
        let mut pairs: Vec<Pair> = inner
            .into_iter()
            .map(|pair| {
                let (blob, path) = *self.pairs.get(pair.0);
                let path = Path(self.paths.number((name, path)));
                Pair(self.pairs.number((blob, path)))
            })
            .collect();
        pairs.sort_unstable();
        let outer = Set(self.sets.number(pairs.into()));
        self.below.insert((name, set), outer);
        outer
    }

    /// What is in any of some sets.
    pub(super) fn union(&mut self, mut parts: Vec<Set>) -> Set {
        parts.sort_unstable();
        parts.dedup();
        match parts.as_slice() {
            [] => return Set::EMPTY,
            [one] => return *one,
            _ => {}
        }
        if let Some(known) = self.together.get(parts.as_slice()) {
            return *known;
        }
        let mut pairs: Vec<Pair> = Vec::new();
        for part in &parts {
            pairs.extend(self.pairs(*part));
            if pairs.len() > 2 * MOST {
                break;
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs.truncate(MOST);
        let union = Set(self.sets.number(pairs.into()));
        self.together.insert(parts.into(), union);
        union
    }

    /// The members, ascending.
    pub(super) fn pairs(&self, set: Set) -> &[Pair] {
        self.sets.get(set.0)
    }

    /// The blob of a pair, and its path.
    pub(super) fn tell(&self, pair: Pair) -> (u32, Vec<u8>) {
        let (blob, mut path) = *self.pairs.get(pair.0);
        let mut text = Vec::new();
        while path != END {
            let (name, rest) = *self.paths.get(path.0);
            if !text.is_empty() {
                text.push(b'/');
            }
            text.extend_from_slice(self.names.get(name));
            path = rest;
        }
        (blob, text)
    }
}

/// Numbers for values.
#[derive(Debug)]
struct Table<T> {
    numbers: HashMap<T, u32>,
    values: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), values: Vec::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Table<T> {
    fn number(&mut self, value: T) -> u32 {
        if let Some(number) = self.numbers.get(&value) {
            return *number;
        }
        let number = self.values.len() as u32;
        self.values.push(value.clone());
        self.numbers.insert(value, number);
        number
    }

    fn get(&self, number: u32) -> &T {
        &self.values[number as usize]
    }
}
