//! The one error of the tasks: what failed, and what to do about it.

use std::fmt;

/// Why a task did not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    hint: Option<String>,
    exit_code: u8,
}

impl Failure {
    /// Something went wrong; exit code 1.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None, exit_code: 1 }
    }

    /// The task was called in a way that it does not understand; exit code 2.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self { exit_code: 2, ..Self::new(what) }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// What the process should exit with.
    pub(crate) fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error: {}", self.what)?;
        match &self.hint {
            Some(hint) if hint.contains('\n') => write!(f, "\n\n{}", hint.trim_end()),
            Some(hint) => write!(f, "\nHint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Turns an error of the system into a failure that says what was being done.
pub(crate) trait While<T> {
    /// `doing` completes the sentence "could not …".
    fn could_not(self, doing: impl fmt::Display) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> While<T> for Result<T, E> {
    fn could_not(self, doing: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(format!("could not {doing}: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_failed_and_then_what_to_do() {
        let failure = Failure::new("no Python").hint("install python3");
        assert_eq!(failure.to_string(), "Error: no Python\nHint: install python3");
        assert_eq!(failure.exit_code(), 1);
        assert_eq!(Failure::usage("no task was named").exit_code(), 2);
    }

    #[test]
    fn an_error_of_the_system_tells_what_was_being_done() {
        let read = std::fs::read("/nonexistent/file").could_not("read the pins");
        assert!(read.unwrap_err().to_string().starts_with("Error: could not read the pins: No such file"));
    }
}
