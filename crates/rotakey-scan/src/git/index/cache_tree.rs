//! The extension `TREE`: which trees the folders of the index would become. With it, what equals HEAD is recognised
//! without a look at its entries.

use std::collections::HashMap;

use crate::object_id::ObjectId;

/// The trees of the folders, as far as git remembers them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct CacheTree {
    /// Each before the folders in it.
    nodes: Vec<Node>,
    names: Vec<u8>,
}

/// A folder of the index.
#[derive(Debug, Clone, Copy)]
pub struct CachedTree<'a> {
    all: &'a CacheTree,
    at: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    name: (u32, u32),
    /// How many entries of the index are in it, and its tree; `None` since something in it changed.
    known: Option<(u32, ObjectId)>,
    /// Behind the last folder in it.
    end: u32,
}

impl CacheTree {
    /// The top folder.
    pub fn top(&self) -> Option<CachedTree<'_>> {
        (!self.nodes.is_empty()).then_some(CachedTree { all: self, at: 0 })
    }

    /// Reads the content of the extension; `None` if it is damaged.
    pub(super) fn parse(mut content: &[u8], length: usize) -> Option<Self> {
        let mut tree = Self::default();
        // The folders that are not at their end: which, and how many folders are still to come in it.
        let mut open: Vec<(usize, u32)> = Vec::new();
        loop {
            let end = memchr::memchr(0, content)?;
            let (name, rest) = (&content[..end], &content[end + 1..]);
            let line = memchr::memchr(b'\n', rest)?;
            let mut words = str::from_utf8(&rest[..line]).ok()?.split(' ');
            let count: i64 = words.next()?.parse().ok()?;
            let folders: u32 = words.next()?.parse().ok()?;
            content = &rest[line + 1..];
            let mut known = None;
            if let Ok(count) = u32::try_from(count) {
                let (id, rest) = content.split_at_checked(length)?;
                known = Some((count, ObjectId::from_bytes(id)?));
                content = rest;
            }
            let begin = u32::try_from(tree.names.len()).ok()?;
            tree.names.extend_from_slice(name);
            let at = tree.nodes.len();
            tree.nodes.push(Node {
                name: (begin, name.len() as u32),
                known,
                end: u32::try_from(at + 1).ok()?,
            });
            open.push((at, folders));
            while let Some((at, folders)) = open.last_mut() {
                match folders.checked_sub(1) {
                    Some(fewer) => {
                        *folders = fewer;
                        break;
                    }
                    None => {
                        tree.nodes[*at].end = tree.nodes.len() as u32;
                        open.pop();
                    }
                }
            }
            if open.is_empty() {
                return Some(tree);
            }
        }
    }
}

impl<'a> CachedTree<'a> {
    /// How many entries of the index are in the folder, and which tree it would become; `None` if that is to be found out.
    pub fn known(self) -> Option<(usize, ObjectId)> {
        let (count, id) = self.all.nodes[self.at].known?;
        Some((count as usize, id))
    }

    /// The folders in it by their names.
    pub fn folders(self) -> HashMap<&'a [u8], Self> {
        let mut folders = HashMap::new();
        let end = self.all.nodes[self.at].end as usize;
        let mut at = self.at + 1;
        while at < end {
            let node = &self.all.nodes[at];
            let (start, length) = (node.name.0 as usize, node.name.1 as usize);
            folders.insert(&self.all.names[start..start + length], Self { all: self.all, at });
            at = node.end as usize;
        }
        folders
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_or_not_a_number_is_refused() {
        let id = [7; 20];
        let mut whole = b"\x003 2\n".to_vec();
        whole.extend(id);
        whole.extend(b"a\0-1 1\nb\x001 0\n");
        whole.extend(id);
        whole.extend(b"c\x000 0\n");
        whole.extend(id);
        let tree = CacheTree::parse(&whole, 20).unwrap();
        let top = tree.top().unwrap();
        assert_eq!(top.known().unwrap().0, 3);
        let folders = top.folders();
        assert_eq!(folders.len(), 2);
        assert!(folders[&b"a"[..]].known().is_none());
        assert_eq!(folders[&b"a"[..]].folders()[&b"b"[..]].known().unwrap().0, 1);
        assert!(folders[&b"c"[..]].folders().is_empty());
        for end in 0..whole.len() {
            assert!(CacheTree::parse(&whole[..end], 20).is_none(), "{end}");
        }
        assert!(CacheTree::parse(b"\0x 0\n", 20).is_none());
    }
}
