//! `cargo xtask docs`: writes the generated documents anew.
//!
//! Each is the snapshot of a test, so that it cannot lie; the tests write instead of compare when they find
//! `UPDATE_DOCS` set.

use crate::failure::Failure;
use crate::repository::Repository;
use crate::{picture, process};

/// The tests that write documents, by parts of their names.
const WRITERS: [&str; 2] =
    ["docs_reference_is_the_help_of_every_command", "the_schema_in_the_documentation_is_current"];

/// Runs the task.
pub(crate) fn run(repository: &Repository) -> Result<(), Failure> {
    // Of the whole workspace, as the tests are built: a package by itself has other features, and all that it is built
    // from would be compiled once more.
    let mut cargo = repository.cargo();
    cargo.args(["test", "--workspace", "--quiet", "--lib", "--test", "cli", "--"]).args(WRITERS);
    process::run(cargo.env("UPDATE_DOCS", "1"))?;
    picture::draw(repository)?;
    println!("The documents are up to date; `git diff docs` shows what changed.");
    Ok(())
}
