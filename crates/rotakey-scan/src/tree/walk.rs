//! The folders of a work tree, shared out among threads.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use ignore::gitignore::Gitignore;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};

use super::file::{Files, Seen, unread};
use super::ignored::{self, Ignored};
use super::{TreeError, TreeOptions, bytes_of};
use crate::coverage::LeftOut;
use crate::place::Place;
use crate::progress::Progress;
use crate::scan::Scan;

/// How many files of one folder a thread takes at a time.
const BATCH: usize = 32;

/// What is to be done, and by how many it is being done.
pub(super) struct Walk<'a> {
    scan: &'a Scan,
    progress: &'a dyn Progress,
    options: TreeOptions,
    global: Gitignore,
    /// The devices and numbers of what the user named, if that is more than one: they are read as such, and not where
    /// they are met below another.
    roots: HashSet<(u64, u64)>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    work: Vec<Work>,
    /// The threads that may yet find more.
    busy: usize,
}

enum Work {
    /// Something that the user named and that is not a folder.
    Named(PathBuf),
    Folder(Folder),
    Files(Arc<Open>, Vec<Vec<u8>>),
}

/// A folder that was found.
struct Folder {
    /// As the user knows it.
    path: PathBuf,
    /// From the root of the file system on.
    absolute: PathBuf,
    /// What the folders above say.
    ignored: Arc<Ignored>,
    is_named: bool,
}

/// A folder that is open.
struct Open {
    descriptor: OwnedFd,
    path: PathBuf,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        paths: &[PathBuf],
        options: TreeOptions,
        scan: &'a Scan,
        progress: &'a dyn Progress,
    ) -> Result<Self, TreeError> {
        let global = if options.heed_ignore_files { Gitignore::global().0 } else { Gitignore::empty() };
        let mut roots = HashSet::new();
        let mut work = Vec::new();
        for path in paths {
            let metadata = match path.metadata() {
                Ok(metadata) => metadata,
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
                {
                    return Err(TreeError::Missing { path: path.clone() });
                }
                Err(error) => {
                    unread(scan, path, &error);
                    continue;
                }
            };
            if !roots.insert((metadata.dev(), metadata.ino())) {
                continue;
            }
            let kind = metadata.file_type();
            if metadata.is_dir() {
                let ignored = match options.heed_ignore_files {
                    true => Ignored::above(path, scan),
                    false => Arc::default(),
                };
                let absolute = path.canonicalize().unwrap_or_else(|_| path.clone());
                let path = if path == Path::new(".") { PathBuf::new() } else { path.clone() };
                work.push(Work::Folder(Folder { path, absolute, ignored, is_named: true }));
            } else if kind.is_file() || kind.is_fifo() {
                work.push(Work::Named(path.clone()));
            } else {
                scan.left_out(|left_out| left_out.special += 1);
            }
        }
        if roots.len() == 1 {
            roots.clear();
        }
        work.reverse();
        let state = Mutex::new(State { work, busy: 0 });
        Ok(Self { scan, progress, options, global, roots, state, changed: Condvar::new() })
    }

    /// One thread: works until there is nothing left and nobody can find more.
    pub(super) fn work(&self) {
        let mut worker = Worker {
            walk: self,
            files: Files { scan: self.scan, progress: self.progress, buffer: Vec::new() },
            left_out: LeftOut::default(),
            entries: Vec::with_capacity(ENTRIES),
        };
        while let Some(work) = self.next() {
            // Whatever happens, the others must not wait for this thread.
            let _done = Done(self);
            match work {
                Work::Named(path) => worker.named(&path),
                Work::Folder(folder) => worker.folder(folder),
                Work::Files(folder, names) => worker.batch(&folder, &names),
            }
        }
        self.scan.left_out(|left_out| {
            left_out.symbolic_links += worker.left_out.symbolic_links;
            left_out.ignored += worker.left_out.ignored;
            left_out.special += worker.left_out.special;
        });
    }

    fn next(&self) -> Option<Work> {
        let mut state = self.state();
        loop {
            if let Some(work) = state.work.pop() {
                state.busy += 1;
                return Some(work);
            }
            if state.busy == 0 {
                self.changed.notify_all();
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn add(&self, work: Vec<Work>) {
        if !work.is_empty() {
            self.state().work.extend(work);
            self.changed.notify_all();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the user named this, too.
    fn is_named(&self, status: &Stat) -> bool {
        !self.roots.is_empty() && self.roots.contains(&(status.st_dev, status.st_ino))
    }
}

/// Says that a thread can find nothing more in what it took.
struct Done<'a>(&'a Walk<'a>);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.busy -= 1;
        if state.busy == 0 && state.work.is_empty() {
            self.0.changed.notify_all();
        }
    }
}

/// One thread.
struct Worker<'a> {
    walk: &'a Walk<'a>,
    files: Files<'a>,
    left_out: LeftOut,
    /// Where the system puts what is in a folder.
    entries: Vec<u8>,
}

/// Room for the entries of most folders.
const ENTRIES: usize = 32 << 10;

impl Worker<'_> {
    /// Reads a file or a pipe that the user named.
    fn named(&mut self, path: &Path) {
        let opened = File::open(path).and_then(|file| Ok((rustix::fs::fstat(&file)?, file)));
        match opened {
            Ok((status, file)) if FileType::from_raw_mode(status.st_mode) == FileType::RegularFile => {
                self.files.scan_file(file.into(), &status, path);
            }
            Ok((_, mut pipe)) => {
                self.walk.scan.stream(&Place::file(bytes_of(path)), &mut pipe);
                self.walk.progress.advanced(1, 0);
            }
            Err(error) => self.files.unread(path, error),
        }
    }

    /// Sees what is in a folder, leaves most of it to whoever comes next, and reads some files.
    fn folder(&mut self, folder: Folder) {
        let shown = if folder.path.as_os_str().is_empty() { Path::new(".") } else { &folder.path };
        let (descriptor, entries) = match self.list(shown, folder.is_named) {
            Ok(Some(listed)) => listed,
            Ok(None) => return,
            Err(error) => return self.files.unread(shown, error),
        };
        let ignored = self.ignored(&folder, &entries);
        let silent = !self.walk.options.heed_ignore_files || ignored.is_silent(&self.walk.global);
        let mut names = Vec::with_capacity(entries.len());
        let mut work = Vec::new();
        for (name, kind) in entries {
            let kind = match kind {
                FileType::Unknown => {
                    let status = rustix::fs::statat(&descriptor, &name[..], AtFlags::SYMLINK_NOFOLLOW);
                    status.map_or(FileType::RegularFile, |status| FileType::from_raw_mode(status.st_mode))
                }
                kind => kind,
            };
            let is_folder = kind == FileType::Directory;
            if is_folder && name == b".git" {
                continue;
            }
            let join = |folder: &Path| folder.join(std::ffi::OsStr::from_bytes(&name));
            let is_excluded = || {
                let exclude = &self.walk.options.exclude;
                !exclude.is_empty()
                    && exclude.excludes(&join(&folder.path).to_string_lossy(), is_folder, None)
            };
            if is_excluded()
                || !silent && ignored.is_ignored(&join(&folder.absolute), is_folder, &self.walk.global)
            {
                self.left_out.ignored += 1;
                continue;
            }
            match kind {
                FileType::Directory => work.push(Work::Folder(Folder {
                    path: join(&folder.path),
                    absolute: join(&folder.absolute),
                    ignored: Arc::clone(&ignored),
                    is_named: false,
                })),
                FileType::Symlink => self.left_out.symbolic_links += 1,
                FileType::RegularFile => names.push(name),
                _ => self.left_out.special += 1,
            }
        }
        let open = Arc::new(Open { descriptor, path: folder.path });
        let own = names.split_off(names.len().saturating_sub(BATCH));
        for batch in names.chunks_mut(BATCH) {
            let batch = batch.iter_mut().map(std::mem::take).collect();
            work.push(Work::Files(Arc::clone(&open), batch));
        }
        self.walk.add(work);
        self.batch(&open, &own);
    }

    /// Reads some files of one folder.
    fn batch(&mut self, folder: &Open, names: &[Vec<u8>]) {
        let walk = self.walk;
        for name in names {
            let path = folder.path.join(std::ffi::OsStr::from_bytes(name));
            let seen =
                self.files.read(folder.descriptor.as_fd(), name, &path, |status| walk.is_named(status));
            match seen {
                Seen::Done | Seen::Elsewhere => {}
                Seen::Link => self.left_out.symbolic_links += 1,
                Seen::Special => self.left_out.special += 1,
                Seen::Folder => {
                    let error = io::Error::other("it was a file, and is a folder now");
                    self.files.unread(&path, error);
                }
            }
        }
    }

    fn ignored(&self, folder: &Folder, entries: &[(Vec<u8>, FileType)]) -> Arc<Ignored> {
        if !self.walk.options.heed_ignore_files {
            return Arc::clone(&folder.ignored);
        }
        let mut files = ignored::Files::default();
        for (name, _) in entries {
            files.note(name);
        }
        Ignored::within(&folder.ignored, &folder.absolute, files, self.walk.scan)
    }

    /// Opens a folder and lists it. `None` if it is read elsewhere.
    fn list(&mut self, path: &Path, is_named: bool) -> io::Result<Option<(OwnedFd, Entries)>> {
        let mut flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY;
        if !is_named {
            flags |= OFlags::NOFOLLOW;
        }
        let descriptor = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
        if !is_named && !self.walk.roots.is_empty() && self.walk.is_named(&rustix::fs::fstat(&descriptor)?) {
            return Ok(None);
        }
        let mut entries = Entries::new();
        self.each_entry(&descriptor, |name, kind| {
            if name != b"." && name != b".." {
                entries.push((name.to_vec(), kind));
            }
        })?;
        Ok(Some((descriptor, entries)))
    }

    #[cfg(target_os = "linux")]
    fn each_entry(&mut self, folder: &OwnedFd, mut each: impl FnMut(&[u8], FileType)) -> io::Result<()> {
        let mut list = rustix::fs::RawDir::new(folder, self.entries.spare_capacity_mut());
        while let Some(entry) = list.next() {
            let entry = entry?;
            each(entry.file_name().to_bytes(), entry.file_type());
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn each_entry(&mut self, folder: &OwnedFd, mut each: impl FnMut(&[u8], FileType)) -> io::Result<()> {
        for entry in rustix::fs::Dir::read_from(folder)? {
            let entry = entry?;
            each(entry.file_name().to_bytes(), entry.file_type());
        }
        Ok(())
    }
}

type Entries = Vec<(Vec<u8>, FileType)>;
