//! `cargo xtask bench organization`: 1,000 keys of 50 accounts are rotated on the sandbox, which takes 5 ms for each call
//! and throttles each operation in each account. What is counted is held against what the steps need.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::audit::sandbox::Sandbox;
use super::machine::Machine;
use super::page::{self, Aims, grouped};
use super::{build, number};
use crate::failure::{Failure, While as _};
use crate::process;
use crate::repository::Repository;

/// The calls that each step of a rotation needs, and why.
const NEEDED: [(&str, u64, &str); 9] = [
    (
        "begin",
        4,
        "GetUser, ListAccessKeys; AssumeRole for a session that names the rotation, CreateAccessKey",
    ),
    ("deliver", 1, "ListAccessKeys: the new key is there, and no foreign one"),
    ("verify", 3, "GetCallerIdentity with the new key, accepted three times"),
    ("publish, a minute later", 2, "GetUser, ListAccessKeys"),
    ("first look at the use", 2, "GetAccessKeyLastUsed of both keys"),
    (
        "disable, a day later",
        6,
        "GetUser, ListAccessKeys, GetAccessKeyLastUsed of both; AssumeRole, UpdateAccessKey",
    ),
    ("see that it is disabled", 3, "ListAccessKeys, GetAccessKeyLastUsed of both"),
    (
        "watch, on each of six days",
        DAYS_OF_WATCHING * 4,
        "GetUser, ListAccessKeys, GetAccessKeyLastUsed of both: a use enables the old key again",
    ),
    (
        "delete, on the seventh",
        8,
        "GetUser, ListAccessKeys, GetAccessKeyLastUsed of both; GetCallerIdentity; AssumeRole, DeleteAccessKey; \
         ListAccessKeys",
    ),
];

/// On how many days rotakey looks at a key that is disabled, before the one on which it deletes it.
const DAYS_OF_WATCHING: u64 = 6;

/// What a rotation waits for between its first call and the publishing, in seconds: two pauses between three probes,
/// and the minute in which AWS makes the new key known everywhere.
const OWN_WAITS: f64 = 70.0;

struct Options {
    accounts: u64,
    keys: u64,
    per_second: u64,
    program: Option<PathBuf>,
}

impl Options {
    fn parse(options: &[&str]) -> Result<Self, Failure> {
        let mut parsed = Self { accounts: 50, keys: 1_000, per_second: 10, program: None };
        let mut rest = options.iter().copied();
        while let Some(option) = rest.next() {
            let value = rest.next().ok_or_else(|| Failure::usage(format!("{option} lacks its value")))?;
            match option {
                "--accounts" => parsed.accounts = number(value)?,
                "--keys" => parsed.keys = number(value)?,
                "--per-second" => parsed.per_second = number(value)?,
                "--program" => parsed.program = Some(value.into()),
                _ => {
                    return Err(Failure::usage(format!("bench organization does not know {option}")).hint(
                        "its options are --accounts 50 --keys 1000 --per-second 10 --program target/release/rotakey",
                    ));
                }
            }
        }
        Ok(parsed)
    }
}

/// What rotakey cost in one run, or in several.
#[derive(Default)]
struct Cost {
    runs: u64,
    seconds: f64,
    /// Calls that were answered, by operation.
    calls: BTreeMap<String, u64>,
    /// Calls that were throttled, and new keys that were not known yet.
    refused: u64,
}

impl Cost {
    fn answered(&self) -> u64 {
        self.calls.values().sum::<u64>() - self.refused
    }

    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.seconds += other.seconds;
        self.refused += other.refused;
        for (name, calls) in other.calls {
            *self.calls.entry(name).or_default() += calls;
        }
    }
}

/// Runs the benchmark. With a program that is named, nothing is built and nothing is written into the page.
pub(crate) fn run(repository: &Repository, options: &[&str]) -> Result<(), Failure> {
    let options = Options::parse(options)?;
    let rotakey = match &options.program {
        Some(program) => std::path::absolute(program).could_not("find the program")?,
        None => build(repository, &["rotakey-cli"])?.join("rotakey"),
    };
    let desk = repository.scratch().join("bench/organization");
    if desk.exists() {
        std::fs::remove_dir_all(&desk).could_not("remove what an earlier run left")?;
    }
    std::fs::create_dir_all(&desk).could_not("make a folder")?;
    let text = measure(&rotakey, &desk, &options)?;
    if options.program.is_some() {
        println!("{text}");
        return Ok(());
    }
    let version = process::capture(Command::new(&rotakey).arg("--version"))?;
    let machine = Machine::read(vec![version])?;
    let opening = page::opening("Rotating the keys of an organization", "bench organization", &machine);
    page::replace(repository, "organization", &format!("{opening}\n\n{text}"))
}

fn measure(rotakey: &Path, desk: &Path, options: &Options) -> Result<String, Failure> {
    let (accounts, keys) = (options.accounts.to_string(), options.keys.to_string());
    let arguments = ["--accounts", &accounts, "--users", &keys, "--due", "--latency", "5", "--seed", "1"];
    let sandbox = Sandbox::start_with(rotakey, &arguments)?;
    std::fs::write(desk.join("rotakey.toml"), CONFIGURATION).could_not("write the configuration")?;
    let bench = Bench { rotakey, sandbox: &sandbox, desk };

    // Makes the credential reports, which AWS keeps for four hours: whoever comes first waits for them.
    bench.run(&["rotate", "plan"], Time::Real)?;
    let limit =
        json!([{ "service": "iam", "faster_than": options.per_second, "effect": { "type": "throttle" } }]);
    sandbox.ask("POST", "faults", &limit.to_string())?;
    let read = bench.run(&["rotate", "plan"], Time::Real)?;
    let begun = bench.run(&["rotate", "apply"], Time::Real)?;
    sandbox.ask("POST", "clock", r#"{"advance": "30h"}"#)?;
    let disabled = bench.run(&["rotate", "tick"], Time::Virtual)?;
    let mut watched = Cost::default();
    for _ in 0..DAYS_OF_WATCHING {
        sandbox.ask("POST", "clock", r#"{"advance": "24h"}"#)?;
        watched.add(bench.run(&["rotate", "tick"], Time::Virtual)?);
    }
    sandbox.ask("POST", "clock", r#"{"advance": "25h"}"#)?;
    let deleted = bench.run(&["rotate", "tick"], Time::Virtual)?;
    let ended = bench.ended()?;
    Ok(report(options, &read, &[begun, disabled, watched, deleted], ended))
}

const CONFIGURATION: &str =
    "[accounts]\nfrom = \"organization\"\nrole = \"rotakey\"\nexternal_id = \"rotakey-simulation\"\n";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    Real,
    /// That of the sandbox, which waiting moves on.
    Virtual,
}

struct Bench<'a> {
    rotakey: &'a Path,
    sandbox: &'a Sandbox,
    desk: &'a Path,
}

impl Bench<'_> {
    fn command(&self, arguments: &[&str], time: Time) -> Command {
        let mut command = Command::new(self.rotakey);
        command.args(arguments).env_clear().env("HOME", self.desk).current_dir(self.desk);
        command.envs(self.sandbox.exports()).stdin(Stdio::null()).stderr(Stdio::inherit());
        match time {
            Time::Real => command.env_remove("ROTAKEY_SANDBOX_CLOCK"),
            Time::Virtual => {
                command.env("ROTAKEY_SANDBOX_CLOCK", &self.sandbox.exports()["AWS_ENDPOINT_URL"])
            }
        };
        command
    }

    fn run(&self, arguments: &[&str], time: Time) -> Result<Cost, Failure> {
        self.sandbox.reset_counters()?;
        let begin = Instant::now();
        let arguments = [arguments, &["-q", "--output", "/dev/null"]].concat();
        let status = process::status(&mut self.command(&arguments, time))?;
        // One user of the fleet is the root user, who is left for a person.
        if !matches!(status.code(), Some(0 | 1)) {
            return Err(Failure::new(format!("rotakey {}: {status}", arguments.join(" "))));
        }
        let seconds = begin.elapsed().as_secs_f64();
        let state = self.sandbox.ask("GET", "state", "")?;
        let count = |of: &Value| -> BTreeMap<String, u64> {
            let members = of.as_object().into_iter().flatten();
            members.filter_map(|(name, count)| Some((name.clone(), count.as_u64()?))).collect()
        };
        let refused = count(&state["refusals"]).values().sum();
        Ok(Cost { runs: 1, seconds, calls: count(&state["calls"]), refused })
    }

    /// How many rotations have ended as they should.
    fn ended(&self) -> Result<u64, Failure> {
        let all = self.command(&["rotate", "status", "--all", "--format", "json"], Time::Virtual).output();
        let all: Value =
            serde_json::from_slice(&all.could_not("run rotakey")?.stdout).could_not("read the rotations")?;
        let ended = all.as_array().into_iter().flatten().filter(|rotation| rotation["state"] == "rotated");
        Ok(ended.count() as u64)
    }
}

fn report(options: &Options, read: &Cost, phases: &[Cost; 4], ended: u64) -> String {
    let keys = options.keys as f64;
    let needed: u64 = NEEDED.iter().map(|(_, calls, _)| calls).sum();
    // Ticks read no account, but enter each once and list the accounts.
    let ticks: u64 = phases[1..].iter().map(|phase| phase.runs).sum();
    let entering = read.calls.get("sts:AssumeRole").copied().unwrap_or(0)
        + read.calls.get("organizations:ListAccounts").copied().unwrap_or(0);
    let answered = phases.iter().map(Cost::answered).sum::<u64>() - read.answered() - ticks * entering;
    let each = answered as f64 / keys;
    let refused: u64 = phases.iter().map(|phase| phase.refused).sum();

    // Before the minute of waiting, `ListAccessKeys` is called most: once to read the account and twice to begin; after it,
    // `GetAccessKeyLastUsed`, twice.
    let in_each = keys / options.accounts as f64;
    let throttle = in_each * (3.0 + 2.0) / options.per_second as f64;
    let bound = throttle + OWN_WAITS;

    let mut text = format!(
        "{} keys of {} accounts, each entered by a role, on `rotakey sandbox`, which takes 5 ms for a call and \
         throttles each IAM operation in each account to {} a second. New keys go to age files, so that all calls are \
         those of the rotation itself.\n\n### Calls that a rotation needs\n\n| step | calls | which |\n|---|--:|---|\n",
        grouped(options.keys),
        options.accounts,
        options.per_second
    );
    for (step, calls, which) in NEEDED {
        let _ = writeln!(text, "| {step} | {calls} | {which} |");
    }
    let _ = writeln!(
        text,
        "| together | {needed} | |\n\n### Calls that were made\n\n| operation | begin | disable | watch | delete |\n|---|--:|--:|--:|--:|"
    );
    let names: std::collections::BTreeSet<&String> =
        phases.iter().flat_map(|phase| phase.calls.keys()).collect();
    for name in names {
        let _ = write!(text, "| {name} |");
        for phase in phases {
            let _ = write!(text, " {} |", grouped(phase.calls.get(name).copied().unwrap_or(0)));
        }
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "\n{} of these were refused: throttled, or signed with a new key that was not known yet. {} read the accounts \
         first.\n\nBeginning all rotations took {:.0} s: {OWN_WAITS:.0} s are waits of each rotation, and {throttle:.0} s \
         the throttle asks for.",
        grouped(refused),
        grouped(read.answered()),
        phases[0].seconds,
    );
    let mut aims = Aims::new("Aims");
    aims.aim("all rotations end with the new key in use", grouped(ended), ended == options.keys);
    let aim = format!("calls of a rotation within 20 % of the {needed} that it needs");
    aims.aim(&aim, format!("{each:.1}"), each <= needed as f64 * 1.2);
    let aim = format!("the wall is that of the throttle and of the waits ({bound:.0} s), within 20 %");
    aims.aim(&aim, format!("{:.0} s", phases[0].seconds), phases[0].seconds <= bound * 1.2);
    text + &aims.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reading_costs_is_not_counted_as_rotating() {
        let cost = |calls: &[(&str, u64)], refused| Cost {
            runs: 1,
            seconds: 100.0,
            calls: calls.iter().map(|(name, calls)| ((*name).to_owned(), *calls)).collect(),
            refused,
        };
        let options = Options { accounts: 1, keys: 10, per_second: 2, program: None };
        let read = cost(&[("sts:AssumeRole", 1), ("iam:ListAccessKeys", 10)], 0);
        let begun = cost(&[("sts:AssumeRole", 11), ("iam:ListAccessKeys", 130), ("iam:GetUser", 10)], 10);
        let tick = || cost(&[("sts:AssumeRole", 11), ("iam:GetUser", 70)], 0);
        let mut watched = cost(&[("sts:AssumeRole", 1), ("iam:GetUser", 120)], 0);
        watched.add(cost(&[("sts:AssumeRole", 1), ("iam:GetUser", 120)], 0));
        let text = report(&options, &read, &[begun, tick(), watched, tick()], 10);
        // 141 + 81 + 242 + 81 - 11 for reading - 4 for entering.
        assert!(text.contains("| 53.0 | yes |"), "{text}");
        assert!(text.contains("| iam:GetUser | 10 | 70 | 240 | 70 |"), "{text}");
        assert!(text.contains("| all rotations end with the new key in use | 10 | yes |"), "{text}");
    }
}
