//! Trees: what a folder holds.

use crate::object_id::ObjectId;

/// An entry of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeEntry<'a> {
    /// What it is.
    pub mode: Mode,
    /// Its name, which has no slash in a tree that git made.
    pub name: &'a [u8],
    /// Its object.
    pub id: ObjectId,
}

/// What an entry of a tree or of an index is: the type of a file and its permissions, as in Unix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mode(pub u32);

impl Mode {
    /// A folder.
    pub const TREE: Self = Self(0o040_000);

    /// Whether it is a folder.
    pub fn is_tree(self) -> bool {
        self.kind() == 0o040_000
    }

    /// Whether it is a commit of another repository, whose objects are not here.
    pub fn is_submodule(self) -> bool {
        self.kind() == 0o160_000
    }

    /// Whether it has a content: a file, or a symbolic link, whose content is where it leads to.
    pub fn is_blob(self) -> bool {
        !self.is_tree() && !self.is_submodule()
    }

    fn kind(self) -> u32 {
        self.0 & 0o170_000
    }
}

/// The entries of a tree, in the order in which they stand there. The last is an error if the tree is damaged.
pub fn entries(content: &[u8], length: usize) -> Entries<'_> {
    Entries { rest: content, length }
}

/// A tree is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an entry of it is cut off, or has no mode")]
pub struct DamagedTree;

/// See [`entries`].
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<TreeEntry<'a>, DamagedTree>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match entry(self.rest, self.length) {
            Some((entry, rest)) => {
                self.rest = rest;
                Some(Ok(entry))
            }
            None => {
                self.rest = b"";
                Some(Err(DamagedTree))
            }
        }
    }
}

fn entry(content: &[u8], length: usize) -> Option<(TreeEntry<'_>, &[u8])> {
    // Six digits at most; very old trees have leading zeros.
    let space = content.iter().take(8).position(|byte| *byte == b' ').filter(|space| *space > 0)?;
    let mut mode = 0;
    for digit in &content[..space] {
        mode = mode << 3 | u32::from(digit.checked_sub(b'0').filter(|digit| *digit < 8)?);
    }
    let content = &content[space + 1..];
    let end = memchr::memchr(0, content)?;
    let (id, rest) = content[end + 1..].split_at_checked(length)?;
    Some((TreeEntry { mode: Mode(mode), name: &content[..end], id: ObjectId::from_bytes(id)? }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::read::ReadObjects as _;
    use crate::git::testing::Sandbox;

    #[test]
    fn trees_are_read_as_git_reads_them() {
        for format in ["sha1", "sha256"] {
            let sandbox = Sandbox::repository(&[&format!("--object-format={format}")]);
            sandbox.write("a b", "x");
            sandbox.write("foo/é/deep", "y");
            sandbox.write("foo.c", "z");
            std::os::unix::fs::symlink("nowhere", sandbox.path().join("link")).unwrap();
            sandbox.commit("one");
            let id = sandbox.id(&["rev-parse", "HEAD^{tree}"]);
            let listed = sandbox.git(&["ls-tree", "-z", "HEAD"]);
            let expected: Vec<String> =
                String::from_utf8(listed).unwrap().split_terminator('\0').map(str::to_owned).collect();
            let mut objects = sandbox.objects();
            let length = objects.format().length();
            let object = objects.read(&id).unwrap().unwrap();
            let read: Vec<String> = entries(object.content, length)
                .map(|entry| {
                    let TreeEntry { mode, name, id } = entry.unwrap();
                    let kind = if mode.is_tree() { "tree" } else { "blob" };
                    format!("{:06o} {kind} {id}\t{}", mode.0, str::from_utf8(name).unwrap())
                })
                .collect();
            assert_eq!(read, expected);
        }
    }

    #[test]
    fn a_damaged_tree_ends_in_an_error() {
        let mut whole = b"100644 a\0".to_vec();
        whole.extend([1; 20]);
        assert_eq!(entries(&whole, 20).count(), 1);
        for end in 1..whole.len() {
            let read: Vec<_> = entries(&whole[..end], 20).collect();
            assert_eq!(read, [Err(DamagedTree)], "{end}");
        }
        for damaged in
            [&b" a\0aaaaaaaaaaaaaaaaaaaa"[..], b"10064x a\0aaaaaaaaaaaaaaaaaaaa", b"100000000000644 a\0"]
        {
            assert_eq!(entries(damaged, 20).collect::<Vec<_>>(), [Err(DamagedTree)]);
        }
    }
}
