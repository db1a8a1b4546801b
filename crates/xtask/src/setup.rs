//! `cargo xtask setup`: installs what the tests and the benchmarks need. Doing it again does nothing.

use std::process::Command;

use crate::apt;
use crate::failure::Failure;
use crate::github_openapi;
use crate::postgres;
use crate::process;
use crate::python::Environment;
use crate::repository::Repository;

/// Runs the task.
pub(crate) fn run(repository: &Repository, options: &[&str]) -> Result<(), Failure> {
    let environments = match options {
        [] => vec![tests(repository), places(repository), engines(repository), spark(repository)],
        ["--bench"] => {
            vec![
                tests(repository),
                engines(repository),
                prowler(repository),
                custodian(repository),
                scanners(repository),
            ]
        }
        _ => return Err(Failure::usage(format!("setup does not know {}", options.join(" ")))),
    };
    for environment in &environments {
        environment.install()?;
    }
    if options.is_empty() {
        java()?;
    }
    postgres::install()?;
    github_openapi::install(repository)?;
    if !has_nextest(repository) {
        println!(
            "cargo-nextest is not installed, so the tests will run under `cargo test`, without time limits.\n\
             To install it: cargo install --locked cargo-nextest"
        );
    }
    println!("Everything is installed.");
    Ok(())
}

/// What the tests need: moto's server, boto3, the aws CLI, detect-secrets and the schema of SARIF.
pub(crate) fn tests(repository: &Repository) -> Environment {
    Environment::new(repository, "tests", include_str!("../requirements/tests.txt"))
}

/// What destinations are tested against: OpenBao, and the description of Kubernetes' API.
pub(crate) fn places(repository: &Repository) -> Environment {
    Environment::new(repository, "places", include_str!("../requirements/places.txt"))
}

/// Prowler, which pins so many packages that it needs an environment of its own.
pub(crate) fn prowler(repository: &Repository) -> Environment {
    Environment::new(repository, "prowler", include_str!("../requirements/prowler.txt"))
}

/// Cloud Custodian, likewise.
pub(crate) fn custodian(repository: &Repository) -> Environment {
    Environment::new(repository, "custodian", include_str!("../requirements/custodian.txt"))
}

/// ClickHouse and DuckDB, each in a process of Python, and sqlglot: what `rotakey trail` is measured beside, and what
/// the SQL of `rotakey trail athena` is run on by the slow tests.
pub(crate) fn engines(repository: &Repository) -> Environment {
    Environment::new(repository, "engines", include_str!("../requirements/engines.txt"))
}

/// PySpark, which the slow tests run `integrations/spark` on.
pub(crate) fn spark(repository: &Repository) -> Environment {
    Environment::new(repository, "spark", include_str!("../requirements/spark.txt"))
}

/// The scanners that `rotakey scan` is measured beside, as far as they come from PyPI.
pub(crate) fn scanners(repository: &Repository) -> Environment {
    Environment::new(repository, "scanners", include_str!("../requirements/scanners.txt"))
}

/// Installs what only the slow tests need.
pub(crate) fn slow(repository: &Repository) -> Result<(), Failure> {
    engines(repository).install()?;
    spark(repository).install()?;
    java()
}

/// Fails unless there is Java, which Spark runs on.
fn java() -> Result<(), Failure> {
    let find = || process::works(Command::new("java").arg("-version")).then_some(());
    apt::install(&["default-jre-headless"], find, || Failure::new("there is no java, which Spark needs"))
}

/// Whether `cargo nextest` can be called.
pub(crate) fn has_nextest(repository: &Repository) -> bool {
    let mut nextest: Command = repository.cargo();
    process::works(nextest.args(["nextest", "--version"]))
}
