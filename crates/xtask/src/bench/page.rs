//! `docs/benchmarks.md`, of which each benchmark writes its own part, and what the parts have in common.

use std::fmt::Write as _;

use super::machine::Machine;
use crate::failure::{Failure, While as _};
use crate::repository::Repository;

const PAGE: &str = "docs/benchmarks.md";

/// Puts the text in the place of the part of that name, and leaves the other parts as they are.
pub(super) fn replace(repository: &Repository, part: &str, text: &str) -> Result<(), Failure> {
    let path = repository.root().join(PAGE);
    let page = std::fs::read_to_string(&path).could_not(format!("read {PAGE}"))?;
    let page = replaced(&page, part, text)
        .ok_or_else(|| Failure::new(format!("{PAGE} has no place for the part `{part}`")))?;
    std::fs::write(&path, page).could_not(format!("write {PAGE}"))
}

/// The page with the text between the two marks of the part.
fn replaced(page: &str, part: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {part}: begin -->\n"), format!("<!-- {part}: end -->"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{}\n\n{end}{after}", text.trim()))
}

/// The first lines of a part.
pub(super) fn opening(title: &str, command: &str, machine: &Machine) -> String {
    let Machine { date, hardware, versions } = machine;
    format!(
        "## {title}\n\nWritten by `cargo xtask {command}` on {date}; do not edit.\n\n\
         Measured on {hardware}, with {}.",
        versions.join(", ")
    )
}

/// The table of what was aimed at.
pub(super) struct Aims(String);

impl Aims {
    pub(super) fn new(title: &str) -> Self {
        Self(format!("\n### {title}\n\n| aim | measured | reached |\n|---|--:|---|\n"))
    }

    pub(super) fn aim(&mut self, aim: &str, measured: String, reached: bool) {
        let _ = writeln!(self.0, "| {aim} | {measured} | {} |", if reached { "yes" } else { "**no**" });
    }

    /// Something that this run did not measure is neither reached nor missed.
    pub(super) fn unmeasured(&mut self, aim: &str) {
        let _ = writeln!(self.0, "| {aim} | not measured in this run | |");
    }

    pub(super) fn text(self) -> String {
        self.0
    }
}

/// The number with commas between thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_replaced_and_the_others_stay() {
        let page = "# All\n<!-- a: begin -->\nold\n<!-- a: end -->\n<!-- b: begin -->\nb\n<!-- b: end -->\n";
        let after =
            "# All\n<!-- a: begin -->\n\nnew\n\n<!-- a: end -->\n<!-- b: begin -->\nb\n<!-- b: end -->\n";
        assert_eq!(replaced(page, "a", "\nnew\n").as_deref(), Some(after));
        assert_eq!(replaced(after, "a", "new").as_deref(), Some(after));
        assert_eq!(replaced(page, "c", "new"), None);
    }

    #[test]
    fn an_aim_that_is_missed_is_said_to_be_missed_and_one_that_was_not_measured_is_neither() {
        let mut aims = Aims::new("Aims");
        aims.aim("fast", "1 s".to_owned(), true);
        aims.aim("small", "9 MiB".to_owned(), false);
        aims.unmeasured("right");
        let text = aims.text();
        assert!(text.contains("| fast | 1 s | yes |\n| small | 9 MiB | **no** |\n"), "{text}");
        assert!(text.ends_with("| right | not measured in this run | |\n"), "{text}");
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
