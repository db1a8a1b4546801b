//! Many ids in little memory.

use crate::object_id::ObjectId;

/// A set of ids, of 20 or 32 bytes each and nothing beside them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdSet {
    sha1: Vec<[u8; 20]>,
    sha256: Vec<[u8; 32]>,
}

impl IdSet {
    /// Whether it is in the set.
    pub fn contains(&self, id: &ObjectId) -> bool {
        let bytes = id.as_bytes();
        match (bytes.try_into(), bytes.try_into()) {
            (Ok(sha1), _) => self.sha1.binary_search(&sha1).is_ok(),
            (_, Ok(sha256)) => self.sha256.binary_search(&sha256).is_ok(),
            _ => false,
        }
    }

    /// How many ids it has.
    pub fn len(&self) -> usize {
        self.sha1.len() + self.sha256.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, sorted by their bytes, the short ones first.
    pub fn iter(&self) -> impl Iterator<Item = ObjectId> + '_ {
        let short = self.sha1.iter().map(|id| &id[..]);
        short.chain(self.sha256.iter().map(|id| &id[..])).filter_map(ObjectId::from_bytes)
    }

    /// All ids of 20 bytes and all of 32, sorted.
    #[cfg(feature = "objects")]
    pub(super) fn parts(&self) -> (&[[u8; 20]], &[[u8; 32]]) {
        (&self.sha1, &self.sha256)
    }

    /// The set of these; `None` unless they are sorted and distinct.
    #[cfg(feature = "objects")]
    pub(super) fn from_parts(sha1: Vec<[u8; 20]>, sha256: Vec<[u8; 32]>) -> Option<Self> {
        let sorted = sha1.is_sorted_by(|a, b| a < b) && sha256.is_sorted_by(|a, b| a < b);
        sorted.then_some(Self { sha1, sha256 })
    }

    /// Puts it in. [`sort`](Self::sort) makes a set again of what was pushed.
    pub(super) fn push(&mut self, id: &ObjectId) {
        let bytes = id.as_bytes();
        match (bytes.try_into(), bytes.try_into()) {
            (Ok(sha1), _) => self.sha1.push(sha1),
            (_, Ok(sha256)) => self.sha256.push(sha256),
            _ => {}
        }
    }

    pub(super) fn sort(&mut self) {
        self.sha1.sort_unstable();
        self.sha1.dedup();
        self.sha256.sort_unstable();
        self.sha256.dedup();
    }
}

impl Extend<ObjectId> for IdSet {
    fn extend<T: IntoIterator<Item = ObjectId>>(&mut self, ids: T) {
        ids.into_iter().for_each(|id| self.push(&id));
        self.sort();
    }
}

impl FromIterator<ObjectId> for IdSet {
    fn from_iter<T: IntoIterator<Item = ObjectId>>(ids: T) -> Self {
        let mut set = Self::default();
        set.extend(ids);
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_both_lengths_are_kept_apart_and_whole() {
        let short = |n: u8| ObjectId::from_bytes(&[n; 20]).unwrap();
        let long = |n: u8| ObjectId::from_bytes(&[n; 32]).unwrap();
        // A long id that begins as a short one, as the bytes of that are kept with zeros behind them.
        let mut bytes = [1; 32];
        bytes[20..].fill(0);
        let padded = ObjectId::from_bytes(&bytes).unwrap();
        let mut set: IdSet = [short(3), long(2), short(1), short(3)].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [short(1), short(3), long(2)]);
        assert!(set.contains(&short(1)) && set.contains(&long(2)));
        assert!(!set.contains(&padded) && !set.contains(&short(2)) && !set.contains(&long(1)));
        set.extend([padded]);
        assert!(set.contains(&padded));
        assert_eq!(set.len(), 4);
    }
}
