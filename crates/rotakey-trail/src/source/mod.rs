//! Where the files of a trail are, and which of them to read.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use crate::selection::Selection;
use crate::summary::{Problem, Skipped};

/// What was found to read.
#[derive(Debug, Default)]
pub struct Trail {
    /// The files, in the order in which they are best read: by day, large ones first.
    pub files: Vec<TrailFile>,
    /// What was passed over.
    pub skipped: Skipped,
    /// What could not even be listed.
    pub problems: Vec<Problem>,
}

/// One file.
#[derive(Debug)]
pub struct TrailFile {
    /// Its name as the user knows it: a path, a URL, or `standard input`.
    pub name: String,
    /// Its size as it is stored, if that is known.
    pub bytes: Option<u64>,
    /// The day in its path, as days since 1970.
    pub day: Option<i64>,
    /// Where it is.
    pub location: Location,
}

/// Where a file is.
#[derive(Debug)]
pub enum Location {
    /// On this machine.
    Path(PathBuf),
}

impl Trail {
    /// Finds what these names stand for.
    pub fn find(paths: &[String], _selection: &Selection) -> Self {
        let file = |path: &String| TrailFile {
            name: path.clone(),
            bytes: None,
            day: None,
            location: Location::Path(path.into()),
        };
        Self { files: paths.iter().map(file).collect(), ..Self::default() }
    }
}

impl TrailFile {
    /// Opens it for reading from its beginning, as it is stored: nothing is decompressed.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match &self.location {
            Location::Path(path) => Ok(Box::new(File::open(path)?)),
        }
    }
}
