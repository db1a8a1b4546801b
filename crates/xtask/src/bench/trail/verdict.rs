//! How right an answer is.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::Bench;
use super::corpus::Corpus;
use super::tool::Tool;
use crate::failure::{Failure, While as _};
use crate::process;

/// An answer, held against what is known to be in the trail, in keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// How many keys have the right figures.
    pub(super) exact: u64,
    pub(super) missing: u64,
    pub(super) invented: u64,
    /// How many have a wrong one, and for which figures.
    pub(super) wrong: u64,
    pub(super) wrong_figures: Vec<String>,
}

impl Verdict {
    /// Judges what the tool left in the folder; `None` if that cannot be compared.
    pub(super) fn of(
        bench: &Bench,
        tool: Tool,
        folder: &Path,
        corpus: &Corpus,
    ) -> Result<Option<Self>, Failure> {
        if !tool.answers_by_key() {
            return Ok(None);
        }
        let mut python = Command::new(bench.peers.program("python"));
        python.arg(bench.scripts.join("trail_found.py")).arg(folder.join("answer"));
        let found = process::capture(python.arg(corpus.folder.join("keys.jsonl")))?;
        let found: Value = serde_json::from_str(&found).could_not("read how right an answer is")?;
        Self::read(&found).map(Some).ok_or_else(|| Failure::new("a verdict has another form than expected"))
    }

    fn read(found: &Value) -> Option<Self> {
        let figures = found["wrong_figures"].as_array()?.iter().filter_map(Value::as_str);
        Some(Self {
            exact: found["exact"].as_u64()?,
            missing: found["missing"].as_u64()?,
            invented: found["invented"].as_u64()?,
            wrong: found["wrong"].as_u64()?,
            wrong_figures: figures.map(str::to_owned).collect(),
        })
    }

    /// Whether each key has the right figures, and there is no other.
    pub(super) fn is_exact(&self) -> bool {
        self.exact > 0 && self.missing + self.invented + self.wrong == 0
    }

    pub(super) fn in_words(&self) -> String {
        if self.is_exact() {
            return "exact".to_owned();
        }
        let mut parts = Vec::new();
        for (count, what) in [(self.missing, "missing"), (self.invented, "invented"), (self.wrong, "wrong")] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        if !self.wrong_figures.is_empty() {
            parts.push(format!("({})", self.wrong_figures.join(", ")));
        }
        parts.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_answer_is_said_to_be_wrong_and_an_empty_one_is_not_exact() {
        let verdict = |exact, missing, wrong| Verdict {
            exact,
            missing,
            invented: 0,
            wrong,
            wrong_figures: if wrong > 0 { vec!["calls".to_owned()] } else { Vec::new() },
        };
        assert_eq!(verdict(9, 0, 0).in_words(), "exact");
        assert_eq!(verdict(9, 1, 2).in_words(), "1 missing 2 wrong (calls)");
        assert!(!verdict(0, 0, 0).is_exact());
    }
}
