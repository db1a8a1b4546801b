//! `rotakey trail ingest`.

use serde_json::Value;

use crate::support::Desk;

const CALL: &str = r#"{"eventID": "ID", "eventTime": "2026-11-23T15:45:00Z", "eventSource": "s3.amazonaws.com",
    "eventName": "GetObject", "awsRegion": "eu-central-1", "sourceIPAddress": "198.51.100.7",
    "userIdentity": {"type": "IAMUser", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}"#;

fn log(ids: &[&str]) -> String {
    let records: Vec<String> = ids.iter().map(|id| CALL.replace("\"ID\"", &format!("\"{id}\""))).collect();
    format!(r#"{{"Records": [{}]}}"#, records.join(","))
}

fn desk() -> Desk {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("logs")).expect("the desk can be written to");
    desk.write("logs/one.json", log(&["1", "2"]));
    desk.write("logs/two.json", log(&["2", "3"]));
    desk
}

fn told(desk: &Desk, arguments: &[&str], code: i32) -> Value {
    let ran = desk.run(&[&["trail", "ingest", "--format", "json"], arguments].concat()).exits(code);
    serde_json::from_str(&ran.stdout).expect("the data is JSON")
}

#[test]
fn files_are_added_once_and_their_events_too() {
    let desk = desk();
    let first = told(&desk, &["logs"], 0);
    assert_eq!((&first["added_files"], &first["added_calls"]), (&2.into(), &3.into()));
    // By another name of the folder, from another place.
    desk.write("logs/three.json", log(&["1", "4"]));
    let second = told(&desk, &[&desk.path("logs").display().to_string()], 0);
    assert_eq!((&second["added_files"], &second["known_files"]), (&1.into(), &2.into()));
    assert_eq!(second["added_calls"], 1, "the copy of an event in a later run is known");
    assert!(desk.path(".local/state/rotakey/usage.db").exists());
}

#[test]
fn a_damaged_file_is_named_and_added_when_it_is_whole() {
    let desk = desk();
    let whole = log(&["5", "6"]);
    desk.write("logs/cut.json", &whole[..whole.len() - 30]);
    let first = told(&desk, &["logs"], 4);
    assert_eq!((&first["complete"], &first["added_files"]), (&false.into(), &2.into()));
    assert!(
        first["damaged_files"][0].as_str().is_some_and(|name| name.ends_with("logs/cut.json")),
        "{first}"
    );
    desk.write("logs/cut.json", &whole);
    let second = told(&desk, &["logs"], 0);
    assert_eq!((&second["added_files"], &second["added_calls"]), (&1.into(), &2.into()));
}

#[test]
fn a_file_that_has_changed_is_told() {
    let desk = desk();
    told(&desk, &["logs"], 0);
    desk.write("logs/one.json", log(&["1", "2", "7"]));
    let second = told(&desk, &["logs"], 4);
    assert!(
        second["changed_files"][0].as_str().is_some_and(|name| name.ends_with("logs/one.json")),
        "{second}"
    );
    assert_eq!(second["added_calls"], 0);
}

#[test]
fn a_password_in_the_name_of_an_index_is_never_told() {
    let mut desk = desk();
    desk.export("ROTAKEY_INDEX", "postgres://keeper:hunter2@127.0.0.1:1/keys");
    for arguments in [
        &["trail", "ingest", "logs"][..],
        &["trail", "ingest", "--help"],
        &["trail", "ingest", "logs", "--index", "postgres://keeper:hunter2@:x/keys"],
        &["trail", "ingest", "logs", "--index", "mysql://keeper:hunter2@db/keys"],
    ] {
        let ran = desk.run(arguments);
        assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"), "{arguments:?}: {ran:?}");
    }
}
