//! The index: how long the usage of one key takes, out of very many, after a long time of ingestion.
//!
//! Such a store takes long to fill, and whoever makes one also measures it: this benchmark runs a command and
//! reads what it prints, `{"keys": 100000, "days": 365, "usage_milliseconds": 3.5}`, the median of its questions.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::super::measure;
use crate::failure::{Failure, While as _};
use crate::process;

/// What the index was asked, and how long that took.
#[derive(Debug, PartialEq)]
pub(super) struct Index {
    pub(super) keys: u64,
    pub(super) days: u64,
    pub(super) usage_milliseconds: f64,
}

/// Runs the command, its words separated by blanks, in an emptied folder.
pub(super) fn measure(folder: &Path, command: &str) -> Result<Index, Failure> {
    let folder = folder.join("index");
    measure::empty(&folder)?;
    let mut words = command.split_whitespace();
    let program = words.next().ok_or_else(|| Failure::usage("--index lacks its command"))?;
    let printed = process::capture(Command::new(program).args(words).current_dir(&folder))?;
    read(&printed)
}

fn read(printed: &str) -> Result<Index, Failure> {
    let value: Value = serde_json::from_str(printed).could_not("read what the index command printed")?;
    let index = || {
        Some(Index {
            keys: value["keys"].as_u64()?,
            days: value["days"].as_u64()?,
            usage_milliseconds: value["usage_milliseconds"].as_f64()?,
        })
    };
    index().ok_or_else(|| Failure::new("the index command printed something of another form than expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_command_prints_is_read_and_nothing_else_passes() {
        let index = Index { keys: 9, days: 365, usage_milliseconds: 1.5 };
        let printed = "{\"keys\": 9, \"days\": 365, \"usage_milliseconds\": 1.5}\n";
        assert_eq!(read(printed).ok(), Some(index));
        assert!(read("{\"keys\": 9}").is_err());
        assert!(read("ready").is_err());
    }
}
