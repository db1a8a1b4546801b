//! `rotakey config`.

use crate::support::Desk;

const GOOD: &str = r#"
[policy]
max_age = "90d"

[[policy.rule]]
name = "administrators"
match = { privilege = "administrator" }
max_age = "30d"

[[rotate.destination]]
type = "secrets-manager"
name = "iam/access-keys/{user}"
"#;

const BAD: &str = r#"[policy]
max_age = "90 dais"
surprise = true
"#;

#[test]
fn a_good_configuration_is_counted_up() {
    let desk = Desk::new();
    desk.write("rotakey.toml", GOOD);
    let ran = desk.run(&["config", "check"]).exits(0);
    assert_eq!(ran.stdout, "rotakey.toml can be used: 1 rule, 0 exemptions, 1 destination, 0 notifiers.\n");
}

#[test]
fn every_mistake_is_shown_in_its_line_with_a_mark_and_a_hint() {
    let desk = Desk::new();
    desk.write("rotakey.toml", BAD);
    let ran = desk.run(&["config", "check"]).exits(2);
    insta::assert_snapshot!(ran.stdout, @r#"
    error: rotakey.toml:2:11: policy.max_age: "90 dais" is not a length of time: write days, hours, minutes and seconds, such as "90d" or "1d 12h"
     2 | max_age = "90 dais"
       |           ^

    error: rotakey.toml:3:1: policy.surprise: there is no such key
     3 | surprise = true
       | ^
       = hint: there are: max_age, warn_before, unused_after, required_tags, owner_tags, rule, exemption
    "#);
    insta::assert_snapshot!(ran.stderr, @"
    Error: 2 mistakes in rotakey.toml
    Hint: Correct the file and check it again; until then no command uses it.
    ");
}

#[test]
fn mistakes_are_data_for_editors() {
    let desk = Desk::new();
    desk.write("rotakey.toml", BAD);
    let checked = desk.run(&["config", "check", "--format", "json"]).exits(2).json();
    assert_eq!(checked["usable"], false);
    assert_eq!(checked["mistakes"][0]["position"]["line"], 2);
    assert_eq!(checked["mistakes"].as_array().unwrap().len(), 2);
}

#[test]
fn a_missing_or_unreadable_file_is_a_clear_error() {
    let desk = Desk::new();
    desk.run(&["config", "check"]).fails(2, "no rotakey.toml here", "defaults");
    desk.run(&["config", "check", "nowhere.toml"]).fails(
        2,
        "cannot read the configuration nowhere.toml",
        "--config",
    );
    desk.write("latin1.toml", b"[policy]\n# M\xfcller\n");
    desk.run(&["config", "check", "latin1.toml"]).fails(2, "line 2 is not UTF-8", "UTF-8");
    desk.run(&["config", "check", "latin1.toml", "--format", "csv"]).exits(2);
}

#[test]
fn the_example_is_a_configuration_to_begin_with() {
    let desk = Desk::new();
    desk.run(&["config", "init", "--output", "rotakey.toml"]).exits(0);
    desk.run(&["config", "check"]).exits(0);
}

#[test]
fn the_schema_is_a_json_schema_of_the_file() {
    let schema = Desk::new().run(&["config", "schema"]).exits(0).json();
    assert!(schema["$schema"].as_str().unwrap().contains("json-schema.org"));
    assert!(schema["properties"]["policy"].is_object() && schema["properties"]["rotate"].is_object());
}

#[test]
fn the_file_is_found_here_then_by_the_variable_then_in_the_own_folder() {
    let mut desk = Desk::new();
    std::fs::create_dir_all(desk.path(".config/rotakey")).unwrap();
    desk.write(".config/rotakey/rotakey.toml", GOOD);
    assert!(
        desk.run(&["config", "check"]).exits(0).stdout.contains(".config/rotakey/rotakey.toml can be used")
    );
    desk.write("rotakey.toml", GOOD);
    assert!(desk.run(&["config", "check"]).exits(0).stdout.starts_with("rotakey.toml can be used"));
    desk.write("team.toml", GOOD);
    desk.export("ROTAKEY_CONFIG", "team.toml");
    assert!(desk.run(&["config", "check"]).exits(0).stdout.starts_with("team.toml can be used"));
    let ran = desk.run(&["config", "check", "--config", "rotakey.toml"]).exits(0);
    assert!(ran.stdout.starts_with("rotakey.toml can be used"), "the flag wins");
}

#[test]
fn foreign_text_in_the_file_cannot_move_the_cursor() {
    let desk = Desk::new();
    desk.write("rotakey.toml", "[policy]\nmax_age = \"\u{202e}\u{9b}31m\"\n");
    let ran = desk.run(&["config", "check"]).exits(2);
    assert!(!ran.stdout.contains(['\u{202e}', '\u{9b}']), "{}", ran.stdout);
    assert!(!ran.stderr.contains(['\u{202e}', '\u{9b}']), "{}", ran.stderr);
}

/// Where a command looks for the log of rotations.
fn store_of(desk: &Desk, arguments: &[&str]) -> String {
    let migrate = ["store", "migrate", "--format", "json"];
    let ran = desk.run(&[&migrate, arguments].concat()).exits(1);
    ran.json()["store"].as_str().unwrap().to_owned()
}

#[test]
fn the_configuration_names_the_store_unless_the_environment_or_an_argument_does() {
    let mut desk = Desk::new();
    assert!(store_of(&desk, &[]).ends_with(".local/state/rotakey/rotations.db"));
    desk.write("rotakey.toml", "store = \"configured.db\"\n");
    assert_eq!(store_of(&desk, &[]), "configured.db");
    desk.run(&["rotate", "halt", "a test"]).exits(0);
    assert!(desk.path("configured.db").is_file(), "all commands use it");
    desk.export("ROTAKEY_STORE", "exported.db");
    assert_eq!(store_of(&desk, &[]), "exported.db");
    assert_eq!(store_of(&desk, &["--store", "named.db"]), "named.db");
}

#[test]
fn a_file_that_the_configuration_names_is_in_its_folder_wherever_rotakey_runs() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("team")).unwrap();
    desk.write("team/rotakey.toml", "store = \"rotations.db\"\n");
    assert_eq!(store_of(&desk, &["--config", "team/rotakey.toml"]), "team/rotations.db");
    let absolute = desk.path("elsewhere.db").display().to_string();
    desk.write("team/rotakey.toml", format!("store = \"sqlite:{absolute}\"\n"));
    assert_eq!(store_of(&desk, &["--config", "team/rotakey.toml"]), absolute);
}

#[test]
fn a_store_that_cannot_be_is_a_mistake_in_its_line_and_no_password_is_told() {
    let desk = Desk::new();
    for (value, told) in [
        ("mysql://keeper:hunter2@db.example.com/keys", "dynamodb://TABLE is wanted"),
        ("postgres://keeper:hunter2@db.example.com:hunter2/keys", "the port"),
        ("dynamodb:hunter2", "two slashes"),
        ("dynamodb://x/hunter2", "3 to 255 letters"),
        ("", "is empty"),
    ] {
        desk.write("rotakey.toml", format!("# ours\nstore = \"{value}\"\n"));
        for command in [&["rotate", "status"][..], &["store", "verify"], &["rotate", "halt", "a test"]] {
            let ran = desk.run(command).fails(2, "1 mistake in rotakey.toml", "config check");
            assert!(ran.stderr.contains("2:9: store: ") && ran.stderr.contains(told), "{}", ran.stderr);
            assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
        }
        for format in ["human", "json"] {
            let ran = desk.run(&["config", "check", "--format", format]).exits(2);
            assert!(ran.stdout.contains(told) && !ran.stdout.contains("hunter2"), "{}", ran.stdout);
        }
        // Who names a store needs no other.
        desk.run(&["store", "verify", "--store", "named.db"]).exits(0);
    }
}
