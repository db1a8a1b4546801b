//! `rotakey rotate` with a source that tells who uses keys.

use crate::support::{Desk, Sandbox};

/// Its older key was never used as far as IAM tells, and its younger one is.
const USER: &str = "checkout-staging-0005";

/// A call with that key from that network.
fn call(key: &str, at: &str, network: &str) -> String {
    format!(
        r#"{{"eventID": "{key}{at}", "eventTime": "{at}", "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
        "awsRegion": "eu-central-1", "sourceIPAddress": "{network}.7", "userAgent": "aws-cli/2.27.1",
        "eventCategory": "Data", "managementEvent": false,
        "userIdentity": {{"type": "IAMUser", "accessKeyId": "{key}"}}}}"#
    )
}

/// The two keys of the user, the older one first.
fn keys_of(desk: &Desk) -> [String; 2] {
    let plan = desk.run(&["rotate", "plan", "--user", USER, "--format", "json"]).exits(0).json();
    let finished = &plan["rotations"][0];
    assert_eq!(finished["task"], "finish", "{plan}");
    let reason = finished["reason"].as_str().unwrap();
    let (_, younger) = reason.split_once("; ").unwrap();
    [finished["access_key_id"].as_str().unwrap().to_owned(), younger[..20].to_owned()]
}

#[test]
fn plan_and_apply_learn_from_an_index_who_uses_each_of_two_keys() {
    let sandbox = Sandbox::start(12);
    let desk = sandbox.desk();
    let [older, younger] = keys_of(&desk);
    std::fs::create_dir(desk.path("logs")).expect("the desk can be written to");
    let (one, other) = ("198.51.100", "203.0.113");
    let calls = [call(&older, "2026-11-20T08:00:00Z", one), call(&younger, "2026-11-23T11:00:00Z", other)];
    desk.write("logs/trail.json", format!(r#"{{"Records": [{}]}}"#, calls.join(",")));
    desk.run(&["trail", "ingest", "logs"]).exits(0);
    let index = format!("sqlite:{}", desk.path(".local/state/rotakey/usage.db").display());

    let with_index = |arguments: &[&str]| {
        let index = ["--trail-index", &index, "--user", USER, "--format", "json"];
        desk.run(&[arguments, &index].concat())
    };
    let plan = with_index(&["rotate", "plan"]).exits(1).json();
    assert_eq!(plan["rotations"].as_array().map(Vec::len), Some(0), "{plan}");
    let why = plan["left_for_a_person"][0]["why"].as_str().unwrap();
    assert!(why.contains("each with applications of its own"), "{why}");
    assert!(why.contains("as far as is seen: the source goes back only to 2026-11-20"), "{why}");

    let applied = with_index(&["rotate", "apply"]).exits(1);
    assert!(applied.stderr.contains("0 rotations begun"), "{}", applied.stderr);
}
