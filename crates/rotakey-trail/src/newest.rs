//! The newest of many, in bounded space.

/// Keeps the `most` greatest of all values that it was given. Which those are depends on the values only, not
/// on their order, nor on how they were spread over several collections that were merged.
#[derive(Debug, Clone)]
pub(crate) struct Newest<T> {
    values: Vec<T>,
    most: usize,
    dropped: u64,
}

impl<T: Ord> Newest<T> {
    /// An empty collection of at most so many values.
    pub(crate) fn new(most: usize) -> Self {
        Self { values: Vec::new(), most, dropped: 0 }
    }

    /// Adds a value.
    pub(crate) fn push(&mut self, value: T) {
        self.values.push(value);
        if self.values.len() >= self.most.saturating_mul(2) {
            self.prune();
        }
    }

    /// Takes over all that the other has.
    pub(crate) fn merge(&mut self, other: Self) {
        self.dropped += other.dropped;
        self.values.extend(other.values);
        self.prune();
    }

    /// The values, the least first, and how many others there were that are less than all of them.
    pub(crate) fn into_sorted(mut self) -> (Vec<T>, u64) {
        self.prune();
        self.values.sort_unstable();
        (self.values, self.dropped)
    }

    fn prune(&mut self) {
        let surplus = self.values.len().saturating_sub(self.most);
        if surplus > 0 {
            self.values.select_nth_unstable(surplus - 1);
            self.values.drain(..surplus);
            self.dropped += surplus as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_newest_stay_in_whatever_order_and_split_they_come(
            values in prop::collection::vec(0_u8..50, 0..60),
            most in 1_usize..20,
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        ) {
            let mut expected = values.clone();
            expected.sort_unstable();
            let dropped = expected.len().saturating_sub(most);
            expected.drain(..dropped);

            let mut parts = vec![Newest::new(most); cuts.len() + 1];
            for (index, value) in values.into_iter().enumerate() {
                let part = cuts.get(index % (cuts.len() + 1)).map_or(0, |cut| cut.index(cuts.len() + 1));
                parts[part].push(value);
            }
            let whole = parts.into_iter().rev().reduce(|mut whole, part| {
                whole.merge(part);
                whole
            });
            prop_assert_eq!(whole.unwrap().into_sorted(), (expected, dropped as u64));
        }
    }
}
