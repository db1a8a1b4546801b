//! The log of rotations moves from SQLite to PostgreSQL to DynamoDB and back, and is worked on in each.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::support::{Desk, Sandbox};

const POSTGRES: &str = "ROTAKEY_TEST_POSTGRES_URL";
const MOTO: &str = "ROTAKEY_TEST_MOTO_URL";

const CONFIGURATION: &str =
    "[[rotate.destination]]\ntype = \"secrets-manager\"\nname = \"iam/access-keys/{user}\"\n";

/// A variable that the test set-up sets.
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests by `cargo xtask test`"))
}

/// A name that nothing else on the shared servers has.
fn name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("stores_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A database of its own.
async fn database() -> String {
    let (server, name) = (variable(POSTGRES), name());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
    let (server, _) = server.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

fn table() -> String {
    format!("dynamodb://{}?region=eu-west-1", name())
}

/// A desk with a simulated AWS for all but the tables, which moto has.
fn desk(sandbox: &Sandbox) -> Desk {
    let mut desk = sandbox.desk();
    desk.export("AWS_ENDPOINT_URL_DYNAMODB", &variable(MOTO));
    desk.write("rotakey.toml", CONFIGURATION);
    desk
}

/// Begins the rotations that are due, and ends one of them.
fn begin(desk: &Desk) {
    desk.run(&["rotate", "apply"]);
    let rotations = desk.run(&["rotate", "status", "--format", "json"]).json();
    let first = rotations[0]["rotation"].as_str().unwrap().to_owned();
    assert!(rotations.as_array().unwrap().len() > 1, "{rotations}");
    desk.run(&["rotate", "abort", &first, "--why", "a \"reason\" \u{9375}"]).exits(0);
}

/// Has people told of what there is to tell, in vain, and nothing more of what has ended; and stops everything.
fn tell_and_halt(desk: &Desk, sandbox: &Sandbox) {
    desk.write("webhook-secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    desk.write(
        "rotakey.toml",
        format!(
            "{CONFIGURATION}\n[[notify]]\nname = \"tickets\"\ntype = \"webhook\"\nurl = \"https://127.0.0.1:9/\"\n\
             signing_secret = {{ file = \"webhook-secret\" }}\n"
        ),
    );
    desk.run(&["rotate", "tick"]);
    desk.run(&["rotate", "halt", "a move"]).exits(0);
    // What is older than three days is not told any more.
    sandbox.control("POST", "clock", r#"{"advance": "4d"}"#);
    desk.run(&["rotate", "tick"]);
    desk.write("rotakey.toml", CONFIGURATION);
}

fn export(desk: &Desk, store: &str) -> String {
    desk.run(&["store", "export", "--store", store]).exits(0).stdout
}

#[tokio::test]
async fn a_log_moves_from_sqlite_to_postgresql_to_dynamodb_and_back_and_stays_the_same() {
    let sandbox = Sandbox::start(12);
    let desk = desk(&sandbox);
    begin(&desk);
    tell_and_halt(&desk, &sandbox);
    let database = database().await;
    let password = database.split(['@', ':']).nth(2).unwrap().to_owned();
    let first = desk.path(".local/state/rotakey/rotations.db").display().to_string();
    let original = export(&desk, &first);
    assert!(original.starts_with("{\"type\":\"export\",\"format\":2}\n"), "{original}");
    for kind in ["\"control\",\"name\":\"halt\"", "\"delivery\"", "\"settled\":true"] {
        assert!(original.contains(kind), "no {kind} in {original}");
    }
    assert!(original.contains("\"open\":true") && original.contains("\"open\":false"), "{original}");
    let status = |store: &str| {
        let ran = desk.run(&["rotate", "status", "--all", "--format", "json", "--store", store]);
        ran.json()
    };

    let copies = [database.clone(), table(), desk.path("copy.db").display().to_string()];
    let mut from = first.clone();
    for to in &copies {
        let would = desk.run(&["store", "migrate", "--store", to]).exits(1);
        assert!(would.stdout.contains("would make"), "{}", would.stdout);
        let made = desk.run(&["store", "migrate", "--store", to, "--apply"]).exits(0);
        assert!(made.stdout.contains("made"), "{}", made.stdout);
        let ready = desk.run(&["store", "migrate", "--store", to, "--format", "json"]).exits(0).json();
        assert_eq!((&ready["action"], &ready["done"]), (&"none".into(), &false.into()), "{ready}");

        let moved = export(&desk, &from);
        let imported = desk.run_with_input(&["store", "import", "--store", to, "-"], moved.as_bytes());
        let imported = imported.exits(0);
        assert!(imported.stdout.starts_with("Imported "), "{}", imported.stdout);
        assert_eq!(export(&desk, to), original);
        assert_eq!(status(to), status(&first));
        let log = desk.write("log.jsonl", &original);
        let log = log.to_str().unwrap();
        desk.run(&["store", "verify", "--store", to, "--export", log]).exits(0);
        // Once more changes nothing.
        let again = desk.run(&["store", "import", "--store", to, "--format", "json", log]).exits(0).json();
        assert_eq!(again["rotations"], 0, "{again}");
        assert_eq!(export(&desk, to), original);
        for ran in [would.stdout, made.stdout, imported.stdout, ready.to_string(), again.to_string()] {
            assert!(!ran.contains(&password), "a password was told: {ran}");
        }
        from = to.clone();
    }
}

#[tokio::test]
async fn rotations_go_on_in_the_store_that_they_were_moved_to() {
    let sandbox = Sandbox::start(12);
    let desk = desk(&sandbox);
    let stores = [database().await, table()];
    begin(&desk);
    let mut from = desk.path(".local/state/rotakey/rotations.db").display().to_string();
    let open = desk.run(&["rotate", "status", "--format", "json"]).json();
    let adopting = open.as_array().unwrap().iter().find(|it| it["state"] == "adopting").unwrap();
    let rotation = adopting["rotation"].as_str().unwrap().to_owned();
    let state_in = |store: &str| {
        let all = desk.run(&["rotate", "status", "--all", "--format", "json", "--store", store]).json();
        let mine = all.as_array().unwrap().iter().find(|it| it["rotation"] == *rotation).cloned();
        mine.unwrap()["state"].as_str().unwrap().to_owned()
    };
    let mut states = vec![state_in(&from)];
    for to in &stores {
        desk.run(&["store", "migrate", "--store", to, "--apply"]).exits(0);
        desk.run_with_input(&["store", "import", "--store", to, "-"], export(&desk, &from).as_bytes())
            .exits(0);
        if states.len() == 1 {
            desk.run(&["rotate", "rollback", &rotation, "--why", "for a test", "--store", to]);
        } else {
            sandbox.control("POST", "clock", r#"{"advance": "2d"}"#);
            desk.run(&["rotate", "tick", "--store", to]);
            // The secret never held the old key, so the way back ends with a question.
            desk.run(&["rotate", "abort", &rotation, "--why", "for a test", "--store", to]).exits(0);
        }
        states.push(state_in(to));
        let before = desk.write("before.jsonl", export(&desk, &from));
        let moved = desk.run(&["store", "verify", "--store", to, "--export", before.to_str().unwrap()]);
        let moved = moved.exits(1);
        assert!(moved.stdout.contains("more records in the store than in the export"), "{}", moved.stdout);
        desk.run(&["store", "verify", "--store", to]).exits(0);
        from = to.clone();
    }
    assert_eq!(states, ["adopting", "rolling-back", "aborted"]);
}

#[test]
fn what_is_no_store_and_what_is_no_export_is_told() {
    let sandbox = Sandbox::start(3);
    let desk = desk(&sandbox);
    for (store, told) in [
        ("mysql://keeper:hunter2@db.example.com/keys", "postgres://USER@HOST/DATABASE"),
        ("dynamodb:hunter2", "two slashes"),
        ("dynamodb://x/hunter2", "3 to 255 letters"),
        ("postgres://keeper:hunter2@[/keys", "not understood"),
    ] {
        for command in [&["store", "verify"][..], &["store", "migrate"], &["rotate", "status"]] {
            let ran = desk.run(&[command, &["--store", store]].concat());
            assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("hunter2"), "{}", ran.stderr);
            ran.fails(2, told, "--store dynamodb://TABLE");
        }
    }
    let absent = table();
    desk.run(&["rotate", "status", "--store", &absent]).fails(3, "no such table", "rotakey store migrate");
    desk.run(&["store", "verify", "--store", &absent]).fails(3, "no such table", "rotakey store migrate");

    let empty = desk.run(&["store", "export"]).exits(0).stdout;
    assert_eq!(empty.lines().count(), 2, "{empty}");
    assert!(!desk.path(".local").exists(), "an export makes no store");
    let half = desk.write("half.jsonl", empty.lines().next().unwrap().to_owned() + "\n");
    desk.run(&["store", "import", half.to_str().unwrap()]).fails(2, "before its own end", "Export again");
    let other = desk.write("other.jsonl", "{}\n");
    desk.run(&["store", "import", other.to_str().unwrap()]).fails(
        2,
        "no export of rotakey",
        "Nothing was changed",
    );
    desk.run(&["store", "import", "nowhere.jsonl"]).fails(
        2,
        "cannot read the export",
        "rotakey store export",
    );
}
