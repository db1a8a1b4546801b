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
    insta::assert_snapshot!(ran.stdout, @"
    KEY                   PRINCIPAL  CALLS  FAILED  FIRST USE   LAST USE
    AKIAQNZGKIQYCIBOT222  ci         1      0       2026-11-20  2026-11-20
      sts · 198.51.100.0/24 · aws-sdk-go-v2 1.30.0 go 1.22 · and 2 calls by 1
      session key
    AKIAQNZGKIQYALICE222  alice      12     1       2026-01-01  2026-10-01
      s3, dynamodb · 198.51.100.0/24 · Boto3 1.34.0 python 3.12.1, aws-cli 2.15.0
    Not shown: 1 session key with 2 calls.
    ");
    insta::assert_snapshot!(ran.stderr, @"
    Hint: --all shows every row, --format csv or json lists them, --key ID tells all of one key.
    ");
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
}

#[test]
fn a_person_sees_all_that_is_known_of_one_key() {
    let desk = desk();
    let ran = usage(&desk, &["--key", ALICE, "logs"]).exits(0);
    insta::assert_snapshot!(ran.stdout, @"
    Key            AKIAQNZGKIQYALICE222
    Principal      arn:aws:iam::111122223333:user/alice
    Calls          12, 1 failed, 1 of these denied, 1 throttled
    First use      2026-01-01T02:00:01Z
    Last use       2026-10-01T02:04:00Z
    Rhythm         monthly, 1st, about 02:00 UTC (confidence 75 %); used on 10 days,
                   never quiet for longer than 31 d 1 s in between
    Regions        eu-west-1 (11 calls), us-east-1 (1 call)
    Sources        198.51.100.0/24 (2 addresses, 12 calls)
    Clients        Boto3 1.34.0 python 3.12.1 (11 calls), aws-cli 2.15.0 (1 call)
    VPC endpoints  vpce-0a1b2c3d (10 calls)

    ACTION                                      CALLS  FIRST USE   LAST USE
    s3:ListBuckets                              10     2026-01-01  2026-10-01
    dynamodb:DescribeTable                      1      2026-10-01  2026-10-01
    s3:GetBucketPolicy                          1      2026-10-01  2026-10-01
    ERROR                                       CALLS  FIRST       LAST
    dynamodb:DescribeTable ThrottlingException  1      2026-10-01  2026-10-01
    s3:GetBucketPolicy AccessDenied             1      2026-10-01  2026-10-01
    ");
    assert_eq!(ran.stderr, "");
    let ran = usage(&desk, &["--key", CI, "logs"]).exits(0);
    insta::assert_snapshot!(ran.stdout, @"
    Key        AKIAQNZGKIQYCIBOT222
    Principal  arn:aws:iam::111122223333:user/ci
    Calls      1
    First use  2026-11-20T10:00:00Z
    Last use   2026-11-20T10:00:00Z
    Rhythm     used on 1 day
    Sessions   1 minted, 2 calls by them, the last 2026-11-20T10:02:00Z
    Regions    eu-west-1 (1 call)
    Sources    198.51.100.0/24 (1 call)
    Clients    aws-sdk-go-v2 1.30.0 go 1.22 (1 call)

    ACTION          CALLS  FIRST USE   LAST USE
    sts:AssumeRole  1      2026-11-20  2026-11-20
    ");
    let ran = usage(&desk, &["--key", SESSION, "logs"]).exits(0);
    insta::assert_snapshot!(ran.stdout, @"
    Key         ASIAQNZGKIQYSESSION2
    Principal   arn:aws:sts::444455556666:assumed-role/deploy/ci
    Minted by   AKIAQNZGKIQYCIBOT222
    Calls       2, 1 failed, 1 of these denied
    First use   2026-11-20T10:01:00Z
    Last use    2026-11-20T10:02:00Z
    Rhythm      used on 1 day
    Regions     eu-west-1 (2 calls)
    Sources     198.51.100.0/24 (1 call), cloudformation.amazonaws.com (1 call)
    Clients     Boto3 1.34.0 python 3.12.1 (1 call), cloudformation.amazonaws.com (1
                call)
    Invoked by  cloudformation.amazonaws.com (1 call)

    ACTION                                         CALLS  FIRST USE   LAST USE
    ec2:DescribeInstances                          1      2026-11-20  2026-11-20
    ec2:RunInstances                               1      2026-11-20  2026-11-20
    ERROR                                          CALLS  FIRST       LAST
    ec2:RunInstances Client.UnauthorizedOperation  1      2026-11-20  2026-11-20
    ");
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
    insta::assert_snapshot!(usage(&desk, &["--by", "principal", "logs"]).exits(0).stdout, @"
    ACCOUNT       PRINCIPAL  CALLS  FAILED  FIRST USE   LAST USE
    111122223333  alice      12     1       2026-01-01  2026-10-01
      s3, dynamodb · 198.51.100.0/24 · Boto3 1.34.0 python 3.12.1, aws-cli 2.15.0
    111122223333  ci         1      0       2026-11-20  2026-11-20
      sts · 198.51.100.0/24 · aws-sdk-go-v2 1.30.0 go 1.22
    444455556666  deploy     2      1       2026-11-20  2026-11-20
      ec2 · 198.51.100.0/24, cloudformation.amazonaws.com · Boto3 1.34.0 python
      3.12.1, cloudformation.amazonaws.com
    ");
    insta::assert_snapshot!(usage(&desk, &["--by", "service", "logs"]).exits(0).stdout, @"
    KEY                   SERVICE   CALLS  FAILED  FIRST USE   LAST USE
    AKIAQNZGKIQYALICE222  dynamodb  1      0       2026-10-01  2026-10-01
      198.51.100.0/24 · aws-cli 2.15.0
    AKIAQNZGKIQYALICE222  s3        11     1       2026-01-01  2026-10-01
      198.51.100.0/24 · Boto3 1.34.0 python 3.12.1
    AKIAQNZGKIQYCIBOT222  sts       1      0       2026-11-20  2026-11-20
      198.51.100.0/24 · aws-sdk-go-v2 1.30.0 go 1.22
    Not shown: 1 row of session keys with 2 calls.
    ");
    insta::assert_snapshot!(usage(&desk, &["--by", "consumer", "--all", "logs"]).exits(0).stdout, @"
    KEY                   CONSUMER      CALLS  FAILED  FIRST USE   LAST USE
    AKIAQNZGKIQYALICE222  b3bf1830f997  1      0       2026-10-01  2026-10-01
      dynamodb · 198.51.100.0/24 · aws-cli 2.15.0
    AKIAQNZGKIQYALICE222  c3ca363919a6  10     0       2026-01-01  2026-10-01
      s3 · 198.51.100.0/24 · Boto3 1.34.0 python 3.12.1 · vpce-0a1b2c3d
    AKIAQNZGKIQYALICE222  e0f771e56f0f  1      1       2026-10-01  2026-10-01
      s3 · 198.51.100.0/24 · Boto3 1.34.0 python 3.12.1
    AKIAQNZGKIQYCIBOT222  1d18910d47c8  1      0       2026-11-20  2026-11-20
      sts · 198.51.100.0/24 · aws-sdk-go-v2 1.30.0 go 1.22
    ASIAQNZGKIQYSESSION2  659353af2fad  1      0       2026-11-20  2026-11-20
      ec2 · cloudformation.amazonaws.com · cloudformation.amazonaws.com
    ASIAQNZGKIQYSESSION2  e0f771e56f0f  1      1       2026-11-20  2026-11-20
      ec2 · 198.51.100.0/24 · Boto3 1.34.0 python 3.12.1
    ");
    let days = ["--by", "day", "--key", ALICE, "--from", "2026-09-01", "--until", "2026-11-01", "logs"];
    insta::assert_snapshot!(usage(&desk, &days).exits(0).stdout, @"
    KEY                   DAY         CALLS  FAILED  FIRST USE   LAST USE
    AKIAQNZGKIQYALICE222  2026-09-01  1      0       2026-09-01  2026-09-01
      s3 · 198.51.100.0/24 · Boto3 1.34.0 python 3.12.1
    AKIAQNZGKIQYALICE222  2026-10-01  3      1       2026-10-01  2026-10-01
      s3, dynamodb · 198.51.100.0/24 · Boto3 1.34.0 python 3.12.1, aws-cli 2.15.0
    ");
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
    insta::assert_snapshot!(usage(&desk, &["logs", "--format", "csv"]).exits(0).stdout, @"
    access_key_id,principal_arn,account_id,user_name,calls,denied_calls,failed_calls,throttled_calls,first_at,last_at,actions,error_codes,regions,addresses,user_agents,active_days,session_keys,session_calls,session_last_at
    AKIAQNZGKIQYALICE222,arn:aws:iam::111122223333:user/alice,111122223333,alice,12,1,1,1,2026-01-01T02:00:01Z,2026-10-01T02:04:00Z,3,2,2,2,2,10,0,0,
    AKIAQNZGKIQYCIBOT222,arn:aws:iam::111122223333:user/ci,111122223333,ci,1,0,0,0,2026-11-20T10:00:00Z,2026-11-20T10:00:00Z,1,0,1,1,1,1,1,2,2026-11-20T10:02:00Z
    ASIAQNZGKIQYSESSION2,arn:aws:sts::444455556666:assumed-role/deploy/ci,444455556666,deploy,2,1,1,0,2026-11-20T10:01:00Z,2026-11-20T10:02:00Z,2,1,1,2,2,1,0,0,
    ");
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
