//! `cargo xtask docs`: writes the generated documents anew.
//!
//! Each is the snapshot of a test, so that it cannot lie; the tests write instead of compare when they find
//! `UPDATE_DOCS` set.

use crate::failure::Failure;
use crate::repository::Repository;
use crate::{picture, process};

/// The tests that write documents: a package and a part of their names.
const WRITERS: &[(&str, &str)] =
    &[("rotakey-cli", "docs"), ("rotakey-core", SCHEMAS), ("rotakey-scan", SCHEMAS)];

/// The name that the tests of schemas have in common.
const SCHEMAS: &str = "the_schema_in_the_documentation_is_current";

/// Runs the task.
pub(crate) fn run(repository: &Repository) -> Result<(), Failure> {
    for (package, name) in WRITERS {
        let mut cargo = repository.cargo();
        process::run(cargo.args(["test", "--quiet", "--package", package, name]).env("UPDATE_DOCS", "1"))?;
    }
    picture::draw(repository)?;
    println!("The documents are up to date; `git diff docs` shows what changed.");
    Ok(())
}
