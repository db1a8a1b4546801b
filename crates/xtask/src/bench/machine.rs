//! Where, when and with what was measured.

use std::process::Command;

use super::Bench;
use crate::failure::Failure;
use crate::process;

/// The circumstances of a measurement.
pub(super) struct Machine {
    /// The day, in UTC.
    pub(super) date: String,
    /// Processors and memory.
    pub(super) hardware: String,
    /// What was measured, with versions.
    pub(super) versions: Vec<String>,
}

impl Machine {
    /// Looks around.
    pub(super) fn read(bench: &Bench) -> Result<Self, Failure> {
        let date = process::capture(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
        let rotakey = process::capture(Command::new(&bench.rotakey).arg("--version"))?;
        let python = process::capture(Command::new(bench.tests.program("python")).args([
            "-c",
            "import boto3, platform; print('boto3', boto3.__version__, 'on Python', platform.python_version())",
        ]))?;
        let packages = [(&bench.custodian, "c7n"), (&bench.prowler, "prowler")];
        let mut versions = vec![rotakey, python];
        for (environment, package) in packages {
            let script =
                format!("import importlib.metadata as m; print('{package}', m.version('{package}'))");
            versions
                .push(process::capture(Command::new(environment.program("python")).args(["-c", &script]))?);
        }
        let versions = versions.iter().map(|version| version.trim().to_owned()).collect();
        Ok(Self { date: date.trim().to_owned(), hardware: hardware(), versions })
    }
}

/// Processors and memory as Linux tells them; elsewhere only how many processors there are.
fn hardware() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let field = |file: &str, name: &str| {
        let text = std::fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let kibibytes =
        field("/proc/meminfo", "MemTotal").and_then(|value| value.trim_end_matches(" kB").parse().ok());
    let memory = kibibytes.map_or_else(String::new, |kib: f64| format!(", {:.0} GiB", kib / 1_048_576.0));
    format!("{cores} cores of {model}{memory}")
}
