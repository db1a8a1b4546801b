//! `cargo xtask setup`: installs what the tests and the benchmarks need. Doing it again does nothing.

use std::process::Command;

use crate::failure::Failure;
use crate::postgres;
use crate::process;
use crate::python::Environment;
use crate::repository::Repository;

/// Runs the task.
pub(crate) fn run(repository: &Repository, options: &[&str]) -> Result<(), Failure> {
    let environments = match options {
        [] => vec![tests(repository)],
        ["--bench"] => {
            vec![tests(repository), prowler(repository), custodian(repository), trail_peers(repository)]
        }
        _ => return Err(Failure::usage(format!("setup does not know {}", options.join(" ")))),
    };
    for environment in &environments {
        environment.install()?;
    }
    postgres::install()?;
    if !has_nextest(repository) {
        println!(
            "cargo-nextest is not installed, so the tests will run under `cargo test`, without time limits.\n\
             To install it: cargo install --locked cargo-nextest"
        );
    }
    println!("Everything is installed.");
    Ok(())
}

/// What the tests need: moto's server, boto3 and the aws CLI.
pub(crate) fn tests(repository: &Repository) -> Environment {
    Environment::new(repository, "tests", include_str!("../requirements/tests.txt"))
}

/// Prowler, which pins so many packages that it needs an environment of its own.
pub(crate) fn prowler(repository: &Repository) -> Environment {
    Environment::new(repository, "prowler", include_str!("../requirements/prowler.txt"))
}

/// Cloud Custodian, likewise.
pub(crate) fn custodian(repository: &Repository) -> Environment {
    Environment::new(repository, "custodian", include_str!("../requirements/custodian.txt"))
}

/// What `rotakey trail` is measured beside: ClickHouse and DuckDB, each in a process of Python.
pub(crate) fn trail_peers(repository: &Repository) -> Environment {
    Environment::new(repository, "bench-trail", include_str!("../requirements/bench-trail.txt"))
}

/// Whether `cargo nextest` can be called.
pub(crate) fn has_nextest(repository: &Repository) -> bool {
    let mut nextest: Command = repository.cargo();
    process::works(nextest.args(["nextest", "--version"]))
}
