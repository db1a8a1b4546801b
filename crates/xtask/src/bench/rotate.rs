//! `cargo xtask bench rotate`: measures what rotations cost. Each section measures one thing and writes its own part of
//! the page.

mod forecast;
mod tick;

use std::path::PathBuf;

use super::machine::Machine;
use super::page::{self, Aims};
use crate::failure::Failure;
use crate::process;
use crate::repository::Repository;

/// Runs `bench rotate`.
pub(crate) fn run(repository: &Repository, options: &[&str]) -> Result<(), Failure> {
    let is_quick = match options {
        [] => false,
        ["--quick"] => true,
        _ => return Err(Failure::usage("bench rotate knows --quick only")),
    };
    let mut aims = Aims::new("Aims");
    let sections = [
        forecast::measure(repository, is_quick, &mut aims)?,
        tick::measure(repository, is_quick, &mut aims)?,
    ];
    let version = process::capture(repository.cargo().args(["pkgid", "--package", "rotakey-cli"]))?;
    let version = version.trim().rsplit(['#', '@']).next().unwrap_or_default();
    let mut versions = vec![format!("rotakey {version}")];
    versions.extend(sections.iter().flat_map(|section| section.versions.clone()));
    let machine = Machine::read(versions)?;
    let mut text = page::opening("Rotate", "bench rotate", &machine);
    for section in &sections {
        text.push_str("\n\n");
        text.push_str(section.text.trim());
    }
    text.push('\n');
    text.push_str(&aims.text());
    print!("\n{text}");
    if is_quick {
        println!("\nThe page stays as it is: this was not all of the benchmark.");
        return Ok(());
    }
    page::replace(repository, "rotate", &text)
}

/// Builds that example as it would be released, and tells where the program is.
fn example(repository: &Repository, package: &str, name: &str) -> Result<PathBuf, Failure> {
    println!("Building {name} as released.");
    let mut cargo = repository.cargo();
    cargo.args(["build", "--release", "--package", package, "--example", name]);
    process::run(&mut cargo)?;
    Ok(repository.target()?.join("release/examples").join(name))
}

/// What one section came to.
struct Section {
    /// Its part of the page, with its heading.
    text: String,
    /// What else was measured with, with versions.
    versions: Vec<String>,
}
