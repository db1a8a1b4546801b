//! `cargo xtask bench audit`: measures `rotakey audit` beside other tools, on one simulated account.

mod offline;
mod page;
pub(super) mod sandbox;
mod tool;
mod truth;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::machine::{self, Machine};
use super::measure::{self, Cost, Meter};
use super::number;
use crate::failure::{Failure, While as _};
use crate::process;
use crate::python::Environment;
use crate::repository::Repository;
use crate::setup;
use sandbox::Sandbox;
use tool::Tool;
use truth::{Facts, Question, Verdict};

/// Prowler takes minutes above so many users, so that it is run once there. The page says so.
const MANY_USERS: u32 = 2_000;

/// Runs `bench audit`.
pub(crate) fn run(repository: &Repository, options: &[&str]) -> Result<(), Failure> {
    let options = Options::parse(options)?;
    let bench = Bench::prepare(repository)?;

    let mut fleets = Vec::new();
    for &users in &options.users {
        fleets.push(bench.fleet(users, &options)?);
    }
    let offline = offline::measure(&bench, options.rows, options.runs)?;

    let machine = Machine::read(bench.versions()?)?;
    let text = page::write(&options, &machine, &fleets, &offline);
    print!("\n{text}");
    super::page::replace(repository, "audit", &text)
}

/// What to measure.
struct Options {
    /// How many users each simulated account has.
    users: Vec<u32>,
    /// How often each tool is run.
    runs: usize,
    /// What the simulated accounts grow from.
    seed: u64,
    /// How many rows the saved report has.
    rows: u64,
    /// The options as they were given, for the page.
    given: String,
}

impl Options {
    fn parse(options: &[&str]) -> Result<Self, Failure> {
        let given = options.iter().flat_map(|option| [" ", option]).collect();
        let mut parsed = Self { users: vec![1_000, 5_000], runs: 3, seed: 1, rows: 1_000_000, given };
        let mut rest = options.iter().copied();
        while let Some(option) = rest.next() {
            let value = rest.next().ok_or_else(|| Failure::usage(format!("{option} lacks its value")))?;
            match option {
                "--users" => parsed.users = value.split(',').map(number).collect::<Result<_, _>>()?,
                "--runs" => parsed.runs = number(value)?,
                "--seed" => parsed.seed = number(value)?,
                "--rows" => parsed.rows = number(value)?,
                _ => {
                    return Err(Failure::usage(format!("bench audit does not know {option}"))
                        .hint("its options are --users 1000,5000 --runs 3 --seed 1 --rows 1000000"));
                }
            }
        }
        if parsed.runs == 0 || parsed.users.is_empty() {
            return Err(Failure::usage("nothing would be measured"));
        }
        Ok(parsed)
    }
}

/// The programs that are measured, installed and built, and a folder for what they write.
struct Bench {
    folder: PathBuf,
    /// The scripts and policies that other tools run.
    scripts: PathBuf,
    rotakey: PathBuf,
    meter: Meter,
    tests: Environment,
    prowler: Environment,
    custodian: Environment,
}

/// One simulated account, and what each tool cost and found there.
struct Fleet {
    facts: Facts,
    results: Vec<ToolResult>,
}

/// What one tool cost and found.
struct ToolResult {
    tool: Tool,
    costs: Vec<Cost>,
    /// How many calls the simulated AWS was asked in each run, with those that it refused.
    calls: Vec<u64>,
    /// For each question that the tool was asked, how right it was in its last run.
    verdicts: Vec<(Question, Verdict)>,
}

impl Bench {
    fn prepare(repository: &Repository) -> Result<Self, Failure> {
        setup::run(repository, &["--bench"])?;
        let programs = super::build(repository, &["rotakey-cli"])?;
        let tests = setup::tests(repository);
        Ok(Self {
            folder: repository.scratch().join("bench"),
            scripts: repository.root().join("crates/xtask/bench"),
            rotakey: programs.join("rotakey"),
            meter: Meter::new(repository, &tests),
            tests,
            prowler: setup::prowler(repository),
            custodian: setup::custodian(repository),
        })
    }

    fn versions(&self) -> Result<Vec<String>, Failure> {
        Ok(vec![
            process::capture(Command::new(&self.rotakey).arg("--version"))?,
            machine::package(&self.tests, "boto3")?,
            machine::package(&self.custodian, "c7n")?,
            machine::package(&self.prowler, "prowler")?,
            machine::python(&self.tests)?,
        ])
    }

    /// Measures all tools on an account of that size. They take turns, so that a slow minute of the machine
    /// hits all of them.
    fn fleet(&self, users: u32, options: &Options) -> Result<Fleet, Failure> {
        println!("\nA simulated account of {users} users");
        let sandbox = Sandbox::start(&self.rotakey, users, options.seed)?;
        sandbox.generate_credential_report(&self.tests)?;

        let mut results: Vec<ToolResult> = Tool::ALL.map(ToolResult::new).into();
        let mut facts = None;
        for turn in 0..options.runs {
            for result in &mut results {
                if result.tool == Tool::Prowler && users > MANY_USERS && turn > 0 {
                    continue;
                }
                let folder = self.folder.join(format!("{users}-{}", result.tool.slug()));
                let (cost, calls) = self.measure(&sandbox, result.tool, &folder)?;
                println!("  {:<32} {cost} {calls:7} calls", result.tool.name());
                if result.tool == Tool::Sweep {
                    facts = Some(Facts::read(&folder.join("facts.json"))?);
                }
                result.costs.push(cost);
                result.calls.push(calls);
            }
        }
        let facts = facts.ok_or_else(|| Failure::new("the sweep did not run"))?;
        for result in &mut results {
            let folder = self.folder.join(format!("{users}-{}", result.tool.slug()));
            result.judge(&facts, &folder.join("found.json"))?;
        }
        Ok(Fleet { facts, results })
    }

    /// Runs the tool against the simulated AWS, in an emptied folder and with nothing of our environment, and
    /// brings what it found into `found.json` there. Tells also how many calls it made.
    fn measure(&self, sandbox: &Sandbox, tool: Tool, folder: &Path) -> Result<(Cost, u64), Failure> {
        measure::empty(folder)?;
        sandbox.reset_counters()?;
        let mut command = tool.command(self, folder);
        command.envs(sandbox.exports());
        let cost = self.meter.run(&command, folder, tool.accepted_exit_codes())?;
        let calls = sandbox.calls()?;
        if let Some(reader) = tool.reader() {
            let mut python = Command::new(self.tests.program("python"));
            python.arg(self.scripts.join("found.py")).arg(reader).arg(folder);
            process::run(&mut python)?;
        }
        Ok((cost, calls))
    }
}

impl ToolResult {
    fn new(tool: Tool) -> Self {
        Self { tool, costs: Vec::new(), calls: Vec::new(), verdicts: Vec::new() }
    }

    /// Holds what the last run found against the truth.
    fn judge(&mut self, facts: &Facts, found: &Path) -> Result<(), Failure> {
        let text = std::fs::read_to_string(found).could_not(format!("read {}", found.display()))?;
        let found: Value = serde_json::from_str(&text).could_not("read what a tool found")?;
        let cost = self.costs.last().ok_or_else(|| Failure::new("a tool did not run"))?;
        for question in Question::ALL {
            let Some(users) = found[question.code()].as_array() else { continue };
            let users: BTreeSet<&str> = users.iter().filter_map(Value::as_str).collect();
            self.verdicts.push((question, facts.judge(question, &users, cost.began, cost.ended)));
        }
        Ok(())
    }

    /// The cost of the typical run: each figure is the median of that figure.
    fn median(&self) -> Cost {
        Cost::median(&self.costs)
    }

    /// How many calls it made in the typical run.
    fn median_calls(&self) -> u64 {
        let mut calls = self.calls.clone();
        calls.sort_unstable();
        calls[calls.len() / 2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let options = Options::parse(&["--users", "40,50", "--runs", "1"]).unwrap();
        assert_eq!(
            (options.users, options.runs, options.given.as_str()),
            (vec![40, 50], 1, " --users 40,50 --runs 1")
        );
        for wrong in [&["--users"][..], &["--users", "x"], &["--runs", "0"], &["--fast", "1"]] {
            assert_eq!(Options::parse(wrong).err().map(|failure| failure.exit_code()), Some(2), "{wrong:?}");
        }
    }
}
