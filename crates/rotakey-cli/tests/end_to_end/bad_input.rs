//! Where something is wrong with the machine, the credentials or the account: a clear error with a hint, and nothing
//! is lost.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use jiff::SignedDuration;
use rotakey_core::fact::KeyStatus;
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::faults::{Effect, InjectedFault};
use rotakey_sim::ports::Client;

use crate::cloud::Cloud;
use crate::support::{Desk, Ran};

const CONFIGURATION: &str = "[rotate]\nquiet_for = \"5h\"\ndelete_after = \"1d\"\n\n\
     [[rotate.destination]]\ntype = \"secrets-manager\"\nname = \"iam/access-keys/{user}\"\n";
const STORE: &str = "rotations.db";
const APPLY: [&str; 4] = ["rotate", "apply", "--store", STORE];
const TICK_TO_END: [&str; 5] = ["rotate", "tick", "--wait", "--store", STORE];

/// An account with a key to rotate, and a desk to do it from.
fn scene() -> (Cloud, Desk) {
    let cloud = Cloud::new();
    cloud.keep_old_key_in_secrets_manager();
    cloud.start_application("app", cloud.secret(), Duration::from_secs(300), Duration::ZERO);
    let desk = cloud.desk();
    desk.write("rotakey.toml", CONFIGURATION);
    (cloud, desk)
}

/// Demands that the user has the old key, active, and no other.
#[track_caller]
fn assert_untouched(cloud: &Cloud) {
    let keys = cloud.keys();
    let keys: Vec<_> = keys.iter().map(|key| (&key.id, key.status)).collect();
    assert_eq!(keys, [(&cloud.old.id, KeyStatus::Active)]);
}

/// Demands that the user has one key, active, and that it is a new one.
#[track_caller]
fn assert_rotated(cloud: &Cloud) {
    let keys = cloud.keys();
    let [key] = &keys[..] else { panic!("one key, and no orphan: {keys:?}") };
    assert!(key.status == KeyStatus::Active && key.id != cloud.old.id, "{key:?}");
}

fn status(desk: &Desk) -> serde_json::Value {
    let rotations = desk.run(&["rotate", "status", "--all", "--store", STORE, "--format", "json"]);
    assert!(rotations.code < 2, "{rotations:?}");
    rotations.json()[0].clone()
}

#[test]
fn the_store_of_a_newer_version_is_left_as_it_is() {
    let (cloud, desk) = scene();
    desk.run(&["rotate", "tick", "--store", STORE]).exits(0);
    let path = desk.path(STORE);
    let mut bytes = fs::read(&path).unwrap();
    // The schema's version: big-endian, in the header of an SQLite file (<https://www.sqlite.org/fileformat.html>).
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    for command in [&APPLY[..], &TICK_TO_END, &["rotate", "status", "--store", STORE]] {
        desk.run(command).fails(3, "was written by a newer rotakey", "Install that rotakey");
    }
    assert!(fs::read(&path).unwrap() == bytes, "the file was changed");
    assert_untouched(&cloud);
}

#[test]
fn a_file_of_another_program_is_never_taken_for_a_store() {
    let (cloud, desk) = scene();
    let foreign: [&[u8]; 3] = [b"these are no rotations", b"", b"SQLite format 3\0 and then nothing of it"];
    for bytes in foreign {
        desk.write(STORE, bytes);
        desk.run(&APPLY).fails(3, "not a rotakey store", "Name the right store with --store");
        assert!(fs::read(desk.path(STORE)).unwrap() == bytes, "the file was changed");
    }
    assert_untouched(&cloud);
}

#[test]
fn where_nothing_can_be_written_no_rotation_begins() {
    let (cloud, desk) = scene();
    // Below a file, nobody can make anything, not even root.
    desk.run(&["rotate", "apply", "--store", "rotakey.toml/rotations.db"]).fails(
        3,
        "rotakey.toml/rotations.db",
        "can be reached, read and written",
    );

    fs::create_dir(desk.path("locked")).unwrap();
    fs::set_permissions(desk.path("locked"), Permissions::from_mode(0o555)).unwrap();
    let ran = run_as_nobody(&desk, &["rotate", "apply", "--store", "locked/rotations.db"]);
    ran.fails(3, "locked/rotations.db is read-only", "--store");
    assert_untouched(&cloud);
}

#[test]
fn a_log_that_became_read_only_stops_its_rotation_and_loses_nothing() {
    let (cloud, desk) = scene();
    fs::create_dir(desk.path("log")).unwrap();
    let begin = ["rotate", "apply", "--store", "log/rotations.db"];
    desk.run(&begin).exits(0);
    let keys = cloud.keys();
    assert_eq!(keys.len(), 2, "both keys work while applications move");
    for name in fs::read_dir(desk.path("log")).unwrap() {
        fs::set_permissions(name.unwrap().path(), Permissions::from_mode(0o444)).unwrap();
    }
    fs::set_permissions(desk.path("log"), Permissions::from_mode(0o555)).unwrap();
    cloud.simulation.advance_to(cloud.simulation.now() + SignedDuration::from_hours(24 * 60));
    let ran = run_as_nobody(&desk, &["rotate", "tick", "--store", "log/rotations.db"]);
    ran.fails(3, "is read-only", "--store");
    let statuses = |keys: &[rotakey_sim::world::plant::TrueKey]| {
        keys.iter().map(|key| (key.id.clone(), key.status)).collect::<Vec<_>>()
    };
    assert_eq!(statuses(&cloud.keys()), statuses(&keys));
}

/// Runs the binary as a user who may look at everything of the desk and owns nothing.
fn run_as_nobody(desk: &Desk, arguments: &[&str]) -> Ran {
    const NOBODY: u32 = 65534;
    fs::set_permissions(desk.path("."), Permissions::from_mode(0o755)).unwrap();
    let mut command = desk.command(arguments);
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    Ran::from(command.stdin(Stdio::null()).output().expect("the binary runs"))
}

/// Files may grow to a limit and then not any more, as on a disk that is full. The log cannot even be made.
#[test]
fn on_a_full_disk_no_rotation_begins() {
    for kilobytes in [0, 8, 16] {
        let (cloud, desk) = scene();
        run_with_file_limit(&desk, &APPLY, kilobytes).fails(3, STORE, "run the command again");
        assert_untouched(&cloud);
        desk.run(&[&APPLY[..], &["--wait"]].concat()).exits(0);
        assert_rotated(&cloud);
    }
}

#[test]
fn when_the_disk_fills_up_the_rotation_stops_and_goes_on_when_there_is_room() {
    for kilobytes in [0, 8, 16, 20] {
        let (cloud, desk) = scene();
        desk.run(&APPLY).exits(0);
        let ran = run_with_file_limit(&desk, &TICK_TO_END, kilobytes);
        assert_eq!(ran.code, 3, "with {kilobytes} KiB: {ran:?}");
        assert!(
            ran.stderr.contains("Error: ") && ran.stderr.contains("run the command again"),
            "{}",
            ran.stderr
        );
        assert!(cloud.keys().iter().any(|key| key.status == KeyStatus::Active));
        desk.run(&TICK_TO_END).exits(0);
        assert_eq!(status(&desk)["state"], "rotated", "with {kilobytes} KiB");
        assert_rotated(&cloud);
    }
}

fn run_with_file_limit(desk: &Desk, arguments: &[&str], kilobytes: u32) -> Ran {
    let binary = desk.command(arguments);
    // The limit is in blocks of 512 bytes. Its signal is ignored, so that a write fails as it does on a full disk.
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kilobytes * 2);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).arg(binary.get_program()).args(binary.get_args());
    command.env_clear().current_dir(binary.get_current_dir().expect("a desk is a folder"));
    command.envs(binary.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Ran::from(command.stdin(Stdio::null()).output().expect("there is a shell"))
}

#[test]
fn data_that_cannot_be_written_is_an_error() {
    let (_cloud, desk) = scene();
    for arguments in [&["audit"][..], &["rotate", "plan"], &["rotate", "plan", "--format", "json"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = desk.command(arguments);
        let child = command.stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        Ran::from(child.wait_with_output().unwrap()).fails(3, "No space left on device", "");
    }
}

#[test]
fn a_clock_that_is_wrong_is_found_and_rotates_nothing() {
    let (cloud, desk) = scene();
    let document = desk.run(&["audit", "--at", "2020-01-01T00:00:00Z", "--format", "json"]).exits(1).json();
    let findings = document["findings"].as_array().unwrap();
    let found: Vec<_> = findings
        .iter()
        .filter(|finding| finding["code"] == "clock-before-creation")
        .map(|finding| finding["access_key_id"].as_str().unwrap())
        .collect();
    assert!(found.contains(&cloud.old.id.as_str()), "{document:#}");
    assert!(findings.iter().all(|finding| finding["code"] != "key-too-old"), "{document:#}");
}

#[test]
fn without_credentials_nothing_begins() {
    let cloud = Cloud::new();
    let mut desk = Desk::new();
    desk.export("AWS_ENDPOINT_URL", &format!("http://{}", cloud.address()));
    for arguments in [&["audit"][..], &["rotate"], &APPLY, &TICK_TO_END] {
        desk.run(arguments).fails(3, "no credentials found in chain", "aws sso login");
    }
    assert!(!desk.path(STORE).exists(), "not even the log was made");
}

#[test]
fn expired_credentials_stop_a_rotation_and_lose_nothing() {
    let (cloud, mut desk) = scene();
    let operator = Client::new(cloud.simulation.clone(), cloud.operator.duplicate());
    let session = Tree::map([("DurationSeconds", 900.into())]);
    let session = operator.call(Service::Sts, "GetSessionToken", session).unwrap();
    let session = session.get("Credentials").unwrap();
    let text = |member: &str| session.text(member).unwrap().to_owned();
    desk.run(&APPLY).exits(0);
    desk.export("AWS_ACCESS_KEY_ID", &text("AccessKeyId"));
    desk.export("AWS_SECRET_ACCESS_KEY", &text("SecretAccessKey"));
    desk.export("AWS_SESSION_TOKEN", &text("SessionToken"));
    cloud.simulation.advance_to(cloud.simulation.now() + SignedDuration::from_hours(24 * 60));
    for arguments in [&["audit"][..], &APPLY, &TICK_TO_END] {
        desk.run(arguments).fails(3, "expired", "Log in");
    }
    assert_eq!(cloud.keys().len(), 2);
    assert_eq!(status(&desk)["state"], "adopting");
}

/// Whatever one permission is missing, the rotation waits or asks, says which one, and goes on once it is there.
#[test]
fn a_call_that_is_denied_is_named_and_made_up_for() {
    use Service::{Iam, SecretsManager, Sts};
    let calls = [
        (Iam, "CreateAccessKey"),
        (Iam, "GetUser"),
        (Iam, "UpdateAccessKey"),
        (Iam, "DeleteAccessKey"),
        (SecretsManager, "GetSecretValue"),
        (SecretsManager, "PutSecretValue"),
        (SecretsManager, "UpdateSecretVersionStage"),
    ];
    for (service, action) in calls {
        let (cloud, desk) = scene();
        cloud.simulation.with_world(|world| {
            world.inject(InjectedFault::new(Effect::AccessDenied).on(service, action));
        });
        let began = desk.run(&APPLY);
        assert!(began.code < 2, "{action}: {began:?}");
        let mut said = began.stderr;
        for _ in 0..5 {
            cloud.simulation.advance_to(cloud.simulation.now() + SignedDuration::from_hours(12));
            said.push_str(&desk.run(&["rotate", "tick", "--store", STORE]).stderr);
        }
        let stopped = status(&desk);
        assert_ne!(stopped["state"], "rotated", "{action} was not needed");
        assert!(said.contains(action), "{action} is not named: {said}");
        assert!(cloud.keys().iter().any(|key| key.status == KeyStatus::Active), "{action}");

        cloud.simulation.with_world(|world| world.clear_faults());
        if !stopped["question"].is_null() {
            let rotation = stopped["rotation"].as_str().unwrap();
            desk.run(&["rotate", "resume", rotation, "--store", STORE]).exits(0);
        }
        desk.run(&TICK_TO_END).exits(0);
        assert_eq!(status(&desk)["state"], "rotated", "{action}");
        assert_rotated(&cloud);
    }
    let (cloud, desk) = scene();
    cloud.simulation.with_world(|world| {
        world.inject(InjectedFault::new(Effect::AccessDenied).on(Sts, "GetCallerIdentity"));
    });
    desk.run(&APPLY).fails(3, "sts:GetCallerIdentity", "Allow sts:GetCallerIdentity");
    assert_untouched(&cloud);
}

#[test]
fn an_endpoint_that_nobody_listens_at_is_a_clear_error() {
    let mut desk = Desk::new();
    desk.export("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
    desk.export("AWS_SECRET_ACCESS_KEY", "any");
    desk.export("AWS_REGION", "us-east-1");
    for arguments in [&["audit"][..], &["rotate", "plan"], &APPLY] {
        let elsewhere = [arguments, &["--endpoint-url", "http://127.0.0.1:9"]].concat();
        desk.run(&elsewhere).fails(3, "sts:GetCallerIdentity", "Check the network");
    }
    assert!(!desk.path(STORE).exists(), "not even the log was made");
}

#[test]
fn an_outage_in_the_middle_is_waited_for() {
    let (cloud, desk) = scene();
    let now = cloud.simulation.now();
    cloud.simulation.with_world(|world| {
        // Few calls each: between them the SDK waits in real time.
        let outage = |service| InjectedFault::new(Effect::Outage).on_service(service).times(5);
        let from = |minutes: i64| now + SignedDuration::from_mins(minutes);
        world.inject(outage(Service::SecretsManager).between(from(0), from(9)));
        world.inject(outage(Service::Iam).between(from(30), from(600)));
    });
    desk.run(&[&APPLY[..], &["--wait"]].concat()).exits(0);
    assert_rotated(&cloud);
}
