//! Hands what is in the files of a trail to the threads that read, and sees to it that they do not wait.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::objects::{Object, Pending};
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

impl Default for FetchOptions {
    fn default() -> Self {
        Self { whole: 32 << 20, most_objects: 32, most_bytes: 64 << 20 }
    }
}

/// Hands out each file of a trail once, to whichever thread asks next.
///
/// Objects are asked for in the order of the trail, so many at a time that a thread finds one ready when it has
/// done the last. Files on this machine are read by the thread that gets them.
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
    rest: std::slice::Iter<'a, TrailFile>,
    /// The next one, which had no room yet.
    next: Option<(&'a TrailFile, &'a Object)>,
    on_their_way: VecDeque<(&'a TrailFile, &'a Object, Option<Pending>)>,
    bytes: u64,
}

impl<'a> Objects<'a> {
    fn new(trail: &'a Trail) -> Self {
        Self { rest: trail.files.iter(), next: None, on_their_way: VecDeque::new(), bytes: 0 }
    }

    /// Asks for as many as there is room for.
    fn request(&mut self, options: &FetchOptions) {
        while self.on_their_way.len() < options.most_objects.max(1) {
            let next = self.next.take().or_else(|| self.rest.find_map(|file| Some((file, object(file)?))));
            let Some((file, object)) = next else { return };
            // Streams ask for their parts when they are read.
            let held = if object.bytes() <= options.whole { object.bytes() } else { 0 };
            if !self.on_their_way.is_empty() && self.bytes + held > options.most_bytes {
                self.next = Some((file, object));
                return;
            }
            let pending = (object.bytes() <= options.whole).then(|| object.request());
            self.bytes += held;
            self.on_their_way.push_back((file, object, pending));
        }
    }

    /// One that has arrived.
    fn ready(&mut self) -> Option<Fetched<'a>> {
        let (index, body) =
            self.on_their_way.iter().enumerate().find_map(|(index, (_, object, pending))| {
                let body = match pending {
                    Some(pending) => pending.now()?.map(Body::Whole),
                    None => Ok(Body::Stream(Box::new(object.open()))),
                };
                Some((index, body))
            })?;
        let (file, object, pending) = self.on_their_way.remove(index)?;
        self.bytes -= if pending.is_some() { object.bytes() } else { 0 };
        Some(Fetched { file, body })
    }

    /// The first one, once it has arrived.
    fn first(&mut self) -> Option<Fetched<'a>> {
        let (file, object, pending) = self.on_their_way.pop_front()?;
        let body = match pending {
            Some(pending) => {
                self.bytes -= object.bytes();
                pending.wait().map(Body::Whole)
            }
            None => Ok(Body::Stream(Box::new(object.open()))),
        };
        Some(Fetched { file, body })
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

/// Reads a file into the buffer, if it is not too large for that.
fn read_whole(path: &Path, most: u64, buffer: &mut Vec<u8>) -> io::Result<Body> {
    let file = File::open(path)?;
    buffer.clear();
    // One byte of room beyond the end, so that the end is seen without growing.
    let bytes = file.metadata()?.len();
    if bytes <= most {
        buffer.reserve(usize::try_from(bytes).unwrap_or(usize::MAX).saturating_add(1));
        (&file).take(most.saturating_add(1)).read_to_end(buffer)?;
        if buffer.len() as u64 <= most {
            return Ok(Body::InBuffer);
        }
        // It has grown meanwhile.
        let begin = io::Cursor::new(std::mem::take(buffer));
        return Ok(Body::Stream(Box::new(begin.chain(file))));
    }
    Ok(Body::Stream(Box::new(file)))
}

#[cfg(test)]
mod tests;
