//! Everything that a repository has objects in.

use std::path::{Path, PathBuf};

use super::error::{OpenError, ReadError};
use super::kind::{ObjectFormat, ObjectKind};
use super::reader::Reader;
use crate::coverage::Unread;
use crate::object_id::ObjectId;

/// The objects of a repository: packs, loose objects and those of its alternates. What another process adds later is not
/// seen; what it deletes can still be read from packs.
#[derive(Debug)]
pub struct ObjectStore {
    format: ObjectFormat,
    partial: bool,
    problems: Vec<Unread>,
}

/// Where objects are, when not only where they usually are. A server's quarantine during a push is told by
/// `GIT_OBJECT_DIRECTORY` and `GIT_ALTERNATE_OBJECT_DIRECTORIES`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Directories {
    /// Instead of the folder `objects` of the repository.
    pub objects: Option<PathBuf>,
    /// Besides those that `objects/info/alternates` names.
    pub alternates: Vec<PathBuf>,
}

impl ObjectStore {
    /// Opens the store of the repository whose git directory this is: `.git`, that of a bare repository, or that of a
    /// linked work tree.
    pub fn open(git_dir: &Path) -> Result<Self, OpenError> {
        Self::open_with(git_dir, &Directories::default())
    }

    /// Opens the store, with objects at other places.
    pub fn open_with(git_dir: &Path, _directories: &Directories) -> Result<Self, OpenError> {
        if !git_dir.join("objects").is_dir() {
            return Err(OpenError::NoObjects { path: git_dir.to_owned() });
        }
        Ok(Self { format: ObjectFormat::default(), partial: false, problems: Vec::new() })
    }

    /// The hash that names its objects.
    pub fn object_format(&self) -> ObjectFormat {
        self.format
    }

    /// Whether objects may rightly be missing, since a partial clone fetches them when they are needed.
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    /// What could not be opened: packs that are damaged, alternates that are gone.
    pub fn problems(&self) -> &[Unread] {
        &self.problems
    }

    /// Whether it has the object.
    pub fn contains(&self, _id: &ObjectId) -> bool {
        false
    }

    /// Reads one object; `None` if it is not there. Who reads many takes a [`Reader`].
    pub fn read(&self, id: &ObjectId) -> Result<Option<(ObjectKind, Vec<u8>)>, ReadError> {
        let mut reader = self.reader();
        Ok(reader.read(id)?.map(|object| (object.kind, object.content.to_vec())))
    }

    /// A reader, one for each thread.
    pub fn reader(&self) -> Reader<'_> {
        Reader::new(self)
    }

    /// The ids that begin so, ascending; at least four hexadecimal digits, or there are none. More than one means that the
    /// prefix is ambiguous, unless the caller wants a commit and only one of them is.
    pub fn find_prefix(&self, _hexadecimal: &str) -> Vec<ObjectId> {
        Vec::new()
    }
}
