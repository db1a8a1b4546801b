//! Everything that a repository has objects in.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use super::directories::{self, Configuration};
use super::error::{OpenError, ReadError};
use super::index::Index;
use super::kind::{ObjectFormat, ObjectKind};
use super::pack::{OpenPackError, Pack, PackData, file_name};
use super::reader::Reader;
use super::{loose, map, unindexed};
use crate::coverage::{Reason, Unread};
use crate::object_id::ObjectId;

/// The objects of a repository: packs, loose objects and those of its alternates. What another process adds later is not
/// seen; what it deletes can still be read from packs.
#[derive(Debug)]
pub struct ObjectStore {
    format: ObjectFormat,
    partial: bool,
    directories: Vec<PathBuf>,
    packs: Vec<Pack>,
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
    pub fn open_with(git_dir: &Path, directories: &Directories) -> Result<Self, OpenError> {
        let common = directories::common(git_dir)?;
        let objects = directories.objects.clone().unwrap_or_else(|| common.join("objects"));
        if !objects.is_dir() {
            return Err(OpenError::NoObjects { path: git_dir.to_owned() });
        }
        let configuration = Configuration::read(&common)?;
        let wanted = std::iter::once(objects).chain(directories.alternates.iter().cloned()).collect();
        let (directories, problems) = directories::with_alternates(wanted);
        let mut store = Self {
            format: configuration.format,
            partial: configuration.partial,
            directories,
            packs: Vec::new(),
            problems,
        };
        let mut unindexed = Vec::new();
        for directory in store.directories.clone() {
            store.open_packs(&directory.join("pack"), &mut unindexed);
        }
        // Last, since their deltas may be against objects of the others.
        for (path, data) in unindexed {
            let (index, problems) = unindexed::index(&data, &file_name(&path), &store);
            store.problems.extend(problems);
            store.packs.push(Pack::new(&path, data, index));
        }
        Ok(store)
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
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.packs.iter().any(|pack| pack.contains(id))
            || self.directories.iter().any(|directory| loose::path(directory, id).is_file())
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
    pub fn find_prefix(&self, hexadecimal: &str) -> Vec<ObjectId> {
        let digits = hexadecimal.to_ascii_lowercase();
        if !(4..=2 * self.format.length()).contains(&digits.len()) {
            return Vec::new();
        }
        let even = if digits.len().is_multiple_of(2) { digits.clone() } else { format!("{digits}0") };
        let Ok(lowest) = HEXLOWER.decode(even.as_bytes()) else { return Vec::new() };
        let begins = |id: &ObjectId| id.to_string().starts_with(&digits);
        let mut ids = Vec::new();
        for pack in &self.packs {
            let positions = pack.index.first_not_below(&lowest)..pack.index.count();
            let found = positions.filter_map(|position| ObjectId::from_bytes(pack.index.id(position)));
            ids.extend(found.take_while(begins));
        }
        for directory in &self.directories {
            let mut loose = Vec::new();
            // What cannot be listed is reported by who walks everything.
            let _ = loose::list_with_first(directory, lowest[0], self.format, &mut loose);
            ids.extend(loose.into_iter().filter(begins));
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Its packs, and those that it borrows.
    pub fn packs(&self) -> &[Pack] {
        &self.packs
    }

    /// The ids of its loose objects that are in no pack, and of those that it borrows, each once; and what could not be
    /// listed.
    pub fn loose(&self) -> (Vec<ObjectId>, Vec<Unread>) {
        let (mut ids, mut problems) = (Vec::new(), Vec::new());
        for directory in &self.directories {
            let (listed, unread) = loose::list(directory, self.format);
            ids.extend(listed.into_iter().filter(|id| !self.packs.iter().any(|pack| pack.contains(id))));
            problems.extend(unread);
        }
        ids.sort_unstable();
        ids.dedup();
        (ids, problems)
    }

    /// The folders of objects, the repository's own first.
    pub(super) fn directories(&self) -> &[PathBuf] {
        &self.directories
    }

    fn open_packs(&mut self, directory: &Path, unindexed: &mut Vec<(PathBuf, PackData)>) {
        let mut paths: Vec<PathBuf> = Vec::new();
        match fs::read_dir(directory) {
            Ok(entries) => {
                for entry in entries {
                    match entry {
                        Ok(entry) => paths.push(entry.path()),
                        Err(error) => self.problems.push(loose::unread(directory, &error)),
                    }
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => self.problems.push(loose::unread(directory, &error)),
        }
        paths.sort_unstable();
        for path in &paths {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("pack") => self.open_pack(path, unindexed),
                Some("idx") if paths.binary_search(&path.with_extension("pack")).is_err() => {
                    let place = format!("pack {}", file_name(&path.with_extension("pack")));
                    let detail = "only its index is there".to_owned();
                    self.problems.push(Unread { place, reason: Reason::Missing, detail });
                }
                Some("promisor") => self.partial = true,
                _ => {}
            }
        }
    }

    fn open_pack(&mut self, path: &Path, unindexed: &mut Vec<(PathBuf, PackData)>) {
        let data = match PackData::open(path, self.format) {
            Ok(data) => data,
            Err(error) => {
                let (reason, detail) = match error {
                    OpenPackError::Io(error) => (Reason::Io, error.to_string()),
                    OpenPackError::Damaged(how) => (Reason::Corrupt, how.to_owned()),
                };
                self.problems.push(Unread { place: format!("pack {}", file_name(path)), reason, detail });
                return;
            }
        };
        let index = map::map(&path.with_extension("idx"))
            .ok()
            .and_then(|bytes| Index::new(bytes, self.format).ok())
            // One that was made for another pack, or does not name every entry, would hide some.
            .filter(|index| index.pack_checksum() == data.checksum() && index.count() == data.count());
        match index {
            Some(index) => self.packs.push(Pack::new(path, data, index)),
            None => unindexed.push((path.to_owned(), data)),
        }
    }
}
