use std::io::BufReader;

use rotakey_core::rotate::{ChainHash, Ending, Event};

use super::*;
use crate::inventory::NoProgress;
use crate::memory_store::MemoryStore;
use crate::store::Claim;

fn now<T>(future: impl Future<Output = T>) -> T {
    futures::FutureExt::now_or_never(future).expect("nothing in memory is waited for")
}

/// A plan as the machine logs it, for that user.
fn plan(user: u8) -> rotakey_core::rotate::Plan {
    serde_json::from_value(serde_json::json!({
        "subject": {
            "account_id": "012345678901",
            "user_name": format!("user-{user}"),
            "user_id": format!("AIDACKCEVSQ6C2EXAM{user:03}"),
        },
        "old_key": "AKIAIOSFODNN7EXAMPLE",
        "old_key_last_used": rotakey_core::fact::LastUsed::Never,
        "reason": "it is old",
        "destinations": [],
        "timing": rotakey_core::rotate::Timing::default(),
    }))
    .unwrap()
}

fn log(name: &str, user: u8, ended: bool) -> Log {
    let id: RotationId = format!("r-{name}").parse().unwrap();
    let plan = plan(user);
    let subject = plan.subject.clone();
    let mut events = vec![Event::Planned { plan: Box::new(plan) }];
    if ended {
        let ending = Ending::Aborted { by: "alice".to_owned(), why: "a \"reason\"\n鍵".to_owned() };
        events.push(Event::Closed { ending });
    }
    let mut before = ChainHash::origin(&id);
    let records = events.iter().zip(1..).map(|(event, version)| {
        let record = Record::seal(&id, version, Timestamp::UNIX_EPOCH, event, &before);
        before = record.hash.clone();
        record
    });
    let records = records.collect();
    Log { id, subject, records }
}

fn append(store: &MemoryStore, log: &Log) {
    let append = Append {
        rotation: &log.id,
        subject: &log.subject,
        expected_version: 0,
        records: &log.records,
        closes: log.records.len() > 1,
        turn: Turn::Person { due: None },
    };
    now(store.append(append)).unwrap();
}

fn store(logs: &[Log]) -> MemoryStore {
    let store = MemoryStore::default();
    logs.iter().for_each(|log| append(&store, log));
    store
}

fn three() -> MemoryStore {
    store(&[log("zebra", 1, true), log("apple", 1, false), log("melon", 2, false)])
}

fn exported(store: &MemoryStore) -> String {
    let mut out = Vec::new();
    now(export(store, &mut out, &NoProgress)).unwrap();
    String::from_utf8(out).unwrap()
}

fn opened(text: &str) -> Result<Export<BufReader<&[u8]>>, ExportError> {
    Export::open(BufReader::new(text.as_bytes()))
}

fn surveyed(store: &MemoryStore, text: &str) -> Result<Survey, TransferError> {
    now(survey(store, opened(text)?, &NoProgress))
}

fn differences(store: &MemoryStore, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    now(compare(store, opened(text).unwrap(), &NoProgress, |_, what| found.push(what))).unwrap();
    found
}

#[test]
fn an_import_of_an_export_makes_an_equal_store() {
    let text = exported(&three());
    let copy = MemoryStore::default();
    let found = surveyed(&copy, &text).unwrap();
    assert_eq!((found.new.len(), found.present()), (3, 0));
    let imported = now(import(&copy, opened(&text).unwrap(), &found, &NoProgress)).unwrap();
    assert_eq!(imported, Amount { rotations: 3, records: 4 });
    assert_eq!(exported(&copy), text);
    assert_eq!(differences(&copy, &text), Vec::<String>::new());
}

#[test]
fn an_open_rotation_is_due_at_once_after_an_import() {
    let text = exported(&three());
    let copy = MemoryStore::default();
    let found = surveyed(&copy, &text).unwrap();
    now(import(&copy, opened(&text).unwrap(), &found, &NoProgress)).unwrap();
    let at = Timestamp::UNIX_EPOCH;
    let accounts = ["012345678901".parse().unwrap()];
    let claimed = now(copy.claim(Claim { accounts: &accounts, now: at, until: at, limit: 9 })).unwrap();
    assert_eq!(claimed.len(), 2);
}

#[test]
fn an_import_that_was_cut_off_goes_on_where_it_stopped() {
    let text = exported(&three());
    let copy = store(&[log("zebra", 1, true)]);
    let found = surveyed(&copy, &text).unwrap();
    assert_eq!((found.new.len(), found.present()), (2, 1));
    let imported = now(import(&copy, opened(&text).unwrap(), &found, &NoProgress)).unwrap();
    assert_eq!(imported.rotations, 2);
    assert_eq!(exported(&copy), text);
    assert!(surveyed(&copy, &text).unwrap().new.is_empty());
}

#[test]
fn a_rotation_that_has_another_log_and_a_user_with_two_open_rotations_are_conflicts() {
    let text = exported(&three());
    let ahead = surveyed(&store(&[log("apple", 1, true)]), &text).unwrap();
    assert_eq!(ahead.conflicts, ["the store has another log of rotation r-apple"]);
    let busy = surveyed(&store(&[log("other", 2, false)]), &text).unwrap();
    assert_eq!(busy.conflicts.len(), 1, "{busy:?}");
    assert!(busy.conflicts[0].contains("r-melon") && busy.conflicts[0].contains("r-other"), "{busy:?}");
}

#[test]
fn an_export_that_was_changed_or_cut_off_is_refused() {
    let text = exported(&three());
    let error = |text: &str| surveyed(&MemoryStore::default(), text).unwrap_err().to_string();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    for end in 1..lines.len() {
        let error = error(&lines[..end].concat());
        assert!(error.contains("before its own end"), "{end}: {error}");
    }
    assert!(error(&text[..text.len() - 1]).contains("before its own end"));
    assert!(error("").contains("no export of rotakey"));
    assert!(error("{\"a\":1}\n").contains("no export of rotakey"));
    assert!(error(&text.replacen("\"format\":1", "\"format\":2", 1)).contains("newer rotakey"));
    assert!(error(&format!("{text}{{}}\n")).contains("something follows the end"));
    assert!(error(&text.replace("\"rotations\":3", "\"rotations\":4")).contains("before the end"));
    assert!(error(&text.replacen("user-1", "user-2", 1)).contains("another user"));
    assert!(error(&text.replacen("\"open\":true", "\"open\":false", 1)).contains("otherwise"));
    assert!(error(&text.replace("alice", "mallory")).contains("was changed"));
    // Without a record, the count is not reached before the next rotation.
    let without = |index: usize| [&lines[..index], &lines[index + 1..]].concat().concat();
    assert!(error(&without(2)).contains("a record is wanted"));
}

#[test]
fn what_is_not_the_same_is_told() {
    let text = exported(&three());
    let other = store(&[log("zebra", 1, true), log("apple", 1, true), log("peach", 3, false)]);
    assert_eq!(
        differences(&other, &text),
        [
            "rotation r-apple has 1 more records in the store than in the export",
            "rotation r-melon is in the export, and not in the store",
            "rotation r-peach is in the store, and not in the export",
        ]
    );
}

#[test]
fn a_broken_log_is_found_and_not_exported() {
    let mut broken = log("apple", 1, false);
    broken.records[0].body = broken.records[0].body.replace("user-1", "user-9");
    let store = store(&[log("zebra", 1, true), broken]);
    let mut found = Vec::new();
    let amount = now(verify(&store, &NoProgress, |_, what| found.push(what))).unwrap();
    assert_eq!(amount, Amount { rotations: 2, records: 3 });
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("r-apple is broken at entry 1"), "{found:?}");
    let mut out = Vec::new();
    assert!(matches!(now(export(&store, &mut out, &NoProgress)), Err(TransferError::Unsound(_))));
}
