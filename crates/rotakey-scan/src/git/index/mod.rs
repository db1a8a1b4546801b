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
use super::tree::Mode;
use crate::object_id::ObjectId;

/// An index.
#[derive(Debug, Default, Clone)]
pub struct Index {
    entries: Vec<IndexEntry>,
    /// The paths of all entries, one behind the other.
    paths: Vec<u8>,
    cache_tree: CacheTree,
}

/// An entry of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexEntry {
    path: (u32, u32),
    /// The object: a blob, or the tree of a folder that a sparse checkout leaves out.
    pub id: ObjectId,
    /// What it is.
    pub mode: Mode,
    /// 0, or for a path in conflict 1 for the common ancestor, 2 for ours and 3 for theirs.
    pub stage: u8,
    /// Whether it says only that the path is to be added: no content is staged.
    pub intent_to_add: bool,
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
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(IndexError::Io { path: file.into(), source }),
        };
        let (mut index, link) = parse::parse(&bytes, format).map_err(|problem| problem.of(file))?;
        if let Some(link) = link {
            let shared = git_dir.join(format!("sharedindex.{}", link.base));
            let bytes =
                std::fs::read(&shared).map_err(|source| IndexError::Io { path: shared.clone(), source })?;
            let (base, nested) = parse::parse(&bytes, format).map_err(|problem| problem.of(&shared))?;
            if nested.is_some() {
                return Err(IndexError::Damaged { path: shared, what: "it is itself split" });
            }
            index = split::join(base, index, &link).map_err(|problem| problem.of(file))?;
        }
        Ok(index)
    }

    /// The entries, in the order of their paths.
    pub fn entries(&self) -> &[IndexEntry] {
        &self.entries
    }

    /// The path of an entry. That of a folder ends with a slash.
    pub fn path(&self, entry: &IndexEntry) -> &[u8] {
        let (start, length) = (entry.path.0 as usize, entry.path.1 as usize);
        &self.paths[start..start + length]
    }

    /// The trees that the folders would become, where git remembers them.
    pub fn cache_tree(&self) -> &CacheTree {
        &self.cache_tree
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
