//! `cargo xtask bench`: measures rotakey beside other tools, in one run, and writes what came of it into
//! `docs/benchmarks.md`. Each benchmark has a part of that page.
//!
//! What is measured is what a person waits and pays for: whole processes, from their start to their end. What
//! is found is held against the truth at the same time: a fast wrong answer is no answer.

mod audit;
mod machine;
mod measure;
mod organization;
mod page;
mod rotate;
mod scan;
mod trail;

pub(crate) use audit::run as audit;
pub(crate) use organization::run as organization;
pub(crate) use rotate::run as rotate;
pub(crate) use scan::run as scan;
pub(crate) use trail::corpus::make as trail_corpus;
pub(crate) use trail::run as trail;

use std::path::PathBuf;

use crate::failure::Failure;
use crate::process;
use crate::repository::Repository;

/// Builds these packages as they are released, and tells in which folder the programs are.
fn build(repository: &Repository, packages: &[&str]) -> Result<PathBuf, Failure> {
    println!("Building {} as released.", packages.join(" and "));
    let mut cargo = repository.cargo();
    cargo.args(["build", "--release"]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    process::run(&mut cargo)?;
    Ok(repository.target()?.join("release"))
}

/// Reads the value of an option.
fn number<T: std::str::FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::usage(format!("{text:?} is not a number that fits")))
}
