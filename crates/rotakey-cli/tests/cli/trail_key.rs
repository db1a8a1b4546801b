//! `rotakey trail lineage`, `timeline` and `consumers`: one key, its sessions and its consumers.

use serde_json::{Value, json};

use crate::support::Desk;

const OLD: &str = "AKIAQNZGKIQY56JQ7WML";
const NEW: &str = "AKIAQNZGKIQYNEWNEW22";
const SESSION: &str = "ASIAQNZGKIQYSESSION2";

fn call(at: &str, key: &str, service: &str, name: &str, source: &str) -> Value {
    json!({
        "eventVersion": "1.11", "eventID": format!("{at}-{key}-{name}"), "eventTime": at,
        "eventSource": format!("{service}.amazonaws.com"), "eventName": name, "awsRegion": "eu-west-1",
        "sourceIPAddress": source, "userAgent": "aws-cli/2.15.0", "eventCategory": "Data",
        "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "accessKeyId": key,
            "arn": "arn:aws:iam::111122223333:user/ci"},
        "recipientAccountId": "111122223333",
    })
}

/// The old key mints a session, which acts two days later; the new key takes over.
fn desk() -> Desk {
    let mut minted = call("2026-11-20T10:00:00Z", OLD, "sts", "AssumeRole", "198.51.100.7");
    minted["requestParameters"] =
        json!({"roleArn": "arn:aws:iam::444455556666:role/admin", "roleSessionName": "x\u{1b}[31m"});
    minted["responseElements"] = json!({"credentials": {"accessKeyId": SESSION}});
    let mut user = call("2026-11-20T11:00:00Z", SESSION, "iam", "CreateUser", "198.51.100.7");
    user["requestParameters"] = json!({"userName": "backdoor"});
    let records = [
        minted,
        user,
        call("2026-11-21T10:00:00Z", NEW, "sqs", "SendMessage", "198.51.100.9"),
        call("2026-11-22T10:00:00Z", NEW, "sqs", "SendMessage", "198.51.100.7"),
    ];
    let desk = Desk::new();
    // Each once more: duplicates are no further calls.
    let lines = records.iter().chain(&records).map(|record| format!("{record}\n"));
    desk.write("trail.jsonl", lines.collect::<String>());
    desk
}

#[test]
fn the_tree_and_the_timeline_follow_a_session_into_another_account() {
    let desk = desk();
    let tree = desk.run(&["trail", "lineage", OLD, "trail.jsonl"]);
    assert_eq!(tree.code, 0, "{tree:?}");
    assert!(
        tree.stdout.contains("└─ ASIAQNZGKIQYSESSION2  role admin as x\\u{1b}[31m in 444455556666"),
        "{tree:?}"
    );
    let timeline = desk.run(&["trail", "timeline", "--format", "json", OLD, "trail.jsonl"]);
    let document: Value = serde_json::from_str(&timeline.stdout).unwrap();
    assert!(timeline.stdout.starts_with("{\n  \"complete\": true,"), "{timeline:?}");
    assert_eq!(document["calls"], json!({"grave": 1, "mild": 1, "unmarked": 0}));
    assert_eq!(document["rows"][1]["via"], json!([OLD]));
}

#[test]
fn what_was_minted_before_the_time_that_is_asked_about_is_known_all_the_same() {
    let desk = desk();
    let arguments =
        ["trail", "timeline", "--format", "csv", "--from", "2026-11-20T10:30:00Z", OLD, "trail.jsonl"];
    let timeline = desk.run(&arguments);
    assert_eq!(timeline.stdout.lines().count(), 2, "{timeline:?}");
    assert!(timeline.stdout.contains(",CreateUser,user backdoor,grave,persistence,"), "{timeline:?}");
}

#[test]
fn a_cut_over_is_clean_only_when_all_moved_and_all_was_read() {
    let desk = desk();
    let cut_over = ["trail", "consumers", "--new-key", NEW, OLD, "trail.jsonl"];
    let moved = desk.run(&cut_over);
    assert_eq!(moved.code, 0, "{moved:?}");
    assert!(moved.stdout.contains("All moved: 1 consumer of the old key"), "{moved:?}");
    let back = desk.run(&["trail", "consumers", "--new-key", OLD, NEW, "trail.jsonl"]);
    assert_eq!(back.code, 1, "{back:?}");
    desk.write("broken.json", "{\"Records\": [");
    let arguments = [&cut_over[..], &["broken.json"]].concat();
    let incomplete = desk.run(&arguments);
    assert_eq!(incomplete.code, 4, "{incomplete:?}");
    assert!(!incomplete.stdout.contains("All moved"), "{incomplete:?}");
    let same = desk.run(&["trail", "consumers", "--new-key", OLD, OLD, "trail.jsonl"]);
    assert_eq!(same.code, 2, "{same:?}");
}

#[test]
fn a_spreadsheet_finds_no_formula_in_what_others_named() {
    let desk = Desk::new();
    let mut minted = call("2026-11-20T10:00:00Z", OLD, "sts", "AssumeRole", "=cmd|' /C calc'!A0");
    minted["requestParameters"] = json!({"roleSessionName": "@SUM(1)"});
    minted["responseElements"] = json!({"credentials": {"accessKeyId": SESSION}});
    desk.write("trail.json", json!({"Records": [minted]}).to_string());
    let tree = desk.run(&["trail", "lineage", "--format", "csv", OLD, "trail.json"]);
    assert!(tree.stdout.contains(",'@SUM(1),"), "{tree:?}");
    let timeline = desk.run(&["trail", "timeline", "--format", "csv", OLD, "trail.json"]);
    assert!(timeline.stdout.contains(",'=cmd|"), "{timeline:?}");
}
