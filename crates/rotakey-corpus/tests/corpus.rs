//! What a corpus is said to hold is what `serde_json` finds in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use rotakey_corpus::{Options, make, make_hostile};
use serde_json::Value;

/// A folder that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// All files below the folder with their content, by path.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let content = fs::read(&path).unwrap();
            found.insert(path, content);
        }
    }
    found
}

fn unpack(packed: &[u8]) -> Vec<u8> {
    let length = u32::from_le_bytes(packed[packed.len() - 4..].try_into().unwrap());
    let mut unpacked = vec![0; length as usize];
    libdeflater::Decompressor::new().gzip_decompress(packed, &mut unpacked).unwrap();
    unpacked
}

/// The records of the trail, duplicates too.
fn records(folder: &Path) -> Vec<Value> {
    let logs = files(&folder.join("trail")).into_iter();
    let logs = logs.filter(|(path, _)| path.to_str().unwrap().contains("/CloudTrail/"));
    logs.flat_map(|(_, packed)| {
        let mut file: Value = serde_json::from_slice(&unpack(&packed)).unwrap();
        file["Records"].as_array_mut().map(std::mem::take).unwrap()
    })
    .collect()
}

#[test]
fn the_truth_is_what_a_plain_reader_finds() {
    let scratch = Scratch::new("truth");
    make(&Options::new(3_000, 7), &scratch.0).unwrap();

    let mut seen = BTreeSet::new();
    let mut keys: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let records = records(&scratch.0);
    let count = records.len();
    let mut duplicates = 0;
    for record in records {
        if record["eventID"].as_str().is_some_and(|id| !seen.insert(id.to_owned())) {
            duplicates += 1;
        } else if let Some(key) = record["userIdentity"]["accessKeyId"].as_str().filter(|key| !key.is_empty())
        {
            keys.entry(key.to_owned()).or_default().push(record);
        }
    }

    let truth: Value = serde_json::from_slice(&fs::read(scratch.0.join("truth.json")).unwrap()).unwrap();
    assert_eq!((count, truth["records"].as_u64()), (3_000, Some(3_000)));
    assert_eq!(truth["duplicates"], duplicates);
    assert!(duplicates > 30);
    let told = fs::read_to_string(scratch.0.join("keys.jsonl")).unwrap();
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), keys.len());
    for (told, (key, calls)) in told.iter().zip(&keys) {
        let distinct = |name: &str| {
            let texts = calls.iter().filter_map(|call| call[name].as_str());
            texts.filter(|text| !text.is_empty()).collect::<BTreeSet<_>>().len()
        };
        let actions: BTreeSet<_> =
            calls.iter().map(|call| (call["eventSource"].as_str(), call["eventName"].as_str())).collect();
        let failed =
            calls.iter().filter(|call| call["errorCode"].as_str().is_some_and(|code| !code.is_empty()));
        let last = calls.iter().map(|call| &call["eventTime"].as_str().unwrap()[..19]).max().unwrap();
        assert!(!key.starts_with("AKIADECOY"));
        assert_eq!(told["access_key_id"], **key);
        assert_eq!(told["calls"], calls.len());
        assert_eq!(told["addresses"], distinct("sourceIPAddress"));
        assert_eq!(told["distinct_user_agents"], distinct("userAgent"));
        assert_eq!(told["regions"], distinct("awsRegion"));
        assert_eq!(told["actions"], actions.len());
        assert_eq!(told["last_at"], format!("{last}Z"));
        let told_failed = told["failed_calls"].as_u64().unwrap() + told["throttled_calls"].as_u64().unwrap();
        assert_eq!(told_failed, failed.count() as u64);
    }
}

#[test]
fn the_same_options_make_the_same_bytes_in_any_number_of_threads() {
    let (one, other) = (Scratch::new("one"), Scratch::new("other"));
    let options = |threads| Options { threads, ..Options::new(500, 3) };
    make(&options(1), &one.0).unwrap();
    make(&options(3), &other.0).unwrap();
    let strip = |scratch: &Scratch| {
        let all = files(&scratch.0).into_iter();
        let all = all.map(|(path, content)| (path.strip_prefix(&scratch.0).unwrap().to_owned(), content));
        all.collect::<BTreeMap<_, _>>()
    };
    assert!(strip(&one) == strip(&other));
}

#[test]
fn another_seed_makes_other_keys() {
    let (one, other) = (Scratch::new("seed-1"), Scratch::new("seed-2"));
    make(&Options::new(300, 1), &one.0).unwrap();
    make(&Options::new(300, 2), &other.0).unwrap();
    let keys = |scratch: &Scratch| fs::read_to_string(scratch.0.join("keys.jsonl")).unwrap();
    assert_ne!(keys(&one), keys(&other));
}

#[test]
fn every_trap_is_set_and_what_is_only_delivered_has_none_that_is_invented() {
    let (all, delivered) = (Scratch::new("all"), Scratch::new("delivered"));
    make(&Options::new(12_000, 5), &all.0).unwrap();
    make(&Options { is_delivered: true, ..Options::new(12_000, 5) }, &delivered.0).unwrap();
    let traps = |scratch: &Scratch| {
        let truth: Value = serde_json::from_slice(&fs::read(scratch.0.join("truth.json")).unwrap()).unwrap();
        truth["traps"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let invented = ["access_key_id_twice", "escaped_member_name", "event_name_twice", "user_identity_twice"];
    let found = traps(&all);
    assert_eq!(found.len(), 19, "{found:?}");
    assert!(invented.iter().all(|trap| found.iter().any(|found| found == trap)));
    assert!(traps(&delivered).iter().all(|found| !invented.contains(&found.as_str())));
}

#[test]
fn session_keys_are_given_out_in_the_trail_that_they_are_used_in() {
    let scratch = Scratch::new("lineage");
    make(&Options::new(5_000, 11), &scratch.0).unwrap();
    let records = records(&scratch.0);
    let minted: BTreeSet<&str> = records
        .iter()
        .filter_map(|record| record["responseElements"]["credentials"]["accessKeyId"].as_str())
        .collect();
    let used: BTreeSet<&str> = records
        .iter()
        .filter_map(|record| record["userIdentity"]["accessKeyId"].as_str())
        .filter(|key| key.starts_with("ASIA"))
        .collect();
    let known = used.intersection(&minted).count();
    assert!(known * 10 > used.len() * 6, "{known} of {} are known", used.len());
}

#[test]
fn every_hostile_file_is_listed_with_what_is_wrong_with_it() {
    let scratch = Scratch::new("hostile");
    make_hostile(&scratch.0).unwrap();
    let truth: Value = serde_json::from_slice(&fs::read(scratch.0.join("truth.json")).unwrap()).unwrap();
    let mut listed: Vec<&str> =
        truth["files"].as_array().unwrap().iter().map(|file| file["file"].as_str().unwrap()).collect();
    listed.sort_unstable();
    let found = files(&scratch.0.join("trail"));
    let found: Vec<&str> = found.keys().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(found, listed);
}
