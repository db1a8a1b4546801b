//! `trail-corpus --events N --seed S --out DIR`; usually run as `cargo xtask trail-corpus`.
#![expect(clippy::print_stderr, reason = "a program reports to the person who started it")]

use std::path::PathBuf;
use std::process::ExitCode;

use rotakey_corpus::Options;

const USAGE: &str = "\
Usage: trail-corpus --out DIR [--events N] [--seed S] [--files N] [--spread SIGMA] [--threads N]
                    [--delivered]
       trail-corpus --out DIR --hostile

Makes a CloudTrail trail from a seed in DIR/trail, and what is known to be in it in DIR/truth.json and
DIR/keys.jsonl. With --delivered, leaves out what CloudTrail never writes: members that are there twice, and names
with escapes. With --hostile, makes some files that cannot be read, each for another reason.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((options, out, is_hostile)) = read(&arguments) else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let made =
        if is_hostile { rotakey_corpus::make_hostile(&out) } else { rotakey_corpus::make(&options, &out) };
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {}: {error}", out.display());
            ExitCode::FAILURE
        }
    }
}

fn read(arguments: &[String]) -> Option<(Options, PathBuf, bool)> {
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    let number = |name: &str, usual: u64| value(name).map_or(Some(usual), |text| text.parse().ok());
    let known = ["--out", "--events", "--seed", "--files", "--spread", "--threads"];
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let (is_hostile, is_delivered) = (has("--hostile"), has("--delivered"));
    let given = arguments.iter().filter(|argument| known.contains(&argument.as_str())).count();
    if arguments.len() != 2 * given + usize::from(is_hostile) + usize::from(is_delivered) {
        return None;
    }
    let mut options = Options::new(number("--events", 2_000_000)?, number("--seed", 42)?);
    options.files = number("--files", options.files)?.max(1);
    options.is_delivered = is_delivered;
    options.threads = usize::try_from(number("--threads", 0)?).ok()?;
    options.spread = value("--spread").map_or(Some(options.spread), |text| text.parse().ok())?;
    Some((options, PathBuf::from(value("--out")?), is_hostile))
}
