//! Object stores: what is below a prefix, as the files of a folder are.
//!
//! Nothing is written to a store, and nothing is asked of it but lists and contents. How to reach it and who asks is for the
//! caller, who opens it.

use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};

use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;

use crate::coverage::{Reason, Unread};
use crate::place::Place;
use crate::progress::Progress;
use crate::scan::Scan;

/// How many objects are listed ahead of those that are read.
const AHEAD: usize = 1_000;

/// A prefix in a store.
#[derive(Debug, Clone, Copy)]
pub struct Prefix<'a> {
    /// The store, open for reading.
    pub store: &'a dyn ObjectStore,
    /// What stands ahead of a key in the name of an object, such as `s3://bucket/`.
    pub name: &'a str,
    /// The folder, or an object; empty for all that there is.
    pub key: &'a Path,
}

/// Why nothing was scanned.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// There is no object.
    #[error("there is nothing at {place}")]
    Nothing {
        /// The URL. Foreign text.
        place: String,
    },
}

/// Scans all objects below a prefix, or the one object that it is. So many are read at the same time, each as it comes and in
/// bounded memory. What cannot be listed or read becomes [`Unread`], and the rest is read.
///
/// Requests run on the runtime, which needs its drivers for time and input. Not to be called from one of its tasks, since
/// this waits for them.
///
/// # Errors
/// If there is nothing at the prefix.
pub fn scan(
    prefix: Prefix<'_>,
    scan: &Scan,
    runtime: &Handle,
    readers: NonZeroUsize,
    progress: &dyn Progress,
) -> Result<(), ObjectsError> {
    let (sender, listed) = sync_channel(AHEAD);
    let listed = Mutex::new(listed);
    let reader = Reader { prefix, scan, runtime, progress };
    let any = std::thread::scope(|scope| {
        for _ in 0..readers.get() {
            scope.spawn(|| reader.work(&listed));
        }
        let mut any = false;
        let mut list = prefix.store.list(Some(prefix.key));
        while let Some(next) = runtime.block_on(list.next()) {
            any = true;
            match next {
                // What consoles make to show an empty folder, and other empty objects.
                Ok(object) if object.size == 0 => {}
                // The readers go on until there are no more.
                Ok(object) => drop(sender.send(object)),
                Err(error) => {
                    reader.unread(prefix.key, &error);
                    break;
                }
            }
        }
        if !any && !prefix.key.as_ref().is_empty() {
            any = match runtime.block_on(prefix.store.head(prefix.key)) {
                Ok(object) => {
                    drop(sender.send(object));
                    true
                }
                Err(object_store::Error::NotFound { .. }) => false,
                Err(error) => {
                    reader.unread(prefix.key, &error);
                    true
                }
            };
        }
        drop(sender);
        any
    });
    if any { Ok(()) } else { Err(ObjectsError::Nothing { place: format!("{}{}", prefix.name, prefix.key) }) }
}

/// Reads objects, in one thread of several.
struct Reader<'a> {
    prefix: Prefix<'a>,
    scan: &'a Scan,
    runtime: &'a Handle,
    progress: &'a dyn Progress,
}

impl Reader<'_> {
    fn work(&self, listed: &Mutex<Receiver<ObjectMeta>>) {
        loop {
            // Whoever waits for the list holds the lock, and all others wait for the lock.
            let next = listed.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(object) = next else { return };
            match self.runtime.block_on(self.prefix.store.get(&object.location)) {
                Ok(result) => {
                    let name = format!("{}{}", self.prefix.name, object.location);
                    let mut body = Body::new(self.runtime, result.into_stream());
                    self.scan.stream(&Place::file(name.as_bytes()), &mut body);
                }
                Err(error) => self.unread(&object.location, &error),
            }
            self.progress.advanced(1, object.size);
        }
    }

    fn unread(&self, key: &Path, error: &object_store::Error) {
        let place = format!("{}{key}", self.prefix.name);
        self.scan.unread(Unread { place, reason: Reason::Io, detail: error.to_string() });
    }
}

/// An object, as it arrives.
struct Body<'a> {
    runtime: &'a Handle,
    stream: BoxStream<'static, object_store::Result<bytes::Bytes>>,
    part: bytes::Bytes,
}

impl<'a> Body<'a> {
    fn new(runtime: &'a Handle, stream: BoxStream<'static, object_store::Result<bytes::Bytes>>) -> Self {
        Self { runtime, stream, part: bytes::Bytes::new() }
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() {
            match self.runtime.block_on(self.stream.next()) {
                Some(part) => self.part = part.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let read = self.part.len().min(buffer.len());
        buffer[..read].copy_from_slice(&self.part.split_to(read));
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
