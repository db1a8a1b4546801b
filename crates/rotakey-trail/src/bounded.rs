//! Memory that hostile input cannot grow without end, and that says so when it is full.

use std::borrow::Borrow;
use std::collections::BTreeMap;

/// The text, up to so many bytes.
pub(crate) fn clip(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// A map that keeps the entries with the smallest keys. Whatever is among the smallest of all is among the
/// smallest of every part, so what is kept was never dropped in between: its value is exact, in whatever order
/// and over however many maps the entries came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BoundedMap<K, V> {
    entries: BTreeMap<K, V>,
    most: usize,
    is_cut: bool,
}

impl<K: Ord, V> BoundedMap<K, V> {
    /// An empty map of at most so many entries.
    pub(crate) fn new(most: usize) -> Self {
        Self { entries: BTreeMap::new(), most, is_cut: false }
    }

    /// Whether entries were dropped.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter()
    }

    /// Adds to the entry of that key, which is made if it is new and within bounds.
    pub(crate) fn update<Q: Ord + ?Sized>(
        &mut self,
        key: &Q,
        own: impl FnOnce(&Q) -> K,
        fresh: impl FnOnce() -> V,
        add: impl FnOnce(&mut V),
    ) where
        K: Borrow<Q>,
    {
        if let Some(value) = self.entries.get_mut(key) {
            return add(value);
        }
        if self.entries.len() >= self.most {
            self.is_cut = true;
            if self.entries.last_key_value().is_none_or(|(last, _)| last.borrow() < key) {
                return;
            }
            self.entries.pop_last();
        }
        let mut value = fresh();
        add(&mut value);
        self.entries.insert(own(key), value);
    }

    /// Takes over all that the other has; `add` is told of values that both have.
    pub(crate) fn merge(&mut self, other: Self, mut add: impl FnMut(&mut V, V)) {
        self.is_cut |= other.is_cut;
        for (key, value) in other.entries {
            match self.entries.get_mut(&key) {
                Some(own) => add(own, value),
                None => {
                    self.entries.insert(key, value);
                }
            }
        }
        while self.entries.len() > self.most {
            self.entries.pop_last();
            self.is_cut = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn count(letters: &[String]) -> BoundedMap<String, u64> {
        let mut map = BoundedMap::new(4);
        for letter in letters {
            map.update(letter.as_str(), str::to_owned, || 0, |count| *count += 1);
        }
        map
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!((clip("aäb", 2), clip("aäb", 3), clip("ab", 9)), ("a", "aä", "ab"));
    }

    proptest! {
        #[test]
        fn what_is_kept_is_exact_in_any_order_and_split(
            letters in prop::collection::vec("[a-h]", 0..40),
            split in 0_usize..40,
        ) {
            let split = split.min(letters.len());
            let mut merged = count(&letters[split..]);
            merged.merge(count(&letters[..split]), |own, other| *own += other);
            prop_assert_eq!(&merged, &count(&letters));
            let distinct: std::collections::BTreeSet<_> = letters.iter().collect();
            prop_assert_eq!(merged.is_cut(), distinct.len() > 4);
            for (letter, kept) in merged.iter() {
                prop_assert_eq!(*kept, letters.iter().filter(|other| *other == letter).count() as u64);
            }
        }
    }
}
