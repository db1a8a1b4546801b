//! What every [`ScanCache`] must do. A cache's test implements [`Harness`] and calls [`check_all`].
//!
//! One function checks one promise, on a cache of its own. No particular async runtime is needed.

use std::task::Poll;

use async_trait::async_trait;
use futures::future::{join_all, poll_fn};

use super::{CacheError, CachedFinding, Entry, Outcome, RulesVersion, Run, ScanCache, Stats, USED, Unit};
use crate::allow::{Allowed, Mark};
use crate::finding::{Digests, Finding, Position};
use crate::kind::{Kind, Severity};
use crate::object_id::ObjectId;
use crate::specimen::Specimen;

/// Makes the caches that the suite runs on.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A place without a cache; another one at every call.
    async fn empty(&self) -> Box<dyn Place>;
}

/// Somewhere that a cache is kept.
#[async_trait]
pub trait Place: Send + Sync {
    /// The cache of that place: every call as another process would open it.
    async fn open(&self) -> Box<dyn ScanCache>;
}

/// Checks every promise of the contract.
pub async fn check_all(harness: &dyn Harness) {
    an_empty_cache_knows_nothing(harness).await;
    what_was_added_is_known_in_the_order_of_the_question(harness).await;
    others_know_it_when_the_cache_was_closed(harness).await;
    other_rules_know_nothing_of_it(harness).await;
    ids_are_compared_whole(harness).await;
    findings_come_back_as_they_were(harness).await;
    the_first_outcome_stays(harness).await;
    a_hundred_thousand_units_are_one_question(harness).await;
    writers_at_once_lose_nothing(harness).await;
    an_add_that_is_broken_off_leaves_all_or_nothing(harness).await;
    what_is_used_is_not_pruned(harness).await;
    the_cache_counts_what_it_has(harness).await;
}

/// Nothing in it, nothing out.
pub async fn an_empty_cache_knows_nothing(harness: &dyn Harness) {
    let cache = harness.empty().await.open().await;
    let units = [blob(1), Unit::Pack(sha1(1)), Unit::Blob(sha256(1))];
    assert_eq!(known(&*cache, &units).await, [None, None, None], "an empty cache knows something");
    assert_eq!(known(&*cache, &[]).await, [], "no question has an answer");
    succeeds("add nothing", cache.add(&run(), &[]).await);
    assert_eq!(succeeds("prune nothing", cache.prune(DAY).await), 0, "what was pruned from nothing?");
    let stats = succeeds("count", cache.stats().await);
    assert_eq!(Stats { bytes: 0, ..stats }, Stats::default(), "an empty cache counts something");
    succeeds("close", cache.close().await);
}

/// Answers are in the order of the questions, also where one is asked twice.
pub async fn what_was_added_is_known_in_the_order_of_the_question(harness: &dyn Harness) {
    let cache = harness.empty().await.open().await;
    let pack = Entry {
        unit: Unit::Pack(sha1(9)),
        outcome: Outcome { blobs: 5_000_000_000, findings: vec![found(sha1(3), 3)] },
    };
    add(&*cache, &[clean(blob(7)), clean(blob(2)), pack.clone(), clean(Unit::Blob(sha256(4)))]).await;
    let units = [blob(2), blob(1), Unit::Pack(sha1(9)), Unit::Blob(sha256(4)), blob(7), blob(1), blob(2)];
    let one = Some(Outcome { blobs: 1, findings: Vec::new() });
    let expected = [one.clone(), None, Some(pack.outcome), one.clone(), one.clone(), None, one];
    assert_eq!(known(&*cache, &units).await, expected, "another answer than what was added");
}

/// What was added is there for who opens the cache later.
pub async fn others_know_it_when_the_cache_was_closed(harness: &dyn Harness) {
    let place = harness.empty().await;
    for number in 0..3 {
        let cache = place.open().await;
        let all: Vec<Unit> = (0..number).map(blob).collect();
        assert_eq!(count_known(&*cache, &all).await, all.len(), "something was forgotten by the next one");
        add(&*cache, &[clean(blob(number))]).await;
        succeeds("close", cache.close().await);
    }
}

/// A unit is known by the rules that it was scanned by, and by no others.
pub async fn other_rules_know_nothing_of_it(harness: &dyn Harness) {
    let place = harness.empty().await;
    let cache = place.open().await;
    let other = Run { rules: RulesVersion::of(&[("suite", "other")]), ..run() };
    add(&*cache, &[clean(blob(1))]).await;
    let answer = succeeds("look up", cache.look_up(&other, &[blob(1)]).await);
    assert_eq!(answer, [None], "it is known by other rules");
    let entry = Entry { unit: blob(1), outcome: Outcome { blobs: 1, findings: vec![found(sha1(1), 1)] } };
    succeeds("add", cache.add(&other, std::slice::from_ref(&entry)).await);
    succeeds("close", cache.close().await);
    let cache = place.open().await;
    assert_eq!(known(&*cache, &[blob(1)]).await, [Some(Outcome { blobs: 1, findings: Vec::new() })]);
    let answer = succeeds("look up", cache.look_up(&other, &[blob(1)]).await);
    assert_eq!(answer, [Some(entry.outcome)], "the outcome by other rules is another one");
}

/// No part of an id stands for it, a pack is no blob, and a long id is not a short one with something behind it.
pub async fn ids_are_compared_whole(harness: &dyn Harness) {
    let place = harness.empty().await;
    let cache = place.open().await;
    let (short, long) = (sha1(5), sha256(5));
    add(&*cache, &[clean(Unit::Blob(short)), clean(Unit::Pack(long))]).await;
    let mut units = vec![Unit::Pack(short), Unit::Blob(long)];
    for (id, unit) in [(short, Unit::Blob as fn(ObjectId) -> Unit), (long, Unit::Pack)] {
        for bit in 0..id.as_bytes().len() * 8 {
            let mut bytes = id.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            units.push(unit(object(&bytes)));
        }
    }
    let mut padded = [0; 32];
    padded[..20].copy_from_slice(short.as_bytes());
    units.extend([Unit::Blob(object(&padded)), Unit::Pack(object(&long.as_bytes()[..20]))]);
    assert_eq!(count_known(&*cache, &units).await, 0, "another id is known");
    succeeds("close", cache.close().await);
    let cache = place.open().await;
    assert_eq!(count_known(&*cache, &units).await, 0, "another id is known to the next one");
    assert_eq!(count_known(&*cache, &[Unit::Blob(short), Unit::Pack(long)]).await, 2, "an id is not known");
}

/// Every character of a finding is kept, and their order.
pub async fn findings_come_back_as_they_were(harness: &dyn Harness) {
    let place = harness.empty().await;
    let cache = place.open().await;
    let entries: Vec<Entry> = (0..50)
        .map(|number| {
            let findings = (0..number).rev().map(|seed| found(sha1(number), seed)).collect();
            Entry { unit: blob(number), outcome: Outcome { blobs: 1, findings } }
        })
        .collect();
    add(&*cache, &entries).await;
    succeeds("close", cache.close().await);
    let cache = place.open().await;
    for entry in entries {
        assert_eq!(known(&*cache, &[entry.unit]).await, [Some(entry.outcome)], "a finding has changed");
    }
}

/// Whoever adds a unit again changes nothing.
pub async fn the_first_outcome_stays(harness: &dyn Harness) {
    let cache = harness.empty().await.open().await;
    let first = Entry { unit: blob(1), outcome: Outcome { blobs: 1, findings: vec![found(sha1(1), 1)] } };
    add(&*cache, std::slice::from_ref(&first)).await;
    add(&*cache, &[clean(blob(1)), clean(blob(2)), clean(blob(2))]).await;
    let expected = [Some(first.outcome), Some(Outcome { blobs: 1, findings: Vec::new() })];
    assert_eq!(known(&*cache, &[blob(1), blob(2)]).await, expected, "an outcome was overwritten");
}

/// There is no limit to what is added or asked at once.
pub async fn a_hundred_thousand_units_are_one_question(harness: &dyn Harness) {
    let place = harness.empty().await;
    let cache = place.open().await;
    let entries: Vec<Entry> = (0..100_000).map(|number| clean(blob(number))).collect();
    add(&*cache, &entries).await;
    succeeds("close", cache.close().await);
    let cache = place.open().await;
    // Neither sorted nor all of them known.
    let numbers: Vec<u64> = (0..101_000).map(|number| number * 7919 % 101_000).collect();
    let units: Vec<Unit> = numbers.iter().copied().map(blob).collect();
    let answers = known(&*cache, &units).await;
    assert_eq!(answers.len(), units.len(), "not every question has an answer");
    for (number, answer) in numbers.iter().zip(answers) {
        assert_eq!(answer.is_some(), *number < 100_000, "unit {number} of 100,000");
    }
}

/// Several processes add the same and other units at a time.
pub async fn writers_at_once_lose_nothing(harness: &dyn Harness) {
    let place = harness.empty().await;
    let mut writers = Vec::new();
    for number in 0..4 {
        writers.push((number, place.open().await));
    }
    join_all(writers.into_iter().map(|(writer, cache)| async move {
        // In other orders, and half of them those of the next writer.
        for step in 0..10 {
            let step = if writer % 2 == 0 { step } else { 9 - step };
            let units = (0..100).map(|unit| clean(blob(writer * 500 + step * 100 + unit)));
            add(&*cache, &units.collect::<Vec<_>>()).await;
        }
        succeeds("close", cache.close().await);
    }))
    .await;
    let cache = place.open().await;
    let all: Vec<Unit> = (0..2_500).map(blob).collect();
    assert_eq!(count_known(&*cache, &all).await, all.len(), "one writer's units are lost");
    let stats = succeeds("count", cache.stats().await);
    assert_eq!(stats.blobs, 2_500, "units that two have added are counted twice");
}

/// A process that is killed has added all of a batch, or nothing of it.
pub async fn an_add_that_is_broken_off_leaves_all_or_nothing(harness: &dyn Harness) {
    let place = harness.empty().await;
    let entries: Vec<Entry> = (0..30_000).map(|number| clean(blob(number))).collect();
    let units: Vec<Unit> = entries.iter().map(|entry| entry.unit).collect();
    // Polled a little further each time, then dropped.
    for polls in [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89] {
        let cache = place.open().await;
        let mut work = cache.add(&RUN_OF_THE_KILLED, &entries);
        for _ in 0..polls {
            if futures::poll!(work.as_mut()).is_ready() {
                break;
            }
            a_moment().await;
        }
        drop(work);
        drop(cache);
        let cache = place.open().await;
        let answers = succeeds("look up", cache.look_up(&RUN_OF_THE_KILLED, &units).await);
        let known = answers.iter().flatten().count();
        assert!([0, units.len()].contains(&known), "{known} of {} after {polls} polls", units.len());
    }
    let cache = place.open().await;
    succeeds("add after that", cache.add(&RUN_OF_THE_KILLED, &entries).await);
    succeeds("close", cache.close().await);
    let answers = place.open().await.look_up(&RUN_OF_THE_KILLED, &units).await;
    assert_eq!(succeeds("look up", answers).iter().flatten().count(), units.len(), "not all was added");
}

/// What was asked for lately stays, what nobody asks for goes.
pub async fn what_is_used_is_not_pruned(harness: &dyn Harness) {
    let place = harness.empty().await;
    let cache = place.open().await;
    let entry = Entry { unit: blob(3), outcome: Outcome { blobs: 1, findings: vec![found(sha1(3), 3)] } };
    add(&*cache, &[clean(blob(1)), clean(blob(2)), entry.clone(), clean(Unit::Pack(sha1(1)))]).await;
    succeeds("close", cache.close().await);
    let cache = place.open().await;
    assert_eq!(succeeds("prune", cache.prune(DAY).await), 0, "what was used on that day is pruned");
    let later = Run { day: DAY + 10 * USED, ..run() };
    succeeds("look up", cache.look_up(&later, &[blob(3), Unit::Pack(sha1(1)), blob(4)]).await);
    succeeds("close", cache.close().await);
    let cache = place.open().await;
    assert_eq!(succeeds("prune", cache.prune(later.day).await), 2, "units that nobody asked for");
    succeeds("close", cache.close().await);
    let cache = place.open().await;
    let answers = known(&*cache, &[blob(1), blob(2), blob(3), Unit::Pack(sha1(1))]).await;
    let one = Outcome { blobs: 1, findings: Vec::new() };
    assert_eq!(answers, [None, None, Some(entry.outcome), Some(one)], "another unit was pruned");
    succeeds("prune", cache.prune(later.day + 10 * USED).await);
    succeeds("close", cache.close().await);
    let stats = succeeds("count", place.open().await.stats().await);
    assert_eq!(Stats { bytes: 0, ..stats }, Stats::default(), "something is left when all was pruned");
}

/// [`ScanCache::stats`] counts by rules.
pub async fn the_cache_counts_what_it_has(harness: &dyn Harness) {
    let place = harness.empty().await;
    let cache = place.open().await;
    let entry = Entry { unit: blob(3), outcome: Outcome { blobs: 1, findings: vec![found(sha1(3), 3)] } };
    add(&*cache, &[clean(blob(1)), entry, clean(Unit::Pack(sha1(1)))]).await;
    let other = Run { rules: RulesVersion::of(&[("suite", "other")]), ..run() };
    succeeds("add", cache.add(&other, &[clean(blob(1))]).await);
    succeeds("close", cache.close().await);
    let stats = succeeds("count", place.open().await.stats().await);
    let expected = Stats { rules: 2, blobs: 3, packs: 1, with_findings: 1, bytes: stats.bytes };
    assert_eq!(stats, expected, "the cache counts otherwise");
}

/// The day of the suite.
const DAY: i64 = 20_000;

const RUN_OF_THE_KILLED: Run = Run { rules: RulesVersion::from_bytes([7; 32]), day: DAY };

fn run() -> Run {
    Run { rules: RulesVersion::of(&[("suite", "1")]), day: DAY }
}

async fn known(cache: &dyn ScanCache, units: &[Unit]) -> Vec<Option<Outcome>> {
    succeeds("look up", cache.look_up(&run(), units).await)
}

async fn count_known(cache: &dyn ScanCache, units: &[Unit]) -> usize {
    known(cache, units).await.iter().flatten().count()
}

async fn add(cache: &dyn ScanCache, entries: &[Entry]) {
    succeeds("add", cache.add(&run(), entries).await);
}

fn succeeds<T>(what: &str, result: Result<T, CacheError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("could not {what}: {error}"),
    }
}

/// Lets others go on for once.
async fn a_moment() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::thread::yield_now();
        Poll::Pending
    })
    .await;
}

fn clean(unit: Unit) -> Entry {
    Entry { unit, outcome: Outcome { blobs: 1, findings: Vec::new() } }
}

fn blob(number: u64) -> Unit {
    Unit::Blob(sha1(number))
}

/// Spread as real ids are.
fn bytes(number: u64, length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(number);
    (0..length).map(|_| random.u8(..)).collect()
}

fn sha1(number: u64) -> ObjectId {
    object(&bytes(number, 20))
}

fn sha256(number: u64) -> ObjectId {
    object(&bytes(number, 32))
}

fn object(bytes: &[u8]) -> ObjectId {
    ObjectId::from_bytes(bytes).expect("20 or 32 bytes are an id")
}

/// A finding with every field, and with characters that a medium may take for its own.
pub fn found(blob: ObjectId, seed: u64) -> CachedFinding {
    let specimen = Specimen::from_seed(seed);
    let secret = rotakey_core::secret::Secret::new(specimen.secret_access_key);
    let finding = Finding {
        kind: Kind::SecretAccessKey,
        rule: "aws-secret-access-key",
        severity: Severity::High,
        repository: None,
        path: format!("blob {blob}!a'\"\\\u{0}\u{fffd}é.zip!{seed}\n"),
        position: Position { line: 1, column: u32::MAX, end_line: 2, end_column: 3 },
        access_key_id: specimen.access_key_id.parse().ok(),
        account_id: None,
        canary: seed.is_multiple_of(2),
        digests: Digests::of(&secret),
        pair: seed.is_multiple_of(3).then(|| Digests::of(&secret)),
        redacted: format!("{}…(40 characters)", &secret.expose()[..4]),
        excerpt: "key = …\t\u{1b}[0m\u{0} ''".to_owned(),
        encodings: vec!["base64", "json"],
        blob: Some(blob),
        introduced: None,
        value: Some(secret),
        allowed: seed.is_multiple_of(2).then_some(Allowed::Mark(Mark::Gitleaks)),
        known: None,
        holder: None,
    };
    CachedFinding::of(&finding).expect("its path is that of a blob")
}
