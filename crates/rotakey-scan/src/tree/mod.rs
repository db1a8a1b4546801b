//! Work trees: the files below some paths, all but those that an ignore file names.
//!
//! For each file there are four calls of the system: open, status, read, close. Folders are opened by their path, and files
//! relative to their folder, so that the system does not look at each part of the path again and again.

mod file;
mod ignored;
mod walk;

use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use self::walk::Walk;
use crate::allow::Exclude;
use crate::progress::Progress;
use crate::scan::Scan;

/// Which files are read.
#[derive(Debug, Clone)]
pub struct TreeOptions {
    /// Leave out what ignore files name: `.gitignore` in repositories and what else git heeds there, and `.ignore`
    /// everywhere. What the user names is read in any case.
    pub heed_ignore_files: bool,
    /// What is left out besides. What the user names is read in any case.
    pub exclude: Exclude,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self { heed_ignore_files: true, exclude: Exclude::none() }
    }
}

/// Why the files below some paths were not scanned at all.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A path leads nowhere.
    #[error("{} does not exist", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
}

/// Scans the files at and below some paths, in several threads.
///
/// - Hidden files are read; `.git` folders below the paths are not, since what is in them is read as history.
/// - Symbolic links are counted and not followed, unless they are among the paths.
/// - Devices, sockets and pipes are counted and not read; a pipe among the paths is read.
/// - Paths that are equal, or lie in one another, are read once. A file with several names is read under each of them,
///   since each of them leads to it.
/// - What cannot be read becomes [`Unread`](crate::coverage::Unread), and the rest is read.
///
/// # Errors
/// If one of the paths does not exist; nothing is read then.
pub fn scan(
    paths: &[PathBuf],
    options: TreeOptions,
    scan: &Scan,
    workers: NonZeroUsize,
    progress: &dyn Progress,
) -> Result<(), TreeError> {
    let walk = Walk::new(paths, options, scan, progress)?;
    std::thread::scope(|scope| {
        for _ in 1..workers.get() {
            scope.spawn(|| walk.work());
        }
        walk.work();
    });
    Ok(())
}

/// A path as bytes, to be told.
fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

#[cfg(test)]
mod tests;
