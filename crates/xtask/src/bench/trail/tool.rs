//! The tools that are measured, each called as its users call it.

use std::path::Path;
use std::process::Command;

use super::Bench;
use super::corpus::Corpus;

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Rotakey,
    Inflate,
    ClickHouse,
    DuckDb,
    Suzaku,
    Python,
}

impl Tool {
    /// The tools for the main trail, in the order of the page.
    pub(super) const ALL: [Self; 5] =
        [Self::Rotakey, Self::Inflate, Self::ClickHouse, Self::DuckDb, Self::Suzaku];
    /// Those that do the same job.
    pub(super) const IN_PROCESS: [Self; 4] = [Self::Rotakey, Self::Inflate, Self::ClickHouse, Self::DuckDb];
    /// Ours, and what nobody can be faster than.
    pub(super) const BOUNDS: [Self; 2] = [Self::Rotakey, Self::Inflate];
    /// Ours, and the independent reader.
    pub(super) const READERS: [Self; 2] = [Self::Rotakey, Self::Python];

    /// What the page calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rotakey => "rotakey trail usage",
            Self::Inflate => "libdeflate, inflating only",
            Self::ClickHouse => "ClickHouse (chDB)",
            Self::DuckDb => "DuckDB",
            Self::Suzaku => "Suzaku, `aws-ct-summary`",
            Self::Python => "Python's json",
        }
    }

    /// Its name in the names of folders, and what `trail_found.py` calls the form of its answer.
    pub(super) fn slug(self) -> &'static str {
        match self {
            Self::Rotakey => "rotakey",
            Self::Inflate => "inflate",
            Self::ClickHouse => "clickhouse",
            Self::DuckDb => "duckdb",
            Self::Suzaku => "suzaku",
            Self::Python => "reference",
        }
    }

    /// Suzaku takes most of a minute, and always the same.
    pub(super) fn most_runs(self) -> usize {
        if self == Self::Suzaku { 1 } else { usize::MAX }
    }

    /// Whether it answers for each key. Suzaku answers for each principal, and inflating is no answer.
    pub(super) fn answers_by_key(self) -> bool {
        !matches!(self, Self::Inflate | Self::Suzaku)
    }

    /// The call, which leaves its answer in `answer` in the folder; `None` if the tool is not there.
    pub(super) fn command(self, bench: &Bench, corpus: &Corpus, folder: &Path) -> Option<Command> {
        let answer = folder.join("answer");
        let trail = corpus.trail();
        let script = |name: &str| {
            let mut command = Command::new(bench.peers.program("python"));
            command.arg(bench.scripts.join(name)).arg(&trail).arg(&answer);
            command
        };
        Some(match self {
            Self::Rotakey if !bench.has_rotakey() => return None,
            Self::Rotakey => {
                let mut command = Command::new(bench.programs.join("rotakey"));
                command.args(["trail", "usage"]).arg(&trail);
                command.args(["--format", "csv", "--no-progress", "--output"]).arg(&answer);
                command
            }
            Self::Inflate => {
                let mut command = Command::new(bench.programs.join("inflate"));
                command.arg(&trail).arg("2");
                command
            }
            Self::ClickHouse => script("trail_clickhouse.py"),
            Self::DuckDb => script("trail_duckdb.py"),
            Self::Python => script("trail_reference.py"),
            Self::Suzaku => {
                let mut command = Command::new(bench.suzaku.as_ref()?);
                command.args(["aws-ct-summary", "--quiet", "--include-sts-keys", "--directory"]).arg(&trail);
                command.arg("--output").arg(&answer);
                command
            }
        })
    }
}
