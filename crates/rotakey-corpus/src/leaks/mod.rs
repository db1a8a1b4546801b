//! The labelled set: files that hold leaked keys in every form that is known, files that only look like it, and what is
//! in each.
//!
//! The cases are templates in `cases/`, written for this project. No file of the project holds anything that looks like a
//! key: the values are made from a seed, other ones for each seed, so that the set has as many instances as one likes. What
//! a case holds follows from its placeholders; a case without those of keys holds nothing.

mod encode;
mod template;
mod value;
mod whole;

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use serde_json::{Value, json};

use template::Template;

/// The templates, by where they occur.
const FILES: [&str; 5] = [
    include_str!("cases/settings.txt"),
    include_str!("cases/source.txt"),
    include_str!("cases/outputs.txt"),
    include_str!("cases/encodings.txt"),
    include_str!("cases/harmless.txt"),
];

/// A file, and what is known to be in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What it is called; each name is there once.
    pub name: &'static str,
    /// The path of the file, which means something to some scanners.
    pub path: &'static str,
    /// What is in the file.
    pub content: Vec<u8>,
    /// The values that are to be found, in the order in which they stand. None if the file only looks like it.
    pub labels: Vec<Label>,
    /// Whether good scanners may disagree about the case, such as where a comment allows the value. Scored apart.
    pub is_disputed: bool,
}

/// A value that is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// What it is.
    pub kind: Kind,
    /// The value itself, all encodings taken off.
    pub value: String,
    /// The lines that it stands on, encoded as it is; the first line is 1.
    pub lines: RangeInclusive<usize>,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Twenty characters.
    AccessKeyId,
    /// Forty characters of base64.
    SecretAccessKey,
    /// Some hundred characters of base64.
    SessionToken,
}

impl Kind {
    /// The name in documents, such as `access_key_id`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessKeyId => "access_key_id",
            Self::SecretAccessKey => "secret_access_key",
            Self::SessionToken => "session_token",
        }
    }
}

/// All cases, with the values that grow from the seed.
pub fn cases(seed: u64) -> Vec<Case> {
    templates().map(|template| template.fill(seed)).collect()
}

/// Writes the cases of so many seeds, from the first on, into a folder: each into a folder of its own, `CASE-SEED/PATH`, and
/// what is in them into `labels.json` beside these.
///
/// # Errors
/// If something cannot be written.
pub fn write(folder: &Path, first_seed: u64, seeds: u64) -> io::Result<()> {
    let mut labels = Vec::new();
    for seed in first_seed..first_seed + seeds {
        for case in cases(seed) {
            let name = format!("{}-{seed}", case.name);
            let path = folder.join("files").join(&name).join(case.path);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(path, &case.content)?;
            labels.push(case.document(&name));
        }
    }
    fs::write(folder.join("labels.json"), format!("{:#}\n", Value::Array(labels)))
}

impl Case {
    /// What is known of the case, as JSON. The digests are there for scanners that tell only these.
    fn document(&self, name: &str) -> Value {
        let label = |label: &Label| {
            json!({
                "kind": label.kind.name(),
                "value": label.value,
                "sha1": value::sha1(&label.value),
                "sha256": value::sha256(&label.value),
                "line": label.lines.start(),
                "end_line": label.lines.end(),
            })
        };
        json!({
            "name": name,
            "path": self.path,
            "is_disputed": self.is_disputed,
            "labels": self.labels.iter().map(label).collect::<Vec<_>>(),
        })
    }
}

fn templates() -> impl Iterator<Item = Template> {
    FILES.into_iter().flat_map(template::read)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn count(cases: &[Case], is_counted: fn(&Case) -> bool) -> usize {
        cases.iter().filter(|case| is_counted(case)).count()
    }

    #[test]
    fn the_set_is_large_and_no_name_is_there_twice() {
        let cases = cases(1);
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), cases.len());
        let holds = |case: &Case, kind| case.labels.iter().any(|label| label.kind == kind);
        assert!(cases.iter().filter(|case| holds(case, Kind::AccessKeyId)).count() >= 300);
        assert!(cases.iter().filter(|case| holds(case, Kind::SecretAccessKey)).count() >= 280);
        assert!(cases.iter().filter(|case| holds(case, Kind::SessionToken)).count() >= 15);
        assert!(count(&cases, |case| case.labels.is_empty() && !case.is_disputed) >= 140);
        assert!(count(&cases, |case| case.is_disputed) >= 10);
    }

    #[test]
    fn cases_hold_something_but_the_harmless_ones() {
        let harmless: BTreeSet<&str> = template::read(FILES[4]).map(|template| template.name).collect();
        for case in cases(2).iter().filter(|case| !case.is_disputed) {
            assert_eq!(case.labels.is_empty(), harmless.contains(case.name), "{}", case.name);
        }
    }

    #[test]
    fn values_stand_where_the_labels_say() {
        let plain =
            ["shared-credentials", "hadoop-site", "python-named", "chat-slash", "compose-list", "many-keys"];
        for case in cases(3).iter().filter(|case| plain.contains(&case.name)) {
            let text = str::from_utf8(&case.content).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            assert!(case.labels.len() >= 2, "{}", case.name);
            for label in &case.labels {
                assert!(lines[*label.lines.start() - 1].contains(&label.value), "{}: {label:?}", case.name);
            }
        }
    }

    #[test]
    fn other_seeds_make_other_values_and_the_same_seed_the_same() {
        assert_eq!(cases(4), cases(4));
        let first = |seed| cases(seed)[0].labels[0].value.clone();
        assert_ne!(first(4), first(5));
    }

    #[test]
    fn no_template_holds_a_value_itself() {
        for text in FILES {
            let ids = text.match_indices("AKIA").chain(text.match_indices("ASIA"));
            for (at, _) in ids {
                let follows =
                    text[at + 4..].bytes().take_while(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
                let is_documented = text[at..].starts_with("AKIAIOSFODNN7EXAMPLE");
                let is_word = text[at..].bytes().take(20).all(|byte| byte.is_ascii_uppercase());
                assert!(follows.count() < 16 || is_documented || is_word, "{:?}", &text[at..at + 20]);
            }
        }
    }

    #[test]
    fn the_written_set_tells_what_is_in_it() {
        let folder = std::env::temp_dir().join(format!("rotakey-leaks-{}", std::process::id()));
        write(&folder, 7, 2).unwrap();
        let labels: Value = serde_json::from_slice(&fs::read(folder.join("labels.json")).unwrap()).unwrap();
        let labels = labels.as_array().unwrap();
        assert_eq!(labels.len(), 2 * cases(7).len());
        for case in labels {
            let path = folder
                .join("files")
                .join(case["name"].as_str().unwrap())
                .join(case["path"].as_str().unwrap());
            assert!(path.is_file(), "{}", path.display());
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
