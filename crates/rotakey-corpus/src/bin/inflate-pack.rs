//! `inflate-pack REPOSITORY THREADS`: decompresses what the packs of a bare repository have of blobs, whole ones and
//! differences, each once, with libdeflate, and does nothing with them. No reader of a history can be faster.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program reports to the person who started it"
)]

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use libdeflater::Decompressor;

/// How many entries a thread takes at once; they follow each other in the file and are read in one piece.
const BATCH: usize = 256;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().map(PathBuf::from);
    let threads = arguments.next().and_then(|text| text.to_str()?.parse().ok());
    let (Some(folder), Some(threads)) = (folder, threads) else {
        eprintln!("Usage: inflate-pack REPOSITORY THREADS");
        return ExitCode::from(2);
    };
    match inflate(&folder.join("objects/pack"), threads) {
        Ok((entries, bytes)) => {
            println!("{entries} {bytes}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Error: {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// Decompresses all blob entries of all packs, and tells how many there are and how many bytes they make.
fn inflate(folder: &Path, threads: usize) -> io::Result<(usize, usize)> {
    let mut total = (0, 0);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "idx") {
            let (entries, bytes) = Pack::open(&path)?.inflate(threads)?;
            total = (total.0 + entries, total.1 + bytes);
        }
    }
    Ok(total)
}

struct Pack {
    file: File,
    /// Where the entries begin, ascending, and where the last one ends.
    offsets: Vec<u64>,
}

impl Pack {
    fn open(index: &Path) -> io::Result<Self> {
        let file = File::open(index.with_extension("pack"))?;
        // Behind the entries stands the SHA-1 of the pack.
        let end = file.metadata()?.len().saturating_sub(20);
        let mut offsets = offsets(&fs::read(index)?).ok_or(io::ErrorKind::InvalidData)?;
        offsets.push(end);
        offsets.sort_unstable();
        Ok(Self { file, offsets })
    }

    fn inflate(&self, threads: usize) -> io::Result<(usize, usize)> {
        let count = self.offsets.len() - 1;
        let is_blob = self.blobs()?;
        let next = AtomicUsize::new(0);
        let work = || -> io::Result<(usize, usize)> {
            let mut decompressor = Decompressor::new();
            let (mut packed, mut unpacked, mut total) = (Vec::new(), Vec::new(), (0, 0));
            loop {
                let first = next.fetch_add(BATCH, Ordering::Relaxed);
                if first >= count {
                    return Ok(total);
                }
                let last = count.min(first + BATCH);
                if !is_blob[first..last].contains(&true) {
                    continue;
                }
                let base = self.read(first, last, &mut packed)?;
                for number in (first..last).filter(|number| is_blob[*number]) {
                    let place = |at: u64| usize::try_from(at - base).unwrap_or(usize::MAX);
                    let entry = &packed[place(self.offsets[number])..place(self.offsets[number + 1])];
                    let header = Header::read(entry).ok_or(io::ErrorKind::InvalidData)?;
                    if unpacked.len() < header.size {
                        unpacked.resize(header.size, 0);
                    }
                    let into = &mut unpacked[..header.size];
                    let bytes = decompressor.zlib_decompress(&entry[header.length..], into);
                    total = (total.0 + 1, total.1 + bytes.map_err(io::Error::other)?);
                }
            }
        };
        thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let mut total = (0, 0);
            for thread in running {
                let (entries, bytes) = thread.join().map_err(|_| io::Error::other("a thread panicked"))??;
                total = (total.0 + entries, total.1 + bytes);
            }
            Ok(total)
        })
    }

    /// Reads the entries from the first to the one before the last, and tells where in the file they begin.
    fn read(&self, first: usize, last: usize, into: &mut Vec<u8>) -> io::Result<u64> {
        let (start, end) = (self.offsets[first], self.offsets[last]);
        into.resize(usize::try_from(end - start).map_err(io::Error::other)?, 0);
        self.file.read_exact_at(into, start)?;
        Ok(start)
    }

    /// Of each entry, whether it is a blob or leads to one. A difference stands behind what it differs from.
    fn blobs(&self) -> io::Result<Vec<bool>> {
        let count = self.offsets.len() - 1;
        let mut is_blob: Vec<bool> = Vec::with_capacity(count);
        let mut packed = Vec::new();
        for first in (0..count).step_by(BATCH) {
            let last = count.min(first + BATCH);
            let start = self.read(first, last, &mut packed)?;
            for &offset in &self.offsets[first..last] {
                let entry = usize::try_from(offset - start).ok().and_then(|at| packed.get(at..));
                let header = entry.and_then(Header::read).ok_or(io::ErrorKind::InvalidData)?;
                is_blob.push(match header.base {
                    None => header.kind == BLOB,
                    Some(back) => {
                        let base = offset.checked_sub(back).ok_or(io::ErrorKind::InvalidData)?;
                        let base =
                            self.offsets.binary_search(&base).map_err(|_| io::ErrorKind::InvalidData)?;
                        *is_blob.get(base).ok_or(io::ErrorKind::InvalidData)?
                    }
                });
            }
        }
        Ok(is_blob)
    }
}

const BLOB: u8 = 3;
const DIFFERENCE_FROM_OFFSET: u8 = 6;

/// What an entry begins with.
struct Header {
    kind: u8,
    /// How many bytes it makes.
    size: usize,
    /// How far back the entry is that it differs from.
    base: Option<u64>,
    length: usize,
}

impl Header {
    fn read(entry: &[u8]) -> Option<Self> {
        let mut bytes = entry.iter().copied();
        let first = bytes.next()?;
        let (kind, mut size, mut shift, mut more) =
            (first >> 4 & 7, usize::from(first & 15), 4, first & 128 != 0);
        while more {
            let byte = bytes.next()?;
            size |= usize::from(byte & 127).checked_shl(shift)?;
            (shift, more) = (shift + 7, byte & 128 != 0);
        }
        let mut base = None;
        if kind == DIFFERENCE_FROM_OFFSET {
            let mut byte = bytes.next()?;
            let mut back = u64::from(byte & 127);
            while byte & 128 != 0 {
                byte = bytes.next()?;
                back = (back + 1) << 7 | u64::from(byte & 127);
            }
            base = Some(back);
        }
        Some(Self { kind, size, base, length: entry.len() - bytes.len() })
    }
}

/// Where the entries begin, as an index of version 2 tells it.
fn offsets(index: &[u8]) -> Option<Vec<u64>> {
    let number = |at: usize| Some(u32::from_be_bytes(*index.get(at..)?.first_chunk()?));
    let count = number(8 + 255 * 4)? as usize;
    let small = 8 + 1024 + count * 24;
    let large = small + count * 4;
    let offset = |entry: usize| {
        let offset = number(small + entry * 4)?;
        if offset >> 31 == 0 {
            return Some(u64::from(offset));
        }
        let at = large + (offset & 0x7FFF_FFFF) as usize * 8;
        Some(u64::from(number(at)?) << 32 | u64::from(number(at + 4)?))
    };
    (0..count).map(offset).collect()
}
