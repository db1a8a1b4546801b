//! `cargo xtask tidy`: checks what neither the compiler nor clippy can.
//!
//! Each check is one function from the project to the problems that it finds. To add one, write it in the
//! module of its subject, show in a test what it catches, and name it in [`CHECKS`].

mod arrows;
mod documents;
mod graph;
mod machine;
mod marks;
mod project;
mod purity;

use crate::failure::Failure;
use crate::process;
use crate::repository::Repository;
use graph::Graph;
use project::{Check, Project};

/// All checks, each with what it asserts.
const CHECKS: &[(&str, Check)] = &[
    ("the arrows between crates are those of ARCHITECTURE.md", arrows::as_drawn),
    ("arrows point down", arrows::point_down),
    ("ARCHITECTURE.md lists every crate", arrows::every_crate_is_listed),
    ("only rotakey-aws names the AWS SDK", purity::the_sdk_has_one_home),
    ("the domain crates depend on nothing that acts", purity::no_acting_dependency),
    ("the domain crates call nothing that acts", purity::no_acting_call),
    ("no source file is too long", marks::length),
    ("nothing is left to be done", marks::unfinished),
    ("no test is switched off", marks::ignored_tests),
    ("no test sleeps", marks::sleeping_tests),
    ("lints are expected with a reason, not allowed", marks::allowed_lints),
    ("no path of somebody's machine", machine::paths),
    ("no private package registry", machine::registries),
    ("links in documents point to something", documents::links),
    ("the changelog has a place for what is not released", documents::changelog),
];

/// Runs the task.
pub(crate) fn run(repository: &Repository) -> Result<(), Failure> {
    let metadata =
        process::capture(repository.cargo().args(["metadata", "--format-version", "1", "--locked"]))?;
    let project = Project { files: repository.files()?, graph: Graph::parse(&metadata)? };

    let mut count = 0;
    for (assertion, check) in CHECKS {
        let problems = check(&project);
        if !problems.is_empty() {
            println!("NOT SO: {assertion}");
        }
        for problem in &problems {
            println!("  {problem}");
        }
        count += problems.len();
    }
    if count > 0 {
        return Err(Failure::new(format!("tidy found {count} problems")));
    }
    println!("Tidy: {} checks, {} files, nothing found.", CHECKS.len(), project.files.len());
    Ok(())
}
