//! Every figure of every key, as a plain reader in Python finds it, which shares no code with ours.
//!
//! Python is found through `ROTAKEY_TEST_PYTHON`; `cargo xtask test` sets it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{Corpus, by_key, rows};
use crate::support::repository;

const PYTHON: &str = "ROTAKEY_TEST_PYTHON";

/// What the reference says of a trail.
fn reference(corpus: &Corpus) -> Value {
    let python = std::env::var(PYTHON).unwrap_or_else(|_| {
        panic!(
            "{PYTHON} is not set: this test needs an interpreter. \
             Run `cargo xtask setup` once, and the tests by `cargo xtask test`."
        )
    });
    let (trail, answer) = (corpus.desk.path("trail"), corpus.desk.path("reference.json"));
    let mut command = Command::new(python);
    command.arg(repository().join("crates/xtask/bench/trail_reference.py")).args([&trail, &answer]);
    assert!(command.status().expect("Python runs").success(), "the reference fails");
    serde_json::from_slice(&std::fs::read(answer).expect("it was written")).expect("it is JSON")
}

#[test]
fn every_figure_of_every_key_is_what_an_independent_reader_finds() {
    for seed in [1, 7, 20_261_123] {
        let corpus = Corpus::new(3_000, seed);
        let ran = corpus.trail(&["usage", "trail", "--format", "json"]).exits(0);
        assert_eq!(ran.stderr, "");
        let (ours, theirs) = (ran.json(), reference(&corpus));
        assert_eq!(ours["complete"], true);
        for figure in ["records", "duplicates", "malformed_records"] {
            assert_eq!(ours["summary"][figure], theirs["summary"][figure], "{figure} of seed {seed}");
        }
        for figure in ["records", "duplicates"] {
            assert_eq!(ours["summary"][figure], corpus.truth[figure], "{figure} of seed {seed}");
        }
        let (ours, theirs) = (by_key(&ours), by_key(&theirs));
        assert!(theirs.len() > 100, "there is something to compare");
        assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "of seed {seed}");
        for (key, expected) in &theirs {
            let found = ours[key];
            for (name, value) in expected.as_object().expect("a row is an object") {
                assert_eq!(&found[name], value, "{name} of {key}, seed {seed}");
            }
            assert_eq!(found.get("parent"), expected.get("parent"), "of {key}, seed {seed}");
        }
        for (key, expected) in of_sessions(&theirs) {
            let found = &ours[key.as_str()]["sessions"];
            for (name, value) in expected.as_object().expect("it is an object") {
                assert_eq!(&found[name], value, "{name} of the sessions of {key}, seed {seed}");
            }
        }
        // Threads divide the files as it comes.
        let again = corpus.trail(&["usage", "trail", "--format", "json"]).exits(0);
        assert_eq!(rows(&again), rows(&ran), "of seed {seed}");
    }
}

/// The use by sessions, added up for each key that they come from, directly or not.
fn of_sessions(rows: &BTreeMap<&str, &Value>) -> BTreeMap<String, Value> {
    let mut sums = BTreeMap::<String, Value>::new();
    for row in rows.values() {
        let mut at = *row;
        while let Some(parent) = at["parent"].as_str() {
            let first = json!({
                "calls": 0, "denied_calls": 0, "failed_calls": 0, "throttled_calls": 0,
                "first_at": row["first_at"], "last_at": row["last_at"],
            });
            let sum = sums.entry(parent.to_owned()).or_insert(first);
            for name in ["calls", "denied_calls", "failed_calls", "throttled_calls"] {
                sum[name] = json!(sum[name].as_u64().zip(row[name].as_u64()).map(|(one, other)| one + other));
            }
            let text = |value: &Value| value.as_str().expect("it is an instant").to_owned();
            sum["first_at"] = json!(text(&sum["first_at"]).min(text(&row["first_at"])));
            sum["last_at"] = json!(text(&sum["last_at"]).max(text(&row["last_at"])));
            let Some(next) = rows.get(parent) else { break };
            at = next;
        }
    }
    assert!(sums.len() > 5, "there are sessions to compare");
    sums
}

#[test]
fn partials_of_any_split_give_every_row_as_one_process_does() {
    let mut random = fastrand::Rng::with_seed(20_261_123);
    for seed in [3, 11] {
        let corpus = Corpus::new(2_000, seed);
        // What is named is read, whatever it is; the folders of digests and of others are passed over only as a whole.
        let mut files = corpus.files();
        files.retain(|path| path.to_string_lossy().contains("/CloudTrail/"));
        let whole = |by: &str| corpus.trail(&["usage", "trail", "--by", by, "--format", "json"]).exits(0);
        let count = random.usize(2..6);
        let mut shards = vec![Vec::<&Path>::new(); count];
        for file in &files {
            shards[random.usize(..count)].push(file);
            // Some are read on two machines.
            if random.usize(..10) == 0 {
                shards[random.usize(..count)].push(file);
            }
        }
        let mut partials: Vec<String> = (0..count).map(|number| format!("{number}.part")).collect();
        for (partial, shard) in partials.iter().zip(&shards) {
            let files = shard.iter().map(|path| path.to_str().expect("the path is text"));
            let arguments: Vec<&str> =
                ["usage", "--partial", "--output", partial].into_iter().chain(files).collect();
            corpus.trail(&arguments).exits(0);
        }
        random.shuffle(&mut partials);
        for by in ["key", "principal", "consumer", "service", "day"] {
            let names: Vec<&str> = partials.iter().map(String::as_str).collect();
            let merged =
                corpus.trail(&[&["merge", "--by", by, "--format", "json"], &names[..]].concat()).exits(0);
            assert_eq!(rows(&merged), rows(&whole(by)), "by {by}, seed {seed}");
        }
    }
}

#[test]
fn hostile_files_are_read_as_far_as_they_can_be_and_told() {
    let corpus = Corpus::hostile();
    let files = corpus.truth["files"].as_array().expect("files are a list");
    let mut unsound = 0;
    for file in files {
        let name = file["file"].as_str().expect("a file has a name");
        let is_sound = file["is_sound"] == true;
        unsound += u64::from(!is_sound);
        let path = format!("trail/{name}");
        let ran = corpus.trail(&["usage", &path, "--format", "json"]).exits(if is_sound { 0 } else { 4 });
        let answer = ran.json();
        assert_eq!(answer["complete"], is_sound, "{name}: {ran:?}");
        let (found, expected) =
            (answer["summary"]["records"].as_u64(), file["records_that_can_be_read"].as_u64());
        if is_sound {
            assert_eq!(found, expected, "{name}");
        } else {
            assert!(found >= expected && found <= Some(2), "{name}: {ran:?}");
            assert!(ran.stderr.contains(&path), "{name} is named: {}", ran.stderr);
        }
    }
    let together = corpus.trail(&["usage", "trail", "--format", "json"]).exits(4).json();
    assert_eq!(together["summary"]["files"], files.len());
    let told = together["summary"]["problem_count"].as_u64().unwrap_or_default()
        + together["summary"]["malformed_records"].as_u64().unwrap_or_default();
    assert!(told >= unsound, "{together:#}");
}
