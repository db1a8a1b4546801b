//! `rotakey trail keys`.

use serde_json::{Value, json};

use crate::support::{Desk, Sandbox};

pub(crate) const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// How rotakey presents itself.
const ROTAKEY: &str = "aws-sdk-rust/1.3.9 ua/2.1 api/iam/1.133.0 lang/rust/1.95.0 lib/rotakey/0.1.0";

/// A call of the user alice, or with that key by bob, whose key it is.
pub(crate) fn call(at: &str, service: &str, name: &str, key: Option<&str>, request: Value) -> Value {
    let user = if key.is_some() { "bob" } else { "alice" };
    json!({
        "eventVersion": "1.11", "eventID": format!("{at}-{name}"), "eventTime": at,
        "eventSource": format!("{service}.amazonaws.com"), "eventName": name, "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.7", "userAgent": "aws-cli/2.31.0", "eventType": "AwsApiCall",
        "requestParameters": request, "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "userName": user,
            "accessKeyId": key.unwrap_or("AKIAALICEALICEALICE0"),
            "arn": format!("arn:aws:iam::111122223333:user/ops/{user}")},
    })
}

/// A desk with a trail of those records.
pub(crate) fn desk_with(records: &[Value]) -> Desk {
    let desk = Desk::new();
    desk.write("trail.json", json!({"Records": records}).to_string());
    desk
}

fn story() -> Vec<Value> {
    let mut created =
        call("2026-11-20T10:00:00Z", "iam", "CreateAccessKey", None, json!({"userName": "bob"}));
    created["responseElements"] = json!({"accessKey": {"accessKeyId": KEY, "userName": "bob"}});
    created["userAgent"] = json!(ROTAKEY);
    let mut refused = call(
        "2026-11-21T10:00:00Z",
        "iam",
        "DeleteAccessKey",
        None,
        json!({"userName": "bob", "accessKeyId": KEY}),
    );
    refused["errorCode"] = json!("AccessDenied");
    refused["userIdentity"]["arn"] = json!("=HYPERLINK(\"x\")\u{1b}[2J");
    let disable = json!({"userName": "bob", "accessKeyId": KEY, "status": "Inactive"});
    vec![
        created,
        refused,
        call("2026-11-22T10:00:00Z", "iam", "UpdateAccessKey", None, disable),
        call("2026-11-22T11:00:00Z", "iam", "ListAccessKeys", None, json!({"userName": "bob"})),
    ]
}

#[test]
fn the_life_of_a_key_is_told_line_by_line() {
    let told = desk_with(&story()).run(&["trail", "keys", "trail.json"]).exits(0);
    insta::assert_snapshot!(told.stdout, @r#"
    AKIAIOSFODNN7EXAMPLE  bob: disabled
      2026-11-20 10:00:00  created   says rotakey  user/ops/alice
      2026-11-22 10:00:00  disabled  around it     user/ops/alice

    TIME (UTC)           ACTION           ON
    2026-11-20 10:00:00  CreateAccessKey  AKIAIOSFODNN7EXAMPLE
                         says rotakey: user/ops/alice from 192.0.2.7, rotakey
    2026-11-21 10:00:00  DeleteAccessKey  AKIAIOSFODNN7EXAMPLE
                         around it: =HYPERLINK("x")\u{1b}[2J from 192.0.2.7, aws-cli
                         2.31.0
                         failed: AccessDenied
    2026-11-22 10:00:00  UpdateAccessKey  AKIAIOSFODNN7EXAMPLE Inactive
                         around it: user/ops/alice from 192.0.2.7, aws-cli 2.31.0

    1 call that only looked at keys not shown: --looks shows them.
    "#);
    assert!(told.stdout.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn programs_get_all_of_it_and_spreadsheets_no_formula() {
    let desk = desk_with(&story());
    let run =
        |format: &str| desk.run(&["trail", "keys", "--looks", "--format", format, "trail.json"]).exits(0);
    let json = run("json");
    assert!(json.stdout.starts_with("{\n  \"complete\": true,"), "{}", json.stdout);
    let document = json.json();
    assert_eq!(document["keys"][0]["last_change"], "disabled");
    assert_eq!(document["events"].as_array().unwrap().len(), 4);
    let csv = run("csv").stdout;
    assert_eq!(csv.lines().count(), 5);
    assert!(csv.contains("\"'=HYPERLINK"), "{csv}");
}

#[test]
fn a_trail_without_iam_and_one_that_is_broken_are_told() {
    let desk = desk_with(&[call("2026-11-20T10:00:00Z", "s3", "ListBuckets", Some(KEY), Value::Null)]);
    let told = desk.run(&["trail", "keys", "trail.json"]).exits(0);
    assert!(told.stderr.contains("no event of IAM"), "{}", told.stderr);
    desk.write("broken.json", "{\"Records\": [");
    desk.run(&["trail", "keys", "trail.json", "broken.json"]).exits(4);
    desk.run(&["trail", "keys", "--store", "none.db", "trail.json"]).fails(
        2,
        "none.db",
        "`rotakey rotate` writes it",
    );
}

#[test]
fn what_rotakey_did_is_told_from_its_own_log() {
    const USER: &str = "legacy_sync@0004";
    let sandbox = Sandbox::start(12);
    let desk = sandbox.desk();
    desk.write(
        "rotakey.toml",
        "[[rotate.destination]]\ntype = \"secrets-manager\"\nname = \"iam/access-keys/{user}\"\n",
    );
    let plan = desk.run(&["rotate", "plan", "--user", USER, "--format", "json"]).json();
    let old = plan["rotations"][0]["access_key_id"].as_str().unwrap().to_owned();
    desk.run(&["rotate", "apply", "--store", "log.db", "--user", USER]).exits(0);

    let disabled = |key: &str| {
        let request = json!({"userName": USER, "accessKeyId": key, "status": "Inactive"});
        let mut event = call("2026-11-22T10:00:00Z", "iam", "UpdateAccessKey", None, request);
        event["userAgent"] = json!(ROTAKEY);
        event["eventID"] = json!(key);
        event
    };
    desk.write("trail.json", json!({"Records": [disabled(&old), disabled(KEY)]}).to_string());
    let provenance = |arguments: &[&str], key: &str| {
        let told =
            desk.run(&[&["trail", "keys", "--format", "json", "trail.json"], arguments].concat()).json();
        let events = told["events"].as_array().unwrap();
        let event = events.iter().find(|event| event["access_key_id"] == key).unwrap();
        event["provenance"].as_str().unwrap().to_owned()
    };
    assert_eq!(provenance(&[], &old), "says_rotakey");
    assert_eq!(provenance(&["--store", "log.db"], &old), "rotakey");
    assert_eq!(provenance(&["--store", "log.db"], KEY), "not_in_log");
}
