//! What is wrong in a configuration file, and where.

use std::fmt;

use serde::Serialize;

/// A place in a text, both counted from 1; columns count characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Position {
    /// The place of the byte at `offset` of `text`.
    pub(super) fn at(text: &str, offset: usize) -> Self {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        Self { line, column: String::from_utf8_lossy(&before[line_start..]).chars().count() + 1 }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Whether a configuration with the mistake can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gravity {
    /// It cannot.
    Error,
    /// It can, but says perhaps not what is meant.
    Warning,
}

/// Something in a configuration file that is wrong. Shown as `line:column: key: what is wrong`, without the
/// hint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{position}: {}{what}", if key.is_empty() { String::new() } else { format!("{key}: ") })]
pub struct Mistake {
    /// Where.
    pub position: Position,
    /// The key as a path from the top, such as `policy.rule[2].max_age`; empty for the file as a whole.
    pub key: String,
    /// What is wrong there.
    pub what: String,
    /// What to write instead, if that can be told.
    pub hint: Option<String>,
    /// Whether the configuration can be used all the same.
    pub gravity: Gravity,
}
