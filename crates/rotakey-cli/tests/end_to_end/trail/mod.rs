//! `rotakey trail usage` on generated trails: against an independent reader, in parts, and from an object store.

pub(crate) mod object_store;
mod reference;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rotakey_corpus::Options;
use serde_json::Value;

use crate::support::{Desk, Ran};

/// A generated trail in `trail/` on a desk, with every trap that there is.
struct Corpus {
    desk: Desk,
    /// What is known to be in it.
    truth: Value,
}

impl Corpus {
    fn new(events: u64, seed: u64) -> Self {
        let desk = Desk::new();
        rotakey_corpus::make(&Options::new(events, seed), &desk.path(""))
            .expect("the folder can be written to");
        Self::of(desk)
    }

    /// Files that cannot be read, each for another reason.
    fn hostile() -> Self {
        let desk = Desk::new();
        rotakey_corpus::make_hostile(&desk.path("")).expect("the folder can be written to");
        Self::of(desk)
    }

    fn of(desk: Desk) -> Self {
        let truth = std::fs::read(desk.path("truth.json")).expect("it was written");
        Self { desk, truth: serde_json::from_slice(&truth).expect("it is JSON") }
    }

    /// All files of the trail, those that hold no records too.
    fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&self.desk.path("trail"), &mut found);
        found.sort();
        found
    }

    fn trail(&self, arguments: &[&str]) -> Ran {
        self.desk.run(&[&["trail"], arguments].concat())
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The rows of a JSON answer as they are written, without what tells of files.
#[track_caller]
fn rows(ran: &Ran) -> &str {
    ran.stdout.split_once("],\"summary\"").expect("there is a summary").0
}

/// The rows of a JSON answer by key.
fn by_key(answer: &Value) -> BTreeMap<&str, &Value> {
    let keys = answer["keys"].as_array().expect("keys are a list").iter();
    keys.map(|row| (row["access_key_id"].as_str().expect("a row has a key"), row)).collect()
}
