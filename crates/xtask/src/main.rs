//! The project's own tasks, run as `cargo xtask TASK`. What each does stands in [`USAGE`].
//!
//! Everything waits for this crate to build, so it makes do with the standard library and a JSON parser.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task reports to the person who started it")]

mod apt;
mod bench;
mod docs;
mod failure;
mod github_openapi;
mod moto;
mod mutants;
mod picture;
mod postgres;
mod process;
mod python;
mod repository;
mod setup;
mod test;
mod tidy;

use std::process::ExitCode;

use failure::Failure;
use repository::Repository;

const USAGE: &str = "\
Usage: cargo xtask TASK

Tasks:
  setup [--bench]         install what the tests (or the benchmarks) need into .test/
  test [--quick] [-- FILTER...]
                          set up, start moto's server and PostgreSQL, and run the tests of all
                          crates
  mutants                 plant known mistakes, and demand that the simulation catches each
  tidy                    check what the compiler cannot: the arrows between crates, links, marks, ...
  docs                    write the generated documents and the README's picture anew
  bench audit [OPTIONS]   measure `rotakey audit` beside other tools; writes its part of docs/benchmarks.md
  bench trail [OPTIONS]   the same for `rotakey trail`
  bench organization      rotate 1,000 keys of 50 accounts, and count the calls; writes its part likewise
  bench scan [OPTIONS]    the same for `rotakey scan`; --quick does so in small and writes nothing
  bench rotate [OPTIONS]  measures what rotations cost; --quick does so in small and writes nothing
  trail-corpus --out DIR [OPTIONS]
                          make a CloudTrail trail from a seed, and say what is in it
  help                    this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let repository = Repository::here();
    match arguments.as_slice() {
        ["setup", options @ ..] => setup::run(&repository, options),
        ["test", options @ ..] => test::run(&repository, options),
        ["mutants"] => mutants::run(&repository),
        ["tidy"] => tidy::run(&repository),
        ["docs"] => docs::run(&repository),
        ["bench", "audit", options @ ..] => bench::audit(&repository, options),
        ["bench", "trail", options @ ..] => bench::trail(&repository, options),
        ["bench", "organization", options @ ..] => bench::organization(&repository, options),
        ["bench", "scan", options @ ..] => bench::scan(&repository, options),
        ["bench", "rotate", options @ ..] => bench::rotate(&repository, options),
        ["trail-corpus", options @ ..] => bench::trail_corpus(&repository, options),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        [] => Err(Failure::usage("no task was named").hint(USAGE)),
        unknown => Err(Failure::usage(format!("no such task: {}", unknown.join(" "))).hint(USAGE)),
    }
}
