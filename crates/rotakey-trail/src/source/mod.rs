//! Where the files of a trail are, and which of them to read.
//!
//! [`Trail::find`] lists folders and object stores, without opening a file. [`fetch::Fetch`] then hands what is
//! in the files to the threads that read, and [`decoded::Decoded`] decompresses what comes as a stream.

pub mod decoded;
pub mod fetch;
pub mod layout;
mod local;
pub mod objects;
pub mod stream;

use std::cmp::Reverse;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use self::objects::{Object, ObjectStores, StoreError};
use self::stream::{Once, Spooled};
use crate::event_time::EventTime;
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
    /// Its size as it is stored, if that is known. See [`Trail::look`].
    pub bytes: Option<u64>,
    /// The day in its path, as days since 1970.
    pub day: Option<i64>,
    /// When it was last changed.
    pub modified: Option<EventTime>,
    /// What is another if the content is another: an object's `ETag`, without quotation marks; of a file on this
    /// machine its size and the nanosecond of its last change, see [`Trail::look`]. `None` for what comes as a stream.
    pub etag: Option<String>,
    /// Where it is.
    pub location: Location,
}

/// Where a file is.
#[derive(Debug)]
pub enum Location {
    /// On this machine.
    Path(PathBuf),
    /// It passes by once: standard input or a named pipe.
    Once(Once),
    /// It passed by, and was written to a file without a name.
    Spooled(Spooled),
    /// In an object store.
    Object(Object),
}

/// What the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// `-`.
    StandardInput,
    /// A file, a folder or a named pipe.
    Path(PathBuf),
    /// `s3://bucket/prefix` and the like.
    Url(String),
}

/// How to look for files.
#[derive(Debug, Clone, Copy)]
pub struct Find<'a> {
    /// What is asked about. Files of other accounts, regions and days are left out, as far as their names tell.
    pub selection: &'a Selection,
    /// Whether files will be opened more than once. What passes by only once is then kept in a temporary file
    /// without a name, as it comes, where the system keeps temporary files.
    pub again: bool,
    /// What is needed to read from object stores.
    pub objects: Option<&'a ObjectStores>,
}

/// What the user has to say in another way.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The URL leads nowhere.
    #[error("cannot read from {url}")]
    Store {
        /// The URL. Foreign text.
        url: String,
        /// Why.
        source: StoreError,
    },
}

/// Up to how many files on this machine are looked at one by one, so that large ones come first. Among more, the order
/// matters less than the looking.
const FEW_FILES: usize = 1_000;

impl Trail {
    /// Finds the files in the inputs. What is not there or cannot be listed is a problem of the trail, and no
    /// error.
    ///
    /// Folders are searched to any depth. In them, only files are taken whose names say that they may hold records;
    /// a file that is an input itself is taken whatever its name, unless CloudTrail names digests and insights so.
    ///
    /// Waits for the runtime of the object stores, so it must not be called where that runtime has no other thread.
    ///
    /// # Errors
    /// If an input is a URL that cannot be understood.
    pub fn find(inputs: &[Input], find: &Find<'_>) -> Result<Self, FindError> {
        let mut trail = Self::default();
        let mut local = local::Walk::new(find, &mut trail);
        for input in inputs {
            match input {
                Input::StandardInput => local.take_once("standard input".to_owned(), Once::standard_input()),
                Input::Path(path) => local.take(path),
                Input::Url(_) => {}
            }
        }
        local.finish();
        if trail.files.len() <= FEW_FILES {
            trail.look();
        }
        for input in inputs {
            let Input::Url(url) = input else { continue };
            let error = |source| FindError::Store { url: url.clone(), source };
            let stores = find.objects.ok_or(StoreError::NoStores).map_err(error)?;
            stores.find(url, find.selection, &mut trail).map_err(error)?;
        }
        trail.arrange();
        Ok(trail)
    }

    /// Asks for the size, last change and tag of each file on this machine of which they are not known, as where there
    /// are many. What cannot be asked stays unknown; opening it will tell why.
    pub fn look(&mut self) {
        self.files.iter_mut().filter(|file| file.etag.is_none()).for_each(TrailFile::look);
    }

    /// Puts the files into the order in which they are best read, each once.
    fn arrange(&mut self) {
        fn order(file: &TrailFile) -> (bool, Option<i64>, Reverse<u64>, &str) {
            (file.day.is_none(), file.day, Reverse(file.bytes.unwrap_or(0)), &file.name)
        }
        self.files.sort_unstable_by(|one, other| order(one).cmp(&order(other)));
        self.files.dedup_by(|one, other| one.name == other.name);
        self.problems.sort();
        self.problems.dedup();
    }

    /// Notes what could not be listed.
    fn problem(&mut self, file: impl Into<String>, message: impl ToString) {
        self.problems.push(Problem { file: file.into(), message: message.to_string() });
    }
}

impl TrailFile {
    fn look(&mut self) {
        let Location::Path(path) = &self.location else { return };
        let Ok(metadata) = fs::metadata(path) else { return };
        let (size, seconds, nanoseconds) = (metadata.len(), metadata.mtime(), metadata.mtime_nsec());
        self.bytes = Some(size);
        self.modified = EventTime::from_seconds(seconds);
        self.etag = Some(format!("{size}-{seconds}.{nanoseconds:09}"));
    }

    /// Opens it for reading from its beginning, as it is stored: nothing is decompressed.
    ///
    /// # Errors
    /// Whatever the system or the store says; and for what passes by once, if it was opened before.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match &self.location {
            Location::Path(path) => Ok(Box::new(File::open(path)?)),
            Location::Once(once) => once.open(),
            Location::Spooled(spooled) => Ok(Box::new(spooled.open())),
            Location::Object(object) => Ok(Box::new(object.open())),
        }
    }
}

impl From<OsString> for Input {
    fn from(argument: OsString) -> Self {
        let text = argument.to_string_lossy();
        if text == "-" {
            return Self::StandardInput;
        }
        match text.split_once("://") {
            Some((scheme, _))
                if !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
            {
                Self::Url(text.into_owned())
            }
            _ => Self::Path(argument.into()),
        }
    }
}

impl Skipped {
    /// Counts what is passed over because of what it holds.
    fn count(&mut self, kind: layout::Kind) {
        match kind {
            layout::Kind::Digest => self.digests += 1,
            layout::Kind::Insight => self.insights += 1,
            _ => self.foreign += 1,
        }
    }
}

#[cfg(test)]
mod tests;
