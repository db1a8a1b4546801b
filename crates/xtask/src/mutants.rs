//! `cargo xtask mutants`: plants the classic mistakes of rotation tools in a copy of the sources, one at a
//! time, and demands that the simulation of the engine catches each.

use std::path::Path;
use std::process::Command;

use crate::failure::{Failure, While as _};
use crate::process;
use crate::repository::Repository;

/// How many seeds a mutant gets to show itself. The unchanged sources pass all of them.
const SEEDS: &str = "60";

/// One mistake: texts of the sources, each of which stands there exactly once, and what stands there instead.
struct Mutant {
    name: &'static str,
    edits: &'static [(&'static str, &'static str, &'static str)],
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "delete before disable",
        edits: &[
            (
                "crates/rotakey-core/src/rotate/next/forward.rs",
                "Ok(act(Intent::Disable { key: self.old().clone() }))",
                "Ok(act(Intent::Delete { key: self.old().clone() }))",
            ),
            (
                "crates/rotakey-core/src/rotate/effect.rs",
                "assert!(!matches!(intent, Intent::Delete { .. }), \"deleting takes proofs\");",
                "",
            ),
            (
                "crates/rotakey-core/src/rotate/rotation.rs",
                "(State::Ready { .. }, Intent::Disable { key }) => key == old && self.alarm.is_none(),",
                "(State::Ready { .. }, Intent::Delete { key }) => key == old && self.alarm.is_none(),",
            ),
        ],
    },
    Mutant {
        name: "trust a failed observation: a list that could not be read is empty",
        edits: &[(
            "crates/rotakey-core/src/rotate/next/look.rs",
            "Seen::Known(keys) => Ok(keys),\n            Seen::Unknown(why) => Err(self.cannot_see(why)),",
            "Seen::Known(keys) => Ok(keys),\n            Seen::Unknown(_) => Ok(&[]),",
        )],
    },
    Mutant {
        name: "choose the older key: free a place by age",
        edits: &[
            (
                "crates/rotakey-core/src/rotate/next/unfinished.rs",
                "[key] => note(Note::OrphanFound { key: key.id.clone() }),",
                "[_] => note(Note::OrphanFound { key: self.old().clone() }),",
            ),
            (
                "crates/rotakey-core/src/rotate/apply.rs",
                "(State::Issuing { create }, Note::OrphanFound { key }) if !create.keys_before.contains(key) => {",
                "(State::Issuing { .. }, Note::OrphanFound { key }) => {",
            ),
        ],
    },
    Mutant {
        name: "forget the orphan",
        edits: &[
            (
                "crates/rotakey-core/src/rotate/next/unfinished.rs",
                "match self.appeared_since(create)?.as_slice() {\n            [] => Ok(note(Note::NothingCreated)),",
                "match self.appeared_since(create)?.as_slice() {\n            _ if self.now >= settled => Ok(note(Note::NothingCreated)),\n            [] => Ok(note(Note::NothingCreated)),",
            ),
            (
                "crates/rotakey-core/src/rotate/next/mod.rs",
                "self.find_late_create()?;",
                "let _ = self.find_late_create();",
            ),
        ],
    },
    Mutant {
        name: "disable without waiting for quiet",
        edits: &[(
            "crates/rotakey-core/src/rotate/next/adopt.rs",
            "Some(adopted) if self.now >= quiet_at && left.is_empty() => {",
            "Some(adopted) if self.now >= adoption.published_at => {",
        )],
    },
];

/// Runs the task.
pub(crate) fn run(repository: &Repository) -> Result<(), Failure> {
    let files = repository.files()?;
    let scratch = repository.scratch().join("mutants");
    let tree = scratch.join("tree");
    let mut survivors = Vec::new();
    for mutant in MUTANTS {
        plant(mutant, &files, &tree)?;
        // A mutant that does not compile would look like one that is caught.
        process::capture(simulation(repository, &scratch).arg("--no-run"))?;
        let caught = !process::works(simulation(repository, &scratch).args(["--", "storm"]));
        println!("{}: {}", if caught { "caught" } else { "SURVIVED" }, mutant.name);
        if !caught {
            survivors.push(mutant.name);
        }
    }
    if survivors.is_empty() {
        println!("All {} mutants were caught.", MUTANTS.len());
        return Ok(());
    }
    Err(Failure::new(format!("the simulation did not catch: {}", survivors.join("; ")))
        .hint("a mistake that the tests let through will be made some day: tighten the simulation"))
}

/// The call of cargo that runs the simulation in the copy.
fn simulation(repository: &Repository, scratch: &Path) -> Command {
    let mut cargo = repository.cargo();
    cargo
        .current_dir(scratch.join("tree"))
        .args(["test", "--quiet", "--package", "rotakey-sim", "--test", "simulation"])
        .env("CARGO_TARGET_DIR", scratch.join("target"))
        .env("RUSTFLAGS", "--cap-lints=warn")
        .env("ROTAKEY_SEEDS", SEEDS);
    cargo
}

/// Writes the sources with the mistake in them. Files that are as they should be are not touched, so that
/// only what changed is compiled anew.
fn plant(mutant: &Mutant, files: &[(String, String)], tree: &Path) -> Result<(), Failure> {
    for (path, text) in files {
        let mutated = mutate(mutant, path, text)?;
        let target = tree.join(path);
        if std::fs::read_to_string(&target).is_ok_and(|present| present == mutated) {
            continue;
        }
        let folder = target.parent().expect("a file is in a folder");
        std::fs::create_dir_all(folder).could_not(format!("create {}", folder.display()))?;
        std::fs::write(&target, mutated).could_not(format!("write {}", target.display()))?;
    }
    Ok(())
}

fn mutate(mutant: &Mutant, path: &str, text: &str) -> Result<String, Failure> {
    let mut text = text.to_owned();
    for (_, from, to) in mutant.edits.iter().filter(|(file, ..)| *file == path) {
        if text.matches(from).count() != 1 {
            return Err(Failure::new(format!("the mutant {:?} no longer fits {path}", mutant.name))
                .hint(format!("this must stand there exactly once:\n{from}")));
        }
        text = text.replace(from, to);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_fits_the_sources() {
        let files = Repository::here().files().unwrap();
        for mutant in MUTANTS {
            for (file, ..) in mutant.edits {
                let (path, text) = files.iter().find(|(path, _)| path == file).expect(file);
                if let Err(failure) = mutate(mutant, path, text) {
                    panic!("{failure}");
                }
            }
        }
    }
}
