//! What people say may stay: marks in the line itself, files that list findings, patterns of paths.

mod exclude;
mod gitleaks;
mod mark;

pub use exclude::{BadPattern, Exclude};
pub use gitleaks::{GitleaksIgnore, GitleaksReport, NotAReport};
pub use mark::{Mark, Marks, on_line};

/// What allows a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Allowed {
    /// A mark in its line.
    Mark(Mark),
    /// A line of `.gitleaksignore`.
    GitleaksIgnore,
}

impl Allowed {
    /// What is written where.
    pub fn text(self) -> &'static str {
        match self {
            Self::Mark(mark) => mark.text(),
            Self::GitleaksIgnore => ".gitleaksignore",
        }
    }
}
