//! Log file integrity: whether the log files in a folder are those that CloudTrail delivered, all of them.
//!
//! CloudTrail writes a digest each hour and region, with the hashes of the log files of that hour and of the
//! digest before it, and signs it. Here the chain of the digests and all log files are checked without any call:
//! the folder holds what was in the bucket (or a part of it), and the public keys were saved before or are asked
//! for by the caller.
//!
//! What can be known has limits, and the result tells them. The signature of a digest is in S3's metadata, which
//! a copy to a disk loses; the next digest holds it, too, so that only the newest one has none. Digests that were
//! deleted from the newest end leave no trace but the time that is not covered. Log files do not name their trail.
//!
//! Nothing outside of the folders is opened, whatever the keys in a digest say; symbolic links are not followed.
//! Memory is bounded by the files of one account and region, and by the largest file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::event_time::{DAY, EventTime};

mod chain;
mod digest;
mod inflate;
mod layout;
mod logs;
mod public_key;
mod report;
mod sidecar;
mod threads;
mod tree;

use chain::{Judge, Loaded, Unusable};
use digest::Digest;
use inflate::Inflater;
use layout::{DigestName, Mapping};
pub use public_key::{PublicKey, PublicKeyError};
pub use report::{
    Code, Coverage, DigestCounts, LogFileCounts, MOST_PROBLEMS, Period, Problem, Severity, Verification,
};
use tree::{Group, Place};

/// How many seconds after the time in its name a log file may have been delivered, and so be in the next digest.
const LATE: i64 = 15 * 60;

/// What to verify.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// The beginning of the time asked about. Digests that overlap it are checked with all that they list. Without
    /// one, the oldest digest that is there begins it.
    pub from: Option<EventTime>,
    /// Its end. Without one, the newest digest that is there ends it.
    pub until: Option<EventTime>,
    /// The bucket that all digests must be from.
    pub bucket: Option<String>,
    /// How many threads work; 0 for as many as there are processors.
    pub threads: usize,
}

/// Whether this is a digest: for fuzz targets.
#[cfg(feature = "oracle")]
#[doc(hidden)]
pub fn is_digest(content: &[u8]) -> bool {
    Digest::parse(content).is_ok()
}

/// Why nothing was verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It is not there, or a file.
    #[error("{0} is not a folder")]
    NotAFolder(PathBuf),
    /// The time asked about ends before it begins.
    #[error("the time asked about ends before it begins")]
    EmptyPeriod,
}

/// Verifies what is below these folders: any number of accounts, regions and trails. `watch` is told now and then how
/// many files have been checked, from any thread.
///
/// # Errors
/// If what was asked makes no sense. Nothing that a file holds is an error: it is in the result.
pub fn verify(
    folders: &[PathBuf],
    keys: &[PublicKey],
    options: &VerifyOptions,
    watch: &(dyn Fn(u64) + Sync),
) -> Result<Verification, VerifyError> {
    if let Some(folder) = folders.iter().find(|folder| !folder.is_dir()) {
        return Err(VerifyError::NotAFolder(folder.clone()));
    }
    let asked = Asked { from: options.from, until: options.until };
    if asked.from.zip(asked.until).is_some_and(|(from, until)| from >= until) {
        return Err(VerifyError::EmptyPeriod);
    }
    let settings = Settings {
        roots: folders,
        keys,
        asked: &asked,
        bucket: options.bucket.as_deref(),
        threads: if options.threads == 0 { threads::available() } else { options.threads },
        checked: AtomicU64::new(0),
        watch,
    };
    let mut verification = Verification { from: asked.from, until: asked.until, ..Default::default() };
    let mut across = logs::Across::default();
    let mut without_digests = Vec::new();
    let mut any_digest = false;
    for ((before, region), group) in tree::groups(folders, &mut verification) {
        match settings.verify_group(&region, &group, &mut across, &mut verification) {
            Contents::Digests => any_digest = true,
            Contents::LogFilesOnly(logs) => without_digests.push((before, region, logs)),
            Contents::Nothing => {}
        }
    }
    logs::tell_unsigned(across, &mut verification);
    for (before, region, logs) in without_digests.iter().filter(|_| any_digest) {
        let message = format!("there are {logs} log files of this region and no digest: nothing proves them");
        let folder = format!("{before}{}/{region}", layout::LOGS);
        verification.problem(Code::RegionWithoutDigests, region, &folder, message);
    }
    if !any_digest {
        let message = "there is no digest here: CloudTrail writes them if log file validation is on, to a folder \
             CloudTrail-Digest beside CloudTrail";
        verification.problem(Code::NoDigests, "", "", message);
    }
    verification.problems.sort();
    verification.complete =
        verification.problem_counts.keys().all(|code| code.severity() != Severity::Incomplete);
    Ok(verification)
}

/// Which public keys a verification needs, for those who ask AWS for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedKeys {
    /// The region to ask, as each signs with keys of its own. One that looks like a region; foreign text.
    pub region: String,
    /// `StartTime`.
    pub from: EventTime,
    /// `EndTime`, with time for keys that follow one another.
    pub until: EventTime,
}

/// The keys that [`verify`] needs for these folders, by region. Only names are looked at; what is not listed here
/// [`verify`] tells of.
pub fn wanted_keys(folders: &[PathBuf], options: &VerifyOptions) -> Vec<WantedKeys> {
    let asked = Asked { from: options.from, until: options.until };
    let mut ignored = Verification::default();
    let mut ends: BTreeMap<String, Period> = BTreeMap::new();
    for ((_, region), group) in tree::groups(folders, &mut ignored) {
        for place in tree::files(&group.digests, &region, &mut ignored) {
            let Some(DigestName { end, .. }) = DigestName::parse(place.name()) else { continue };
            if asked.may_need(end) {
                let ends = ends.entry(region.clone()).or_insert(Period { from: end, until: end });
                *ends = Period { from: ends.from.min(end), until: ends.until.max(end) };
            }
        }
    }
    let hours = |time: EventTime, hours: i64| EventTime::from_seconds(time.seconds() + hours * 3_600);
    let wanted = ends.into_iter().map(|(region, Period { from, until })| WantedKeys {
        region,
        from: hours(from, -1).unwrap_or(from),
        until: hours(until, 2).unwrap_or(until),
    });
    wanted.collect()
}

/// The time asked about.
struct Asked {
    from: Option<EventTime>,
    until: Option<EventTime>,
}

impl Asked {
    fn has(&self, time: EventTime) -> bool {
        self.from.is_none_or(|from| from <= time) && self.until.is_none_or(|until| time < until)
    }

    fn overlaps(&self, from: EventTime, until: EventTime) -> bool {
        self.from.is_none_or(|asked| asked < until) && self.until.is_none_or(|asked| from < asked)
    }

    fn clip(&self, period: Period) -> Period {
        Period {
            from: self.from.map_or(period.from, |from| from.max(period.from)),
            until: self.until.map_or(period.until, |until| until.min(period.until)),
        }
    }

    /// Whether a digest of that end may be asked about, or hold the signature of one that is: the next one may
    /// come late.
    fn may_need(&self, end: EventTime) -> bool {
        self.from.is_none_or(|from| from < end)
            && self.until.is_none_or(|until| end.seconds() <= until.seconds() + DAY)
    }
}

/// What there is of one region of one account.
enum Contents {
    Digests,
    LogFilesOnly(u64),
    Nothing,
}

/// What all regions are verified with.
struct Settings<'a> {
    roots: &'a [PathBuf],
    keys: &'a [PublicKey],
    asked: &'a Asked,
    bucket: Option<&'a str>,
    threads: usize,
    checked: AtomicU64,
    watch: &'a (dyn Fn(u64) + Sync),
}

impl Settings<'_> {
    /// One more file was checked.
    fn tick(&self) {
        (self.watch)(self.checked.fetch_add(1, Ordering::Relaxed) + 1);
    }

    /// Verifies one region of one account.
    fn verify_group(
        &self,
        region: &str,
        group: &Group,
        across: &mut logs::Across,
        verification: &mut Verification,
    ) -> Contents {
        let mut named: Vec<(Place, DigestName)> = tree::files(&group.digests, region, verification)
            .into_iter()
            .filter_map(|place| {
                let name = DigestName::parse(place.name())?;
                Some((place, name))
            })
            .collect();
        let mut found = tree::files(&group.logs, region, verification);
        found.retain(|place| layout::is_log_name(place.name()));
        if named.is_empty() {
            let asked = |place: &&Place| place.time().is_none_or(|time| self.asked.has(time));
            let logs = found.iter().filter(asked).count() as u64;
            verification.log_files.not_covered += logs;
            verification.log_files.outside += found.len() as u64 - logs;
            return if logs == 0 { Contents::Nothing } else { Contents::LogFilesOnly(logs) };
        }
        let all = named.len();
        named.retain(|(_, name)| self.asked.may_need(name.end));
        verification.digests.outside += (all - named.len()) as u64;
        let digests = self.load(named);
        let outside = digests.iter().filter(|digest| !digest.is_asked(self.asked)).count();
        verification.digests.outside += outside as u64;
        let digest_folder = group.digests.first().map_or("", |folder| folder.below.as_str());
        if outside == digests.len() {
            let message = "no digest of this region is of the time that was asked about: nothing proves it";
            verification.problem(Code::NotCovered, region, digest_folder, message);
        }

        let times = found.iter().filter_map(Place::time);
        let judge = Judge {
            keys: self.keys,
            asked: self.asked,
            bucket: self.bucket,
            region,
            first_log: times.filter(|&time| self.asked.has(time)).min(),
            threads: self.threads,
        };
        let judgement = judge.judge(&digests, verification);
        let region = logs::Region {
            name: region,
            found: &found,
            digest_folder,
            judgement: &judgement,
            settings: self,
        };
        region.check(digests, across, verification);
        Contents::Digests
    }

    /// Reads digests, the newest first.
    fn load(&self, named: Vec<(Place, DigestName)>) -> Vec<Loaded> {
        let large = Mutex::new(());
        let contents = threads::map(
            &named,
            self.threads,
            || Inflater::new(&large),
            |inflater, (place, _)| {
                self.tick();
                let content = match inflater.inflate(&place.path, Digest::parse) {
                    Ok(parsed) => parsed.map_err(Unusable::Format),
                    Err(error) => Err(Unusable::Inflate(error)),
                };
                (content, sidecar::signature(&place.path))
            },
        );
        let mut digests: Vec<Loaded> = named
            .into_iter()
            .zip(contents)
            .map(|((place, name), (content, signature))| {
                let object = content.as_ref().ok().map(|digest| digest.object.as_str());
                let mapping = object.and_then(|object| Mapping::of(object, &place.below));
                Loaded { place, name, content, mapping, signature }
            })
            .collect();
        digests.sort_by(|one, other| {
            (other.name.end, &other.place.below).cmp(&(one.name.end, &one.place.below))
        });
        digests
    }
}
