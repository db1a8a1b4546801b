use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::lineage::tests::{answered, assume, call};
use crate::lineage::{Edges, Reach};

/// A call by the program of that name, from a network of its own.
fn by(program: u8, second: u32, key: &str) -> Value {
    let mut record = call(second, key, "s3", "PutObject");
    record["sourceIPAddress"] = json!(format!("198.51.{program}.7"));
    record["userAgent"] = json!(format!("program-{program}"));
    record
}

fn consumers(records: &[Value], portions: usize, cut_over: CutOver) -> ConsumersDocument {
    let mut edges = answered(records, portions, || Edges::new(["AKIA0", "AKIA1"], Reach::Sessions));
    let (old, new) = (Arc::new(edges.descendants("AKIA0")), Arc::new(edges.descendants("AKIA1")));
    let first = Consumers::new(old, Some(new), Selection::default());
    answered(records, portions, || first.fresh()).document(&cut_over)
}

const COMPLETE: CutOver = CutOver { complete: true, quiet_seconds: None };

fn told(document: &ConsumersDocument) -> Vec<String> {
    let line = |consumer: &ConsumerUse| {
        let network = serde_json::to_value(&consumer.consumer.network).unwrap();
        let program = network.as_str().unwrap().split('.').nth(2).unwrap().to_owned();
        let calls = |side: &Option<KeyUse>| side.as_ref().map_or(0, |side| side.uses.calls);
        let moved = consumer.moved.unwrap().as_str();
        format!("{program} {moved} {}+{}", calls(&consumer.old), calls(&consumer.new))
    };
    document.consumers.iter().map(line).collect()
}

fn story() -> Vec<Value> {
    vec![
        by(1, 10, "AKIA0"),
        by(1, 50, "AKIA1"),
        by(2, 10, "AKIA0"),
        by(2, 40, "AKIA1"),
        by(2, 45, "AKIA0"),
        by(2, 900, "AKIA1"),
        by(3, 11, "AKIA0"),
        by(4, 60, "AKIA1"),
        by(5, 20, "AKIA9"),
    ]
}

#[test]
fn each_consumer_is_told_whether_it_has_moved() {
    let document = consumers(&story(), 1, COMPLETE);
    assert_eq!(told(&document), ["3 not-moved 1+0", "2 both 2+2", "1 moved 1+1", "4 new-only 0+1"]);
    assert_eq!(document.verdict, Some(Verdict::NotAllMoved));
    assert_eq!(document.told_until, EventTime::parse("2026-11-23T15:15:00Z"));
}

#[test]
fn sessions_count_for_the_key_that_they_come_from() {
    let records = [assume(1, "AKIA0", "ASIA1", "111122223333"), by(1, 10, "ASIA1"), by(1, 50, "AKIA1")];
    let document = consumers(&records, 1, COMPLETE);
    let session = document.consumers.iter().find(|consumer| consumer.moved == Some(Move::Moved)).unwrap();
    assert_eq!(session.old.as_ref().unwrap().session_calls, 1);
}

#[test]
fn only_what_was_seen_entirely_has_moved() {
    let moved = [by(1, 10, "AKIA0"), by(1, 50, "AKIA1")];
    let verdict = |records: &[Value], cut_over| consumers(records, 1, cut_over).verdict;
    assert_eq!(verdict(&moved, COMPLETE), Some(Verdict::AllMoved));
    assert_eq!(verdict(&moved, CutOver::default()), Some(Verdict::Unknown), "the trail is incomplete");
    assert_eq!(verdict(&moved[1..], COMPLETE), Some(Verdict::Unknown), "nobody was seen on the old key");
    assert_eq!(verdict(&[], COMPLETE), Some(Verdict::Unknown));
    assert_eq!(verdict(&moved[..1], CutOver::default()), Some(Verdict::NotAllMoved), "one is enough to know");
    let same_second = [by(1, 10, "AKIA0"), by(1, 10, "AKIA1")];
    assert_eq!(verdict(&same_second, COMPLETE), Some(Verdict::NotAllMoved));
}

#[test]
fn a_fleet_has_moved_when_the_old_key_was_quiet_for_long_enough() {
    let cut_over = |seconds| CutOver { complete: true, quiet_seconds: Some(seconds) };
    let of_fleet = |seconds| told(&consumers(&story()[2..6], 1, cut_over(seconds)))[0].clone();
    assert_eq!(of_fleet(855), "2 moved 2+2");
    assert_eq!(of_fleet(856), "2 both 2+2");
    let silent = consumers(&story()[2..5], 1, cut_over(0));
    assert_eq!(silent.verdict, Some(Verdict::NotAllMoved), "the new key was not used since");
}

#[test]
fn a_service_that_has_finished_needs_not_move() {
    let service = |second| {
        let mut record = by(7, second, "AKIA0");
        record["userIdentity"]["invokedBy"] = json!("cloudformation.amazonaws.com");
        record
    };
    let mut records = vec![by(1, 10, "AKIA0"), by(1, 50, "AKIA1"), service(12)];
    assert_eq!(consumers(&records, 1, COMPLETE).verdict, Some(Verdict::AllMoved));
    records.push(service(51));
    assert_eq!(consumers(&records, 1, COMPLETE).verdict, Some(Verdict::NotAllMoved));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_order_and_split_give_the_same_consumers(
        records in Just(story()).prop_shuffle(),
        portions in 1_usize..6,
    ) {
        prop_assert_eq!(consumers(&records, portions, COMPLETE), consumers(&story(), 1, COMPLETE));
    }
}
