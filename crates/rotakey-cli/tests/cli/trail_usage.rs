//! `rotakey trail usage` as a person and a program see it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Desk, Ran};
use crate::trail_story::{ALICE, CI, SESSION, desk, event, lines, of_alice, of_ci};

fn usage(desk: &Desk, arguments: &[&str]) -> Ran {
    desk.run(&[&["trail", "usage"], arguments].concat())
}

/// The rows as JSON, by key.
#[track_caller]
fn keys(ran: &Ran) -> BTreeMap<String, Value> {
    let document = ran.json();
    let keys = document["keys"].as_array().expect("keys are a list").iter();
    keys.map(|key| (key["access_key_id"].as_str().unwrap_or_default().to_owned(), key.clone())).collect()
}

/// The calls of each key.
#[track_caller]
fn calls(desk: &Desk, arguments: &[&str]) -> Vec<(String, u64)> {
    let ran = usage(desk, &[arguments, &["--format", "json"]].concat()).exits(0);
    assert_eq!(ran.json()["complete"], true);
    keys(&ran)
        .into_iter()
        .map(|(key, row)| (key, row["calls"].as_u64().expect("calls are a number")))
        .collect()
}

fn counts(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(key, calls)| ((*key).to_owned(), *calls)).collect()
}

#[test]
fn a_person_sees_every_long_term_key_in_80_columns() {
    let ran = usage(&desk(), &["logs"]).exits(0);
    insta::assert_snapshot!(ran.stdout, @"");
    insta::assert_snapshot!(ran.stderr, @"");
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
}

#[test]
fn a_person_sees_all_that_is_known_of_one_key() {
    let desk = desk();
    let ran = usage(&desk, &["--key", ALICE, "logs"]).exits(0);
    insta::assert_snapshot!(ran.stdout, @"");
    assert_eq!(ran.stderr, "");
    let ran = usage(&desk, &["--key", CI, "logs"]).exits(0);
    insta::assert_snapshot!(ran.stdout, @"");
    let ran = usage(&desk, &["--key", SESSION, "logs"]).exits(0);
    insta::assert_snapshot!(ran.stdout, @"");
}

#[test]
fn a_key_that_was_not_used_is_told_as_not_seen() {
    let ran = usage(&desk(), &["--key", "AKIAQNZGKIQYNOTUSED2", "logs"]).exits(0);
    assert_eq!(ran.stdout, "No key was used in what was read.\n");
    assert_eq!(ran.stderr, "AKIAQNZGKIQYNOTUSED2: no use was recorded in what was read.\n");
}

#[test]
fn rows_are_of_principals_services_days_or_consumers() {
    let desk = desk();
    insta::assert_snapshot!(usage(&desk, &["--by", "principal", "logs"]).exits(0).stdout, @"");
    insta::assert_snapshot!(usage(&desk, &["--by", "service", "logs"]).exits(0).stdout, @"");
    insta::assert_snapshot!(usage(&desk, &["--by", "consumer", "--all", "logs"]).exits(0).stdout, @"");
    let days = ["--by", "day", "--key", ALICE, "--from", "2026-09-01", "--until", "2026-11-01", "logs"];
    insta::assert_snapshot!(usage(&desk, &days).exits(0).stdout, @"");
}

#[test]
fn a_program_reads_every_member_of_a_key() {
    let ran = usage(&desk(), &["logs", "--format", "json"]).exits(0);
    let document = ran.json();
    assert!(ran.stdout.starts_with("{\"complete\":true,\"keys\":["), "{}", ran.stdout);
    let summary = &document["summary"];
    assert_eq!(
        (&summary["files"], &summary["records"], &summary["duplicates"]),
        (&json!(2), &json!(17), &json!(1))
    );
    let keys = keys(&ran);
    let once = |name: &str, at: &str| json!([{"name": name, "calls": 1, "first_at": at, "last_at": at}]);
    let alice = &keys[ALICE];
    let expected = json!({
        "access_key_id": ALICE, "principal_arn": "arn:aws:iam::111122223333:user/alice", "principal_type": "IAMUser",
        "account_id": "111122223333", "user_name": "alice", "calls": 12, "denied_calls": 1, "failed_calls": 1,
        "throttled_calls": 1, "first_at": "2026-01-01T02:00:01Z", "last_at": "2026-10-01T02:04:00Z",
        "addresses": 2, "distinct_user_agents": 2,
    });
    for (name, value) in expected.as_object().expect("it is an object") {
        assert_eq!(&alice[name], value, "{name}");
    }
    assert_eq!(
        alice["actions"][0],
        json!({"service": "s3", "action": "ListBuckets", "calls": 10,
        "first_at": "2026-01-01T02:00:01Z", "last_at": "2026-10-01T02:00:00Z"})
    );
    assert_eq!(
        alice["errors"][1],
        json!({"service": "s3", "action": "GetBucketPolicy", "code": "AccessDenied",
        "calls": 1, "first_at": "2026-10-01T02:03:00Z", "last_at": "2026-10-01T02:03:00Z"})
    );
    assert_eq!(alice["networks"][0]["network"], "198.51.100.0/24");
    assert_eq!(alice["networks"][0]["addresses"], 2);
    assert_eq!(alice["user_agents"][0]["runtime_version"], "3.12.1");
    assert_eq!(alice["vpc_endpoints"][0]["calls"], 10);
    let session = &keys[SESSION];
    assert_eq!(session["parent"], CI);
    assert_eq!(session["invoked_by"], once("cloudformation.amazonaws.com", "2026-11-20T10:02:00Z"));
    assert_eq!(session["user_name"], "deploy", "of a role session, the role");
    assert_eq!(keys.len(), 3, "an empty key id is none");
}

#[test]
fn what_sessions_did_is_told_of_the_key_that_they_were_minted_from() {
    let desk = desk();
    let expected = json!({
        "keys": 1, "calls": 2, "denied_calls": 1, "failed_calls": 1, "throttled_calls": 0,
        "first_at": "2026-11-20T10:01:00Z", "last_at": "2026-11-20T10:02:00Z",
    });
    let ran = usage(&desk, &["logs", "--format", "json"]).exits(0);
    assert_eq!(keys(&ran)[CI]["sessions"], expected);
    // Also where only that key is asked about, and the session's records come before that of its minting.
    let mut reversed = of_ci();
    reversed.reverse();
    desk.write("reversed.jsonl", lines(&reversed));
    let ran = usage(&desk, &["--key", CI, "reversed.jsonl", "--format", "json"]).exits(0);
    let keys = keys(&ran);
    assert_eq!(keys[CI]["sessions"], expected);
    assert_eq!(keys.len(), 1, "{keys:?}");
}

#[test]
fn a_spreadsheet_reads_a_line_for_each_row() {
    let desk = desk();
    insta::assert_snapshot!(usage(&desk, &["logs", "--format", "csv"]).exits(0).stdout, @"");
    let ran = usage(&desk, &["--by", "service", "logs", "--format", "csv"]).exits(0);
    let mut rows = csv::Reader::from_reader(ran.stdout.as_bytes());
    assert_eq!(&rows.headers().expect("there is a header")[1], "service");
    let services: Vec<String> = rows.records().map(|row| row.expect("it is CSV")[1].to_owned()).collect();
    assert_eq!(services, ["dynamodb", "s3", "sts", "ec2"]);
}

#[test]
fn foreign_text_reaches_no_terminal_and_no_spreadsheet_as_a_command() {
    let desk = Desk::new();
    let mut record = event("2026-11-20T10:00:00Z", "=HYPERLINK(\"x\")", "x", "s3:ListBuckets", json!({}));
    record["userIdentity"]["userName"] = json!("@SUM(1)\u{1b}[31m\u{202e}");
    record["userIdentity"]["arn"] = json!("+1");
    record["userAgent"] = json!("\u{1b}]0;owned\u{7}");
    record["awsRegion"] = json!("\u{9b}31m\nx");
    desk.write("x.jsonl", lines([&record]));
    let key = usage(&desk, &["--by", "principal", "x.jsonl"]).exits(0);
    for ran in [usage(&desk, &["x.jsonl"]), usage(&desk, &["x.jsonl", "--format", "json"]), key] {
        let is_harmful =
            |character: char| character.is_control() && character != '\n' || character == '\u{202e}';
        assert!(!ran.stdout.contains(is_harmful), "{:?}", ran.stdout);
    }
    let ran = usage(&desk, &["x.jsonl", "--format", "csv"]).exits(0);
    let mut rows = csv::Reader::from_reader(ran.stdout.as_bytes());
    let row = rows.records().next().expect("there is a row").expect("it is CSV");
    assert!(row[0].starts_with("'=") && row[1].starts_with("'+") && row[3].starts_with("'@"), "{row:?}");
}

#[test]
fn only_what_is_asked_about_counts() {
    let desk = desk();
    let all = counts(&[(ALICE, 12), (CI, 1), (SESSION, 2)]);
    for (arguments, expected) in [
        (&[][..], &[(ALICE, 12), (CI, 1), (SESSION, 2)][..]),
        (&["--from", "2026-10-01"], &[(ALICE, 3), (CI, 1), (SESSION, 2)]),
        (&["--from", "2026-10-01T02:03:00Z", "--until", "2026-10-01T02:04:00Z"], &[(ALICE, 1)]),
        (&["--from", "2026-10-01T04:03:00+02:00", "--until", "2026-11-20T10:01:00Z"], &[(ALICE, 2), (CI, 1)]),
        (&["--until", "2026-02-01"], &[(ALICE, 1)]),
        (&["--account", "444455556666"], &[(SESSION, 2)]),
        (
            &["--account", "444455556666", "--account", "111122223333", "--until", "2026-11-01"],
            &[(ALICE, 12)],
        ),
        (&["--in-region", "us-east-1"], &[(ALICE, 1)]),
        (&["--in-region", "us-east-1", "--in-region", "eu-west-1"], &[(ALICE, 12), (CI, 1), (SESSION, 2)]),
        (&["--key", ALICE], &[(ALICE, 12)]),
        (&["--key", ALICE, "--key", SESSION], &[(ALICE, 12), (SESSION, 2)]),
    ] {
        assert_eq!(calls(&desk, &[arguments, &["logs"]].concat()), counts(expected), "{arguments:?}");
    }
    // The same file by several names, and once more on standard input.
    let input = lines(of_alice().iter().chain(&of_ci()));
    let again = ["trail", "usage", "--format", "json", "logs", "logs/ci.jsonl", "./logs", "-"];
    let ran = desk.run_with_input(&again, input.as_bytes()).exits(0);
    let found: Vec<(String, u64)> = keys(&ran)
        .into_iter()
        .map(|(key, row)| (key, row["calls"].as_u64().expect("it is a number")))
        .collect();
    assert_eq!(found, all);
}

#[test]
fn standard_input_is_read_in_every_form() {
    let desk = Desk::new();
    let records = of_ci();
    let quoted: Vec<Value> =
        records.iter().map(|record| json!({"CloudTrailEvent": record.to_string()})).collect();
    let bridged: Vec<Value> =
        records.iter().map(|record| json!({"detail-type": "x", "detail": record})).collect();
    let document = crate::trail_story::document(&records);
    for input in [
        document.clone().into_bytes(),
        crate::trail_story::gzip(document.as_bytes()),
        lines(&records).into_bytes(),
        json!(records).to_string().into_bytes(),
        json!({ "Events": quoted }).to_string().into_bytes(),
        format!("{:#}", json!({ "Events": quoted })).into_bytes(),
        lines(&bridged).into_bytes(),
    ] {
        let ran = desk.run_with_input(&["trail", "usage", "-", "--format", "json"], &input).exits(0);
        assert_eq!(ran.json()["summary"]["records"], 4);
        assert_eq!(keys(&ran).len(), 2, "{}", String::from_utf8_lossy(&input));
    }
    let nothing = desk.run(&["trail", "usage", "-"]).exits(0);
    assert_eq!(nothing.stdout, "No key was used in what was read.\n");
}

#[test]
fn nothing_is_said_that_was_not_asked_for() {
    let desk = desk();
    let to_file = usage(&desk, &["logs", "--output", "answer.json", "--format", "json"]).exits(0);
    assert_eq!((to_file.stdout.as_str(), to_file.stderr.as_str()), ("", ""));
    let quiet = usage(&desk, &["-q", "logs"]).exits(0);
    assert_eq!(quiet.stderr, "");
    assert_eq!(quiet.stdout, usage(&desk, &["logs"]).stdout);
    let verbose = usage(&desk, &["-v", "logs"]).exits(0);
    assert!(verbose.stderr.contains("2 files read: 17 records, 1 of them duplicates"), "{}", verbose.stderr);
}
