//! What a command answers: a verdict, or an error that says what failed and what to do about it. The exit
//! codes of every command are here and nowhere else.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// The exit codes, as every command's help prints them.
macro_rules! exit_codes {
    () => {
        "Exit codes:
  0  clean, or done
  1  findings, or something waits for a person
  2  wrong usage or configuration
  3  the tool failed
  4  incomplete: something could not be read, so nothing is claimed of it"
    };
}
pub(crate) use exit_codes;

/// How a command went that ran to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Clean, or done.
    Clean,
    /// There are findings, or something waits for a person.
    Findings,
    /// Something could not be read. This outweighs findings: they may not be all.
    Incomplete,
}

impl Verdict {
    /// What two parts of a command come to.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Incomplete, _) | (_, Self::Incomplete) => Self::Incomplete,
            (Self::Findings, _) | (_, Self::Findings) => Self::Findings,
            (Self::Clean, Self::Clean) => Self::Clean,
        }
    }
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        Self::from(match verdict {
            Verdict::Clean => 0,
            Verdict::Findings => 1,
            Verdict::Incomplete => 4,
        })
    }
}

/// What kind of failure ended a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The arguments, the configuration or a named input is wrong: the person must change something first.
    Usage,
    /// The tool or something that it needs failed.
    Failure,
    /// What was asked about could not be read, in whole or in part.
    Incomplete,
}

/// A failed command. Printed as one `Error:` and any number of `Hint:` lines.
#[derive(Debug)]
pub(crate) struct CommandError {
    pub(crate) kind: ErrorKind,
    pub(crate) error: Box<dyn Error + Send + Sync>,
    pub(crate) hints: Vec<String>,
}

impl CommandError {
    /// Exit code 2.
    pub(crate) fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Usage, error: error.into(), hints: Vec::new() }
    }

    /// Exit code 3.
    pub(crate) fn failure(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Failure, error: error.into(), hints: Vec::new() }
    }

    /// Exit code 4.
    pub(crate) fn incomplete(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Incomplete, error: error.into(), hints: Vec::new() }
    }

    /// Adds a sentence that says what to do.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            ErrorKind::Usage => 2,
            ErrorKind::Failure => 3,
            ErrorKind::Incomplete => 4,
        })
    }
}

/// The error and its causes, each cause once: many errors repeat their source in their own text.
impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = self.error.to_string();
        f.write_str(&told)?;
        let mut cause = self.error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !told.contains(&text) {
                write!(f, ": {text}")?;
                told = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read report.csv")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn an_error_tells_its_cause_once() {
        let outer = Outer(std::io::Error::other("disk on fire"));
        assert_eq!(CommandError::failure(outer).to_string(), "cannot read report.csv: disk on fire");
        let plain = std::io::Error::other("disk on fire");
        assert_eq!(CommandError::failure(plain).to_string(), "disk on fire");
    }
}
