//! What can go wrong.

use std::io;
use std::path::PathBuf;

use crate::coverage::{Reason, Unread};
use crate::object_id::ObjectId;

/// A store that could not be opened at all. Single packs that cannot be read do not stop it: see
/// [`super::ObjectStore::problems`].
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No repository is there.
    #[error("{} is no git repository: it has no folder `objects`", .path.display())]
    NoObjects {
        /// Where one was expected.
        path: PathBuf,
    },
    /// The operating system failed.
    #[error("could not read {}: {source}", .path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The repository names its objects in a way that is not known here.
    #[error("{} has objects of the unknown format `{format}`", .path.display())]
    UnknownFormat {
        /// The configuration that says so.
        path: PathBuf,
        /// The format.
        format: String,
    },
}

/// An object that is there, but cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is damaged.
    #[error("{place} is damaged: {detail}")]
    Corrupt {
        /// Where, such as `pack pack-1234.pack at 5678`.
        place: String,
        /// How.
        detail: &'static str,
    },
    /// What it is a delta against is not in the repository.
    #[error("{place} needs {base}, which is not in the repository")]
    MissingBase {
        /// Where.
        place: String,
        /// What is missing.
        base: ObjectId,
    },
    /// It is larger than anything that is read here.
    #[error("{place} is too large: {size} bytes")]
    TooLarge {
        /// Where.
        place: String,
        /// How large it says it is.
        size: u64,
    },
    /// The operating system failed.
    #[error("{place} could not be read: {detail}")]
    Io {
        /// Where.
        place: String,
        /// What it said.
        detail: String,
    },
}

impl ReadError {
    /// What is reported of it.
    pub fn unread(&self) -> Unread {
        let (place, reason, detail) = match self {
            Self::Corrupt { place, detail } => (place, Reason::Corrupt, (*detail).to_owned()),
            Self::MissingBase { place, base } => {
                (place, Reason::Missing, format!("it is a delta against {base}"))
            }
            Self::TooLarge { place, size } => (place, Reason::TooLarge, format!("{size} bytes")),
            Self::Io { place, detail } => (place, Reason::Io, detail.clone()),
        };
        Unread { place: place.clone(), reason, detail }
    }
}
