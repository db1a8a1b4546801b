//! `rotakey rotate`.

use crate::support::{Desk, Sandbox};

/// New keys go to Secrets Manager, whatever their users are.
const TO_SECRETS_MANAGER: &str =
    "[[rotate.destination]]\ntype = \"secrets-manager\"\nname = \"iam/access-keys/{user}\"\n";

/// A fleet of 12 users of seed 3: three of them have one old key and no other.
fn desk(sandbox: &Sandbox) -> Desk {
    let desk = sandbox.desk();
    desk.write("rotakey.toml", TO_SECRETS_MANAGER);
    desk
}

/// The id of the only rotation of that user.
fn rotation_of(desk: &Desk, user: &str) -> String {
    let rotations = desk.run(&["rotate", "status", "--all", "--format", "json"]).json();
    let mine: Vec<_> = rotations.as_array().unwrap().iter().filter(|it| it["user_name"] == user).collect();
    assert_eq!(mine.len(), 1, "{rotations}");
    mine[0]["rotation"].as_str().unwrap().to_owned()
}

const USER: &str = "legacy_sync@0004";

#[test]
fn a_plan_says_what_when_and_why_and_changes_nothing() {
    let sandbox = Sandbox::start(12);
    let desk = desk(&sandbox);
    // The operator's own key is used by looking.
    let keys = || {
        let keys = sandbox.control("GET", "keys", "");
        keys.as_array()
            .unwrap()
            .iter()
            .map(|key| [key["access_key_id"].clone(), key["status"].clone()])
            .collect::<Vec<_>>()
    };
    let before = keys();
    let by_default = desk.run(&["rotate"]).exits(1);
    let asked = desk.run(&["rotate", "plan"]).exits(1);
    let without_instant = |text: &str| text.split_once('\n').map(|(_, rest)| rest.to_owned());
    let (one, other) = (without_instant(&by_default.stdout), without_instant(&asked.stdout));
    assert_eq!(one, other, "plan is what rotate does by default");
    for part in [
        "nothing is changed",
        "keys to rotate",
        "days old, too old since",
        "left for a person",
        "from 2026-11-24",
    ] {
        assert!(asked.stdout.contains(part), "{part}:\n{}", asked.stdout);
    }
    let widest = asked.stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?}:\n{}", asked.stdout);

    let plan = desk.run(&["rotate", "plan", "--user", USER, "--format", "json"]).exits(0).json();
    assert_eq!(plan["complete"], true);
    assert_eq!(plan["rotations"].as_array().unwrap().len(), 1);
    assert_eq!(plan["rotations"][0]["user_name"], USER);
    assert_eq!(plan["rotations"][0]["destinations"][0], format!("secrets-manager:iam/access-keys/{USER}"));
    desk.run(&["rotate", "plan", "--user", "nobody"]).fails(2, "nobody", "case-sensitive");

    assert_eq!(keys(), before);
    assert!(!desk.path(".local").exists(), "not even the log of rotations was made");
}

#[test]
fn a_key_is_rotated_from_the_plan_to_the_end_of_the_old_one() {
    let sandbox = Sandbox::start(12);
    let desk = desk(&sandbox);
    let old = desk.run(&["rotate", "plan", "--user", USER, "--format", "json"]).json();
    let old = old["rotations"][0]["access_key_id"].as_str().unwrap().to_owned();

    let begun = desk.run(&["rotate", "apply", "--user", USER]).exits(0);
    assert!(begun.stdout.contains("adopting"), "{}", begun.stdout);
    assert!(begun.stderr.contains("`rotakey rotate tick` goes on"), "{}", begun.stderr);
    let again = desk.run(&["rotate", "plan", "--user", USER]).exits(0);
    assert!(again.stdout.contains("is being rotated"), "{}", again.stdout);

    let done = desk.run(&["rotate", "tick", "--wait"]).exits(0);
    assert!(done.stdout.contains("rotated"), "{}", done.stdout);
    let keys = sandbox.control("GET", "keys", "");
    let of_user: Vec<_> = keys.as_array().unwrap().iter().filter(|key| key["user_name"] == USER).collect();
    assert_eq!(of_user.len(), 1, "{of_user:?}");
    assert_ne!(of_user[0]["access_key_id"], old.as_str());
    assert_eq!(of_user[0]["status"], "Active");

    let log = desk.run(&["rotate", "log", &rotation_of(&desk, USER)]).exits(0);
    let place = |text: &str| log.stdout.find(text).unwrap_or_else(|| panic!("no {text}:\n{}", log.stdout));
    assert!(place("create a new access key") < place("publish"));
    assert!(place("publish") < place(&format!("disable {old}")));
    assert!(place(&format!("disable {old}")) < place(&format!("delete {old}")));
    assert!(log.stdout.contains("The hash chain holds."), "{}", log.stdout);

    desk.run(&["audit", "--user", USER, "--only", "key-too-old"]).exits(0);
    desk.run(&["rotate", "tick"]).exits(0);
}

#[test]
fn without_a_destination_keys_go_to_age_files_of_this_machine() {
    let sandbox = Sandbox::start(12);
    let desk = sandbox.desk();
    let ran = desk.run(&["rotate", "apply", "--user", USER]).exits(0);
    assert!(ran.stderr.contains("Made the age identity"), "{}", ran.stderr);
    let identity = std::fs::read_to_string(desk.path(".local/share/rotakey/identity.age")).unwrap();
    assert!(identity.contains("AGE-SECRET-KEY-1"));
    let account = sandbox.control("GET", "state", "")["accounts"][0].as_str().unwrap().to_owned();
    let file = desk.path(&format!(".local/share/rotakey/keys/{account}/{USER}.age"));
    assert!(std::fs::read(file).unwrap().starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----"));
}

#[test]
fn a_rotation_can_be_rolled_back_and_then_no_more() {
    let sandbox = Sandbox::start(12);
    let desk = desk(&sandbox);
    desk.run(&["rotate", "apply", "--user", USER, "--wait"]).exits(0);
    let begun = desk.run(&["rotate", "apply", "--user", USER, "--format", "json"]).exits(0).json();
    let rotation = begun[0]["rotation"].as_str().unwrap();
    let old = begun[0]["old_access_key_id"].as_str().unwrap();

    desk.run(&["rotate", "rollback", rotation]).exits(2);
    let why = "billing cannot sign in";
    desk.run(&["rotate", "rollback", rotation, "--why", why, "--by", "ann"]).exits(0);
    let done = desk.run(&["rotate", "tick", "--wait"]).exits(0);
    assert!(done.stdout.contains("rolled-back"), "{}", done.stdout);
    let keys = sandbox.control("GET", "keys", "");
    let of_user: Vec<_> = keys.as_array().unwrap().iter().filter(|key| key["user_name"] == USER).collect();
    assert_eq!((of_user.len(), &of_user[0]["access_key_id"]), (1, &old.into()), "{keys}");
    let log = desk.run(&["rotate", "log", rotation, "--format", "csv"]).exits(0).stdout;
    assert!(log.contains("ann wants the old key back: billing cannot sign in"), "{log}");
    desk.run(&["rotate", "rollback", rotation, "--why", why]).fails(2, "", "rotate status");
}

#[test]
fn a_rotation_that_asks_says_what_and_what_to_do() {
    let sandbox = Sandbox::start(12);
    let desk = desk(&sandbox);
    desk.run(&["rotate", "apply", "--user", USER]).exits(0);
    let rotation = rotation_of(&desk, USER);
    // The destination was empty before, so there is nothing to go back to.
    desk.run(&["rotate", "rollback", &rotation, "--why", "a mistake"]).exits(0);
    let asks = desk.run(&["rotate", "tick", "--wait"]).exits(1);
    assert!(asks.stdout.contains("asks: ") && asks.stdout.contains("do:   "), "{}", asks.stdout);
    let status = desk.run(&["rotate", "status", "--format", "json"]).exits(1).json();
    assert_eq!(status[0]["question"]["question"], "cannot-restore");
    desk.run(&["rotate", "resume", &rotation]).exits(1);
}

#[test]
fn a_rotation_can_be_aborted() {
    let sandbox = Sandbox::start(12);
    let desk = desk(&sandbox);
    desk.run(&["rotate", "apply", "--user", USER]).exits(0);
    let rotation = rotation_of(&desk, USER);
    let ran = desk.run(&["rotate", "abort", &rotation, "--why", "the user is to go"]).exits(0);
    assert!(ran.stdout.contains("aborted"), "{}", ran.stdout);
    let nothing = desk.run(&["rotate", "status", "--format", "json"]).exits(0).json();
    assert_eq!(nothing, serde_json::json!([]));
    desk.run(&["rotate", "resume", &rotation]).fails(2, "", "rotate status");
}

#[test]
fn a_log_that_was_changed_is_an_error_that_says_where() {
    let sandbox = Sandbox::start(12);
    let desk = desk(&sandbox);
    desk.run(&["rotate", "apply", "--user", USER]).exits(0);
    let rotation = rotation_of(&desk, USER);
    let folder = desk.path(".local/state/rotakey");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        for start in 0..bytes.len() {
            if bytes[start..].starts_with(b"\"delivered\"") {
                bytes[start..start + 11].copy_from_slice(b"\"published\"");
            }
        }
        std::fs::write(path, bytes).unwrap();
    }
    desk.run(&["rotate", "log", &rotation]).fails(3, "was changed", "restore the store from a backup");
    sandbox.control("POST", "clock", "{\"advance\": \"1d\"}");
    let ran = desk.run(&["rotate", "tick"]).exits(3);
    assert!(ran.stderr.contains(&rotation), "{}", ran.stderr);
    // A person is told until it is repaired.
    let ran = desk.run(&["rotate", "tick"]).exits(1);
    assert!(ran.stderr.contains("waits for a person"), "{}", ran.stderr);
}

#[test]
fn a_tick_leaves_alone_what_is_not_due() {
    let sandbox = Sandbox::start(12);
    let desk = desk(&sandbox);
    let nothing = desk.run(&["rotate", "tick"]).exits(0);
    assert!(nothing.stderr.contains("No rotation is under way."), "{}", nothing.stderr);
    desk.run(&["rotate", "apply", "--user", USER]).exits(0);
    let looks = || -> u64 {
        let calls = sandbox.control("GET", "state", "")["calls"].clone();
        let looks = calls.as_object().unwrap().iter().filter(|(name, _)| name.contains("ListAccessKeys"));
        looks.filter_map(|(_, count)| count.as_u64()).sum()
    };
    let before = looks();
    assert!(before > 0, "the rotation began with a look");
    let ran = desk.run(&["rotate", "tick"]).exits(0);
    assert!(ran.stderr.contains("Nothing is due."), "{}", ran.stderr);
    assert!(ran.stderr.contains("there is something to do again in"), "{}", ran.stderr);
    assert_eq!(looks(), before, "IAM was asked about a rotation that is not due");
    sandbox.control("POST", "clock", "{\"advance\": \"1d\"}");
    desk.run(&["rotate", "tick"]).exits(0);
    assert!(looks() > before, "what is due is looked at");
}

#[test]
fn wrong_stores_and_rotations_are_clear_errors() {
    let sandbox = Sandbox::start(1);
    let desk = sandbox.desk();
    desk.run(&["rotate", "log", "r-nosuchrotation"]).fails(2, "r-nosuchrotation", "status --all");
    assert!(desk.run(&["rotate", "log", "alice"]).exits(2).stderr.contains("rotation id"));
    desk.write("notes.txt", "these are no rotations");
    desk.run(&["rotate", "tick", "--store", "notes.txt"]).fails(3, "not a rotakey store", "--store");
    assert_eq!(std::fs::read_to_string(desk.path("notes.txt")).unwrap(), "these are no rotations");
    assert!(desk.run(&["rotate", "status"]).exits(0).stderr.contains("No rotation is under way."));
}

#[test]
fn no_output_and_no_log_holds_a_secret() {
    let sandbox = Sandbox::start(12);
    let desk = desk(&sandbox);
    let mut said = String::new();
    let mut run = |arguments: &[&str]| {
        let ran = desk.run(arguments);
        said.push_str(&ran.stdout);
        said.push_str(&ran.stderr);
    };
    run(&["rotate", "apply", "--wait", "-v"]);
    run(&["rotate", "status", "--all", "--format", "json"]);
    run(&["audit", "-v"]);
    let rotation = rotation_of(&desk, USER);
    run(&["rotate", "log", &rotation, "--format", "json"]);
    let mut written = Vec::new();
    for file in std::fs::read_dir(desk.path(".local/state/rotakey")).unwrap() {
        written.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let written = String::from_utf8_lossy(&written);
    let secrets = sandbox.control("GET", "secrets-issued", "");
    let secrets = secrets.as_array().unwrap();
    assert!(secrets.len() > 15);
    for secret in secrets.iter().map(|secret| secret.as_str().unwrap()) {
        assert!(!said.contains(secret) && !written.contains(secret), "a secret came out");
    }
}
