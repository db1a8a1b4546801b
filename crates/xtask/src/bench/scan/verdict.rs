//! How right a scanner is.

use std::collections::BTreeMap;

use serde_json::Value;

use super::found::Found;
use crate::failure::Failure;

/// The labelled set: what is in each case.
pub(super) struct Labels(Vec<Case>);

struct Case {
    name: String,
    is_disputed: bool,
    labels: Vec<Label>,
}

struct Label {
    kind: String,
    value: String,
    digests: Vec<String>,
    lines: std::ops::RangeInclusive<u64>,
}

/// So many of so many.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) found: usize,
    pub(super) all: usize,
}

/// What a scanner found of the labelled set.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Recall {
    pub(super) ids: Share,
    pub(super) secrets: Share,
    pub(super) tokens: Share,
    /// Of the cases that hold nothing, those in which it reports something.
    pub(super) alarms: Share,
    /// Of the cases that scanners may disagree about, those in which it reports something.
    pub(super) disputed: Share,
    /// What was missed, and where there was nothing to find: `case: kind`.
    pub(super) mistakes: Vec<String>,
}

impl Labels {
    /// Reads `labels.json`.
    pub(super) fn read(document: &Value) -> Result<Self, Failure> {
        let cases = document.as_array().and_then(|cases| cases.iter().map(Case::read).collect());
        cases.map(Self).ok_or_else(|| Failure::new("the labels have another form than expected"))
    }

    /// How many cases hold something, and how many nothing; those apart about which scanners may disagree.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        let count = |is_counted: fn(&Case) -> bool| self.0.iter().filter(|case| is_counted(case)).count();
        (
            count(|case| !case.is_disputed && !case.labels.is_empty()),
            count(|case| !case.is_disputed && case.labels.is_empty()),
            count(|case| case.is_disputed),
        )
    }

    /// Holds what was found against the labels. The name of the case is the folder of the file.
    pub(super) fn judge(&self, found: &[Found]) -> Recall {
        let mut by_case: BTreeMap<&str, Vec<&Found>> = BTreeMap::new();
        for found in found {
            let path = found.path.rsplit_once("files/").map_or(found.path.as_str(), |(_, path)| path);
            let path = path.trim_start_matches("./");
            by_case.entry(path.split('/').next().unwrap_or_default()).or_default().push(found);
        }
        let mut recall = Recall::default();
        for case in &self.0 {
            let found = by_case.get(case.name.as_str()).map_or(&[][..], Vec::as_slice);
            recall.take(case, found);
        }
        recall
    }
}

impl Recall {
    fn take(&mut self, case: &Case, found: &[&Found]) {
        if case.is_disputed {
            self.disputed.add(!found.is_empty());
            return;
        }
        if case.labels.is_empty() {
            self.alarms.add(!found.is_empty());
            if !found.is_empty() {
                self.mistakes.push(format!("{}: false alarm", case.name));
            }
        }
        for label in &case.labels {
            let is_found = found.iter().any(|found| label.is_in(found));
            let share = match label.kind.as_str() {
                "access_key_id" => &mut self.ids,
                "secret_access_key" => &mut self.secrets,
                _ => &mut self.tokens,
            };
            share.add(is_found);
            if !is_found {
                self.mistakes.push(format!("{}: {}", case.name, label.kind));
            }
        }
    }
}

impl Share {
    pub(super) fn add(&mut self, is_found: bool) {
        self.all += 1;
        self.found += usize::from(is_found);
    }

    pub(super) fn in_words(self) -> String {
        format!("{}/{}", self.found, self.all)
    }

    pub(super) fn ratio(self) -> f64 {
        if self.all == 0 { 1.0 } else { self.found as f64 / self.all as f64 }
    }
}

impl Label {
    fn is_in(&self, found: &Found) -> bool {
        let is_on_line = || found.line.is_some_and(|line| self.lines.contains(&line));
        found.texts.iter().any(|text| text.contains(&self.value) || self.digests.contains(text))
            || found.is_line && is_on_line()
    }
}

impl Case {
    fn read(case: &Value) -> Option<Self> {
        let label = |label: &Value| {
            let text = |name: &str| label[name].as_str().map(str::to_owned);
            Some(Label {
                kind: text("kind")?,
                value: text("value")?,
                digests: vec![text("sha1")?, text("sha256")?],
                lines: label["line"].as_u64()?..=label["end_line"].as_u64()?,
            })
        };
        Some(Self {
            name: case["name"].as_str()?.to_owned(),
            is_disputed: case["is_disputed"].as_bool()?,
            labels: case["labels"].as_array()?.iter().map(label).collect::<Option<_>>()?,
        })
    }
}

/// What was planted into a corpus: of each key both halves.
pub(super) struct Planted(Vec<[Half; 2]>);

struct Half {
    value: String,
    digests: Vec<String>,
}

/// What a scanner found of what was planted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Harvest {
    pub(super) ids: Share,
    pub(super) secrets: Share,
    /// How much it reports in all.
    pub(super) reports: usize,
}

impl Planted {
    /// Reads `planted` of the truth about a corpus.
    pub(super) fn read(truth: &Value) -> Option<Self> {
        let half = |planted: &Value, name: &str| {
            let digests = planted[format!("{name}_digests")].as_array()?;
            let digests = digests.iter().map(|digest| digest.as_str().map(str::to_owned));
            Some(Half { value: planted[name].as_str()?.to_owned(), digests: digests.collect::<Option<_>>()? })
        };
        let key = |planted| Some([half(planted, "access_key_id")?, half(planted, "secret_access_key")?]);
        truth["planted"].as_array()?.iter().map(key).collect::<Option<_>>().map(Self)
    }

    /// The id of the first key that was planted.
    pub(super) fn first_id(&self) -> Option<&str> {
        self.0.first().map(|[id, _]| id.value.as_str())
    }

    /// Holds what was found against it.
    pub(super) fn judge(&self, found: &[Found]) -> Harvest {
        let mut all = String::new();
        for text in found.iter().flat_map(|found| &found.texts) {
            all.push_str(text);
            all.push('\n');
        }
        let is_in = |half: &Half| {
            all.contains(&half.value) || half.digests.iter().any(|digest| all.contains(digest.as_str()))
        };
        let mut harvest = Harvest { reports: found.len(), ..Harvest::default() };
        for [id, secret] in &self.0 {
            harvest.ids.add(is_in(id));
            harvest.secrets.add(is_in(secret));
        }
        harvest
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn labels() -> Labels {
        let label = |kind: &str, value: &str, line: u64| {
            json!({"kind": kind, "value": value, "sha1": format!("1{value}"), "sha256": format!("2{value}"),
                   "line": line, "end_line": line + 1})
        };
        let case = |name: &str, is_disputed: bool, labels: Vec<Value>| json!({"name": name, "path": "x/y.txt", "is_disputed": is_disputed, "labels": labels});
        let pair = vec![label("access_key_id", "ID", 2), label("secret_access_key", "SECRET", 3)];
        Labels::read(&json!([
            case("pair-1", false, pair),
            case("nothing-1", false, vec![]),
            case("unclear-1", true, vec![])
        ]))
        .unwrap()
    }

    fn found(path: &str, line: u64, text: &str, is_line: bool) -> Found {
        Found { path: path.to_owned(), line: Some(line), texts: vec![text.to_owned()], is_line }
    }

    fn share(found: usize, all: usize) -> Share {
        Share { found, all }
    }

    #[test]
    fn values_and_their_digests_count_as_found_in_their_own_case_only() {
        let recall = labels().judge(&[
            found("/somewhere/files/pair-1/x/y.txt", 9, "key=ID", false),
            found("./nothing-1/x/y.txt", 1, "1SECRET", false),
        ]);
        assert_eq!((recall.ids, recall.secrets, recall.alarms), (share(1, 1), share(0, 1), share(1, 1)));
        assert_eq!(recall.mistakes, ["pair-1: secret_access_key", "nothing-1: false alarm"]);
        let recall = labels().judge(&[found("pair-1/x/y.txt", 9, "1SECRET", false)]);
        assert_eq!((recall.ids, recall.secrets, recall.alarms), (share(0, 1), share(1, 1), share(0, 1)));
    }

    #[test]
    fn who_shows_lines_has_found_what_stands_on_them() {
        let recall = labels().judge(&[found("pair-1/x/y.txt", 3, "encoded", true)]);
        assert_eq!((recall.ids, recall.secrets), (share(1, 1), share(1, 1)));
        let recall = labels().judge(&[found("pair-1/x/y.txt", 3, "encoded", false)]);
        assert_eq!((recall.ids, recall.secrets), (share(0, 1), share(0, 1)));
    }

    #[test]
    fn cases_that_scanners_may_disagree_about_are_counted_apart() {
        let recall = labels().judge(&[found("unclear-1/x/y.txt", 1, "ID", false)]);
        assert_eq!((recall.disputed, recall.alarms), (share(1, 1), share(0, 1)));
        assert_eq!(labels().counts(), (1, 1, 1));
    }

    #[test]
    fn what_was_planted_is_found_anywhere() {
        let key = |id: &str, secret: &str, digest: &str| {
            json!({"access_key_id": id, "access_key_id_digests": [], "secret_access_key": secret,
                   "secret_access_key_digests": [digest]})
        };
        let planted = Planted::read(&json!({"planted": [key("A", "S", "66"), key("B", "T", "77")]})).unwrap();
        let harvest = planted.judge(&[found("p", 1, "A", false), found("q", 1, "77", false)]);
        assert_eq!((harvest.ids, harvest.secrets, harvest.reports), (share(1, 2), share(1, 2), 2));
    }
}
