//! Texts as numbers: each text is kept once, however many keys it is told of.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use hashbrown::HashTable;

use crate::fingerprint::keyed;

/// How many texts there may be. What is beyond counts as [`Symbol::OTHER`] of its class.
const MOST: usize = 8 << 20;

/// How many bytes of texts there may be.
const MOST_BYTES: usize = 512 << 20;

/// What a text is. The same text in two classes is two symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Class {
    Key,
    /// ARN, type, account and user name, separated by NUL.
    Principal,
    /// What rows are grouped by beside the key.
    Group,
    Source,
    Agent,
    Region,
    /// Service and action, separated by NUL.
    Action,
    /// Service, action and error code, separated by NUL.
    Error,
    VpcEndpoint,
    InvokedBy,
}

/// The number of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Symbol(u32);

impl Symbol {
    /// All texts for which there was no room.
    pub(super) const OTHER: Self = Self(u32::MAX);

    /// 64 well mixed bits of it.
    pub(super) fn mixed(self) -> u64 {
        let product = u128::from(self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        (product >> 64) as u64 ^ product as u64
    }
}

/// The hash of a text within this run. It is keyed with a number that nobody knows, so texts with equal hashes cannot be
/// made up, and by chance there are none: two texts with the same hash are taken for the same text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextHash(pub(super) u64);

/// All texts. Shared by all threads.
#[derive(Debug)]
pub(super) struct Symbols {
    key: u64,
    table: RwLock<Table>,
}

#[derive(Debug, Default)]
struct Table {
    numbers: HashTable<(u64, u32)>,
    texts: Vec<(Class, u32)>,
    /// All texts, one behind the other; `texts` has where each ends.
    bytes: String,
}

impl Symbols {
    pub(super) fn new() -> Self {
        Self { key: RandomState::new().hash_one(0_u8), table: RwLock::default() }
    }

    /// The hash of a text of that class.
    #[inline]
    pub(super) fn hash(&self, class: Class, text: &str) -> TextHash {
        TextHash(keyed(text.as_bytes(), self.key ^ (class as u64)))
    }

    /// The hash of several texts together.
    #[inline]
    pub(super) fn join(&self, class: Class, texts: &[&str]) -> TextHash {
        let join = |key, text: &&str| keyed(text.as_bytes(), key);
        TextHash(texts.iter().fold(self.key ^ (class as u64), join))
    }

    /// The number of the text with that hash, which is only made if it is new.
    fn number(&self, class: Class, hash: TextHash, text: impl FnOnce(&mut String)) -> Symbol {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let Table { numbers, texts, bytes } = &mut *table;
        if let Some(&(_, number)) = numbers.find(hash.0, |(known, _)| *known == hash.0) {
            return Symbol(number);
        }
        if texts.len() >= MOST || bytes.len() >= MOST_BYTES {
            return Symbol::OTHER;
        }
        let number = texts.len() as u32;
        text(bytes);
        texts.push((class, bytes.len() as u32));
        numbers.insert_unique(hash.0, (hash.0, number), |(hash, _)| *hash);
        Symbol(number)
    }

    /// All texts, to look at; nothing is added meanwhile.
    pub(super) fn texts(&self) -> Texts<'_> {
        Texts(self.table.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// All texts, to look at.
pub(super) struct Texts<'s>(RwLockReadGuard<'s, Table>);

impl Texts<'_> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (Symbol, Class, &str)> {
        let classes = self.0.texts.iter().enumerate();
        classes.map(|(number, (class, _))| {
            let symbol = Symbol(number as u32);
            (symbol, *class, self.of(symbol))
        })
    }

    pub(super) fn of(&self, symbol: Symbol) -> &str {
        let Some(number) = (symbol != Symbol::OTHER).then_some(symbol.0 as usize) else { return "(other)" };
        let end = |number: usize| self.0.texts[number].1 as usize;
        &self.0.bytes[number.checked_sub(1).map_or(0, end)..end(number)]
    }

    pub(super) fn class(&self, symbol: Symbol) -> Option<Class> {
        (symbol != Symbol::OTHER).then(|| self.0.texts[symbol.0 as usize].0)
    }
}

/// The numbers that one thread asked for lately.
pub(super) struct Recent(Box<[(u64, Symbol)]>);

impl Recent {
    const SIZE: usize = 1 << 13;

    pub(super) fn new() -> Self {
        Self(vec![(0, Symbol::OTHER); Self::SIZE].into_boxed_slice())
    }

    /// Remembers nothing: for texts that are asked for once.
    pub(super) fn none() -> Self {
        Self(Box::default())
    }

    /// The number of the text with that hash, which is only made if it is new.
    #[inline]
    pub(super) fn number(
        &mut self,
        symbols: &Symbols,
        class: Class,
        hash: TextHash,
        text: impl FnOnce(&mut String),
    ) -> Symbol {
        let Some(place) = self.0.get_mut(hash.0 as usize % Self::SIZE) else {
            return symbols.number(class, hash, text);
        };
        if place.0 != hash.0 {
            *place = (hash.0, symbols.number(class, hash, text));
        }
        place.1
    }
}
