//! Holds the log files of one region to what its digests say of them.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Mutex;

use super::chain::{Judgement, Loaded, Trust};
use super::digest::{Hash, hash};
use super::inflate::{InflateError, Inflater};
use super::report::{Code, Verification};
use super::tree::{self, Place};
use super::{LATE, Settings, threads};
use crate::event_time::EventTime;

/// How many seconds after its end a digest is surely there: they come each hour.
const OVERDUE: i64 = 3 * 3_600;

/// A log file that is listed.
struct Listed {
    /// Its path below the folder.
    below: String,
    /// What it may be: more than one hash only if digests disagree.
    hashes: Vec<Hash>,
    /// That of the digest. `None` if the digest is not asked about.
    trust: Option<Trust>,
}

/// What a listed log file turned out to be.
enum Outcome {
    AsListed,
    Changed,
    Missing,
    Not(InflateError),
}

/// What is known of the log files of all regions so far.
#[derive(Default)]
pub(super) struct Across {
    /// Log files that digests of another region or account list.
    listed: HashSet<String>,
    /// Log files that no digest of their own region lists, with their regions.
    unlisted: BTreeSet<(String, String)>,
}

/// The log files of one region.
pub(super) struct Region<'a> {
    pub(super) name: &'a str,
    /// Those that are there.
    pub(super) found: &'a [Place],
    /// The folder of its digests.
    pub(super) digest_folder: &'a str,
    pub(super) judgement: &'a Judgement,
    pub(super) settings: &'a Settings<'a>,
}

impl Region<'_> {
    /// Checks the log files that the digests list, and tells of those that are in no digest.
    pub(super) fn check(&self, digests: Vec<Loaded>, across: &mut Across, verification: &mut Verification) {
        let places: HashMap<&str, &Place> =
            self.found.iter().map(|place| (place.below.as_str(), place)).collect();
        let mut listed = self.listed(digests, verification);
        let mut known: HashSet<String> = HashSet::new();
        for log in listed.extract_if(.., |log| matches!(log.trust, None | Some(Trust::Refuted))) {
            let counts = &mut verification.log_files;
            let count = if log.trust.is_some() { &mut counts.unproven } else { &mut counts.outside };
            *count += u64::from(places.contains_key(log.below.as_str()));
            known.insert(log.below);
        }
        let (large, settings) = (Mutex::new(()), self.settings);
        let outcomes = threads::map(
            &listed,
            settings.threads,
            || Inflater::new(&large),
            |inflater, log| {
                settings.tick();
                let path = match places.get(log.below.as_str()) {
                    Some(place) => Some(place.path.clone()),
                    None => tree::find(settings.roots, &log.below),
                };
                outcome(log, path, inflater)
            },
        );
        for (log, outcome) in listed.iter().zip(outcomes) {
            if !places.contains_key(log.below.as_str()) {
                across.listed.insert(log.below.clone());
            }
            tell(log, outcome, self.name, verification);
        }
        known.extend(listed.into_iter().map(|log| log.below));
        self.tell_unlisted(&known, across, verification);
    }

    /// All log files that digests list, each once, with the best that is known of it.
    fn listed(&self, digests: Vec<Loaded>, verification: &mut Verification) -> Vec<Listed> {
        let mut all: Vec<Listed> = Vec::new();
        let mut indices: HashMap<String, usize> = HashMap::new();
        for (loaded, &trust) in digests.into_iter().zip(&self.judgement.trust) {
            let is_asked = loaded.is_asked(self.settings.asked);
            let (Ok(digest), Some(mapping)) = (loaded.content, loaded.mapping) else { continue };
            for log in digest.log_files {
                let Some(below) = mapping.place(&log.object) else {
                    if is_asked && trust != Trust::Refuted {
                        let message = "the log file cannot be below the folder that was given";
                        verification.problem(Code::LogMissing, self.name, &log.object, message);
                        verification.log_files.missing += 1;
                    }
                    continue;
                };
                // A digest that is not asked about still knows of the log files at the edge of its hour.
                let trust = is_asked.then_some(trust);
                match indices.get(&below) {
                    None => {
                        indices.insert(below.clone(), all.len());
                        all.push(Listed { below, hashes: vec![log.hash], trust });
                    }
                    Some(&index) => all[index].also(log.hash, trust),
                }
            }
        }
        all
    }

    /// Tells of the log files that are in no digest.
    fn tell_unlisted(&self, known: &HashSet<String>, across: &mut Across, verification: &mut Verification) {
        let newest = self.judgement.newest;
        let after_newest = |time: EventTime| newest.map(|newest| time.seconds() - newest.seconds());
        let (mut not_covered, mut overdue) = (0, None);
        for place in self.found.iter().filter(|place| !known.contains(&place.below)) {
            let counts = &mut verification.log_files;
            match place.time() {
                Some(time) if !self.settings.asked.has(time) => counts.outside += 1,
                Some(time) if !is_covered(time, self.judgement) => match after_newest(time) {
                    Some(seconds) if seconds > OVERDUE => {
                        counts.not_covered += 1;
                        overdue = overdue.max(Some(time));
                    }
                    Some(seconds) if seconds + LATE > 0 => counts.not_yet_covered += 1,
                    _ => not_covered += 1,
                },
                _ => {
                    across.unlisted.insert((place.below.clone(), self.name.to_owned()));
                }
            }
        }
        if let Some((overdue, newest)) = overdue.zip(newest) {
            let message = format!(
                "nothing proves the time from {newest} to {overdue}, of which log files are here: digests of that \
                 time were deleted or not copied, or validation was switched off"
            );
            verification.problem(Code::NotCovered, self.name, self.digest_folder, message);
        }
        verification.log_files.not_covered += not_covered;
        if not_covered > 0 {
            let message = format!(
                "{not_covered} log files are of times that no valid digest covers: nothing proves them"
            );
            verification.problem(Code::LogsNotCovered, self.name, "", message);
        }
    }
}

/// Tells of the log files that were in no digest of their own region, now that all regions are known.
pub(super) fn tell_unsigned(across: Across, verification: &mut Verification) {
    for (below, region) in across.unlisted {
        if across.listed.contains(&below) {
            continue;
        }
        verification.log_files.unsigned += 1;
        let message = "the log file is in no digest, though those of its time and place are valid: somebody else put \
             it here, or another trail without validation writes to the same place";
        verification.problem(Code::LogUnsigned, &region, &below, message);
    }
}

impl Listed {
    /// Another digest lists it, too. The word of a proven one outweighs the others.
    fn also(&mut self, hash: Hash, trust: Option<Trust>) {
        let weight = |trust| match trust {
            Some(Trust::Proven) => 3,
            Some(Trust::Open) => 2,
            Some(Trust::Refuted) => 1,
            None => 0,
        };
        match weight(trust).cmp(&weight(self.trust)) {
            Ordering::Less => {}
            Ordering::Equal => self.hashes.push(hash),
            Ordering::Greater => (self.hashes, self.trust) = (vec![hash], trust),
        }
    }
}

fn outcome(log: &Listed, path: Option<PathBuf>, inflater: &mut Inflater<'_>) -> Outcome {
    let Some(path) = path else { return Outcome::Missing };
    match inflater.inflate(&path, hash) {
        Ok(hash) if log.hashes.contains(&hash) => Outcome::AsListed,
        Ok(_) => Outcome::Changed,
        Err(InflateError::Unreadable(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            Outcome::Missing
        }
        Err(error) => Outcome::Not(error),
    }
}

fn tell(log: &Listed, outcome: Outcome, region: &str, verification: &mut Verification) {
    let counts = &mut verification.log_files;
    let (count, code, message) = match outcome {
        Outcome::AsListed if log.trust == Some(Trust::Proven) => {
            counts.valid += 1;
            return;
        }
        Outcome::AsListed => {
            counts.unproven += 1;
            return;
        }
        Outcome::Changed => (
            &mut counts.changed,
            Code::LogChanged,
            "the log file has been changed: its hash is not that in the digest".to_owned(),
        ),
        Outcome::Missing => (
            &mut counts.missing,
            Code::LogMissing,
            "the log file is not here, though a digest lists it".to_owned(),
        ),
        Outcome::Not(InflateError::NotGzip) => {
            (&mut counts.changed, Code::LogDamaged, "the log file is not whole gzip".to_owned())
        }
        Outcome::Not(InflateError::Trailing) => {
            (&mut counts.changed, Code::LogTrailingData, "something was appended to the log file".to_owned())
        }
        Outcome::Not(InflateError::TooLarge) => {
            (&mut counts.unreadable, Code::TooLarge, "the log file is too large to be read".to_owned())
        }
        Outcome::Not(InflateError::Unreadable(error)) => {
            (&mut counts.unreadable, Code::Unreadable, error.to_string())
        }
    };
    *count += 1;
    verification.problem(code, region, &log.below, message);
}

/// Whether a log file of that time must be in one of the proven digests. It may be in the next one if it was
/// delivered late.
fn is_covered(time: EventTime, judgement: &Judgement) -> bool {
    judgement
        .covered
        .iter()
        .any(|period| period.from <= time && time.seconds() + LATE < period.until.seconds())
}
