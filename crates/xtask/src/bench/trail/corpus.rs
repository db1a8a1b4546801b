//! The trails that are measured, made by `rotakey-corpus`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::super::measure;
use crate::failure::{Failure, While as _};
use crate::process;
use crate::repository::Repository;

/// Runs `trail-corpus`, which hands all its options to the generator.
pub(crate) fn make(repository: &Repository, options: &[&str]) -> Result<(), Failure> {
    let programs = super::super::build(repository, &["rotakey-corpus"])?;
    process::run(Command::new(programs.join("trail-corpus")).args(options))
}

/// What a trail is made from.
pub(super) struct Recipe(Vec<String>);

impl Recipe {
    /// So many events as CloudTrail delivers them.
    pub(super) fn delivered(events: u64, seed: u64) -> Self {
        Self::of(&["--events", &events.to_string(), "--seed", &seed.to_string(), "--delivered"])
    }

    /// Very many very small files, as a quiet account has.
    pub(super) fn small_files(seed: u64) -> Self {
        let seed = seed.to_string();
        let size = ["--events", "30477", "--files", "3900", "--spread", "0.8"];
        Self::of(&[&size[..], &["--seed", &seed, "--delivered"]].concat())
    }

    /// A trail with all traps, also with what CloudTrail would never write.
    pub(super) fn trapped(seed: u64) -> Self {
        Self::of(&["--events", "200000", "--seed", &seed.to_string()])
    }

    fn of(options: &[&str]) -> Self {
        Self(options.iter().map(|option| (*option).to_owned()).collect())
    }
}

/// A trail, and what is in it.
pub(super) struct Corpus {
    pub(super) folder: PathBuf,
    pub(super) records: u64,
    pub(super) files: u64,
    pub(super) keys: u64,
    pub(super) duplicates: u64,
    pub(super) stored_bytes: u64,
    pub(super) bytes: u64,
}

impl Corpus {
    /// Makes the trail in the folder, unless the same generator has made the same there before.
    pub(super) fn prepare(programs: &Path, folder: &Path, recipe: &Recipe) -> Result<Self, Failure> {
        let generator = programs.join("trail-corpus");
        let program = std::fs::read(&generator).could_not(format!("read {}", generator.display()))?;
        let mut hasher = DefaultHasher::new();
        program.hash(&mut hasher);
        let stamp = format!("{} {:016x}", recipe.0.join(" "), hasher.finish());
        let stamp_file = folder.join("made-from");
        if !std::fs::read_to_string(&stamp_file).is_ok_and(|found| found == stamp) {
            println!("Making a trail: {}", recipe.0.join(" "));
            measure::empty(folder)?;
            process::run(Command::new(generator).arg("--out").arg(folder).args(&recipe.0))?;
            std::fs::write(&stamp_file, stamp).could_not("finish a trail")?;
        }
        let truth = std::fs::read_to_string(folder.join("truth.json")).could_not("read the truth")?;
        let truth: Value = serde_json::from_str(&truth).could_not("read the truth")?;
        Self::of_truth(folder, &truth)
            .ok_or_else(|| Failure::new("the truth about a trail has another form than expected"))
    }

    fn of_truth(folder: &Path, truth: &Value) -> Option<Self> {
        Some(Self {
            folder: folder.to_owned(),
            records: truth["records"].as_u64()?,
            files: truth["files"].as_u64()?,
            keys: truth["keys"].as_u64()?,
            duplicates: truth["duplicates"].as_u64()?,
            stored_bytes: truth["stored_bytes"].as_u64()?,
            bytes: truth["bytes"].as_u64()?,
        })
    }

    /// The folder that a tool is pointed at.
    pub(super) fn trail(&self) -> PathBuf {
        self.folder.join("trail")
    }
}
