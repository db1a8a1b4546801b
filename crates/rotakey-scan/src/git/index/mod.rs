//! The index: what the next commit will hold.
//!
//! Versions 2, 3 and 4, split and sparse ones, of SHA-1 and of SHA-256. Its checksum is not compared, as git itself
//! compares it in `git fsck` only: it need not be there, and takes longer than all the rest.

mod bitmap;
mod cache_tree;
mod parse;
mod split;

use std::io;
use std::path::{Path, PathBuf};

pub use cache_tree::{CacheTree, CachedTree};

use super::objects::ObjectFormat;
use super::objects::map;
use super::tree::Mode;
use crate::object_id::ObjectId;

/// An index.
#[derive(Debug, Default)]
pub struct Index {
    content: Content,
    cache_tree: CacheTree,
}

#[derive(Debug)]
enum Content {
    Packed(parse::Packed),
    Joined(split::Joined),
}

/// An entry of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexEntry<'a> {
    /// The path. That of a folder ends with a slash.
    pub path: &'a [u8],
    /// The object: a blob, or the tree of a folder that a sparse checkout leaves out.
    pub id: ObjectId,
    /// What it is.
    pub mode: Mode,
    /// 0, or for a path in conflict 1 for the common ancestor, 2 for ours and 3 for theirs.
    pub stage: u8,
    /// Whether it says only that the path is to be added: no content is staged.
    pub intent_to_add: bool,
}

/// The entries of an index, in the order of their paths.
#[derive(Debug, Clone)]
pub struct Entries<'a>(Cursor<'a>);

#[derive(Debug, Clone)]
enum Cursor<'a> {
    Packed(parse::Cursor<'a>),
    Joined(&'a split::Joined, usize),
}

/// An index cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The operating system refused or failed.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is damaged.
    #[error("the index {} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// It is written in a way that is not known here.
    #[error("the index {} is of a kind that is not known here: {what}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is not known.
        what: String,
    },
}

impl Index {
    /// Reads an index. Where there is none, nothing is staged. Of a split index the larger part is in the git directory.
    pub fn read(file: &Path, git_dir: &Path, format: ObjectFormat) -> Result<Self, IndexError> {
        let bytes = match map::map(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(IndexError::Io { path: file.into(), source }),
        };
        let parse::Parsed { packed, cache_tree, link } =
            parse::parse(bytes, format).map_err(|problem| problem.of(file))?;
        let Some(link) = link else {
            return Ok(Self { content: Content::Packed(packed), cache_tree });
        };
        let shared = git_dir.join(format!("sharedindex.{}", link.base));
        let bytes = map::map(&shared).map_err(|source| IndexError::Io { path: shared.clone(), source })?;
        let base = parse::parse(bytes, format).map_err(|problem| problem.of(&shared))?;
        if base.link.is_some() {
            return Err(IndexError::Damaged { path: shared, what: "it is itself split" });
        }
        let joined = split::Joined::new(&base.packed, &packed, &link).map_err(|problem| problem.of(file))?;
        Ok(Self { content: Content::Joined(joined), cache_tree })
    }

    /// How many entries there are.
    pub fn count(&self) -> usize {
        match &self.content {
            Content::Packed(packed) => packed.count(),
            Content::Joined(joined) => joined.count(),
        }
    }

    /// The entries, from the first on.
    pub fn entries(&self) -> Entries<'_> {
        Entries(match &self.content {
            Content::Packed(packed) => Cursor::Packed(packed.cursor()),
            Content::Joined(joined) => Cursor::Joined(joined, 0),
        })
    }

    /// The trees that the folders would become, where git remembers them.
    pub fn cache_tree(&self) -> &CacheTree {
        &self.cache_tree
    }
}

impl Entries<'_> {
    /// The entry that is next; `None` behind the last.
    pub fn entry(&self) -> Option<IndexEntry<'_>> {
        match &self.0 {
            Cursor::Packed(cursor) => cursor.entry(),
            Cursor::Joined(joined, next) => joined.entry(*next),
        }
    }

    /// Goes on to the one behind it.
    pub fn advance(&mut self) {
        match &mut self.0 {
            Cursor::Packed(cursor) => cursor.advance(),
            Cursor::Joined(_, next) => *next += 1,
        }
    }

    /// Goes on behind a folder, if just so many entries are in it. Its path ends with a slash.
    pub fn skip_folder(&mut self, folder: &[u8], count: usize) -> bool {
        let mut behind = self.clone();
        for _ in 0..count {
            if !behind.is_in(folder) {
                return false;
            }
            behind.advance();
        }
        if behind.is_in(folder) {
            return false;
        }
        *self = behind;
        true
    }

    fn is_in(&self, folder: &[u8]) -> bool {
        let path = match &self.0 {
            Cursor::Packed(cursor) => cursor.path(),
            Cursor::Joined(joined, next) => joined.entry(*next).map(|entry| entry.path),
        };
        path.is_some_and(|path| path.starts_with(folder))
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Joined(split::Joined::default())
    }
}

/// What is wrong with an index, before its name is known.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    Damaged(&'static str),
    Unsupported(String),
}

impl Problem {
    fn of(self, file: &Path) -> IndexError {
        let path = file.to_owned();
        match self {
            Self::Damaged(what) => IndexError::Damaged { path, what },
            Self::Unsupported(what) => IndexError::Unsupported { path, what },
        }
    }
}

#[cfg(test)]
mod tests;
