//! Files and folders on this machine.

use std::collections::HashSet;
use std::fs::{self, DirEntry, FileType};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::layout::{Folder, Kind, Step};
use super::stream::Once;
use super::{Find, Location, Trail, TrailFile};

/// A search through folders.
///
/// Symbolic links are followed, but no folder is read twice, so loops end. Links to folders wait until all
/// folders were seen that are reached without one: which of several ways to a folder is told is then always the
/// same. What is neither file nor folder is passed over: reading a pipe or a device may never end.
pub(super) struct Walk<'a> {
    find: &'a Find<'a>,
    trail: &'a mut Trail,
    /// Devices and inodes of the folders that were read.
    seen: HashSet<(u64, u64)>,
    folders: Vec<(PathBuf, Folder)>,
    links: Vec<(PathBuf, Folder)>,
    /// Whether anything was found since the last input began that was asked about, or could have been.
    has_any: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(find: &'a Find<'a>, trail: &'a mut Trail) -> Self {
        Self { find, trail, seen: HashSet::new(), folders: Vec::new(), links: Vec::new(), has_any: false }
    }

    /// Takes what the user named.
    pub(super) fn take(&mut self, path: &Path) {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => return self.trail.problem(path.to_string_lossy(), error),
        };
        // What `.` is tells only the whole path.
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        if metadata.is_dir() {
            self.has_any = false;
            self.enter(path.to_owned(), Folder::of(&whole.to_string_lossy()), false);
            self.read_folders();
            // Of a folder that was named by mistake, nothing must follow.
            if !self.has_any {
                self.trail.problem(path.to_string_lossy(), "there are no log files in it");
            }
        } else if is_stream(metadata.file_type()) {
            self.take_once(path.to_string_lossy().into_owned(), Once::pipe(path.to_owned()));
        } else {
            let folder =
                whole.parent().map(|parent| Folder::of(&parent.to_string_lossy())).unwrap_or_default();
            let name = whole.file_name().unwrap_or_default().to_string_lossy();
            let layout = folder.file(&name);
            match layout.kind {
                Kind::Digest | Kind::Insight => self.trail.skipped.count(layout.kind),
                Kind::Log if !layout.may_be_in(self.find.selection) => self.trail.skipped.outside += 1,
                _ => self.found(path.to_owned(), layout.day),
            }
        }
    }

    /// Takes what passes by only once.
    pub(super) fn take_once(&mut self, name: String, once: Once) {
        let (bytes, location) = if self.find.again {
            match once.spool() {
                Ok(spooled) => (Some(spooled.bytes()), Location::Spooled(spooled)),
                Err(error) => return self.trail.problem(name, error),
            }
        } else {
            (None, Location::Once(once))
        };
        self.trail.files.push(TrailFile { name, bytes, day: None, modified: None, etag: None, location });
    }

    /// Reads the folders to which only links lead.
    pub(super) fn finish(mut self) {
        while !self.links.is_empty() {
            let mut links = std::mem::take(&mut self.links);
            links.sort_by(|one, other| one.0.cmp(&other.0));
            for (path, folder) in links {
                self.folders.push((path, folder));
                self.read_folders();
            }
        }
    }

    /// Remembers a folder to be read, unless nothing in it is asked about.
    fn enter(&mut self, path: PathBuf, folder: Folder, is_link: bool) {
        if let Step::PassedOver(kind) = folder.step() {
            self.trail.skipped.count(kind);
        } else if !folder.may_be_in(self.find.selection) {
            self.has_any = true;
            self.trail.skipped.outside += 1;
        } else if is_link {
            self.has_any = true;
            self.links.push((path, folder));
        } else {
            self.folders.push((path, folder));
        }
    }

    fn read_folders(&mut self) {
        while let Some((path, folder)) = self.folders.pop() {
            if let Err(error) = self.read_folder(&path, &folder) {
                self.has_any = true;
                self.trail.problem(path.to_string_lossy(), error);
            }
        }
    }

    fn read_folder(&mut self, path: &Path, folder: &Folder) -> io::Result<()> {
        let metadata = fs::metadata(path)?;
        if !self.seen.insert((metadata.dev(), metadata.ino())) {
            self.has_any = true;
            return Ok(());
        }
        for entry in fs::read_dir(path)? {
            self.entry(&entry?, folder);
        }
        Ok(())
    }

    fn entry(&mut self, entry: &DirEntry, folder: &Folder) {
        let file_name = entry.file_name();
        let name = file_name.to_string_lossy();
        if name.starts_with('.') {
            self.trail.skipped.foreign += 1;
            return;
        }
        let layout = folder.file(&name);
        let is_read = matches!(layout.kind, Kind::Log | Kind::Readable);
        let (file_type, is_link) = match target(entry) {
            Ok(target) => target,
            Err(error) if is_read => {
                self.has_any = true;
                return self.trail.problem(entry.path().to_string_lossy(), error);
            }
            Err(_) => return self.trail.skipped.foreign += 1,
        };
        if file_type.is_dir() {
            self.enter(entry.path(), folder.child(&name), is_link);
        } else if !file_type.is_file() {
            self.trail.skipped.foreign += 1;
        } else if !is_read {
            self.trail.skipped.count(layout.kind);
        } else if !layout.may_be_in(self.find.selection) {
            self.has_any = true;
            self.trail.skipped.outside += 1;
        } else {
            self.found(entry.path(), layout.day);
        }
    }

    /// Nothing is asked of a file here: that takes longer than all else.
    fn found(&mut self, path: PathBuf, day: Option<i64>) {
        self.has_any = true;
        let name = path.to_string_lossy().into_owned();
        let location = Location::Path(path);
        self.trail.files.push(TrailFile { name, bytes: None, day, modified: None, etag: None, location });
    }
}

/// What an entry of a folder is, or what it leads to, and whether it is a link.
fn target(entry: &DirEntry) -> io::Result<(FileType, bool)> {
    let file_type = entry.file_type()?;
    let is_link = file_type.is_symlink();
    Ok((if is_link { fs::metadata(entry.path())?.file_type() } else { file_type }, is_link))
}

/// Whether it can be read only once.
fn is_stream(file_type: FileType) -> bool {
    file_type.is_fifo() || file_type.is_char_device() || file_type.is_socket()
}
