//! References: the names of commits.

mod files;
mod reflog;
mod reftable;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::repository::{ReferenceStorage, Repository};
use crate::object_id::ObjectId;

/// The references of a repository, as they were when they were read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct References {
    /// By their full names, such as `HEAD` and `refs/heads/main`.
    names: BTreeMap<Vec<u8>, Target>,
}

/// What a reference is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The name of an object, which may be a tag.
    Object(ObjectId),
    /// Another name for the reference of this name.
    Reference(Vec<u8>),
}

/// The references cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReferencesError {
    /// The operating system refused or failed.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is damaged.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
}

/// A name may stand for a name, but not without end.
const LONGEST_CHAIN: usize = 10;

impl References {
    /// Reads all references of a repository: those in common, and those of the work tree by which it was opened.
    pub fn read(repository: &Repository) -> Result<Self, ReferencesError> {
        let names = match repository.references {
            ReferenceStorage::Files => files::read(repository)?,
            ReferenceStorage::Reftable => reftable::read(repository)?.names,
        };
        Ok(Self { names })
    }

    /// The object that a full name leads to; `None` if there is no such name, or it leads to a branch without a commit.
    pub fn get(&self, name: &[u8]) -> Option<ObjectId> {
        let mut name = name;
        for _ in 0..LONGEST_CHAIN {
            match self.names.get(name)? {
                Target::Object(id) => return Some(*id),
                Target::Reference(other) => name = other,
            }
        }
        None
    }

    /// What HEAD leads to; `None` before the first commit.
    pub fn head(&self) -> Option<ObjectId> {
        self.get(b"HEAD")
    }

    /// The full name of the branch that HEAD is on; `None` if it is on none.
    pub fn branch(&self) -> Option<&[u8]> {
        match self.names.get(&b"HEAD"[..])? {
            Target::Reference(branch) => Some(branch),
            Target::Object(_) => None,
        }
    }

    /// All names and what they lead to.
    pub fn all(&self) -> impl Iterator<Item = (&[u8], ObjectId)> {
        self.names.keys().filter_map(|name| Some((name.as_slice(), self.get(name)?)))
    }
}

/// All objects that the logs of references name, those of all work trees: what was committed and then left, and what is
/// stashed.
pub fn logged(repository: &Repository) -> Result<Vec<ObjectId>, ReferencesError> {
    let mut ids = match repository.references {
        ReferenceStorage::Files => reflog::read(repository)?,
        ReferenceStorage::Reftable => reftable::read(repository)?.logged,
    };
    ids.sort();
    ids.dedup();
    Ok(ids)
}

#[cfg(test)]
mod tests;
