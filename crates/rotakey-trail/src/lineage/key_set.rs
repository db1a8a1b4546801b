//! A key and its descendants, without their names.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::edges::hash;

/// A key and all that descends from it, in 24 bytes each. What it knows of them are hashes of their ids: whether
/// a key that was read is one of them can be asked, but not which they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet {
    root: String,
    /// Sorted by key.
    members: Vec<Member>,
    is_cut: bool,
}

/// One key of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) key: u64,
    /// Itself, for the root.
    pub(super) parent: u64,
    pub(super) minted_at: u32,
    pub(super) depth: u32,
}

impl KeySet {
    pub(super) fn new(root: &str, mut members: Vec<Member>, is_cut: bool) -> Self {
        members.sort_unstable();
        Self { root: root.to_owned(), members, is_cut }
    }

    /// The set of one key, whose descendants are not asked about.
    pub fn only(root: &str) -> Self {
        let key = hash(root);
        Self::new(root, vec![Member { key, parent: key, minted_at: 0, depth: 0 }], false)
    }

    /// The key that the others descend from.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// How many keys descend from the root.
    pub fn descendants(&self) -> u64 {
        self.members.len() as u64 - 1
    }

    /// Whether there may be further descendants, because there were more edges in the trail than can be kept.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Whether the key is the root or descends from it.
    pub fn contains(&self, key: &str) -> bool {
        self.member(hash(key)).is_some()
    }

    /// How many calls lie between the root and the key.
    pub fn depth(&self, key: &str) -> Option<u32> {
        self.member(hash(key)).map(|member| member.depth)
    }

    /// Whether that edge is the one by which the child is in the set.
    pub(super) fn has_edge(&self, parent: &str, child: &str) -> bool {
        self.member(hash(child)).is_some_and(|member| member.depth > 0 && member.parent == hash(parent))
    }

    pub(super) fn member(&self, key: u64) -> Option<&Member> {
        let index = self.members.binary_search_by_key(&key, |member| member.key).ok()?;
        Some(&self.members[index])
    }

    /// The hashes of the keys that others of the set descend from.
    pub(super) fn parents(&self) -> HashSet<u64> {
        self.members.iter().map(|member| member.parent).collect()
    }

    /// The part of the set with the most recently minted keys, about so many, and all that lies between them
    /// and the root.
    pub fn newest(&self, limit: usize) -> Self {
        if self.members.len() <= limit {
            return self.clone();
        }
        let mut by_age = self.members.clone();
        by_age.sort_unstable_by_key(|member| (Reverse(member.minted_at), member.key));
        let mut kept = HashSet::from([hash(&self.root)]);
        for member in &by_age {
            if kept.len() >= limit {
                break;
            }
            let mut next = Some(member);
            while let Some(member) = next.filter(|member| kept.insert(member.key)) {
                next = self.member(member.parent);
            }
        }
        let members = self.members.iter().filter(|member| kept.contains(&member.key)).copied().collect();
        Self::new(&self.root, members, self.is_cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_keys_keep_their_way_to_the_root() {
        let member = |key: &str, parent: &str, minted_at, depth| Member {
            key: hash(key),
            parent: hash(parent),
            minted_at,
            depth,
        };
        let set = KeySet::new(
            "root",
            vec![
                member("root", "root", 0, 0),
                member("old", "root", 1, 1),
                member("parent", "root", 2, 1),
                member("middle", "root", 3, 1),
                member("new", "parent", 9, 2),
            ],
            false,
        );
        let newest = set.newest(3);
        let has = |key| newest.contains(key);
        assert!(has("root") && has("parent") && has("new"));
        assert!(!has("old") && !has("middle"));
        assert_eq!((set.descendants(), newest.descendants()), (4, 2));
        assert_eq!(set.newest(5), set);
    }
}
