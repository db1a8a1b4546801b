//! What a verification found.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::event_time::EventTime;

/// The most problems that are told one by one; the others are counted.
pub const MOST_PROBLEMS: usize = 100_000;

/// The result. What is not said to be valid here is not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether everything that was asked about could be judged: read, and checked with a key that is known.
    pub complete: bool,
    /// The beginning of the time asked about.
    pub from: Option<EventTime>,
    /// The end of the time asked about.
    pub until: Option<EventTime>,
    /// Which trails there are, and for which times their log files are proven, by account, region and name.
    pub trails: Vec<Coverage>,
    /// The digests.
    pub digests: DigestCounts,
    /// The log files.
    pub log_files: LogFileCounts,
    /// How many problems of each kind there are.
    pub problem_counts: BTreeMap<Code, u64>,
    /// The first of them, by region.
    pub problems: Vec<Problem>,
}

/// What the digests of one trail cover in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Whose. Foreign text, as all names here.
    pub account: String,
    /// Where the calls were.
    pub region: String,
    /// The name of the trail.
    pub trail: String,
    /// Where the trail is.
    pub home_region: String,
    /// Its digests that are valid.
    pub valid_digests: u64,
    /// The times that valid digests cover, in order, none touching the next.
    pub covered: Vec<Period>,
}

/// A time, its end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Period {
    /// Its beginning.
    pub from: EventTime,
    /// Its end.
    pub until: EventTime,
}

/// What became of the digests. `total` is the sum of the first four; a missing one is in none of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DigestCounts {
    /// Those of the time asked about that are there.
    pub total: u64,
    /// Signed by CloudTrail, and whole.
    pub valid: u64,
    /// Changed, moved, or without a right signature.
    pub invalid: u64,
    /// Nothing is known to check them with: the signature of the newest digest is nowhere but in S3's metadata.
    pub unsigned: u64,
    /// Signed with a key that was not given, or not readable.
    pub unverified: u64,
    /// Named by another digest, and not there.
    pub missing: u64,
    /// Of another time than asked about.
    pub outside: u64,
}

/// What became of the log files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LogFileCounts {
    /// Those that are as a valid digest says.
    pub valid: u64,
    /// Those that are not.
    pub changed: u64,
    /// Listed in a digest, and not there.
    pub missing: u64,
    /// There, of a time that valid digests cover, and in none of them.
    pub unsigned: u64,
    /// Listed only in digests that are not valid themselves.
    pub unproven: u64,
    /// Of a time that no valid digest covers.
    pub not_covered: u64,
    /// Younger than the newest digest.
    pub not_yet_covered: u64,
    /// Listed, and not readable.
    pub unreadable: u64,
    /// Of another time than asked about.
    pub outside: u64,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The region.
    pub region: String,
    /// What it is about: a path below the folder, or the key of an object in S3. Foreign text.
    pub object: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub code: Code,
    /// The same in words. May quote foreign text.
    pub message: String,
}

/// What a problem means for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// To be known, and nothing to act upon.
    Note,
    /// The record of events is not whole, or not genuine.
    Finding,
    /// It could not be judged, so nothing is claimed.
    Incomplete,
}

/// The kinds of problems. Their names are a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// A digest has been changed: the next one has another hash of it.
    DigestChanged,
    /// The signature of a digest is wrong.
    DigestSignatureInvalid,
    /// A digest is not where it says that it was delivered.
    DigestMoved,
    /// A digest is not readable as one.
    DigestInvalidFormat,
    /// A digest that another one names is not there.
    DigestMissing,
    /// There are log files of a region, and no digest.
    RegionWithoutDigests,
    /// A log file is not what a digest says.
    LogChanged,
    /// A log file is not whole gzip any more.
    LogDamaged,
    /// Something has been appended to a log file.
    LogTrailingData,
    /// A log file that a digest lists is not there.
    LogMissing,
    /// A log file is in no digest, and its time is covered.
    LogUnsigned,
    /// No digest covers a part of the time: logging or validation was off, or a whole chain of digests is gone.
    NotCovered,
    /// The signature of the newest digest was not saved.
    DigestSignatureUnknown,
    /// The digests here begin in the middle of a chain.
    ChainStartsEarlier,
    /// The chain goes on in another bucket.
    ChainInAnotherBucket,
    /// There are log files of a time that no digest covers.
    LogsNotCovered,
    /// A digest is signed with a key that was not given.
    UnknownPublicKey,
    /// Something could not be read.
    Unreadable,
    /// A file is larger than anything that CloudTrail writes.
    TooLarge,
    /// A symbolic link, which is never followed.
    SymbolicLink,
    /// There is no digest at all.
    NoDigests,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::DigestChanged,
        Self::DigestSignatureInvalid,
        Self::DigestMoved,
        Self::DigestInvalidFormat,
        Self::DigestMissing,
        Self::RegionWithoutDigests,
        Self::LogChanged,
        Self::LogDamaged,
        Self::LogTrailingData,
        Self::LogMissing,
        Self::LogUnsigned,
        Self::NotCovered,
        Self::DigestSignatureUnknown,
        Self::ChainStartsEarlier,
        Self::ChainInAnotherBucket,
        Self::LogsNotCovered,
        Self::UnknownPublicKey,
        Self::Unreadable,
        Self::TooLarge,
        Self::SymbolicLink,
        Self::NoDigests,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DigestChanged => "digest-changed",
            Self::DigestSignatureInvalid => "digest-signature-invalid",
            Self::DigestMoved => "digest-moved",
            Self::DigestInvalidFormat => "digest-invalid-format",
            Self::DigestMissing => "digest-missing",
            Self::RegionWithoutDigests => "region-without-digests",
            Self::LogChanged => "log-changed",
            Self::LogDamaged => "log-damaged",
            Self::LogTrailingData => "log-trailing-data",
            Self::LogMissing => "log-missing",
            Self::LogUnsigned => "log-unsigned",
            Self::NotCovered => "not-covered",
            Self::DigestSignatureUnknown => "digest-signature-unknown",
            Self::ChainStartsEarlier => "chain-starts-earlier",
            Self::ChainInAnotherBucket => "chain-in-another-bucket",
            Self::LogsNotCovered => "logs-not-covered",
            Self::UnknownPublicKey => "unknown-public-key",
            Self::Unreadable => "unreadable",
            Self::TooLarge => "too-large",
            Self::SymbolicLink => "symbolic-link",
            Self::NoDigests => "no-digests",
        }
    }

    /// How bad it is.
    pub const fn severity(self) -> Severity {
        match self {
            Self::DigestChanged
            | Self::DigestSignatureInvalid
            | Self::DigestMoved
            | Self::DigestInvalidFormat
            | Self::DigestMissing
            | Self::RegionWithoutDigests
            | Self::LogChanged
            | Self::LogDamaged
            | Self::LogTrailingData
            | Self::LogMissing
            | Self::LogUnsigned
            | Self::NotCovered => Severity::Finding,
            Self::DigestSignatureUnknown
            | Self::ChainStartsEarlier
            | Self::ChainInAnotherBucket
            | Self::LogsNotCovered => Severity::Note,
            Self::UnknownPublicKey
            | Self::Unreadable
            | Self::TooLarge
            | Self::SymbolicLink
            | Self::NoDigests => Severity::Incomplete,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Verification {
    /// Whether there is a finding.
    pub fn has_findings(&self) -> bool {
        self.problem_counts.keys().any(|code| code.severity() == Severity::Finding)
    }

    /// How many problems there are, those included that are not told one by one.
    pub fn problem_count(&self) -> u64 {
        self.problem_counts.values().sum()
    }

    /// Notes a problem.
    pub(super) fn problem(&mut self, code: Code, region: &str, object: &str, message: impl Into<String>) {
        *self.problem_counts.entry(code).or_default() += 1;
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(Problem {
                region: region.to_owned(),
                object: object.to_owned(),
                severity: code.severity(),
                code,
                message: message.into(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_serialized_by_their_names() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
