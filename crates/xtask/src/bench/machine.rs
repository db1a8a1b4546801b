//! Where, when and with what was measured.

use std::process::Command;

use crate::failure::Failure;
use crate::process;
use crate::python::Environment;

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
    /// Looks around. The versions are those of what was measured, each as its program tells it.
    pub(super) fn read(versions: Vec<String>) -> Result<Self, Failure> {
        let date = process::capture(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
        let versions = versions.iter().map(|version| version.trim().to_owned()).collect();
        Ok(Self { date: date.trim().to_owned(), hardware: hardware(), versions })
    }
}

/// The version of a package that is installed in the environment.
pub(super) fn package(environment: &Environment, package: &str) -> Result<String, Failure> {
    let script = format!("import importlib.metadata as m; print('{package}', m.version('{package}'))");
    process::capture(Command::new(environment.program("python")).args(["-c", &script]))
}

/// The version of the Python of the environment.
pub(super) fn python(environment: &Environment) -> Result<String, Failure> {
    process::capture(Command::new(environment.program("python")).arg("--version"))
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
