//! What people say may stay: marks in the line itself, files that list findings, patterns of paths.

mod exclude;
mod gitleaks;
mod mark;

pub use exclude::{BadPattern, Exclude};
pub use gitleaks::{GitleaksIgnore, GitleaksReport, NotAReport};
pub use mark::{Mark, Marks, on_line};
