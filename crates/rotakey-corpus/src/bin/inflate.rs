//! `inflate DIR THREADS`: decompresses the log files of a trail with libdeflate and does nothing with them. No
//! reader of compressed files can be faster.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program reports to the person who started it"
)]

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use libdeflater::Decompressor;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().map(PathBuf::from);
    let threads = arguments.next().and_then(|text| text.to_str()?.parse().ok());
    let (Some(folder), Some(threads)) = (folder, threads) else {
        eprintln!("Usage: inflate DIR THREADS");
        return ExitCode::from(2);
    };
    match inflate(&folder, threads) {
        Ok(bytes) => {
            println!("{bytes}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Error: {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// Decompresses all, and tells how many bytes that makes.
fn inflate(folder: &Path, threads: usize) -> io::Result<usize> {
    let mut files = Vec::new();
    list(folder, false, &mut files)?;
    // The large ones first, so that no thread is left alone with one at the end.
    files.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    let next = AtomicUsize::new(0);
    let work = || -> io::Result<usize> {
        let mut decompressor = Decompressor::new();
        let (mut packed, mut unpacked, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some((_, path)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            packed.clear();
            File::open(path)?.read_to_end(&mut packed)?;
            let trailer = packed.last_chunk().ok_or(io::ErrorKind::UnexpectedEof)?;
            let length = u32::from_le_bytes(*trailer) as usize;
            if unpacked.len() < length {
                unpacked.resize(length, 0);
            }
            bytes += decompressor.gzip_decompress(&packed, &mut unpacked).map_err(io::Error::other)?;
        }
        Ok(bytes)
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ended = running.into_iter();
        ended.map(|thread| thread.join().map_err(|_| io::Error::other("a thread panicked"))?).sum()
    })
}

/// Finds the log files: what is below a folder of the name `CloudTrail`.
fn list(folder: &Path, is_trail: bool, files: &mut Vec<(u64, PathBuf)>) -> io::Result<()> {
    let is_trail = is_trail || folder.file_name().is_some_and(|name| name == "CloudTrail");
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            list(&entry.path(), is_trail, files)?;
        } else if is_trail {
            files.push((entry.metadata()?.len(), entry.path()));
        }
    }
    Ok(())
}
