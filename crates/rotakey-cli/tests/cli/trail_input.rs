//! What the verbs of `rotakey trail` say of wrong arguments and of files that cannot be read.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::support::{Desk, Ran};
use crate::trail_story::{ALICE, desk, document, event, gzip, lines, of_alice, of_ci};

fn usage(desk: &Desk, arguments: &[&str]) -> Ran {
    desk.run(&[&["trail", "usage"], arguments].concat())
}

#[test]
fn a_wrong_argument_is_told_with_what_to_do() {
    let desk = desk();
    for (arguments, error, hint) in [
        (
            &["logs", "--from", "2026-11-02", "--until", "2026-11-01"][..],
            "nothing is from 2026-11-02T00:00:00Z on and before 2026-11-01T00:00:00Z",
            "--until names the first instant that is too late",
        ),
        (&["logs", "--from", "2026-11-01", "--until", "2026-11-01"], "nothing is from", "--until names"),
        (&[], "it is not said where the records are", "or say --live"),
        (&["s3://"], "a bucket is needed", "s3://BUCKET/PREFIX"),
        (&["s3:///x"], "a bucket is needed", "s3://BUCKET/PREFIX"),
        (&["s3://bucket/../x"], "cannot read from s3://bucket/../x", "s3://BUCKET/PREFIX"),
        (&["ftp://bucket/x"], "only s3, gs and az", "s3://BUCKET/PREFIX"),
    ] {
        usage(&desk, arguments).fails(2, error, hint);
    }
    for (arguments, said) in [
        (&["--live", "logs"][..], "cannot be used with"),
        (&["logs", "--keep", "kept"], "cannot be used with"),
        (&["--keep", "kept"], "--live"),
        (&["logs", "--partial"], "--output"),
        (&["logs", "--from", "yesterday"], "a day such as 2026-11-01"),
        (&["logs", "--until", "2026-02-30"], "a day such as 2026-11-01"),
        (&["logs", "--account", "12"], "twelve-digit"),
        (&["logs", "--key", "akia"], "access key id"),
        (&["logs", "--by", "moon"], "possible values: key, principal, consumer, service, day"),
    ] {
        let ran = usage(&desk, arguments).exits(2);
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}

/// One file that is damaged beside the good ones: it is named, the others count, and the exit code says it.
#[track_caller]
fn damaged(name: &str, content: &[u8], message: &str, calls_in_it: u64) {
    let desk = desk();
    desk.write(&format!("logs/{name}"), content);
    let ran = usage(&desk, &["logs"]).exits(4);
    let line = ran.stderr.lines().find(|line| line.contains(name)).unwrap_or_default();
    assert!(line.starts_with("Warning: ") && line.contains(message), "{}", ran.stderr);
    assert!(ran.stderr.contains("Not all could be read"), "{}", ran.stderr);
    assert!(ran.stdout.contains(ALICE), "what can be read is told: {}", ran.stdout);
    let document = usage(&desk, &["logs", "--format", "json"]).exits(4).json();
    assert_eq!(document["complete"], false);
    assert_eq!(document["summary"]["problem_count"], 1, "{document:#}");
    assert!(document["summary"]["problems"][0]["file"].as_str().is_some_and(|file| file.ends_with(name)));
    let keys = document["keys"].as_array().expect("keys are a list");
    assert_eq!(keys.iter().filter_map(|key| key["calls"].as_u64()).sum::<u64>(), 15 + calls_in_it);
}

#[test]
fn a_damaged_file_is_named_and_costs_no_other() {
    let records: Vec<_> = (0..50)
        .map(|second| {
            event(&format!("2026-11-21T00:00:{second:02}Z"), ALICE, "alice", "s3:ListBuckets", json!({}))
        })
        .collect();
    let text = document(&records);
    let stored = gzip(text.as_bytes());
    let mut flipped = stored.clone();
    let checksum = flipped.len() - 8;
    flipped[checksum] ^= 1;
    damaged("cut.json.gz", &stored[..stored.len() - 4], "it is cut off", 50);
    damaged("flipped.json.gz", &flipped, "it is damaged", 50);
    damaged("trailing.json.gz", &[&stored[..], b"and more than that"].concat(), "it is damaged", 50);
    damaged("cut.json", &text.as_bytes()[..text.len() - 20], "not what CloudTrail writes, from byte", 49);
    damaged("garbage.json", b"garbage", "not what CloudTrail writes, from byte 0 on", 0);
    damaged("page.json.gz", &gzip(b"<html></html>"), "not what CloudTrail writes", 0);
    damaged("latin.json", b"{\"Records\":[{\"a\":\"\xe9\"}]}", "no UTF-8", 0);
    damaged("nothing.json.gz", b"", "there is nothing in it", 0);
    damaged("blank.json.gz", &gzip(&b" ".repeat(1 << 20)), "there is nothing in it", 0);
}

#[test]
fn what_is_not_there_or_may_not_be_read_is_named() {
    let desk = desk();
    let ran = usage(&desk, &["logs", "elsewhere"]).exits(4);
    assert!(ran.stderr.contains("Warning: elsewhere: No such file or directory"), "{}", ran.stderr);
    assert!(ran.stdout.contains(ALICE), "{}", ran.stdout);
    let path = desk.write("logs/secret.json", document(&of_ci()));
    fs::set_permissions(&path, Permissions::from_mode(0o000)).expect("it is ours");
    // Whoever may read everything finds nothing wrong.
    if fs::read(&path).is_err() {
        let ran = usage(&desk, &["logs"]).exits(4);
        assert!(ran.stderr.contains("logs/secret.json: Permission denied"), "{}", ran.stderr);
    }
    let ran = usage(&Desk::new(), &["-q", "elsewhere"]).exits(4);
    assert_eq!(ran.stderr, "", "the exit code says it");
}

#[test]
fn a_folder_without_log_files_is_no_answer() {
    let desk = Desk::new();
    let digests = "logs/AWSLogs/111122223333/CloudTrail-Digest";
    fs::create_dir_all(desk.path(digests)).expect("the folder can be written to");
    desk.write("logs/readme.txt", "nothing here");
    desk.write(&format!("{digests}/x.json.gz"), "");
    let ran = usage(&desk, &["logs"]).exits(4);
    assert!(ran.stderr.contains("logs: there are no log files in it"), "{}", ran.stderr);
    // But one whose log files are all of another time was looked at.
    let day = "logs/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/01";
    fs::create_dir_all(desk.path(day)).expect("the folder can be written to");
    desk.write(
        &format!("{day}/111122223333_CloudTrail_eu-west-1_20260101T0205Z_x.json.gz"),
        gzip(b"{\"Records\":[]}"),
    );
    usage(&desk, &["logs", "--from", "2026-06-01"]).exits(0);
    usage(&desk, &["logs"]).exits(0);
}

#[test]
fn records_that_lack_what_every_record_has_are_counted() {
    let desk = desk();
    let mut without_time = of_alice().remove(0);
    without_time["eventTime"] = json!("yesterday");
    desk.write("logs/odd.jsonl", lines(&[without_time, json!({"a": 1})]));
    let ran = usage(&desk, &["logs"]).exits(4);
    assert!(
        ran.stderr.contains("Warning: 2 records without a time, a service or an action: passed over."),
        "{}",
        ran.stderr
    );
}

#[test]
fn many_problems_are_told_in_few_lines() {
    let desk = desk();
    for number in 0..30 {
        desk.write(&format!("logs/bad{number:02}.json"), "bad");
    }
    let ran = usage(&desk, &["logs"]).exits(4);
    assert_eq!(ran.stderr.matches("not what CloudTrail writes").count(), 10, "{}", ran.stderr);
    assert!(ran.stderr.contains("… and 20 more problems; --format json lists them."), "{}", ran.stderr);
    let document = usage(&desk, &["-q", "logs", "--format", "json"]).exits(4).json();
    assert_eq!(document["summary"]["problems"].as_array().map(Vec::len), Some(30));
}
