//! Reading a baseline, as strictly as detect-secrets does.

use std::collections::HashMap;

use super::json::{Json, Layout, Object, member};
use super::{Baseline, OWN_FILTER, is_own};

/// Why a file is not a baseline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// It is not JSON.
    #[error("it is not JSON: line {line}, column {column}: {message}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1; 0 at the end of the file.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// Both sides of a merge are in it.
    #[error("line {line} is a mark of a merge conflict: take one side, and update the baseline")]
    Conflict {
        /// The line, from 1.
        line: usize,
    },
    /// Something is missing without which detect-secrets does not read it either.
    #[error("it has no `{0}`")]
    Missing(String),
    /// Something is of another kind than it must be.
    #[error("`{place}` is not {expected}")]
    Shape {
        /// What, as a path from the outermost object.
        place: String,
        /// What it must be.
        expected: &'static str,
    },
}

impl Baseline {
    /// Reads a file. Every version that detect-secrets upgrades is read; the version is left as it is.
    pub fn parse(bytes: &[u8]) -> Result<Self, BaselineError> {
        let document: Json = serde_json::from_slice(bytes).map_err(|error| {
            let lines = bytes.split(|&byte| byte == b'\n').position(|line| line.starts_with(b"<<<<<<< "));
            if let Some(before) = lines {
                return BaselineError::Conflict { line: before + 1 };
            }
            let message = error.to_string();
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
            BaselineError::Syntax { line: error.line(), column: error.column(), message: message.to_owned() }
        })?;
        let Json::Object(document) = document else {
            return Err(shape("the file".to_owned(), "an object"));
        };
        version(&document)?;
        plugins_and_filters(&document)?;
        let mut baseline = Self {
            document,
            layout: Layout::of(bytes),
            original: Some(bytes.to_vec()),
            known: HashMap::new(),
            root: None,
        };
        let results = member(&baseline.document, "results").ok_or_else(|| missing("results"))?;
        files("results", results)?;
        if let Some(own) = baseline.own_filter() {
            files(&format!("{OWN_FILTER}.results"), own.get("results").unwrap_or(&Json::Null))?;
        }
        baseline.index();
        Ok(baseline)
    }

    fn own_filter(&self) -> Option<&Json> {
        member(&self.document, "filters_used")?.as_array()?.iter().find(|filter| is_own(filter))
    }
}

fn missing(name: &str) -> BaselineError {
    BaselineError::Missing(name.to_owned())
}

fn shape(place: String, expected: &'static str) -> BaselineError {
    BaselineError::Shape { place, expected }
}

fn version(document: &Object) -> Result<(), BaselineError> {
    let version = member(document, "version").ok_or_else(|| missing("version"))?;
    let parts: Option<Vec<&str>> = version.as_text().map(|text| text.split('.').collect());
    match parts {
        Some(parts) if parts.len() == 3 && parts.iter().all(|part| part.trim().parse::<u64>().is_ok()) => {
            Ok(())
        }
        _ => Err(shape("version".to_owned(), "three numbers, such as \"1.5.0\"")),
    }
}

/// Each plugin has a name, and each filter a path.
fn plugins_and_filters(document: &Object) -> Result<(), BaselineError> {
    for (list, name) in [("plugins_used", "name"), ("filters_used", "path")] {
        let Some(items) = member(document, list) else { continue };
        let items = items.as_array().ok_or_else(|| shape(list.to_owned(), "a list"))?;
        for (index, item) in items.iter().enumerate() {
            let place = format!("{list}[{index}]");
            item.as_object().ok_or_else(|| shape(place.clone(), "an object"))?;
            let named = item.get(name).ok_or_else(|| missing(&format!("{place}.{name}")))?;
            named.as_text().ok_or_else(|| shape(format!("{place}.{name}"), "a text"))?;
        }
    }
    Ok(())
}

fn files(place: &str, results: &Json) -> Result<(), BaselineError> {
    let results = results.as_object().ok_or_else(|| shape(place.to_owned(), "an object"))?;
    for (file, entries) in results {
        let place = format!("{place}[{file:?}]");
        let entries = entries.as_array().ok_or_else(|| shape(place.clone(), "a list"))?;
        for (index, entry) in entries.iter().enumerate() {
            entry.as_object().ok_or_else(|| shape(format!("{place}[{index}]"), "an object"))?;
            for name in ["type", "hashed_secret"] {
                if entry.get(name).is_none() {
                    return Err(missing(&format!("{place}[{index}].{name}")));
                }
            }
        }
    }
    Ok(())
}
