//! Which of many prefixes an address is in.

use std::ops::RangeInclusive;

use super::prefix::Prefix;

/// Disjoint ranges of addresses in order, each with what is said of it: where prefixes lie within each other, the
/// inner one counts.
#[derive(Debug, Clone)]
pub(super) struct Ranges<T> {
    ranges: Vec<(u128, u128, T)>,
}

/// How much of a network is in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Coverage {
    All,
    Part,
    None,
}

impl<T> Default for Ranges<T> {
    fn default() -> Self {
        Self { ranges: Vec::new() }
    }
}

impl<T: Clone> Ranges<T> {
    /// Of equal prefixes the later one counts.
    pub(super) fn new(prefixes: impl IntoIterator<Item = (Prefix, T)>) -> Self {
        let mut prefixes: Vec<(RangeInclusive<u128>, T)> =
            prefixes.into_iter().map(|(prefix, value)| (prefix.range(), value)).collect();
        // The outer before the inner. The sort is stable, so that the later of equals comes last, as if within.
        prefixes.sort_by(|(a, _), (b, _)| a.start().cmp(b.start()).then(b.end().cmp(a.end())));
        let mut ranges = Self::default();
        // Those that the place where we are lies in, the innermost last.
        let mut open: Vec<(u128, T)> = Vec::new();
        let mut next = Some(0);
        for (range, value) in prefixes {
            while let Some((last, outer)) = open.pop_if(|(last, _)| *last < *range.start()) {
                next = ranges.push(next, last, outer);
            }
            if let (Some((_, outer)), Some(before)) = (open.last(), range.start().checked_sub(1)) {
                ranges.push(next, before, outer.clone());
            }
            next = Some(*range.start());
            open.push((*range.end(), value));
        }
        while let Some((last, outer)) = open.pop() {
            next = ranges.push(next, last, outer);
        }
        ranges
    }

    /// Adds what is left of a range, and tells where the next one may begin; `None` behind the last address.
    fn push(&mut self, first: Option<u128>, last: u128, value: T) -> Option<u128> {
        let first = first?;
        if first > last {
            return Some(first);
        }
        self.ranges.push((first, last, value));
        last.checked_add(1)
    }
}

impl<T> Ranges<T> {
    /// What is said of that address.
    pub(super) fn get(&self, address: u128) -> Option<&T> {
        let at = self.ranges.partition_point(|(_, last, _)| *last < address);
        self.ranges.get(at).filter(|(first, ..)| *first <= address).map(|(.., value)| value)
    }

    /// All that is said of any of those addresses.
    pub(super) fn within(&self, prefix: Prefix) -> impl Iterator<Item = &T> {
        self.overlapping(prefix).iter().map(|(.., value)| value)
    }

    /// How much of the prefix is in any range.
    pub(super) fn coverage(&self, prefix: Prefix) -> Coverage {
        let (mut next, end) = (Some(*prefix.range().start()), *prefix.range().end());
        let overlapping = self.overlapping(prefix);
        for (first, last, _) in overlapping {
            if next.is_some_and(|next| *first > next) {
                return Coverage::Part;
            }
            next = last.checked_add(1);
        }
        match next {
            _ if overlapping.is_empty() => Coverage::None,
            Some(next) if next <= end => Coverage::Part,
            _ => Coverage::All,
        }
    }

    fn overlapping(&self, prefix: Prefix) -> &[(u128, u128, T)] {
        let range = prefix.range();
        let start = self.ranges.partition_point(|(_, last, _)| last < range.start());
        let length = self.ranges[start..].partition_point(|(first, ..)| first <= range.end());
        &self.ranges[start..start + length]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Prefixes of a small world, so that they meet.
    fn prefix() -> impl Strategy<Value = Prefix> {
        let v4 = (0_u8..4, 0_u8..=255, 8_u8..=32);
        let v4 = v4.prop_map(|(third, fourth, bits)| format!("10.0.{third}.{fourth}/{bits}"));
        prop_oneof![v4, Just("::/0".to_owned()), Just("0.0.0.0/0".to_owned()), Just("ffff::/16".to_owned())]
            .prop_map(|text| Prefix::parse(&text).unwrap())
    }

    proptest! {
        #[test]
        fn an_address_is_in_the_innermost_prefix_as_if_all_were_looked_at(
            prefixes in proptest::collection::vec(prefix(), 0..12),
            asked in prefix(),
            addresses in proptest::collection::vec((0_u8..5, any::<u8>()), 1..40),
        ) {
            let ranges = Ranges::new(prefixes.iter().copied().enumerate().map(|(index, prefix)| (prefix, index)));
            let said = |address: u128| {
                let around = prefixes.iter().enumerate().filter(|(_, prefix)| prefix.range().contains(&address));
                // The shortest range, and of equals the last one.
                around.min_by_key(|(index, prefix)| {
                    let range = prefix.range();
                    (range.end() - range.start(), usize::MAX - index)
                }).map(|(index, _)| index)
            };
            let numbers = addresses.iter().map(|(third, fourth)| {
                super::super::prefix::number(std::net::Ipv4Addr::new(10, 0, *third, *fourth).into())
            });
            for address in numbers.chain([0, u128::MAX]) {
                prop_assert_eq!(ranges.get(address).copied(), said(address));
            }
            if asked.range().end() - asked.range().start() < 1 << 16 {
                let inside = asked.range().filter(|address| said(*address).is_some()).count() as u128;
                let expected = match inside {
                    0 => Coverage::None,
                    inside if inside == asked.range().end() - asked.range().start() + 1 => Coverage::All,
                    _ => Coverage::Part,
                };
                prop_assert_eq!(ranges.coverage(asked), expected);
            }
            prop_assert!(ranges.ranges.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
