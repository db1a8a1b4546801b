//! `rotakey trail after`.

use serde_json::{Value, json};

use crate::support::Desk;
use crate::trail_keys::{KEY, call, desk_with};

const SESSION: &str = "ASIAIOSFODNN7EXAMPLE";

fn used(at: &str, key: &str) -> Value {
    call(at, "s3", "ListBuckets", Some(key), Value::Null)
}

fn deleted(at: &str) -> Value {
    call(at, "iam", "DeleteAccessKey", None, json!({"userName": "bob", "accessKeyId": KEY}))
}

fn after(desk: &Desk, arguments: &[&str]) -> crate::support::Ran {
    desk.run(&[&["trail", "after", KEY, "trail.json"], arguments].concat())
}

#[test]
fn use_after_the_end_is_a_finding_and_use_while_it_spreads_is_none() {
    let mut minted = call("2026-11-22T09:00:00Z", "sts", "GetSessionToken", Some(KEY), Value::Null);
    minted["responseElements"] = json!({"credentials": {"accessKeyId": SESSION}});
    let desk = desk_with(&[
        minted,
        deleted("2026-11-22T10:00:00Z"),
        used("2026-11-22T10:00:20Z", KEY),
        used("2026-11-22T11:00:00Z", SESSION),
        used("2026-11-23T10:00:00Z", KEY),
    ]);
    let told = after(&desk, &[]).exits(1);
    insta::assert_snapshot!(told.stdout, @r#"
    AKIAIOSFODNN7EXAMPLE: used after it was switched off
      Off since 2026-11-22 10:00:00 (deleted by user/ops/alice).
      Last use before that: 2026-11-22 09:00:00.

    1 event by the key itself
      2026-11-23 10:00:00  +1 d   s3:ListBuckets
                           from 192.0.2.7, aws-cli 2.31.0

    1 event by sessions that were minted with it
      2026-11-22 11:00:00  +1 h   s3:ListBuckets
                           ASIAIOSFODNN7EXAMPLE from 192.0.2.7, aws-cli 2.31.0

    1 event within the propagation time (5 min): no finding
      2026-11-22 10:00:20  +20 s  s3:ListBuckets
                           from 192.0.2.7, aws-cli 2.31.0

    No event does not prove that there was no attempt: CloudTrail does not promise
    events for calls whose authentication fails, and for Amazon S3 it is documented
    that it delivers none of them.
    Sessions that were minted with the key before it was switched off stay valid
    until they expire: switching off or deleting the key does not end them.
    "#);
    let told = after(&desk, &["--format", "json"]).exits(1);
    assert!(told.stdout.starts_with("{\n  \"complete\": true,"), "{}", told.stdout);
    let document = told.json();
    assert_eq!(document["conclusion"], "used_after");
    assert_eq!(document["session_uses_after"], 1);
    assert_eq!(after(&desk, &["--key-only", "--format", "json"]).json()["session_uses_after"], 0);
    assert_eq!(after(&desk, &["--format", "csv"]).stdout.lines().count(), 4);
    after(&desk, &["--until", "2026-11-22T10:30:00Z"]).exits(0);
}

#[test]
fn nothing_seen_is_said_to_prove_nothing_and_an_open_end_is_incomplete() {
    let quiet = desk_with(&[used("2026-11-20T10:00:00Z", KEY), deleted("2026-11-22T10:00:00Z")]);
    let told = after(&quiet, &[]).exits(0);
    assert!(told.stdout.contains("No event does not prove that there was no attempt"), "{}", told.stdout);

    let open = desk_with(&[used("2026-11-20T10:00:00Z", KEY)]);
    let told = after(&open, &[]).exits(4);
    assert!(told.stderr.contains("--since"), "{}", told.stderr);
    after(&open, &["--since", "2026-11-20"]).exits(1);
    after(&open, &["--since", "2026-11-21"]).exits(0);
}

#[test]
fn refused_requests_are_read_from_s3_server_access_logs() {
    let desk = desk_with(&[used("2026-11-20T10:00:00Z", KEY), deleted("2026-11-22T10:00:00Z")]);
    let line = |address: &str, query: &str| {
        format!(
            "79a5 bucket [23/Nov/2026:10:00:00 +0000] {address} - 3E57 REST.GET.OBJECT k \"GET /k{query} HTTP/1.1\" 403 \
             InvalidAccessKeyId 243 - 5 - \"-\" \"curl/8.9\" - host= SigV4 - - b.s3.amazonaws.com TLSv1.2 - -\n"
        )
    };
    std::fs::create_dir(desk.path("access")).unwrap();
    desk.write("access/1", line("192.0.2.7", "") + &line("198.51.100.9", ""));
    let logs = ["--s3-access-logs", "access"];
    let told = after(&desk, &logs).exits(0);
    assert!(told.stdout.contains("from where the key was used before"), "{}", told.stdout);
    desk.write("access/2", line("198.51.100.9", &format!("?X-Amz-Credential={KEY}%2F20261123")));
    let told = after(&desk, &logs).exits(1);
    assert!(told.stdout.contains("403 InvalidAccessKeyId  REST.GET.OBJECT bucket"), "{}", told.stdout);
    desk.write("access/3", "nonsense\n");
    after(&desk, &logs).exits(4);
    after(&desk, &["--s3-access-logs", "none"]).exits(4);
}
