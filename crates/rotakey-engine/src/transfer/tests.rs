use std::io::BufReader;

use jiff::Timestamp;
use rotakey_core::notify::NoticeId;
use rotakey_core::rotate::controls::Halt;
use rotakey_core::rotate::{Approval, ApprovedStep, ChainHash, Ending, Event};

use super::*;
use crate::inventory::NoProgress;
use crate::memory_outbox::MemoryOutbox;
use crate::memory_store::MemoryStore;
use crate::outbox::{Delivery, DeliveryState};
use crate::store::{Append, Claim, Turn};

/// A store and an outbox.
#[derive(Default)]
struct Memory {
    store: MemoryStore,
    outbox: MemoryOutbox,
}

impl Memory {
    fn place(&self) -> Place<'_> {
        Place { store: &self.store, outbox: &self.outbox }
    }
}

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

fn append(memory: &Memory, log: &Log) {
    let append = Append {
        rotation: &log.id,
        subject: &log.subject,
        expected_version: 0,
        records: &log.records,
        closes: log.records.len() > 1,
        turn: Turn::Person { due: None },
    };
    now(memory.store.append(append)).unwrap();
}

fn store(logs: &[Log]) -> Memory {
    let memory = Memory::default();
    logs.iter().for_each(|log| append(&memory, log));
    memory
}

fn three() -> Memory {
    store(&[log("zebra", 1, true), log("apple", 1, false), log("melon", 2, false)])
}

fn delivery(rotation: &str, notice: &str, state: DeliveryState) -> Delivery {
    let rotation: RotationId = format!("r-{rotation}").parse().unwrap();
    let notice = NoticeId::from_stored(format!("{rotation}/{notice}"));
    Delivery {
        topic: Topic::from(&rotation),
        notice,
        channel: "mail".to_owned(),
        version: 1,
        attempts: 1,
        state,
    }
}

fn write(memory: &Memory, delivery: &Delivery) {
    now(memory.outbox.write(delivery)).unwrap();
}

fn halt() -> Halt {
    Halt { by: "arn:aws:iam::012345678901:user/ann".to_owned(), why: "a \"drill\"".to_owned(), at: None }
}

/// The three, what people were told of them, a halt and an approval.
fn told() -> Memory {
    let memory = three();
    let at = Timestamp::UNIX_EPOCH;
    let failed = DeliveryState::Failed { at, message: "no \"answer\"\n鍵".to_owned() };
    write(&memory, &delivery("zebra", "2/aborted", failed.clone()));
    // Written twice, as a delivery that is first begun and then done.
    write(&memory, &delivery("zebra", "1/begun", DeliveryState::Sending { until: at }));
    write(&memory, &Delivery { version: 2, ..delivery("zebra", "1/begun", DeliveryState::Sent { at }) });
    write(&memory, &delivery("melon", "1/begun", DeliveryState::NotMeant));
    now(memory.outbox.settle(&"r-zebra".parse().unwrap())).unwrap();
    now(control::set_halt(&memory.store, Some(&halt()))).unwrap();
    now(control::approve(&memory.store, &approval())).unwrap();
    // A worker's own, which is not taken along.
    now(memory.store.set_control("notify/next", Some("2026-01-01T00:00:00Z"))).unwrap();
    memory
}

fn approval() -> Approval {
    let by = "arn:aws:iam::012345678901:user/bob".to_owned();
    Approval { step: ApprovedStep::Begin, plan: plan(7).hash(), by, at: Timestamp::UNIX_EPOCH }
}

fn exported(memory: &Memory) -> String {
    let mut out = Vec::new();
    now(export(memory.place(), &mut out, &NoProgress)).unwrap();
    String::from_utf8(out).unwrap()
}

/// As the first format had it, which knew of logs only.
fn of_format_1(text: &str) -> String {
    let known =
        |line: &&str| !line.starts_with("{\"type\":\"delivery\"") && !line.contains("\"type\":\"control\"");
    let lines = text.split_inclusive('\n').filter(known).map(|line| {
        let line = line.replacen("\"format\":2", "\"format\":1", 1);
        match line.find(",\"deliveries\":") {
            Some(end) if !line.contains("\"type\":\"record\"") => format!("{}}}\n", &line[..end]),
            _ => line,
        }
    });
    lines.collect()
}

fn opened(text: &str) -> Result<Export<BufReader<&[u8]>>, ExportError> {
    Export::open(BufReader::new(text.as_bytes()))
}

fn surveyed(memory: &Memory, text: &str) -> Result<Survey, TransferError> {
    now(survey(memory.place(), opened(text)?, &NoProgress))
}

fn imported(memory: &Memory, text: &str) -> Amount {
    let found = surveyed(memory, text).unwrap();
    assert!(found.conflicts.is_empty(), "{found:?}");
    now(import(memory.place(), opened(text).unwrap(), &found, &NoProgress)).unwrap()
}

fn problems(memory: &Memory) -> (Amount, Vec<String>) {
    let mut found = Vec::new();
    let amount = now(verify(memory.place(), &NoProgress, |_, what| found.push(what))).unwrap();
    (amount, found)
}

fn differences(memory: &Memory, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    now(compare(memory.place(), opened(text).unwrap(), &NoProgress, |_, what| found.push(what))).unwrap();
    found
}

#[test]
fn an_import_of_an_export_makes_an_equal_store() {
    let text = exported(&told());
    let copy = Memory::default();
    let found = surveyed(&copy, &text).unwrap();
    assert_eq!((found.new.len(), found.present), (3, 0));
    assert_eq!(imported(&copy, &text), Amount { rotations: 3, records: 4, deliveries: 3, controls: 2 });
    assert_eq!(exported(&copy), text);
    assert_eq!(differences(&copy, &text), Vec::<String>::new());
    assert_eq!(problems(&copy).1, Vec::<String>::new());
    assert_eq!(now(control::halt(&copy.store)), Ok(Some(halt())));
    assert_eq!(now(control::approvals(&copy.store, &approval().plan)), Ok(vec![approval()]));
    assert_eq!(now(copy.store.controls("notify/")), Ok(Vec::new()), "whom to tell next is found out anew");
}

#[test]
fn an_export_of_the_first_format_is_taken_as_far_as_it_says() {
    let text = of_format_1(&exported(&told()));
    assert_eq!(text.lines().count(), 9, "{text}");
    let copy = Memory::default();
    assert_eq!(imported(&copy, &text), Amount { rotations: 3, records: 4, deliveries: 0, controls: 0 });
    assert_eq!(exported(&copy), exported(&three()));
    // It says nothing of what people were told, and so does not contradict.
    assert_eq!(differences(&told(), &text), Vec::<String>::new());
    assert_eq!(imported(&told(), &text), Amount::default());
    // What was told is added by a later export of the same logs.
    assert_eq!(imported(&copy, &exported(&told())).deliveries, 3);
    assert_eq!(exported(&copy), exported(&told()));
}

#[test]
fn an_open_rotation_is_due_at_once_after_an_import() {
    let copy = Memory::default();
    imported(&copy, &exported(&three()));
    let at = Timestamp::UNIX_EPOCH;
    let accounts = ["012345678901".parse().unwrap()];
    let claim = Claim { accounts: &accounts, now: at, until: at, limit: 9 };
    assert_eq!(now(copy.store.claim(claim)).unwrap().len(), 2);
}

#[test]
fn an_import_that_was_cut_off_goes_on_where_it_stopped() {
    let text = exported(&told());
    let copy = store(&[log("zebra", 1, true)]);
    write(&copy, &delivery("melon", "1/begun", DeliveryState::NotMeant));
    let found = surveyed(&copy, &text).unwrap();
    assert_eq!((found.new.len(), found.present), (2, 1));
    let amount = imported(&copy, &text);
    assert_eq!((amount.rotations, amount.deliveries), (2, 2));
    assert_eq!(exported(&copy), text);
    assert!(surveyed(&copy, &text).unwrap().new.is_empty());
}

#[test]
fn what_the_store_knows_otherwise_of_what_was_told_or_said_is_a_conflict() {
    let text = exported(&told());
    let other = Memory::default();
    let sent = DeliveryState::Sent { at: Timestamp::UNIX_EPOCH };
    write(&other, &delivery("melon", "1/begun", sent));
    now(control::set_halt(&other.store, Some(&Halt { why: "a fire".to_owned(), ..halt() }))).unwrap();
    let conflicts = surveyed(&other, &text).unwrap().conflicts;
    assert_eq!(conflicts.len(), 2, "{conflicts:?}");
    assert!(conflicts[0].contains("something else under halt"), "{conflicts:?}");
    assert!(conflicts[1].contains("r-melon/1/begun on mail"), "{conflicts:?}");
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
    let text = exported(&told());
    let error = |text: &str| surveyed(&Memory::default(), text).unwrap_err().to_string();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    for end in 1..lines.len() {
        let error = error(&lines[..end].concat());
        assert!(error.contains("before its own end"), "{end}: {error}");
    }
    assert!(error(&text[..text.len() - 1]).contains("before its own end"));
    assert!(error("").contains("no export of rotakey"));
    assert!(error("{\"a\":1}\n").contains("no export of rotakey"));
    assert!(error(&text.replacen("\"format\":2", "\"format\":3", 1)).contains("newer rotakey"));
    assert!(error(&format!("{text}{{}}\n")).contains("something follows the end"));
    assert!(error(&text.replace("\"rotations\":3", "\"rotations\":4")).contains("before the end"));
    assert!(error(&text.replacen("user-1", "user-2", 1)).contains("another user"));
    assert!(error(&text.replacen("\"open\":true", "\"open\":false", 1)).contains("otherwise"));
    assert!(error(&text.replace("alice", "mallory")).contains("was changed"));
    // Without a line, the count is not reached before the next rotation.
    let without = |wanted: &str| {
        let index = lines.iter().position(|line| line.contains(wanted)).unwrap();
        [&lines[..index], &lines[index + 1..]].concat().concat()
    };
    assert!(error(&without("\"type\":\"record\"")).contains("a record is wanted"));
    assert!(error(&without("\"type\":\"delivery\"")).contains("a delivery is wanted"));
    assert!(error(&without("\"type\":\"control\"")).contains("before the end"));
    assert!(error(&text.replacen("r-zebra/1/begun", "r-zebra/3/begun", 1)).contains("no entry that gave"));
    assert!(error(&text.replacen("r-zebra/1/begun", "r-melon/1/begun", 1)).contains("no entry that gave"));
    assert!(error(&text.replace("r-zebra/1/begun", "r-zebra/2/aborted")).contains("twice"));
    assert!(error(&text.replace("\"settled\":false", "\"settled\":true")).contains("has not ended"));
    assert!(
        error(&text.replacen("\"name\":\"halt\"", "\"name\":\"approval/x\"", 1)).contains("cannot be read")
    );
    assert!(error(&text.replacen("user/bob\"", "user/eve\"", 1)).contains("is not its name"));
    assert!(error(&text.replacen("\"format\":2", "\"format\":1", 1)).contains("a rotation is wanted"));
    assert!(
        error(&of_format_1(&text).replacen("\"format\":1", "\"format\":2", 1)).contains("from format 2 on")
    );
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
    let (amount, found) = problems(&store);
    assert_eq!(amount, Amount { rotations: 2, records: 3, ..Amount::default() });
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("r-apple is broken at entry 1"), "{found:?}");
    let mut out = Vec::new();
    assert!(matches!(now(export(store.place(), &mut out, &NoProgress)), Err(TransferError::Unsound(_))));
}

#[test]
fn what_does_not_go_with_the_logs_is_found() {
    let memory = told();
    write(&memory, &delivery("apple", "2/asks", DeliveryState::NotMeant));
    for settled in ["r-melon", "r-nobody"] {
        now(memory.outbox.settle(&settled.parse().unwrap())).unwrap();
    }
    now(memory.store.set_control("halt", Some("stop"))).unwrap();
    let (amount, found) = problems(&memory);
    assert_eq!((amount.deliveries, amount.controls), (4, 2));
    let expected =
        ["halt in the store", "gave the notice r-apple/2/asks", "melon does not go with its log", "r-nobody"];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, part) in found.iter().zip(expected) {
        assert!(found.contains(part), "{found} has no {part}");
    }
}

#[test]
fn what_was_told_or_said_otherwise_than_in_the_export_is_told() {
    let text = exported(&told());
    let other = three();
    write(&other, &delivery("zebra", "1/begun", DeliveryState::NotMeant));
    write(&other, &delivery("apple", "1/begun", DeliveryState::NotMeant));
    now(control::approve(&other.store, &Approval { by: "ann".to_owned(), ..approval() })).unwrap();
    let found = differences(&other, &text).join("\n");
    for part in [
        "halt is in the export, and not in the store",
        "zebra: 1 deliveries only in the export\n",
        "zebra: 1 deliveries not the same in both",
        "zebra: it is settled in the export only",
        "apple: 1 deliveries only in the store",
        "/ann is in the store, and not in the export",
    ] {
        assert!(found.contains(part), "no {part} in:\n{found}");
    }
}
