//! Hands what is in the files of a trail to the threads that read, and sees to it that they do not wait.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use super::objects::{Arrival, Object};
use super::{Location, Trail, TrailFile};

/// How much to hold ready.
#[derive(Debug, Clone, Copy)]
pub struct FetchOptions {
    /// Files up to that size are handed over whole, larger ones as streams.
    pub whole: u64,
    /// How many objects are on their way, or have arrived and wait, at the same time.
    pub most_objects: usize,
    /// How many bytes these have together. One object may have more.
    pub most_bytes: u64,
}

/// Room for most files of a trail.
const FIRST_READ: usize = 256 << 10;

impl Default for FetchOptions {
    fn default() -> Self {
        Self { whole: 32 << 20, most_objects: 32, most_bytes: 64 << 20 }
    }
}

/// Hands out each file of a trail once, to whichever thread asks next.
///
/// Objects are asked for in the order of the trail, so many at a time that a thread finds one ready when it has
/// done the last, and handed out as they arrive. Files on this machine are read by the thread that gets them.
#[derive(Debug)]
pub struct Fetch<'a> {
    trail: &'a Trail,
    options: FetchOptions,
    /// The next that is on this machine may be this one.
    next: AtomicUsize,
    objects: Option<Mutex<Objects<'a>>>,
}

/// A file that was handed out.
#[derive(Debug)]
pub struct Fetched<'a> {
    /// Which one.
    pub file: &'a TrailFile,
    /// What it holds, as it is stored; or why that is not known. That is a problem of this file only.
    pub body: io::Result<Body>,
}

/// What a file holds, as it is stored.
pub enum Body {
    /// It is in the buffer that was given to [`Fetch::next`].
    InBuffer,
    /// All of it.
    Whole(Vec<u8>),
    /// It is large, or nobody knows how large.
    Stream(Box<dyn Read + Send>),
}

impl<'a> Fetch<'a> {
    /// Nothing is read before the first call of [`Fetch::next`].
    pub fn new(trail: &'a Trail, options: FetchOptions) -> Self {
        let has_objects = trail.files.iter().any(|file| object(file).is_some());
        let objects = has_objects.then(|| Mutex::new(Objects::new(trail)));
        Self { trail, options, next: AtomicUsize::new(0), objects }
    }

    /// The next file, and what it holds. `None` when all were handed out.
    ///
    /// May be called by any number of threads, each with a buffer of its own, which is overwritten and grows to the
    /// size of the largest file that is handed over whole. Not to be called from the runtime of the object stores.
    pub fn next(&self, buffer: &mut Vec<u8>) -> Option<Fetched<'a>> {
        if let Some(objects) = &self.objects {
            let mut objects = objects.lock().unwrap_or_else(PoisonError::into_inner);
            objects.request(&self.options);
            if let Some(fetched) = objects.ready() {
                objects.request(&self.options);
                return Some(fetched);
            }
        }
        self.next_here(buffer).or_else(|| {
            // Whoever waits, waits in here: all that is left are objects on their way.
            let mut objects = self.objects.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
            objects.request(&self.options);
            let fetched = objects.ready().or_else(|| objects.first());
            objects.request(&self.options);
            fetched
        })
    }

    /// The next file that is on this machine.
    fn next_here(&self, buffer: &mut Vec<u8>) -> Option<Fetched<'a>> {
        loop {
            let file = self.trail.files.get(self.next.fetch_add(1, Ordering::Relaxed))?;
            let body = match &file.location {
                Location::Object(_) => continue,
                Location::Path(path) => read_whole(path, self.options.whole, buffer),
                Location::Once(_) | Location::Spooled(_) => file.open().map(Body::Stream),
            };
            return Some(Fetched { file, body });
        }
    }
}

/// The objects of a trail, some of them on their way.
#[derive(Debug)]
struct Objects<'a> {
    files: &'a [TrailFile],
    /// The first that was not asked for.
    next: usize,
    on_their_way: usize,
    /// The bytes of those on their way.
    bytes: u64,
    /// What is too large to be asked for as a whole.
    streams: VecDeque<&'a TrailFile>,
    arrivals: Receiver<Arrival>,
    sender: Sender<Arrival>,
}

impl<'a> Objects<'a> {
    fn new(trail: &'a Trail) -> Self {
        let (sender, arrivals) = channel();
        let streams = VecDeque::new();
        Self { files: &trail.files, next: 0, on_their_way: 0, bytes: 0, streams, arrivals, sender }
    }

    /// Asks for as many as there is room for.
    fn request(&mut self, options: &FetchOptions) {
        while self.on_their_way + self.streams.len() < options.most_objects.max(1) {
            let Some(file) = self.files.get(self.next) else { return };
            if let Location::Object(object) = &file.location {
                let bytes = object.bytes();
                if bytes > options.whole {
                    self.streams.push_back(file);
                } else if self.on_their_way > 0 && self.bytes + bytes > options.most_bytes {
                    return;
                } else {
                    object.request(self.next, self.sender.clone());
                    self.on_their_way += 1;
                    self.bytes += bytes;
                }
            }
            self.next += 1;
        }
    }

    /// One that can be read now.
    fn ready(&mut self) -> Option<Fetched<'a>> {
        if let Some(file) = self.streams.pop_front() {
            return Some(Fetched { file, body: file.open().map(Body::Stream) });
        }
        let arrival = self.arrivals.try_recv().ok()?;
        self.arrived(arrival)
    }

    /// The first one that arrives.
    fn first(&mut self) -> Option<Fetched<'a>> {
        if self.on_their_way == 0 {
            return None;
        }
        let arrival = self.arrivals.recv().ok()?;
        self.arrived(arrival)
    }

    fn arrived(&mut self, arrival: Arrival) -> Option<Fetched<'a>> {
        let file = self.files.get(arrival.number)?;
        self.on_their_way -= 1;
        self.bytes -= object(file).map_or(0, Object::bytes);
        Some(Fetched { file, body: arrival.content.map(Body::Whole) })
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::InBuffer => "InBuffer",
            Self::Whole(_) => "Whole",
            Self::Stream(_) => "Stream",
        })
    }
}

fn object(file: &TrailFile) -> Option<&Object> {
    match &file.location {
        Location::Object(object) => Some(object),
        Location::Path(_) | Location::Once(_) | Location::Spooled(_) => None,
    }
}

/// Reads a file into the buffer, if it is not too large for that. It is not asked for its size: for small files,
/// that would take as long as reading them.
fn read_whole(path: &Path, most: u64, buffer: &mut Vec<u8>) -> io::Result<Body> {
    let file = File::open(path)?;
    buffer.clear();
    buffer.reserve(FIRST_READ);
    (&file).take(most.saturating_add(1)).read_to_end(buffer)?;
    if buffer.len() as u64 <= most {
        return Ok(Body::InBuffer);
    }
    let beginning = io::Cursor::new(std::mem::take(buffer));
    Ok(Body::Stream(Box::new(beginning.chain(file))))
}

#[cfg(test)]
mod tests;
