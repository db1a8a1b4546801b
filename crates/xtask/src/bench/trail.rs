//! `cargo xtask bench trail`: measures `rotakey trail usage` beside other tools, on trails that are made from a
//! seed.

pub(crate) mod corpus;
mod index;
mod page;
mod tool;
mod verdict;

use std::path::PathBuf;
use std::process::Command;

use super::machine::{self, Machine};
use super::measure::{self, Cost, Meter};
use super::number;
use crate::failure::Failure;
use crate::process;
use crate::python::Environment;
use crate::repository::Repository;
use crate::setup;
use corpus::{Corpus, Recipe};
use index::Index;
use tool::Tool;
use verdict::Verdict;

/// Runs `bench trail`.
pub(crate) fn run(repository: &Repository, options: &[&str]) -> Result<(), Failure> {
    let options = Options::parse(options)?;
    let bench = Bench::prepare(repository, &options)?;
    let results = Results {
        main: bench.trial(
            "main",
            Recipe::delivered(options.events, options.seed),
            &Tool::ALL,
            options.runs,
        )?,
        small: bench.trial("small", Recipe::small_files(options.seed), &Tool::IN_PROCESS, options.runs)?,
        large: match options.large {
            0 => None,
            events => {
                Some(bench.trial("large", Recipe::delivered(events, options.seed), &Tool::BOUNDS, 1)?)
            }
        },
        trapped: bench.trial("trapped", Recipe::trapped(options.seed), &Tool::READERS, 1)?,
        index: options.index.as_deref().map(|command| index::measure(&bench.folder, command)).transpose()?,
    };
    let machine = Machine::read(bench.versions()?)?;
    let text = page::write(&options, &machine, &results);
    print!("\n{text}");
    super::page::replace(repository, "trail", &text)
}

/// What to measure.
struct Options {
    /// How many events the main trail has.
    events: u64,
    /// How many the large one has, in which only the bounds are measured; 0 for none.
    large: u64,
    /// How often each tool is run.
    runs: usize,
    /// What the trails grow from.
    seed: u64,
    /// Where Suzaku is, if it is anywhere. It is in no registry, so its user brings it.
    suzaku: Option<PathBuf>,
    /// A command that asks an index, see [`index`].
    index: Option<String>,
    /// The options as they were given, for the page.
    given: String,
}

impl Options {
    fn parse(options: &[&str]) -> Result<Self, Failure> {
        let mut parsed = Self {
            events: 2_000_000,
            large: 20_000_000,
            runs: 3,
            seed: 42,
            suzaku: std::env::var_os("SUZAKU").map(PathBuf::from),
            index: None,
            given: String::new(),
        };
        let mut rest = options.iter().copied();
        while let Some(option) = rest.next() {
            let value = rest.next().ok_or_else(|| Failure::usage(format!("{option} lacks its value")))?;
            match option {
                "--events" => parsed.events = number(value)?,
                "--large" => parsed.large = number(value)?,
                "--runs" => parsed.runs = number(value)?,
                "--seed" => parsed.seed = number(value)?,
                "--suzaku" => parsed.suzaku = Some(PathBuf::from(value)),
                "--index" => parsed.index = Some(value.to_owned()),
                _ => {
                    return Err(Failure::usage(format!("bench trail does not know {option}")).hint(
                        "its options are --events 2000000 --large 20000000 --runs 3 --seed 42 --suzaku PATH \
                         --index COMMAND",
                    ));
                }
            }
            // Where things are on this machine is nobody's business.
            let shown = if matches!(option, "--suzaku" | "--index") { "…" } else { value };
            parsed.given.push_str(&format!(" {option} {shown}"));
        }
        if parsed.runs == 0 || parsed.events == 0 {
            return Err(Failure::usage("nothing would be measured"));
        }
        Ok(parsed)
    }
}

/// All that was measured.
struct Results {
    main: Trial,
    small: Trial,
    large: Option<Trial>,
    trapped: Trial,
    index: Option<Index>,
}

/// One trail, and what each tool cost and found there.
struct Trial {
    corpus: Corpus,
    results: Vec<ToolResult>,
}

/// What one tool cost and found.
struct ToolResult {
    tool: Tool,
    /// Empty if the tool is not there.
    costs: Vec<Cost>,
    /// How right its last answer was; `None` if it has none that could be compared.
    verdict: Option<Verdict>,
}

impl ToolResult {
    /// The cost of the typical run: each figure is the median of that figure.
    fn median(&self) -> Option<Cost> {
        (!self.costs.is_empty()).then(|| Cost::median(&self.costs))
    }
}

impl Trial {
    fn result(&self, tool: Tool) -> Option<&ToolResult> {
        self.results.iter().find(|result| result.tool == tool)
    }

    fn cost(&self, tool: Tool) -> Option<Cost> {
        self.result(tool)?.median()
    }

    /// The wall of one tool, in walls of another.
    fn ratio(&self, tool: Tool, beside: Tool) -> Option<f64> {
        Some(self.cost(tool)?.wall_seconds / self.cost(beside)?.wall_seconds)
    }
}

/// The programs that are measured, installed and built, and a folder for what they write.
struct Bench {
    folder: PathBuf,
    /// The scripts that run in other tools.
    scripts: PathBuf,
    /// Where our own programs are.
    programs: PathBuf,
    suzaku: Option<PathBuf>,
    peers: Environment,
    meter: Meter,
}

impl Bench {
    fn prepare(repository: &Repository, options: &Options) -> Result<Self, Failure> {
        let peers = setup::engines(repository);
        peers.install()?;
        let programs = super::build(repository, &["rotakey-cli", "rotakey-corpus"])?;
        if let Some(missing) = options.suzaku.as_ref().filter(|path| !path.is_file()) {
            return Err(Failure::usage(format!("there is no Suzaku at {}", missing.display())));
        }
        Ok(Self {
            folder: repository.scratch().join("bench/trail"),
            scripts: repository.root().join("crates/xtask/bench"),
            programs,
            suzaku: options.suzaku.clone(),
            meter: Meter::new(repository, &peers),
            peers,
        })
    }

    /// Measures the tools on one trail. They take turns, so that a slow minute of the machine hits all of them.
    fn trial(&self, name: &str, recipe: Recipe, tools: &[Tool], runs: usize) -> Result<Trial, Failure> {
        let corpus = Corpus::prepare(&self.programs, &self.folder.join(format!("corpus-{name}")), &recipe)?;
        println!("\nA trail of {} records in {} files", corpus.records, corpus.files);
        let new = |&tool: &Tool| ToolResult { tool, costs: Vec::new(), verdict: None };
        let mut results: Vec<ToolResult> = tools.iter().map(new).collect();
        for turn in 0..runs {
            for result in &mut results {
                let folder = self.folder.join(format!("{name}-{}", result.tool.slug()));
                let Some(command) = result.tool.command(self, &corpus, &folder) else { continue };
                if turn >= result.tool.most_runs() {
                    continue;
                }
                measure::empty(&folder)?;
                let cost = self.meter.run(&command, &folder, &[0])?;
                println!("  {:<32} {cost}", result.tool.name());
                result.costs.push(cost);
            }
        }
        for result in results.iter_mut().filter(|result| !result.costs.is_empty()) {
            let folder = self.folder.join(format!("{name}-{}", result.tool.slug()));
            result.verdict = Verdict::of(self, result.tool, &folder, &corpus)?;
            measure::empty(&folder)?;
        }
        Ok(Trial { corpus, results })
    }

    fn versions(&self) -> Result<Vec<String>, Failure> {
        let mut versions = vec![
            process::capture(Command::new(self.programs.join("rotakey")).arg("--version"))?,
            machine::package(&self.peers, "chdb")?,
            machine::package(&self.peers, "duckdb")?,
            machine::python(&self.peers)?,
        ];
        if let Some(suzaku) = &self.suzaku {
            versions.push(process::capture(Command::new(suzaku).arg("--version")).or_else(|_| {
                let help = process::capture(Command::new(suzaku).arg("help"))?;
                Ok(help.lines().next().unwrap_or("suzaku").to_owned())
            })?);
        }
        Ok(versions)
    }

    /// Whether our own reader is there yet, in the release build.
    fn has_rotakey(&self) -> bool {
        process::works(Command::new(self.programs.join("rotakey")).args(["trail", "usage", "--help"]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let options = Options::parse(&["--events", "4000", "--large", "0", "--suzaku", "/x"]).unwrap();
        assert_eq!((options.events, options.large, options.runs), (4_000, 0, 3));
        assert_eq!(options.given, " --events 4000 --large 0 --suzaku …");
        for wrong in [&["--events"][..], &["--events", "x"], &["--runs", "0"], &["--fast", "1"]] {
            assert_eq!(Options::parse(wrong).err().map(|failure| failure.exit_code()), Some(2), "{wrong:?}");
        }
    }
}
