//! `rotakey trail usage --live`: the sandbox's event history.

use serde_json::Value;

use crate::support::{Desk, Sandbox};

/// The operator's key, and how often it was used.
fn operator(answer: &Value, desk_key: &str) -> Option<u64> {
    let keys = answer["keys"].as_array().expect("keys are a list");
    keys.iter().find(|key| key["access_key_id"] == desk_key).and_then(|key| key["calls"].as_u64())
}

fn key_of(sandbox: &Sandbox) -> String {
    let (_, key) =
        sandbox.variables.iter().find(|(name, _)| name == "AWS_ACCESS_KEY_ID").expect("it is exported");
    key.clone()
}

/// Lets what was done so far arrive in the event history.
fn later(sandbox: &Sandbox) {
    sandbox.control("POST", "clock", "{\"advance\": \"30m\"}");
}

#[test]
fn the_calls_that_were_made_are_told() {
    let sandbox = Sandbox::start(3);
    let desk = sandbox.desk();
    let key = key_of(&sandbox);
    let audit = desk.run(&["audit", "--region", "us-east-1", "--format", "json"]);
    assert!([0, 1].contains(&audit.code), "{audit:?}");
    let counted = sandbox.control("GET", "state", "");
    later(&sandbox);
    let live = ["trail", "usage", "--live", "--in-region", "us-east-1", "--format", "json"];
    let answer = desk.run(&live).exits(0).json();
    let calls =
        operator(&answer, &key).unwrap_or_else(|| panic!("the operator is told: {answer:#}\n{counted:#}"));
    assert!(calls > 0);
    let row = &answer["keys"]
        .as_array()
        .expect("keys are a list")
        .iter()
        .find(|row| row["access_key_id"] == key.as_str())
        .expect("it was found")
        .clone();
    let actions: Vec<&str> = row["actions"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|action| action["action"].as_str())
        .collect();
    assert!(
        actions.contains(&"ListUsers") || actions.contains(&"GetAccountAuthorizationDetails"),
        "{actions:?}"
    );
    let note = desk.run(&["trail", "usage", "--live"]).exits(0);
    assert!(note.stderr.contains("name others with --in-region"), "{}", note.stderr);
}

#[test]
fn what_was_kept_is_gone_on_with() {
    let sandbox = Sandbox::start(3);
    let desk = sandbox.desk();
    let key = key_of(&sandbox);
    desk.run(&["audit", "--region", "us-east-1"]);
    later(&sandbox);
    let live = ["trail", "usage", "--live", "--keep", "kept", "--in-region", "us-east-1", "--format", "json"];
    let first = operator(&desk.run(&live).exits(0).json(), &key).expect("it is told");
    let kept = |desk: &Desk| std::fs::read_to_string(desk.path("kept/us-east-1.jsonl")).expect("it is kept");
    let before = kept(&desk);
    later(&sandbox);
    desk.run(&["audit", "--region", "us-east-1"]);
    later(&sandbox);
    let second = operator(&desk.run(&live).exits(0).json(), &key).expect("it is told");
    let after = kept(&desk);
    assert!(second > first, "{second} calls after {first}");
    assert!(after.len() > before.len() && after.starts_with(&before), "what was kept is not read again");
    // Also without AWS, as the log files that they are.
    let offline = Desk::new();
    offline.write("us-east-1.jsonl", &after);
    let answer = offline.run(&["trail", "usage", "us-east-1.jsonl", "--format", "json"]).exits(0).json();
    assert_eq!(operator(&answer, &key), Some(second));
}

#[test]
fn without_aws_a_lookup_fails_with_a_hint() {
    let mut desk = Desk::new();
    desk.export("AWS_REGION", "us-east-1");
    let ran = desk.run(&["trail", "usage", "--live"]);
    assert_eq!(ran.stdout, "", "{ran:?}");
    assert!([2, 3, 4].contains(&ran.code) && ran.stderr.contains("Hint: "), "{ran:?}");
}
