use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::lineage::tests::{answered, assume, call as record};
use crate::lineage::{Edges, Reach};

fn timeline(records: &[Value], portions: usize, options: TimelineOptions) -> TimelineDocument {
    let mut edges = answered(records, portions, || Edges::new(["AKIA0"], Reach::Sessions));
    let first = Timeline::new(Arc::new(edges.descendants("AKIA0")), options);
    answered(records, portions, || first.fresh()).document()
}

fn at_most(limit: usize) -> TimelineOptions {
    TimelineOptions { selection: Selection::default(), limit, risk_only: false }
}

fn story() -> Vec<Value> {
    let mut denied = record(100, "ASIA1", "cloudtrail", "StopLogging");
    denied["errorCode"] = json!("AccessDenied");
    denied["requestParameters"] = json!({"name": "main"});
    let mut records = vec![
        assume(10, "AKIA0", "ASIA1", "111122223333"),
        record(5, "AKIA0", "sts", "GetCallerIdentity"),
        denied,
        record(50, "AKIA1", "iam", "CreateUser"),
        record(60, "AKIA0", "s3", "PutObject"),
        record(3_000, "AKIA0", "s3", "PutObject"),
    ];
    records.extend((0..40).map(|second| record(120 + second, "ASIA1", "s3", "GetObject")));
    for (index, name) in
        ["ListUsers", "ListRoles", "GetUser", "ListGroups", "ListPolicies"].iter().enumerate()
    {
        records.push(record(200 + index as u32, "ASIA1", "iam", name));
        records.push(record(210 + index as u32, "ASIA1", "iam", name));
    }
    records
}

fn told(entries: &[Entry]) -> Vec<String> {
    let line = |entry: &Entry| match entry {
        Entry::Run(run) => {
            let error = run.error_code.as_deref().unwrap_or_default();
            format!("{} {} x{} {error}", run.actor, run.action, run.calls)
        }
        Entry::Burst(burst) => {
            format!("{} {} kinds x{}", burst.actor, burst.actions.len(), burst.calls)
        }
    };
    entries.iter().map(line).collect()
}

#[test]
fn the_timeline_follows_sessions_and_marks_attempts() {
    let document = timeline(&story(), 1, at_most(1_000));
    assert_eq!(document.calls, Counts { grave: 1, mild: 52, unmarked: 2 });
    assert_eq!(document.not_shown, Counts::default());
    let attempt = document.rows.iter().find(|row| row.attempt).unwrap();
    assert_eq!(
        (attempt.call.action.as_str(), attempt.via.as_slice()),
        ("StopLogging", &["AKIA0".to_owned()][..])
    );
    assert_eq!(attempt.call.risks, [Risk::Evasion]);
    assert_eq!(attempt.call.targets[0].name, "main");
    assert!(document.rows.iter().all(|row| row.call.access_key_id != "AKIA1"));
    assert!(document.rows.is_sorted_by_key(|row| row.call.at));
    assert_eq!(document.actions[0].action, "StopLogging");
}

#[test]
fn people_read_runs_and_bursts() {
    let document = timeline(&story(), 1, at_most(1_000));
    assert_eq!(
        told(&fold(&document.rows)),
        [
            "AKIA0 GetCallerIdentity x1 ",
            "AKIA0 AssumeRole x1 ",
            "AKIA0 PutObject x2 ",
            "ASIA1 StopLogging x1 AccessDenied",
            "ASIA1 GetObject x40 ",
            "ASIA1 5 kinds x10",
        ]
    );
    assert_eq!(unfolded(&document.rows).len(), 55);
}

#[test]
fn what_is_cut_is_the_least_important_and_is_told() {
    let document = timeline(&story(), 1, at_most(3));
    assert_eq!(document.not_shown, Counts { grave: 0, mild: 50, unmarked: 2 });
    let actions: Vec<_> = document.rows.iter().map(|row| row.call.action.as_str()).collect();
    assert_eq!(actions, ["StopLogging", "ListGroups", "ListPolicies"], "the later of equals are kept");
    let document = timeline(&story(), 1, TimelineOptions { risk_only: true, ..at_most(1_000) });
    assert_eq!(document.not_shown, Counts { grave: 0, mild: 0, unmarked: 2 });
}

#[test]
fn calls_outside_of_the_selection_tell_only_where_a_session_comes_from() {
    let from = EventTime::parse("2026-11-23T15:01:30Z");
    let selection = Selection { from, ..Selection::default() };
    let document = timeline(&story(), 1, TimelineOptions { selection, ..at_most(1_000) });
    assert_eq!(document.rows[0].call.action, "StopLogging");
    assert_eq!(document.rows[0].via, ["AKIA0"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_order_and_split_give_the_same_timeline(
        records in Just(story()).prop_shuffle(),
        portions in 1_usize..6,
        limit in 0_usize..20,
    ) {
        prop_assert_eq!(timeline(&records, portions, at_most(limit)), timeline(&story(), 1, at_most(limit)));
    }
}
