//! Small numbers in place of values that occur again and again.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Values, numbered in the order of their first sight.
#[derive(Debug, Clone)]
pub(super) struct Interner<T>(HashMap<T, u32>);

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Hash + Eq + Ord> Interner<T> {
    /// The number of the value, which it gets now if it has none.
    pub(super) fn number<Q>(&mut self, value: &Q) -> u32
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = T> + ?Sized,
    {
        if let Some(number) = self.0.get(value) {
            return *number;
        }
        let number =
            u32::try_from(self.0.len()).expect("four thousand million values are more than memory has");
        self.0.insert(value.to_owned(), number);
        number
    }

    /// Takes the values of another one. Returns the number here of each number there.
    pub(super) fn absorb(&mut self, other: Self, renumber: impl Fn(T) -> T) -> Vec<u32>
    where
        T: Clone,
    {
        let mut numbers = vec![0; other.0.len()];
        for (value, number) in other.0 {
            numbers[number as usize] = self.number(&renumber(value));
        }
        numbers
    }

    /// The values in their own order, and the place of each number in it.
    pub(super) fn sorted(self) -> (Vec<T>, Vec<u32>) {
        let mut values: Vec<(T, u32)> = self.0.into_iter().collect();
        values.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        let mut places = vec![0; values.len()];
        for (place, (_, number)) in values.iter().enumerate() {
            places[*number as usize] = place as u32;
        }
        (values.into_iter().map(|(value, _)| value).collect(), places)
    }
}
