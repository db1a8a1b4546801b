//! What was read, and what was not.

use serde::{Deserialize, Serialize};

/// The most problems that are told one by one; the others are counted.
pub const MOST_PROBLEMS: usize = 1_000;

/// What became of the input. Nothing is ever left out silently.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Files that were read, whole or in part.
    pub files: u64,
    /// Their bytes as they are stored.
    pub stored_bytes: u64,
    /// Their bytes after decompression.
    pub bytes: u64,
    /// Records that were understood, duplicates and those not asked about counted.
    pub records: u64,
    /// Of these, how many were there before.
    pub duplicates: u64,
    /// Of these, how many are of another time, account or region than asked about.
    pub outside: u64,
    /// Records that lack a time, a service or an action.
    pub malformed_records: u64,
    /// Files that were passed over, and why.
    pub skipped: Skipped,
    /// How many problems there were.
    pub problem_count: u64,
    /// The first of them.
    pub problems: Vec<Problem>,
}

/// Files that hold no records that are asked about, told by their names. A folder that is passed over as a
/// whole is not even listed, and counts as one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Digests of log file integrity.
    pub digests: u64,
    /// Insights.
    pub insights: u64,
    /// Of another account, region or day than asked about.
    pub outside: u64,
    /// Anything else.
    pub foreign: u64,
}

/// Something that could not be read, in whole or in part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// The file. Foreign text.
    pub file: String,
    /// What is wrong with it. May quote foreign text.
    pub message: String,
}

impl Skipped {
    /// Adds what was passed over elsewhere.
    pub fn add(&mut self, other: Self) {
        self.digests = sum(self.digests, other.digests);
        self.insights = sum(self.insights, other.insights);
        self.outside = sum(self.outside, other.outside);
        self.foreign = sum(self.foreign, other.foreign);
    }
}

impl Summary {
    /// Whether all that was asked about was read.
    pub fn is_complete(&self) -> bool {
        self.problem_count == 0 && self.malformed_records == 0
    }

    /// Notes a problem.
    pub fn problem(&mut self, file: impl Into<String>, message: impl Into<String>) {
        self.problem_count += 1;
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(Problem { file: file.into(), message: message.into() });
        }
    }

    /// Adds what another thread read, or what a partial says was read to make it.
    pub fn merge(&mut self, other: Self) {
        self.files = sum(self.files, other.files);
        self.stored_bytes = sum(self.stored_bytes, other.stored_bytes);
        self.bytes = sum(self.bytes, other.bytes);
        self.records = sum(self.records, other.records);
        self.duplicates = sum(self.duplicates, other.duplicates);
        self.outside = sum(self.outside, other.outside);
        self.malformed_records = sum(self.malformed_records, other.malformed_records);
        self.skipped.add(other.skipped);
        self.problem_count = sum(self.problem_count, other.problem_count);
        self.problems.extend(other.problems);
        self.problems.sort();
        self.problems.truncate(MOST_PROBLEMS);
    }
}

/// A partial may say any number of itself. What sums end at leaves room for all that can really be counted.
fn sum(left: u64, right: u64) -> u64 {
    left.saturating_add(right).min(u64::MAX / 2)
}
