//! What holds `rotakey rotate` back: a halt, freezes, limits, approvals.

use crate::support::{Desk, Sandbox};

const USER: &str = "legacy_sync@0004";

/// New keys go to Secrets Manager, and this holds rotations back.
fn desk(sandbox: &Sandbox, controls: &str) -> Desk {
    let desk = sandbox.desk();
    desk.write(
        "rotakey.toml",
        format!(
            "{controls}\n[[rotate.destination]]\ntype = \"secrets-manager\"\nname = \"iam/access-keys/{{user}}\"\n"
        ),
    );
    desk
}

fn begun(desk: &Desk) -> Vec<serde_json::Value> {
    desk.run(&["rotate", "status", "--format", "json"]).json().as_array().unwrap().clone()
}

#[test]
fn a_halt_stops_everything_but_the_way_back() {
    let sandbox = Sandbox::start(12);
    let mut desk = desk(&sandbox, "");
    desk.run(&["rotate", "apply", "--user", USER]).exits(0);
    let rotation = begun(&desk)[0]["rotation"].as_str().unwrap().to_owned();
    desk.run(&["rotate", "halt", " "]).fails(2, "a reason", "");
    let halted = desk.run(&["rotate", "halt", "incident 7", "--by", "ann"]).exits(0);
    assert!(halted.stderr.contains("unhalt"), "{}", halted.stderr);

    let apply = desk.run(&["rotate", "apply"]).exits(1);
    assert!(apply.stderr.contains("waits halted by ann: incident 7"), "{}", apply.stderr);
    assert_eq!(begun(&desk).len(), 1, "nothing began");
    let plan = desk.run(&["rotate", "plan", "--format", "json"]).json();
    assert_eq!(plan["halted"]["why"], "incident 7");
    assert_eq!(plan["rotations"][0]["held_back"]["until"], serde_json::Value::Null);
    let status = desk.run(&["rotate", "status"]).exits(0);
    assert!(status.stdout.contains("changes nothing halted by ann"), "{}", status.stdout);

    desk.run(&["rotate", "rollback", &rotation, "--why", "it broke"]).exits(0);
    // AWS is given some minutes to accept the old key everywhere.
    sandbox.control("POST", "clock", "{\"advance\": \"10m\"}");
    // The secret never held the old key, so a person is asked to put it there.
    desk.run(&["rotate", "tick"]).exits(1);
    let log = desk.run(&["rotate", "log", &rotation]).exits(0).stdout;
    assert!(log.contains("AWS accepts the old key again"), "{log}");
    assert!(!log.contains("disable AKIA"), "the new key may still be in use:\n{log}");

    let unhalted = desk.run(&["rotate", "unhalt"]).exits(0);
    assert!(unhalted.stderr.contains("No longer halted (by ann: incident 7)"), "{}", unhalted.stderr);
    desk.run(&["rotate", "abort", &rotation, "--why", "kept the new key"]).exits(0);
    assert_eq!(begun(&desk).len(), 0);

    desk.export("ROTAKEY_HALT", "the store is gone");
    let apply = desk.run(&["rotate", "apply", "--user", USER]).exits(0);
    assert!(apply.stderr.contains("waits halted by ROTAKEY_HALT: the store is gone"), "{}", apply.stderr);
    desk.run(&["rotate", "unhalt"]).exits(1);
    assert_eq!(begun(&desk).len(), 0);
}

#[test]
fn a_freeze_and_a_limit_say_what_waits_and_until_when() {
    let sandbox = Sandbox::start(12);
    let freeze = "[[rotate.freeze]]\nname = \"launch\"\nfrom = 2026-11-20\nto = 2026-11-25\n";
    let frozen = desk(&sandbox, freeze);
    let plan = frozen.run(&["rotate", "plan", "--user", USER]).exits(0);
    let why = "waits until 2026-11-26T00:00:00Z: the freeze \"launch\"";
    assert!(plan.stdout.contains(why), "{}", plan.stdout);
    let apply = frozen.run(&["rotate", "apply", "--user", USER]).exits(0);
    assert!(apply.stderr.contains(why), "{}", apply.stderr);
    assert_eq!(begun(&frozen).len(), 0);

    let limited = desk(&sandbox, "[rotate.limits]\nin_flight = 1\n");
    let plan = limited.run(&["rotate", "plan", "--format", "json"]).json();
    let rotations = plan["rotations"].as_array().unwrap();
    let free = rotations.iter().filter(|rotation| rotation["held_back"].is_null()).count();
    assert!(free == 1 && rotations.len() > 1, "{plan}");
    limited.run(&["rotate", "apply"]).exits(1);
    assert_eq!(begun(&limited).len(), 1);
}

/// New keys go to files in the folder of the desk, so that a test can sign in with them.
fn desk_with_files(sandbox: &Sandbox, approval: &str) -> Desk {
    let desk = sandbox.desk();
    desk.write(
        "rotakey.toml",
        format!(
            "[[rotate.approval]]\n{approval}\n[[rotate.destination]]\ntype = \"credentials-file\"\n\
             path = \"{}\"\nprofile = \"{{user}}\"\n",
            desk.path("credentials").display()
        ),
    );
    desk
}

#[test]
fn nothing_begins_without_its_approval_and_a_changed_plan_needs_another() {
    let sandbox = Sandbox::start(12);
    let approval = "steps = \"begin\"\nby = \"arn:aws:iam::*:user/*\"";
    let desk = desk_with_files(&sandbox, approval);
    let plan = || desk.run(&["rotate", "plan", "--user", USER, "--format", "json"]).exits(1).json();
    let first = plan();
    let hash = first["rotations"][0]["plan_hash"].as_str().unwrap().to_owned();
    assert_eq!(first["rotations"][0]["missing_approval"], "approval to begin: given by 0 of 1 person");
    assert_eq!(
        plan()["rotations"][0]["plan_hash"],
        hash.as_str(),
        "it is the same as long as nothing changes"
    );

    let apply = desk.run(&["rotate", "apply", "--user", USER]).exits(1);
    assert!(apply.stderr.contains(&format!("rotakey rotate approve {}", &hash[..12])), "{}", apply.stderr);
    assert_eq!(begun(&desk).len(), 0);
    desk.run(&["rotate", "approve", "000000000000"]).fails(2, "no plan has the hash", "rotate plan");
    desk.run(&["rotate", "approve", &hash, "--step", "delete"]).fails(2, "nobody's approval", "");
    let approved = desk.run(&["rotate", "approve", &hash[..12]]).exits(0);
    assert!(approved.stderr.contains("it has all its approvals"), "{}", approved.stderr);

    desk.write(
        "other.toml",
        std::fs::read_to_string(desk.path("rotakey.toml")).unwrap() + "[rotate]\ndelete_after = \"2d\"\n",
    );
    desk.run(&["--config", "other.toml", "rotate", "apply", "--user", USER]).exits(1);
    assert_eq!(begun(&desk).len(), 0, "the plan has changed");
    desk.run(&["rotate", "apply", "--user", USER]).exits(0);
    let rotation = begun(&desk)[0]["rotation"].as_str().unwrap().to_owned();
    let log = desk.run(&["rotate", "log", &rotation]).exits(0).stdout;
    assert!(log.contains("agrees to begin"), "{log}");
}

#[test]
fn a_key_is_deleted_only_when_two_people_agree() {
    let sandbox = Sandbox::start(12);
    let desk = desk_with_files(&sandbox, "steps = \"delete\"\npeople = 2\nvalid_for = \"90d\"");
    desk.run(&["rotate", "apply", "--user", USER]).exits(0);
    let rotation = begun(&desk)[0]["rotation"].as_str().unwrap().to_owned();
    let approve = ["rotate", "approve", &rotation, "--step", "delete"];
    for _ in 0..2 {
        let approved = desk.run(&approve).exits(0);
        assert!(
            approved.stderr.contains("given by 1 of 2 people"),
            "one person is one:\n{}",
            approved.stderr
        );
    }

    // The user of the new key is another person.
    let mut other = sandbox.desk();
    let file = std::fs::read_to_string(desk.path("credentials")).unwrap();
    let value = |name: &str| {
        let line = file.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{file}"));
        line.split_once('=').unwrap().1.trim().to_owned()
    };
    other.export("AWS_ACCESS_KEY_ID", &value("aws_access_key_id"));
    other.export("AWS_SECRET_ACCESS_KEY", &value("aws_secret_access_key"));
    other.export("ROTAKEY_STORE", &desk.path(".local/state/rotakey/rotations.db").display().to_string());
    let approved = other.run(&approve).exits(0);
    assert!(approved.stderr.contains("it has all its approvals"), "{}", approved.stderr);
    let done = desk.run(&["rotate", "tick", "--wait"]).exits(0);
    assert!(done.stdout.contains("rotated"), "{}", done.stdout);
}

#[test]
fn a_deletion_that_lacks_approval_waits_for_a_person() {
    let sandbox = Sandbox::start(12);
    let desk = desk(&sandbox, "[[rotate.approval]]\nsteps = \"delete\"\n");
    desk.run(&["rotate", "apply", "--user", USER]).exits(0);
    for _ in 0..3 {
        sandbox.control("POST", "clock", "{\"advance\": \"40d\"}");
        desk.run(&["rotate", "tick"]);
    }
    let status = desk.run(&["rotate", "status", "--format", "json"]).exits(1).json();
    assert_eq!(status[0]["state"], "disabled", "{status}");
    assert_eq!(status[0]["missing_approval"], "approval to delete the old key: given by 0 of 1 person");
    let rotation = status[0]["rotation"].as_str().unwrap();
    desk.run(&["rotate", "approve", rotation]).exits(0);
    desk.run(&["rotate", "tick", "--wait"]).exits(0);
    assert_eq!(begun(&desk).len(), 0);
}

#[test]
fn the_key_that_rotakey_runs_on_comes_last() {
    let sandbox = Sandbox::start(12);
    let desk = desk(&sandbox, "");
    let own = sandbox.variables.iter().find(|(name, _)| name == "AWS_ACCESS_KEY_ID").unwrap().1.clone();
    let plan = desk.run(&["rotate", "plan", "--key", &own, "--user", USER, "--format", "json"]).json();
    let of = |own: bool| {
        let rotations = plan["rotations"].as_array().unwrap();
        rotations
            .iter()
            .find(|rotation| rotation["own_key"] == own)
            .unwrap_or_else(|| panic!("{plan}"))
            .clone()
    };
    assert_eq!(of(true)["access_key_id"], own.as_str());
    let why = of(true)["held_back"]["why"].as_str().unwrap().to_owned();
    assert!(why.contains("it comes last"), "{why}");
    assert!(of(false)["held_back"].is_null());
    let alone = desk.run(&["rotate", "plan", "--key", &own]).exits(0);
    assert!(alone.stdout.contains("rotakey itself runs on this key"), "{}", alone.stdout);
}
