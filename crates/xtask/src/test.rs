//! `cargo xtask test`: the whole test run, from nothing.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::repository::Repository;
use crate::{github_openapi, moto, mutants, postgres, process, setup};

/// Runs the task.
pub(crate) fn run(repository: &Repository, options: &[&str]) -> Result<(), Failure> {
    let selection = Selection::parse(options)?;
    let started = Instant::now();
    let environment = setup::tests(repository);
    environment.install()?;
    let places = setup::places(repository);
    places.install()?;
    github_openapi::install(repository)?;
    if !selection.quick {
        setup::slow(repository)?;
    }

    let python = environment.program("python");
    let server = moto::Server::start(&python)?;
    let database = postgres::Server::start(repository)?;
    let prepare = |command: &mut Command| {
        command.env("ROTAKEY_TEST_MOTO_URL", server.url()).env("ROTAKEY_TEST_PYTHON", &python);
        command.env("ROTAKEY_TEST_POSTGRES_URL", database.url()).env("ROTAKEY_TEST_PLACES", places.folder());
        command.env("ROTAKEY_TEST_GITHUB_OPENAPI", github_openapi::path(repository));
        for (name, environment) in [
            ("ROTAKEY_TEST_ENGINES_PYTHON", setup::engines(repository)),
            ("ROTAKEY_TEST_SPARK_PYTHON", setup::spark(repository)),
        ] {
            command.env(name, environment.program("python"));
        }
        process::status(command).map(|status| status.success())
    };
    let mut passed = true;
    for step in selection.steps(setup::has_nextest(repository)) {
        passed &= prepare(repository.cargo().args(step))?;
    }
    drop((server, database));
    if passed && selection.is_everything() {
        mutants::run(repository)?;
    }
    report(passed, started.elapsed())
}

/// Which of the tests to run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Selection<'a> {
    /// Leaves out the slow suites.
    quick: bool,
    /// Parts of names; a test runs if its name has one of them. None means all.
    filters: Vec<&'a str>,
}

impl<'a> Selection<'a> {
    fn parse(options: &[&'a str]) -> Result<Self, Failure> {
        let mut selection = Self::default();
        let mut options = options.iter().copied();
        while let Some(option) = options.next() {
            match option {
                "--quick" => selection.quick = true,
                "--" => selection.filters = options.by_ref().collect(),
                _ => return Err(Failure::usage(format!("test does not know {option}"))),
            }
        }
        Ok(selection)
    }

    /// Whether nothing is left out.
    fn is_everything(&self) -> bool {
        !self.quick && self.filters.is_empty()
    }

    /// The calls of cargo, in their order.
    fn steps(&self, nextest: bool) -> Vec<Vec<&'a str>> {
        let mut tests = if nextest {
            let profile = if self.quick { "quick" } else { "default" };
            vec!["nextest", "run", "--workspace", "--profile", profile]
        } else {
            println!("cargo-nextest is not installed: the tests run under `cargo test`.");
            // Without nextest's filters, the slow suites are told by where they are: all are in `tests/`.
            let targets: &[_] = if self.quick { &["--lib", "--bins"] } else { &["--all-targets"] };
            [&["test", "--workspace", "--no-fail-fast"], targets].concat()
        };
        if !self.filters.is_empty() {
            tests.push("--");
            tests.extend(&self.filters);
            return vec![tests];
        }
        // nextest does not run the examples in documentation.
        let examples = vec!["test", "--doc", "--workspace", "--quiet"];
        if self.quick { vec![tests] } else { vec![tests, examples] }
    }
}

fn report(passed: bool, took: Duration) -> Result<(), Failure> {
    let seconds = took.as_secs();
    let took = format!("{} min {:02} s", seconds / 60, seconds % 60);
    if !passed {
        return Err(Failure::new(format!("some tests failed ({took})")).hint("their names are above"));
    }
    println!("All tests passed in {took}.");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_tested_unless_said_otherwise() {
        let steps = Selection::parse(&[]).unwrap().steps(true);
        assert_eq!(steps.len(), 2, "the tests, and the examples in documentation");
        assert!(steps[0].starts_with(&["nextest", "run", "--workspace"]));
        assert!(steps[1].contains(&"--doc"));
    }

    #[test]
    fn mutants_are_planted_only_in_a_whole_run() {
        assert!(Selection::parse(&[]).unwrap().is_everything());
        assert!(!Selection::parse(&["--quick"]).unwrap().is_everything());
        assert!(!Selection::parse(&["--", "age"]).unwrap().is_everything());
    }

    #[test]
    fn quick_is_a_profile_of_nextest() {
        let steps = Selection::parse(&["--quick"]).unwrap().steps(true);
        assert_eq!(steps.len(), 1);
        assert!(steps[0].ends_with(&["--profile", "quick"]));
    }

    #[test]
    fn filters_are_passed_on() {
        let steps = Selection::parse(&["--", "age", "boundary"]).unwrap().steps(true);
        assert_eq!(steps.len(), 1);
        assert!(steps[0].ends_with(&["--", "age", "boundary"]));
    }

    #[test]
    fn without_nextest_the_tests_still_run() {
        let steps = Selection::default().steps(false);
        assert!(steps[0].starts_with(&["test", "--workspace"]));
        assert!(steps[0].contains(&"--all-targets"));
    }

    #[test]
    fn an_unknown_option_is_refused() {
        assert_eq!(Selection::parse(&["--fast"]).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn a_failed_step_fails_the_run() {
        assert!(report(false, Duration::from_secs(61)).unwrap_err().to_string().contains("1 min 01 s"));
        assert!(report(true, Duration::from_secs(1)).is_ok());
    }
}
