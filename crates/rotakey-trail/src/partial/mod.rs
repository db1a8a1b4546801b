//! Partials: a part of a trail, reduced to what is asked of it, to be put together with others on another machine.
//!
//! A partial is a file of JSON lines in zstd, and its records are CloudTrail records with most of their fields left out.
//! So it is read by the same code as the log files that it was made of, any question can be asked of it, and putting
//! partials together is reading them all: duplicates between them are removed as between any files, and the answer is
//! that of one process, however the files were spread.
//!
//! Its first line says that it is a partial, its last one that it is whole and what could not be read when it was made.
//! One without its last line was cut off, and never counts as complete.

mod write;

use serde::{Deserialize, Serialize};

use crate::summary::Summary;
pub use write::{Partial, PartialAnswer};

/// The version of the form.
const VERSION: u32 = 1;

/// What the records of a partial hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// What the questions who uses a key and what comes from it need: no parameters, answers only where they gave out a
    /// key, and no records without a key.
    Use,
    /// All that a [`Record`](crate::record::Record) has, of every record.
    Everything,
}

/// The first or last line of a partial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mark {
    version: u32,
    holds: Holds,
    /// How many records there are; only in the last line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    records: Option<u64>,
    /// What was read to make it; only in the last line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    summary: Option<Summary>,
}

/// What a file said of itself, if it is a partial.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    first: Option<Holds>,
    /// Whether the last partial in the file is whole.
    is_whole: bool,
    problem: Option<String>,
}

impl Marks {
    /// Takes the text of a mark. What the partial left out of its records is added to the summary.
    pub(crate) fn take(&mut self, text: &str, wanted: Holds, summary: &mut Summary) {
        let mark: Mark = match serde_json::from_str(text) {
            Ok(mark) => mark,
            Err(error) => {
                self.problem = Some(format!("it is a partial of another form: {error}"));
                return;
            }
        };
        if mark.version != VERSION {
            self.problem = Some(format!(
                "it is a partial of version {}, and this is rotakey for {VERSION}",
                mark.version
            ));
        } else if mark.holds < wanted {
            let made = "it was made by a question that needs less: make the partial with this question and --partial";
            self.problem = Some(made.to_owned());
        }
        match mark.summary {
            None => {
                self.first = self.first.or(Some(mark.holds));
                self.is_whole = false;
            }
            Some(mut made) => {
                self.is_whole = true;
                // The records that are here count when they are read, and so does this file.
                made.records = made.records.saturating_sub(mark.records.unwrap_or(0));
                summary.files = summary.files.saturating_sub(1);
                summary.merge(made);
            }
        }
    }

    /// What is wrong with the file as a partial, at its end.
    pub(crate) fn problem(self) -> Option<String> {
        let is_cut = self.first.is_some() && !self.is_whole;
        self.problem.or_else(|| is_cut.then(|| "it is a partial that was not written to its end".to_owned()))
    }
}

/// What is wrong with a partial that says this of itself: for fuzz targets.
#[cfg(feature = "oracle")]
#[doc(hidden)]
pub fn take_marks<'t>(texts: impl Iterator<Item = &'t str>) -> Option<String> {
    let (mut marks, mut summary) = (Marks::default(), Summary::default());
    texts.for_each(|text| marks.take(text, Holds::Everything, &mut summary));
    marks.problem()
}

#[cfg(test)]
mod tests;
