//! What lies below the folders that were given. Symbolic links are never followed, so nothing else is ever opened.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use super::layout::{DIGESTS, LOGS, is_region, log_time};
use super::report::{Code, Verification};
use crate::event_time::EventTime;

/// Folders below this depth are not looked at: an object key has at most 1,024 bytes, and AWS's part of it eight
/// folders.
const MOST_DEPTH: usize = 64;

/// The folders of one account and region.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Where its digests are.
    pub(super) digests: Vec<Place>,
    /// Where its log files are.
    pub(super) logs: Vec<Place>,
}

/// A file or folder.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Which of the folders given it is below.
    pub(super) root: usize,
    /// Its path below that, with `/` between the parts.
    pub(super) below: String,
    /// Where it is.
    pub(super) path: PathBuf,
}

impl Place {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.below.rsplit('/').next().unwrap_or_default()
    }

    /// When it was delivered, if it is a log file in the folder of that day. The name alone could lie about it:
    /// whoever reads a day's folder reads all of it.
    pub(super) fn time(&self) -> Option<EventTime> {
        let folder = self.below.strip_suffix(self.name())?;
        log_time(self.name()).filter(|time| {
            let day = time.to_string()[..10].replace('-', "/");
            folder.strip_suffix('/').is_some_and(|folder| folder.ends_with(&format!("/{day}")))
        })
    }
}

/// The groups below the folders, by the folders before those of CloudTrail and by region.
pub(super) fn groups(
    roots: &[PathBuf],
    verification: &mut Verification,
) -> BTreeMap<(String, String), Group> {
    let mut groups: BTreeMap<(String, String), Group> = BTreeMap::new();
    let places =
        roots.iter().enumerate().map(|(root, path)| Place { root, below: String::new(), path: path.clone() });
    let mut waiting: Vec<(Place, usize)> = places.map(|place| (place, 0)).collect();
    while let Some((folder, depth)) = waiting.pop() {
        let name = folder.name();
        for child in children(&folder, verification).into_iter().filter(|child| child.is_folder) {
            let region = child.place.name();
            if matches!(name, DIGESTS | LOGS) && is_region(region) {
                let before = folder.below[..folder.below.len() - name.len()].to_owned();
                let group = groups.entry((before, region.to_owned())).or_default();
                if name == DIGESTS { &mut group.digests } else { &mut group.logs }.push(child.place);
            } else if depth < MOST_DEPTH {
                waiting.push((child.place, depth + 1));
            } else {
                verification.problem(
                    Code::Unreadable,
                    "",
                    &child.place.below,
                    "there are too many folders in folders",
                );
            }
        }
    }
    groups
}

/// All files below these folders, sorted by their paths.
pub(super) fn files(folders: &[Place], region: &str, verification: &mut Verification) -> Vec<Place> {
    let mut files = Vec::new();
    let mut waiting: Vec<(Place, usize)> = folders.iter().map(|folder| (folder.clone(), 0)).collect();
    while let Some((folder, depth)) = waiting.pop() {
        for child in children(&folder, verification) {
            if !child.is_folder {
                files.push(child.place);
            } else if depth < MOST_DEPTH {
                waiting.push((child.place, depth + 1));
            } else {
                verification.problem(
                    Code::Unreadable,
                    region,
                    &child.place.below,
                    "there are too many folders in folders",
                );
            }
        }
    }
    files.sort_by(|one, other| one.below.cmp(&other.below));
    files
}

/// The file of that path below one of the folders, if it is there and no link leads to it.
pub(super) fn find(roots: &[PathBuf], below: &str) -> Option<PathBuf> {
    roots.iter().find_map(|root| {
        let mut path = root.clone();
        let mut parts = below.split('/').peekable();
        while let Some(part) = parts.next() {
            path.push(part);
            let kind = path.symlink_metadata().ok()?.file_type();
            let is_right = if parts.peek().is_some() { kind.is_dir() } else { kind.is_file() };
            if !is_right {
                return None;
            }
        }
        Some(path)
    })
}

struct Child {
    place: Place,
    is_folder: bool,
}

/// The files and folders in a folder. What cannot be listed is told.
fn children(folder: &Place, verification: &mut Verification) -> Vec<Child> {
    let entries = match fs::read_dir(&folder.path) {
        Ok(entries) => entries,
        Err(error) => {
            verification.problem(Code::Unreadable, "", &shown(folder), error.to_string());
            return Vec::new();
        }
    };
    let mut children = Vec::new();
    for entry in entries {
        match entry.and_then(|entry| child(folder, &entry)) {
            Ok((child, kind)) if kind.is_dir() || kind.is_file() => children.push(child),
            Ok((child, kind)) if kind.is_symlink() => {
                let message = "a symbolic link is never followed: it could lead out of the folder";
                verification.problem(Code::SymbolicLink, "", &child.place.below, message);
            }
            // Sockets, pipes and devices are nothing that came from S3.
            Ok(_) => {}
            Err(error) => verification.problem(Code::Unreadable, "", &shown(folder), error.to_string()),
        }
    }
    children
}

fn child(folder: &Place, entry: &DirEntry) -> io::Result<(Child, fs::FileType)> {
    let kind = entry.file_type()?;
    let name = entry.file_name();
    let separator = if folder.below.is_empty() { "" } else { "/" };
    let below = format!("{}{separator}{}", folder.below, name.to_string_lossy());
    let place = Place { root: folder.root, below, path: entry.path() };
    Ok((Child { place, is_folder: kind.is_dir() }, kind))
}

fn shown(folder: &Place) -> String {
    let shown = if folder.below.is_empty() { folder.path.as_path() } else { Path::new(&folder.below) };
    shown.display().to_string()
}
