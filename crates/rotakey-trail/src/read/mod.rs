//! Reads a whole trail in all threads: opens, decompresses, scans, removes duplicates, asks.

mod batch;
mod inflate;
mod worker;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use crate::answer::Answer;
use crate::partial::Holds;
use crate::seen::Seen;
use crate::selection::Selection;
use crate::source::Trail;
use crate::source::fetch::{Fetch, FetchOptions, Fetched};
use crate::summary::Summary;
use worker::Worker;

/// How to read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Which records are asked about.
    pub selection: Selection,
    /// The most bytes that one file may have after decompression; what is beyond is not read, and told.
    pub most_bytes_per_file: u64,
    /// The most bytes that one record may have.
    pub most_bytes_per_record: usize,
    /// The most bytes of memory, roughly, that are used to tell duplicates; what is beyond goes to a temporary file.
    pub most_bytes_for_duplicates: usize,
    /// What the question needs of partials that are among the files.
    pub needs: Holds,
    /// How many threads read; `None` for as many as there are processors.
    pub threads: Option<NonZeroUsize>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            most_bytes_per_file: 64 << 30,
            most_bytes_per_record: 64 << 20,
            most_bytes_for_duplicates: 96 << 20,
            needs: Holds::Everything,
            threads: None,
        }
    }
}

/// How far reading has come; called from any thread.
pub trait Watch: Sync {
    /// So many files of so many were read, with so many records.
    fn progress(&self, files: usize, of: usize, records: u64);
}

/// Nobody watches.
impl Watch for () {
    fn progress(&self, _files: usize, _of: usize, _records: u64) {}
}

/// Reads all files, and answers. `fresh` makes an empty answer for each thread. Nothing that a file holds makes
/// this fail: what could not be read is in the summary.
pub fn read<A: Answer>(
    trail: &Trail,
    options: &ReadOptions,
    fresh: impl Fn() -> A + Sync,
    watch: &dyn Watch,
) -> (A, Summary) {
    let threads = options.threads.or_else(|| thread::available_parallelism().ok());
    let threads = threads.map_or(1, NonZeroUsize::get).clamp(1, trail.files.len().max(1));
    let run = Run {
        files: trail.files.len(),
        fetch: Fetch::new(trail, FetchOptions::default()),
        options,
        watch,
        seen: Seen::new(options.most_bytes_for_duplicates),
        done: AtomicUsize::new(0),
        records: AtomicU64::new(0),
        is_lost: AtomicBool::new(false),
    };
    let mut summary = Summary { skipped: trail.skipped, ..Summary::default() };
    for problem in &trail.problems {
        summary.problem(problem.file.clone(), problem.message.clone());
    }
    let answer = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| run.work(fresh()))).collect();
        let (mut answer, part) = run.work(fresh());
        summary.merge(part);
        for other in others {
            match other.join() {
                Ok((part_of_answer, part)) => {
                    answer.merge(part_of_answer);
                    summary.merge(part);
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        answer
    });
    (answer, summary)
}

/// What all threads share.
struct Run<'a> {
    files: usize,
    fetch: Fetch<'a>,
    options: &'a ReadOptions,
    watch: &'a dyn Watch,
    seen: Seen,
    done: AtomicUsize,
    records: AtomicU64,
    /// Whether duplicates can no longer be told, so that going on is of no use.
    is_lost: AtomicBool,
}

impl Run<'_> {
    /// One thread: reads files until there are no more.
    fn work<A: Answer>(&self, mut answer: A) -> (A, Summary) {
        let mut worker = Worker::new(self.options, &self.seen);
        let mut buffer = Vec::new();
        while let Some(Fetched { file, body }) = self.fetch.next(&mut buffer) {
            if self.is_lost.load(Ordering::Relaxed) {
                worker.summary.problem(file.name.clone(), "not read: duplicates can no longer be told");
                continue;
            }
            let before = worker.summary.records;
            if let Err(error) = worker.file(file, body, &buffer, &mut answer) {
                self.is_lost.store(true, Ordering::Relaxed);
                worker
                    .summary
                    .problem(file.name.clone(), format!("duplicates can no longer be told: {error}"));
            }
            let new = worker.summary.records.saturating_sub(before);
            let records = self.records.fetch_add(new, Ordering::Relaxed) + new;
            let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
            self.watch.progress(done, self.files, records);
        }
        (answer, worker.summary)
    }
}

#[cfg(test)]
mod tests;
