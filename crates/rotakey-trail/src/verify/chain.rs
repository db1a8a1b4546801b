//! Judges the digests of one region: each by itself, and as chains.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::digest::Digest;
use super::inflate::InflateError;
use super::layout::{DigestName, Mapping};
use super::public_key::PublicKey;
use super::report::{Code, Coverage, Period, Verification};
use super::threads;
use super::tree::Place;
use super::{Asked, LATE};
use crate::event_time::EventTime;

/// A digest file, as far as it could be read.
pub(super) struct Loaded {
    pub(super) place: Place,
    pub(super) name: DigestName,
    pub(super) content: Result<Digest, Unusable>,
    /// How keys become places, as the digest's own key shows. `None` if it is not where it was delivered.
    pub(super) mapping: Option<Mapping>,
    /// The signature that was saved beside it.
    pub(super) signature: Option<String>,
}

/// Why a digest file says nothing.
pub(super) enum Unusable {
    /// Its bytes could not be had.
    Inflate(InflateError),
    /// They are not a digest.
    Format(String),
}

/// What the log files that a digest lists may be held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// CloudTrail has written it.
    Proven,
    /// There is nothing to check it with.
    Open,
    /// It is not what CloudTrail wrote.
    Refuted,
}

/// What the judgement of the digests leaves for that of the log files.
pub(super) struct Judgement {
    /// Of each digest, in their order.
    pub(super) trust: Vec<Trust>,
    /// The times that proven digests cover, in order, none touching the next.
    pub(super) covered: Vec<Period>,
    /// The end of the newest digest that is not refuted.
    pub(super) newest: Option<EventTime>,
}

/// What the digests are judged with.
pub(super) struct Judge<'a> {
    pub(super) keys: &'a [PublicKey],
    pub(super) asked: &'a Asked,
    /// The bucket, if that was told.
    pub(super) bucket: Option<&'a str>,
    pub(super) region: &'a str,
    /// The time of the oldest log file that is asked about.
    pub(super) first_log: Option<EventTime>,
    pub(super) threads: usize,
}

/// What can be said of the signature of a digest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signature {
    Right,
    Wrong,
    UnknownKey,
    Absent,
}

/// The digests of one trail in one region, the newest first.
struct Chain<'a> {
    /// Their indices.
    digests: &'a [usize],
    is_backfill: bool,
}

/// Which digests name which one as the one before them, by its place.
type Successors<'a> = HashMap<String, Vec<&'a Loaded>>;

impl Loaded {
    /// The time that it covers; its name tells of one that is not readable, or not where it belongs.
    fn period(&self) -> Period {
        match (&self.content, &self.mapping) {
            (Ok(digest), Some(_)) => Period { from: digest.start, until: digest.end },
            _ => {
                let hour_before = EventTime::from_seconds(self.name.end.seconds() - 3_600);
                Period { from: hour_before.unwrap_or(self.name.end), until: self.name.end }
            }
        }
    }

    /// Whether it is one of those asked about.
    pub(super) fn is_asked(&self, asked: &Asked) -> bool {
        let Period { from, until } = self.period();
        asked.overlaps(from, until)
    }

    /// The place of the digest before it, if it names one in the same bucket.
    fn previous_place(&self) -> Option<String> {
        let digest = self.content.as_ref().ok()?;
        let previous = digest.previous.as_ref()?;
        (previous.bucket == digest.bucket).then_some(())?;
        self.mapping.as_ref()?.place(&previous.object)
    }
}

impl Judge<'_> {
    /// Judges all digests of a region, which must be sorted by the ends in their names, the newest first. Those
    /// that are not asked about prove others, and are not spoken of.
    pub(super) fn judge(&self, digests: &[Loaded], verification: &mut Verification) -> Judgement {
        let mut successors: Successors<'_> = HashMap::new();
        for digest in digests {
            if let Some(place) = digest.previous_place() {
                successors.entry(place).or_default().push(digest);
            }
        }
        let signatures =
            threads::map(digests, self.threads, || (), |(), loaded| self.signature(loaded, &successors));
        let mut trust = Vec::with_capacity(digests.len());
        let mut proven: BTreeSet<&str> = BTreeSet::new();
        for (loaded, signature) in digests.iter().zip(signatures) {
            let after = successors.get(&loaded.place.below).map(Vec::as_slice).unwrap_or_default();
            let after: Vec<&Digest> = after
                .iter()
                .filter(|after| proven.contains(after.place.below.as_str()))
                .filter_map(|after| after.content.as_ref().ok())
                .collect();
            let mut ignored = Verification::default();
            let told = if loaded.is_asked(self.asked) { &mut *verification } else { &mut ignored };
            let verdict = self.judge_one(loaded, signature, &after, told);
            if verdict == Trust::Proven {
                proven.insert(&loaded.place.below);
            }
            trust.push(verdict);
        }
        let mut chains: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (index, Loaded { name, .. }) in digests.iter().enumerate() {
            let chain = (&name.account, &name.trail, &name.home_region, name.is_backfill);
            chains.entry(chain).or_default().push(index);
        }
        let places: BTreeSet<&str> = digests.iter().map(|loaded| loaded.place.below.as_str()).collect();
        let mut covered = Vec::new();
        for ((account, trail, home_region, is_backfill), chain) in chains {
            let chain = Chain { digests: &chain, is_backfill };
            self.judge_chain(digests, &places, &chain, verification);
            let chain = chain.digests;
            if is_backfill {
                continue;
            }
            let valid = chain
                .iter()
                .filter(|&&index| trust[index] == Trust::Proven && digests[index].is_asked(self.asked));
            let periods: Vec<Period> = valid.map(|&index| self.asked.clip(digests[index].period())).collect();
            covered.extend_from_slice(&periods);
            verification.trails.push(Coverage {
                account: account.clone(),
                region: self.region.to_owned(),
                trail: trail.clone(),
                home_region: home_region.clone(),
                valid_digests: periods.len() as u64,
                covered: union(periods),
            });
        }
        let newest = digests.iter().zip(&trust).filter(|(_, trust)| **trust != Trust::Refuted);
        let newest = newest.map(|(loaded, _)| loaded.period().until).max();
        Judgement { trust, covered: union(covered), newest }
    }

    /// Checks the signature that was saved, or else the one that a later digest has of this one. Wherever it comes
    /// from: if it is right, only CloudTrail can have made it.
    fn signature(&self, loaded: &Loaded, successors: &Successors<'_>) -> Signature {
        let Ok(digest) = &loaded.content else { return Signature::Absent };
        let candidates: Vec<&str> = match &loaded.signature {
            Some(saved) => vec![saved],
            None => {
                let after = successors.get(&loaded.place.below).into_iter().flatten();
                after.filter_map(|after| after.content.as_ref().ok()?.previous_signature()).collect()
            }
        };
        if candidates.is_empty() {
            return Signature::Absent;
        }
        let keys: Vec<&PublicKey> =
            self.keys.iter().filter(|key| key.fingerprint == digest.fingerprint).collect();
        if keys.is_empty() {
            return Signature::UnknownKey;
        }
        let is_right = candidates.iter().any(|signature| digest.is_signed(signature, &keys));
        if is_right { Signature::Right } else { Signature::Wrong }
    }

    /// Judges one digest. `after` are the proven ones that name it: what they say of its hash is proven, too.
    fn judge_one(
        &self,
        loaded: &Loaded,
        signature: Signature,
        after: &[&Digest],
        told: &mut Verification,
    ) -> Trust {
        let mut tell = |code, message: String| told.problem(code, self.region, &loaded.place.below, message);
        let digest = match &loaded.content {
            Ok(digest) => digest,
            Err(unusable) => {
                let (code, message) = match unusable {
                    Unusable::Inflate(InflateError::Unreadable(error)) => {
                        (Code::Unreadable, error.to_string())
                    }
                    Unusable::Inflate(InflateError::TooLarge) => {
                        (Code::TooLarge, "the digest is too large to be read".to_owned())
                    }
                    Unusable::Inflate(InflateError::NotGzip) => {
                        (Code::DigestInvalidFormat, "the digest is not whole gzip".to_owned())
                    }
                    Unusable::Inflate(InflateError::Trailing) => {
                        (Code::DigestInvalidFormat, "something was appended to the digest".to_owned())
                    }
                    Unusable::Format(error) => {
                        (Code::DigestInvalidFormat, format!("the digest is not one: {error}"))
                    }
                };
                tell(code, message);
                told.digests.total += 1;
                let count = match code {
                    Code::DigestInvalidFormat => &mut told.digests.invalid,
                    _ => &mut told.digests.unverified,
                };
                *count += 1;
                return Trust::Refuted;
            }
        };
        let links = || after.iter().filter_map(|after| after.previous.as_ref()?.hash);
        let is_linked = links().any(|hash| hash == digest.hash);
        let is_elsewhere = self.bucket.is_some_and(|bucket| bucket != digest.bucket);
        let (trust, problem) = if loaded.mapping.is_none() || is_elsewhere {
            let message = format!("the digest was delivered as {}/{}", digest.bucket, digest.object);
            (Trust::Refuted, Some((Code::DigestMoved, message)))
        } else if links().any(|hash| hash != digest.hash) {
            let message = "the digest has been changed: the next one has another hash of it".to_owned();
            (Trust::Refuted, Some((Code::DigestChanged, message)))
        } else {
            match signature {
                Signature::Right => (Trust::Proven, None),
                Signature::Wrong if is_linked => {
                    let message = "the signature saved beside the digest is not that of it; the next digest proves \
                         that the digest itself is unchanged";
                    (Trust::Proven, Some((Code::DigestSignatureInvalid, message.to_owned())))
                }
                Signature::Wrong if loaded.signature.is_some() => {
                    let message = "the signature saved beside the digest is not that of it";
                    (Trust::Refuted, Some((Code::DigestSignatureInvalid, message.to_owned())))
                }
                // A digest that is not proven itself may say anything of the signature of another one.
                Signature::Wrong => {
                    let message =
                        "the signature that the next digest has of it is wrong; either may have been changed";
                    (Trust::Open, Some((Code::DigestSignatureInvalid, message.to_owned())))
                }
                Signature::UnknownKey | Signature::Absent if is_linked => (Trust::Proven, None),
                Signature::UnknownKey => {
                    let message = format!(
                        "the public keys lack {}, which the digest names; those of its region and time are needed, \
                         and if they have no such key, the digest is forged",
                        digest.fingerprint
                    );
                    (Trust::Open, Some((Code::UnknownPublicKey, message)))
                }
                Signature::Absent => {
                    let message =
                        "the signature of the digest was not saved, and no later digest here has it";
                    (Trust::Open, Some((Code::DigestSignatureUnknown, message.to_owned())))
                }
            }
        };
        told.digests.total += 1;
        let count = match problem {
            None => &mut told.digests.valid,
            Some((Code::UnknownPublicKey, _)) => &mut told.digests.unverified,
            Some((Code::DigestSignatureUnknown, _)) => &mut told.digests.unsigned,
            Some(_) => &mut told.digests.invalid,
        };
        *count += 1;
        if let Some((code, message)) = problem {
            told.problem(code, self.region, &loaded.place.below, message);
        }
        trust
    }

    /// Follows one chain from its newest digest to its oldest, and tells what is not there.
    fn judge_chain(
        &self,
        digests: &[Loaded],
        places: &BTreeSet<&str>,
        chain: &Chain<'_>,
        verification: &mut Verification,
    ) {
        let Chain { digests: chain, is_backfill } = *chain;
        let not_covered = |verification: &mut Verification, object: &str, gap: Period, why: &str| {
            let gap = self.asked.clip(gap);
            if !is_backfill && gap.from < gap.until {
                let message = format!("nothing proves the time from {} to {}: {why}", gap.from, gap.until);
                verification.problem(Code::NotCovered, self.region, object, message);
            }
        };
        if let (Some(until), Some(newest)) = (self.asked.until, chain.first().map(|&index| &digests[index])) {
            let gap = Period { from: newest.period().until, until };
            not_covered(verification, &newest.place.below, gap, "this is the newest digest");
        }
        let mut missing = BTreeSet::new();
        for (position, &index) in chain.iter().enumerate() {
            let loaded = &digests[index];
            let Ok(digest) = &loaded.content else { continue };
            let older = chain.get(position + 1).map(|&index| digests[index].period().until);
            // Where the time ends that something older may be of.
            let beginning = older.max(self.asked.from);
            let is_asked = self.asked.until.is_none_or(|until| digest.start < until)
                && self.asked.from.is_none_or(|from| from < digest.start);
            if loaded.mapping.is_none() || !is_asked {
                continue;
            }
            let gap = |from| Period { from, until: digest.start };
            let below = loaded.place.below.as_str();
            let Some(previous) = &digest.previous else {
                if let Some(beginning) = beginning {
                    let why = "a new chain begins here, as when logging or its validation was off (StopLogging), or \
                         when all digests of that time were deleted";
                    not_covered(verification, below, gap(beginning), why);
                }
                continue;
            };
            let place = loaded.previous_place();
            if place.as_deref().is_some_and(|place| places.contains(place)) {
                if let Some(older) = older {
                    not_covered(verification, below, gap(older), "the digest before this one ends earlier");
                }
            } else if previous.bucket != digest.bucket {
                let message = format!(
                    "the digest before this one is in another bucket, as {}/{}",
                    previous.bucket, previous.object
                );
                verification.problem(Code::ChainInAnotherBucket, self.region, below, message);
            } else if let Some(beginning) = beginning.or(self.logs_before(digest.start)) {
                let object = place.unwrap_or_else(|| previous.object.clone());
                if missing.insert(object.clone()) {
                    verification.digests.missing += 1;
                    let message = format!(
                        "the digest is not here, though a later one names it; nothing proves the time from {} to {}",
                        beginning.min(digest.start),
                        digest.start
                    );
                    verification.problem(Code::DigestMissing, self.region, &object, message);
                }
            } else {
                let message = "the digests here begin with this one, and it names an earlier one; ask from a time \
                     on (--from) to have that one missed";
                verification.problem(Code::ChainStartsEarlier, self.region, below, message);
            }
        }
    }

    /// The time of the oldest log file, if that is surely of a digest before this time.
    fn logs_before(&self, start: EventTime) -> Option<EventTime> {
        self.first_log.filter(|first| first.seconds() + LATE < start.seconds())
    }
}

/// The periods in order, those that touch joined.
fn union(mut periods: Vec<Period>) -> Vec<Period> {
    periods.retain(|period| period.from < period.until);
    periods.sort_unstable();
    let mut joined: Vec<Period> = Vec::new();
    for period in periods {
        match joined.last_mut() {
            Some(last) if period.from <= last.until => last.until = last.until.max(period.until),
            _ => joined.push(period),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_that_touch_are_one() {
        let period = |from, until| Period {
            from: EventTime::from_seconds(from).unwrap(),
            until: EventTime::from_seconds(until).unwrap(),
        };
        assert_eq!(
            union(vec![period(5, 6), period(0, 2), period(2, 3), period(1, 2), period(9, 8)]),
            [period(0, 3), period(5, 6)]
        );
    }
}
