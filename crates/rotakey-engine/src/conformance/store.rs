//! What every [`Store`] must do. A store's test implements [`Harness`] and calls [`check_all`].
//!
//! One function checks one promise, on a store of its own.

mod turns;

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;
use jiff::Timestamp;
use rotakey_core::id::RotationId;
use rotakey_core::rotate::{ChainHash, Entry, Event, Note, Record, Subject};

use crate::store::{Append, RotationSummary, Store, StoreError, Turn};

pub use turns::*;

/// Makes the stores that the suite runs on.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A place without any rotation; another one at every call.
    async fn empty(&self) -> Box<dyn Place>;
}

/// Somewhere that logs are kept.
#[async_trait]
pub trait Place: Send + Sync {
    /// The store of that place: every call as another process would open it, as far as that can be had.
    async fn open(&self) -> Arc<dyn Store>;
}

/// Checks every promise of the contract.
pub async fn check_all(harness: &dyn Harness) {
    an_empty_store_knows_no_rotation(harness).await;
    records_are_loaded_as_they_were_appended(harness).await;
    another_handle_sees_the_same(harness).await;
    an_append_to_another_version_is_a_conflict(harness).await;
    of_many_appends_at_once_one_wins(harness).await;
    of_many_rotations_of_a_user_at_once_one_begins(harness).await;
    a_user_has_one_open_rotation_at_a_time(harness).await;
    a_name_is_not_a_user(harness).await;
    a_closed_rotation_stays_as_it_is(harness).await;
    rotations_are_listed_in_the_order_in_which_they_began(harness).await;
    a_record_keeps_every_character(harness).await;
    only_open_rotations_are_listed_as_open(harness).await;
    turns::check_all(harness).await;
    what_people_say_to_all_workers_is_seen_by_all(harness).await;
}

/// [`Store::controls`] tells what [`Store::set_control`] kept, through any handle, by prefix and in the order of the
/// names, until it is replaced or dropped.
pub async fn what_people_say_to_all_workers_is_seen_by_all(harness: &dyn Harness) {
    let place = harness.empty().await;
    let (one, other) = (place.open().await, place.open().await);
    let kept = |names: &[(&str, &str)]| -> Vec<(String, String)> {
        names.iter().map(|&(name, body)| (name.to_owned(), body.to_owned())).collect()
    };
    assert_eq!(succeeds("read no control", one.controls("").await), kept(&[]));
    for (name, body) in [("a/2", "zwei"), ("a/1", "eins \u{1f511}\n"), ("a%", "percent"), ("b", "")] {
        succeeds("set a control", one.set_control(name, Some(body)).await);
    }
    let listed = succeeds("list controls", other.controls("a/").await);
    assert_eq!(listed, kept(&[("a/1", "eins \u{1f511}\n"), ("a/2", "zwei")]));
    assert_eq!(succeeds("list controls", other.controls("a%").await), kept(&[("a%", "percent")]));
    assert_eq!(succeeds("list controls", other.controls("_").await), kept(&[]), "a prefix is no pattern");
    succeeds("replace a control", other.set_control("a/2", Some("two")).await);
    assert_eq!(succeeds("list controls", one.controls("a/2").await), kept(&[("a/2", "two")]));
    for _ in 0..2 {
        succeeds("drop a control, also twice", other.set_control("a/2", None).await);
    }
    assert_eq!(succeeds("list controls", one.controls("a/2").await), kept(&[]));
    assert_eq!(succeeds("list all controls", one.controls("").await).len(), 3);
}

/// A store without rotations lists none, and the log of an unknown rotation is empty.
pub async fn an_empty_store_knows_no_rotation(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let none = succeeds("load from an empty store", store.load(&rotation("nowhere")).await);
    assert!(none.is_empty(), "an empty store holds {} records", none.len());
    let none = succeeds("list an empty store", store.rotations().await);
    assert!(none.is_empty(), "an empty store lists {none:?}");
}

/// [`Store::load`] gives back what [`Store::append`] was given: each record, in order, to the last byte.
pub async fn records_are_loaded_as_they_were_appended(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let log = Log::new("first", 1, 6);
    for (from, to) in [(0, 1), (1, 4), (4, 6)] {
        succeeds("append", log.append(&*store, from, to).await);
        expect_log(&*store, &log, to).await;
    }
    let entries = Entry::open_all(&log.id, &succeeds("load", store.load(&log.id).await));
    assert!(entries.is_ok(), "the hash chain does not hold: {entries:?}");
}

/// What one handle appended, another one loads and lists.
pub async fn another_handle_sees_the_same(harness: &dyn Harness) {
    let place = harness.empty().await;
    let log = Log::new("first", 1, 2);
    succeeds("append", log.append(&*place.open().await, 0, 1).await);
    let other = place.open().await;
    expect_log(&*other, &log, 1).await;
    succeeds("append through another handle", log.append(&*other, 1, 2).await);
    let listed = succeeds("list", place.open().await.rotations().await);
    assert!(listed == [log.summary(true, 2)], "another handle lists {listed:?}");
}

/// [`Store::append`] at a version that the log does not have is a [`StoreError::Conflict`], and appends none
/// of its records.
pub async fn an_append_to_another_version_is_a_conflict(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let log = Log::new("first", 1, 5);
    conflicts("append to a log that has not begun", log.append(&*store, 1, 2).await);
    succeeds("append", log.append(&*store, 0, 3).await);
    conflicts("begin a log that has begun", log.append(&*store, 0, 3).await);
    conflicts("append where a record stands", log.append(&*store, 2, 4).await);
    conflicts("append past the end", log.append(&*store, 4, 5).await);
    expect_log(&*store, &log, 3).await;
}

/// When several workers append to one version at once, exactly one of them succeeds.
pub async fn of_many_appends_at_once_one_wins(harness: &dyn Harness) {
    const WORKERS: usize = 8;
    let place = harness.empty().await;
    let mut stores = Vec::new();
    for _ in 0..WORKERS {
        stores.push(place.open().await);
    }
    let log = Log::new("first", 1, 6);
    for version in 0..6 {
        let results = join_all(stores.iter().map(|store| log.append(&**store, version, version + 1))).await;
        let won = results.iter().filter(|result| result.is_ok()).count();
        assert!(won == 1, "{won} of {WORKERS} workers appended record {}", version + 1);
        for lost in results.into_iter().filter(Result::is_err) {
            conflicts("lose the race for a record", lost);
        }
    }
    expect_log(&*stores[0], &log, 6).await;
}

/// When several workers begin a rotation of one user at once, exactly one rotation begins.
pub async fn of_many_rotations_of_a_user_at_once_one_begins(harness: &dyn Harness) {
    let place = harness.empty().await;
    let logs = ["first", "second", "third", "fourth"].map(|name| Log::new(name, 1, 1));
    let mut stores = Vec::new();
    for _ in &logs {
        stores.push(place.open().await);
    }
    let results = join_all(logs.iter().zip(&stores).map(|(log, store)| log.append(&**store, 0, 1))).await;
    let won: Vec<_> = (0..logs.len()).filter(|&index| results[index].is_ok()).collect();
    let [winner] = won[..] else { panic!("{} rotations of one user began at once", won.len()) };
    for (index, result) in results.into_iter().enumerate().filter(|(index, _)| *index != winner) {
        let busy = Err(StoreError::SubjectBusy { rotation: logs[winner].id.clone() });
        assert!(result == busy, "rotation {index} must be told who is at work, but got {result:?}");
    }
    let listed = succeeds("list", stores[0].rotations().await);
    assert!(listed.len() == 1, "rotations that did not begin are listed: {listed:?}");
}

/// A rotation of a user that has an open one is [`StoreError::SubjectBusy`], and names that one; when the
/// open one has closed, the next may begin.
pub async fn a_user_has_one_open_rotation_at_a_time(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let (first, second, other) = (Log::new("first", 1, 2), Log::new("second", 1, 1), Log::new("other", 2, 1));
    succeeds("begin", first.append(&*store, 0, 1).await);
    let busy = second.append(&*store, 0, 1).await;
    let expected = Err(StoreError::SubjectBusy { rotation: first.id.clone() });
    assert!(busy == expected, "a second rotation of a user got {busy:?}");
    expect_log(&*store, &second, 0).await;
    succeeds("begin a rotation of another user", other.append(&*store, 0, 1).await);
    succeeds("close", first.close(&*store, 1, 2).await);
    succeeds("begin when the former rotation is closed", second.append(&*store, 0, 1).await);
}

/// A user that was deleted and made again under its name is another user.
pub async fn a_name_is_not_a_user(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let first = Log::new("first", 1, 1);
    let mut namesake = Log::new("second", 2, 1);
    namesake.subject.user_name = first.subject.user_name.clone();
    succeeds("begin", first.append(&*store, 0, 1).await);
    succeeds("begin for a user of the same name", namesake.append(&*store, 0, 1).await);
}

/// A closed rotation takes no more records, and can be loaded for ever.
pub async fn a_closed_rotation_stays_as_it_is(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let log = Log::new("first", 1, 3);
    succeeds("begin and close at once", log.close(&*store, 0, 2).await);
    conflicts("append to a closed rotation", log.append(&*store, 2, 3).await);
    conflicts("begin a closed rotation again", log.append(&*store, 0, 1).await);
    expect_log(&*store, &log, 2).await;
    let listed = succeeds("list", store.rotations().await);
    assert!(listed == [log.summary(false, 2)], "a closed rotation is listed as {listed:?}");
}

/// [`Store::rotations`] is in the order of the first records, whatever happens to them later.
pub async fn rotations_are_listed_in_the_order_in_which_they_began(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let logs: Vec<_> = [("zebra", 1), ("apple", 2), ("melon", 3)]
        .map(|(name, user)| Log::new(name, user, 3))
        .into_iter()
        .collect();
    for log in &logs {
        succeeds("begin", log.append(&*store, 0, 1).await);
    }
    succeeds("append to the second", logs[1].append(&*store, 1, 2).await);
    succeeds("close the first", logs[0].close(&*store, 1, 3).await);
    let expected = [logs[0].summary(false, 3), logs[1].summary(true, 2), logs[2].summary(true, 1)];
    let listed = succeeds("list", store.rotations().await);
    assert!(listed == expected, "three rotations are listed as {listed:?}");
}

/// [`Store::open_rotations`] is [`Store::rotations`] without those that have ended.
pub async fn only_open_rotations_are_listed_as_open(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let logs: Vec<_> = (1..=4).map(|user| Log::new(&format!("user{user}"), user, 2)).collect();
    for log in &logs {
        succeeds("begin", log.append(&*store, 0, 1).await);
    }
    succeeds("close the second", logs[1].close(&*store, 1, 2).await);
    let expected = [&logs[0], &logs[2], &logs[3]].map(|log| log.summary(true, 1));
    let listed = succeeds("list what is open", store.open_rotations().await);
    assert!(listed == expected, "three open rotations are listed as {listed:?}");
}

/// The text of a record comes back as it was: it was hashed, so one changed byte breaks the chain.
pub async fn a_record_keeps_every_character(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let mut log = Log::new("first", 1, 1);
    log.records[0].body =
        "{\"'; DROP TABLE record; --\": \"\\u0000 \u{7f} é 鍵 🔑 \r\n\t %s ?1 $1\"}".to_owned();
    succeeds("append", log.append(&*store, 0, 1).await);
    expect_log(&*store, &log, 1).await;
}

/// Whose turn it is wherever that does not matter.
const NOW: Turn = Turn::Worker { due: Timestamp::UNIX_EPOCH };

/// A rotation with all the records that its log is going to have.
struct Log {
    id: RotationId,
    subject: Subject,
    records: Vec<Record>,
}

impl Log {
    fn new(name: &str, user: u8, records: u64) -> Self {
        let id = rotation(name);
        let mut before = ChainHash::origin(&id);
        let records = (1..=records)
            .map(|version| {
                let event = Event::Noted { note: Note::Delivered };
                let record = Record::seal(&id, version, Timestamp::UNIX_EPOCH, &event, &before);
                before = record.hash.clone();
                record
            })
            .collect();
        Self { id, subject: subject(user), records }
    }

    async fn append(&self, store: &dyn Store, from: usize, to: usize) -> Result<(), StoreError> {
        self.write(store, from, to, Some(NOW)).await
    }

    async fn close(&self, store: &dyn Store, from: usize, to: usize) -> Result<(), StoreError> {
        self.write(store, from, to, None).await
    }

    /// Appends; without a turn, the rotation ends.
    async fn write(
        &self,
        store: &dyn Store,
        from: usize,
        to: usize,
        turn: Option<Turn>,
    ) -> Result<(), StoreError> {
        let append = Append {
            rotation: &self.id,
            subject: &self.subject,
            expected_version: from as u64,
            records: &self.records[from..to],
            closes: turn.is_none(),
            turn: turn.unwrap_or(NOW),
        };
        store.append(append).await
    }

    fn summary(&self, open: bool, version: u64) -> RotationSummary {
        self.summary_at(open.then_some(NOW), version)
    }

    fn summary_at(&self, turn: Option<Turn>, version: u64) -> RotationSummary {
        RotationSummary { id: self.id.clone(), subject: self.subject.clone(), turn, version }
    }
}

fn rotation(name: &str) -> RotationId {
    valid(format!("r-{name}").parse())
}

fn subject(number: u8) -> Subject {
    Subject {
        account_id: valid("012345678901".parse()),
        user_name: valid(format!("user+=,.@_-{number}").parse()),
        user_id: valid(format!("AIDACKCEVSQ6C2EXAM{number:03}").parse()),
    }
}

fn valid<T>(parsed: Result<T, rotakey_core::id::InvalidId>) -> T {
    parsed.unwrap_or_else(|error| panic!("the suite's own identifiers are valid: {error}"))
}

async fn expect_log(store: &dyn Store, log: &Log, length: usize) {
    let found = succeeds("load", store.load(&log.id).await);
    let versions: Vec<_> = found.iter().map(|record| record.version).collect();
    assert!(found.len() == length, "the log has records {versions:?} in place of {length} records");
    assert!(found == log.records[..length], "the log has other records than those appended: {found:?}");
}

fn succeeds<T>(what: &str, result: Result<T, StoreError>) -> T {
    result.unwrap_or_else(|error| panic!("{what} must succeed, but failed: {error} ({error:?})"))
}

fn conflicts(what: &str, result: Result<(), StoreError>) {
    assert!(result == Err(StoreError::Conflict), "{what} must be a conflict, but was {result:?}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory_store::MemoryStore;

    struct InMemory;

    #[async_trait]
    impl Harness for InMemory {
        async fn empty(&self) -> Box<dyn Place> {
            Box::new(Shared(Arc::new(MemoryStore::default())))
        }
    }

    struct Shared(Arc<MemoryStore>);

    #[async_trait]
    impl Place for Shared {
        async fn open(&self) -> Arc<dyn Store> {
            self.0.clone()
        }
    }

    #[test]
    fn the_store_in_memory_keeps_the_contract() {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut check = Box::pin(check_all(&InMemory));
        // Nothing in memory is waited for, so one poll is the whole suite.
        assert!(check.as_mut().poll(&mut context).is_ready());
    }
}
