//! Measures the walk over all blobs of a repository: `walk GIT_DIR [WORKERS] [MODE]`. The modes:
//!
//! - `detector`: the walk as it is, with the detector's screen;
//! - `seams`: the same with a screen for two literals;
//! - `whole`: the same with a window so large that each blob is searched as a whole;
//! - `nothing`: without any search, so that what remains is the reading;
//! - `inflate-only`: each entry of a blob is inflated once, whole or delta, by the simplest code there is: the limit that
//!   the walk is held against.

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use memchr::memmem::Finder;
use rotakey_scan::coverage::Unread;
use rotakey_scan::detect::Detector;
use rotakey_scan::git::objects::{NothingKnown, ObjectStore, Search, walk};
use rotakey_scan::object_id::ObjectId;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let git_dir = Path::new(arguments.first().ok_or("usage: walk GIT_DIR [WORKERS] [MODE]")?);
    let workers = arguments.get(1).map_or(Ok(NonZeroUsize::MIN), |workers| workers.parse())?;
    let mode = arguments.get(2).map_or("detector", String::as_str);
    let text = match mode {
        "inflate-only" => inflate_only(git_dir, workers)?,
        _ => {
            let window = if matches!(mode, "detector" | "seams") { Detector::WINDOW } else { 1 << 40 };
            let search = Literals::new(window, mode);
            let walked = walk(&ObjectStore::open(git_dir)?, workers, &NothingKnown, &search);
            let (hits, unread) = (search.hits.into_inner(), search.unread.into_inner());
            format!("{walked:?}, {hits} suspects, {unread} unread")
        }
    };
    std::io::Write::write_all(&mut std::io::stdout(), format!("{text}\n").as_bytes())?;
    Ok(())
}

struct Literals {
    window: usize,
    detector: Option<Detector>,
    literals: Vec<Finder<'static>>,
    hits: AtomicU64,
    unread: AtomicU64,
}

impl Literals {
    fn new(window: usize, mode: &str) -> Self {
        let literals = if mode == "nothing" { &[][..] } else { &["AKIA", "ASIA"] };
        let literals = literals.iter().map(|literal| Finder::new(literal.as_bytes())).collect();
        let detector = (mode == "detector").then(Detector::default);
        Self { window, detector, literals, hits: AtomicU64::new(0), unread: AtomicU64::new(0) }
    }
}

impl Search for Literals {
    fn window(&self) -> usize {
        self.window
    }

    fn screen(&self, part: &[u8]) -> bool {
        match &self.detector {
            Some(detector) => detector.screen(part),
            None => self.literals.iter().any(|literal| literal.find(part).is_some()),
        }
    }

    fn is_local(&self, content: &[u8]) -> bool {
        self.detector.is_none() || memchr::memchr(0, content).is_none()
    }

    fn blob(&self, _id: &ObjectId, _content: &[u8]) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    fn unread(&self, _unread: Unread) {
        self.unread.fetch_add(1, Ordering::Relaxed);
    }
}

/// Inflates what blobs are made of, in the order of the pack.
fn inflate_only(git_dir: &Path, workers: NonZeroUsize) -> Result<String, Box<dyn Error>> {
    let (mut entries, mut bytes) = (0, 0);
    for file in std::fs::read_dir(git_dir.join("objects/pack"))? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "pack") {
            let (pack, index) = (std::fs::read(&path)?, std::fs::read(path.with_extension("idx"))?);
            let streams = blob_streams(&pack, &index);
            let (next, total) = (AtomicUsize::new(0), AtomicU64::new(0));
            let inflate = || {
                let mut inflater = libdeflater::Decompressor::new();
                let mut buffer = Vec::new();
                while let Some(part) = streams.chunks(1024).nth(next.fetch_add(1, Ordering::Relaxed)) {
                    for &(start, end, size) in part {
                        if buffer.len() < size {
                            buffer.resize(size, 0);
                        }
                        let inflated = inflater.zlib_decompress(&pack[start..end], &mut buffer[..size]);
                        total.fetch_add(inflated.unwrap_or(0) as u64, Ordering::Relaxed);
                    }
                }
            };
            std::thread::scope(|scope| {
                (1..workers.get()).for_each(|_| drop(scope.spawn(inflate)));
                inflate();
            });
            entries += streams.len();
            bytes += total.into_inner();
        }
    }
    Ok(format!("{entries} entries of blobs, {bytes} bytes inflated"))
}

/// Where the compressed data of each blob's entry begins and ends, and what size it inflates to. The pack is trusted.
fn blob_streams(pack: &[u8], index: &[u8]) -> Vec<(usize, usize, usize)> {
    let number =
        |at: usize| u32::from_be_bytes([index[at], index[at + 1], index[at + 2], index[at + 3]]) as usize;
    let count = number(8 + 255 * 4);
    let mut offsets: Vec<usize> = (0..count).map(|entry| number(8 + 1024 + count * 24 + entry * 4)).collect();
    offsets.sort_unstable();
    offsets.push(pack.len() - 20);
    let mut blobs = vec![false; count];
    let mut streams = Vec::new();
    for entry in 0..count {
        let mut at = offsets[entry];
        let kind = pack[at] >> 4 & 7;
        let (mut size, mut shift) = (usize::from(pack[at] & 15), 4);
        while pack[at] & 0x80 != 0 {
            at += 1;
            size |= usize::from(pack[at] & 0x7f) << shift;
            shift += 7;
        }
        at += 1;
        blobs[entry] = kind == 3;
        if kind == 6 {
            let mut distance = usize::from(pack[at] & 0x7f);
            while pack[at] & 0x80 != 0 {
                at += 1;
                distance = (distance + 1) << 7 | usize::from(pack[at] & 0x7f);
            }
            at += 1;
            blobs[entry] = offsets.binary_search(&(offsets[entry] - distance)).is_ok_and(|base| blobs[base]);
        }
        if blobs[entry] {
            streams.push((at, offsets[entry + 1], size));
        }
    }
    streams
}
