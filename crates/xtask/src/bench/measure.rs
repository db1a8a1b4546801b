//! What a run of a program costs.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failure::{Failure, While as _};
use crate::process;
use crate::python::Environment;
use crate::repository::Repository;

/// What one run cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// When it began and ended, in seconds since the beginning of 1970.
    pub(super) began: f64,
    pub(super) ended: f64,
    pub(super) wall_seconds: f64,
    /// Of the program itself.
    pub(super) cpu_seconds: f64,
    /// The most memory that was resident at once.
    pub(super) peak_mib: f64,
}

impl Cost {
    /// Each figure's median over the runs, of which there is at least one.
    pub(super) fn median(costs: &[Self]) -> Self {
        let median = |figure: fn(&Self) -> f64| {
            let mut figures: Vec<f64> = costs.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        Self {
            began: median(|cost| cost.began),
            ended: median(|cost| cost.ended),
            wall_seconds: median(|cost| cost.wall_seconds),
            cpu_seconds: median(|cost| cost.cpu_seconds),
            peak_mib: median(|cost| cost.peak_mib),
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wall_seconds, cpu_seconds, peak_mib, .. } = self;
        write!(f, "{wall_seconds:8.2} s {cpu_seconds:8.2} s CPU {peak_mib:7.0} MiB")
    }
}

/// Makes the folder anew.
pub(super) fn empty(folder: &Path) -> Result<(), Failure> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).could_not(format!("empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder).could_not(format!("make {}", folder.display()))
}

/// Runs programs and sees what they cost.
pub(super) struct Meter {
    python: PathBuf,
    script: PathBuf,
}

impl Meter {
    /// A meter that runs on the Python of that environment.
    pub(super) fn new(repository: &Repository, environment: &Environment) -> Self {
        let script = repository.root().join("crates/xtask/bench/measure.py");
        Self { python: environment.program("python"), script }
    }

    /// Runs the command with the environment that it names and nothing else, its output in `log` in the folder. It starts
    /// there too, unless it names another folder.
    pub(super) fn run(&self, command: &Command, folder: &Path, accepted: &[i64]) -> Result<Cost, Failure> {
        let report = self.report(command, folder, accepted, &[])?;
        from_report(&report).ok_or_else(|| Failure::new("the report of a run has another form than expected"))
    }

    /// Runs the command likewise, and tells how many MiB of memory it had at the most beside mapped files. Looking costs
    /// time, so that such a run says nothing about time.
    pub(super) fn own_memory(
        &self,
        command: &Command,
        folder: &Path,
        accepted: &[i64],
    ) -> Result<f64, Failure> {
        let report = self.report(command, folder, accepted, &["--sample"])?;
        report["own_mib"]
            .as_f64()
            .ok_or_else(|| Failure::new("the report of a run has another form than expected"))
    }

    fn report(
        &self,
        command: &Command,
        folder: &Path,
        accepted: &[i64],
        options: &[&str],
    ) -> Result<Value, Failure> {
        let report = folder.join("cost.json");
        let log = File::create(folder.join("log")).could_not("write a log")?;
        let mut measured = Command::new(&self.python);
        measured.args(["-S", "-E"]).arg(&self.script).args(options).arg(&report);
        measured.arg(command.get_program()).args(command.get_args());
        measured.env_clear().env("HOME", folder).env("PATH", "/usr/bin:/bin");
        measured.current_dir(command.get_current_dir().unwrap_or(folder));
        measured.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        measured.stdout(log.try_clone().could_not("write a log")?).stderr(log);
        process::run(&mut measured)?;

        let text = std::fs::read_to_string(&report).could_not("read what a run cost")?;
        let report: Value = serde_json::from_str(&text).could_not("read what a run cost")?;
        let exit_code = report["exit_code"].as_i64();
        if !exit_code.is_some_and(|code| accepted.contains(&code)) {
            let program = command.get_program().display();
            return Err(Failure::new(format!("{program} ended with {exit_code:?}"))
                .hint(format!("what it said is in {}", folder.join("log").display())));
        }
        Ok(report)
    }
}

fn from_report(report: &Value) -> Option<Cost> {
    Some(Cost {
        began: report["began"].as_f64()?,
        ended: report["ended"].as_f64()?,
        wall_seconds: report["wall_seconds"].as_f64()?,
        cpu_seconds: report["cpu_seconds"].as_f64()?,
        peak_mib: report["peak_mib"].as_f64()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_has_its_own_median() {
        let cost = |wall_seconds, cpu_seconds| Cost {
            began: 0.0,
            ended: 0.0,
            wall_seconds,
            cpu_seconds,
            peak_mib: 7.0,
        };
        let median = Cost::median(&[cost(3.0, 1.0), cost(1.0, 9.0), cost(2.0, 2.0)]);
        assert_eq!(median, cost(2.0, 2.0));
    }
}
