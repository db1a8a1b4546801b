//! `leak-corpus --out DIR`: writes the labelled set of leaked keys.
#![expect(clippy::print_stderr, reason = "a program reports to the person who started it")]

use std::path::PathBuf;
use std::process::ExitCode;

use rotakey_corpus::leaks;

const USAGE: &str = "\
Usage: leak-corpus --out DIR [--seed S] [--seeds N]

Writes files that hold leaked keys in all forms that are known, and files that only look like it, into
DIR/files/CASE-SEED/, and what is in each into DIR/labels.json: all cases for each of N seeds from S on.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((out, seed, seeds)) = read(&arguments) else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    match leaks::write(&out, seed, seeds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {}: {error}", out.display());
            ExitCode::FAILURE
        }
    }
}

fn read(arguments: &[String]) -> Option<(PathBuf, u64, u64)> {
    let (mut out, mut seed, mut seeds) = (None, 1, 1);
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return None };
        match name.as_str() {
            "--out" => out = Some(PathBuf::from(value)),
            "--seed" => seed = value.parse().ok()?,
            "--seeds" => seeds = value.parse().ok()?,
            _ => return None,
        }
    }
    Some((out?, seed, seeds))
}
