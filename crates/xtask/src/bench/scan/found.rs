//! What each scanner says it found, brought into one form.

use std::path::Path;

use serde_json::Value;

use crate::failure::{Failure, While as _};

/// One thing that a scanner reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The path as the scanner tells it.
    pub(super) path: String,
    /// The line on which it begins, if it says so.
    pub(super) line: Option<u64>,
    /// Values in clear or their digests in hexadecimal.
    pub(super) texts: Vec<String>,
    /// Whether the scanner shows lines and not values, so that whatever stands on the line is found.
    pub(super) is_line: bool,
}

/// How a scanner reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A line of JSON for each finding, as `rotakey scan --format jsonl` writes.
    Rotakey,
    Kingfisher,
    Gitleaks,
    DetectSecrets,
    /// `path:line:text`, where all of the line is shown.
    Lines,
    /// The same where only what matches is shown.
    Matches,
}

impl Form {
    /// What the file says. A scanner that found nothing may not have written one.
    pub(super) fn read(self, file: &Path) -> Result<Vec<Found>, Failure> {
        if !file.exists() {
            return Ok(Vec::new());
        }
        let bytes = std::fs::read(file).could_not(format!("read {}", file.display()))?;
        self.parse(&String::from_utf8_lossy(&bytes))
            .ok_or_else(|| Failure::new(format!("{} has another form than expected", file.display())))
    }

    fn parse(self, text: &str) -> Option<Vec<Found>> {
        match self {
            Self::Rotakey => Some(json_lines(text).filter_map(|value| rotakey(&value)).collect()),
            Self::Kingfisher => {
                let mut all = Vec::new();
                for document in json_lines_or_whole(text)? {
                    all.extend(document["findings"].as_array().into_iter().flatten().map(kingfisher));
                }
                Some(all)
            }
            Self::Gitleaks if text.trim().is_empty() => Some(Vec::new()),
            Self::Gitleaks => {
                let findings: Value = serde_json::from_str(text).ok()?;
                // Go writes a list without elements as null.
                Some(findings.as_array().into_iter().flatten().map(gitleaks).collect())
            }
            Self::DetectSecrets => {
                // Warnings stand before.
                let document: Value = serde_json::from_str(&text[text.find('{')?..]).ok()?;
                let files = document["results"].as_object()?;
                Some(files.values().filter_map(Value::as_array).flatten().map(detect_secrets).collect())
            }
            Self::Lines | Self::Matches => {
                Some(text.lines().filter_map(|line| of_line(line, self == Self::Lines)).collect())
            }
        }
    }
}

fn rotakey(finding: &Value) -> Option<Found> {
    let kind = finding["kind"].as_str()?;
    let mut texts = texts(finding, &["sha256", "sha1"]);
    if kind == "access_key_id" {
        texts.extend(self::texts(finding, &["access_key_id"]));
    }
    Some(Found { path: text(finding, "path"), line: finding["line"].as_u64(), texts, is_line: false })
}

fn kingfisher(entry: &Value) -> Found {
    let finding = &entry["finding"];
    let mut texts = texts(finding, &["snippet"]);
    let halves = finding["dependent_captures"].as_object().into_iter().flat_map(|halves| halves.values());
    texts.extend(halves.filter_map(Value::as_str).map(str::to_owned));
    Found { path: text(finding, "path"), line: finding["line"].as_u64(), texts, is_line: false }
}

fn gitleaks(finding: &Value) -> Found {
    Found {
        path: text(finding, "File"),
        line: finding["StartLine"].as_u64(),
        texts: texts(finding, &["Match", "Secret"]),
        is_line: false,
    }
}

fn detect_secrets(finding: &Value) -> Found {
    Found {
        path: text(finding, "filename"),
        line: finding["line_number"].as_u64(),
        texts: texts(finding, &["hashed_secret"]),
        is_line: false,
    }
}

/// `path:line:text`, or `commit:path:line:text`. Git and grep do not escape paths, and ours have no colon.
fn of_line(line: &str, is_line: bool) -> Option<Found> {
    let (path, rest) = line.split_once(':')?;
    let (number, rest) = rest.split_once(':')?;
    if let Ok(number) = number.parse() {
        return Some(Found {
            path: path.to_owned(),
            line: Some(number),
            texts: vec![rest.to_owned()],
            is_line,
        });
    }
    let (line, rest) = rest.split_once(':')?;
    let is_commit = path.len() == 40 && path.bytes().all(|byte| byte.is_ascii_hexdigit());
    let line = line.parse().ok().filter(|_| is_commit)?;
    Some(Found { path: number.to_owned(), line: Some(line), texts: vec![rest.to_owned()], is_line })
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value, names: &[&str]) -> Vec<String> {
    names.iter().filter_map(|name| value[*name].as_str()).map(str::to_owned).collect()
}

/// The documents that stand on a line each; other lines are for people.
fn json_lines(text: &str) -> impl Iterator<Item = Value> {
    text.lines().filter(|line| line.starts_with('{')).filter_map(|line| serde_json::from_str(line).ok())
}

/// One document, or several that follow each other.
fn json_lines_or_whole(text: &str) -> Option<Vec<Value>> {
    serde_json::Deserializer::from_str(text).into_iter().collect::<Result<_, _>>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scanner_is_understood() {
        let check = |form: Form, text: &str, path: &str, line: u64, expected: &[&str]| {
            let found = form.parse(text).unwrap();
            assert_eq!(found.len(), 1, "{form:?}");
            assert_eq!((found[0].path.as_str(), found[0].line), (path, Some(line)), "{form:?}");
            assert_eq!(found[0].texts, expected, "{form:?}");
        };
        check(
            Form::Rotakey,
            "Scanned 1 file\n{\"kind\":\"secret_access_key\",\"path\":\"a\",\"line\":3,\"sha256\":\"00\",\
             \"access_key_id\":\"X\"}\n{\"summary\":1}\n",
            "a",
            3,
            &["00"],
        );
        check(
            Form::Rotakey,
            "{\"kind\":\"access_key_id\",\"path\":\"a\",\"line\":3,\"sha256\":\"00\",\"access_key_id\":\"X\"}",
            "a",
            3,
            &["00", "X"],
        );
        check(
            Form::Kingfisher,
            r#"{"findings": 1}
               {"findings":[{"rule":{},"finding":{"dependent_captures":{"S":"secret"},"snippet":"X","line":2,"path":"b"}}]}"#,
            "b",
            2,
            &["X", "secret"],
        );
        check(
            Form::Gitleaks,
            r#"[{"File":"c","StartLine":4,"Match":"k = X","Secret":"X"}]"#,
            "c",
            4,
            &["k = X", "X"],
        );
        check(
            Form::DetectSecrets,
            "[scan] warning\n{\"results\":{\"d\":[{\"filename\":\"d\",\"hashed_secret\":\"ab\",\"line_number\":5}]}}",
            "d",
            5,
            &["ab"],
        );
        check(Form::Lines, "e/f:6:a:b\n\n[ERROR] Matched one\n", "e/f", 6, &["a:b"]);
        let commit = "0123456789012345678901234567890123456789";
        check(Form::Lines, &format!("{commit}:e/f:6:a:b\nTo fix: see: here: 7\n"), "e/f", 6, &["a:b"]);
    }

    #[test]
    fn to_find_nothing_is_understood_too() {
        let nothing = [
            (Form::Rotakey, ""),
            (Form::Kingfisher, r#"{"findings":0}"#),
            (Form::Gitleaks, "null"),
            (Form::Gitleaks, ""),
            (Form::DetectSecrets, r#"{"results":{}}"#),
            (Form::Matches, "fatal: not a git repository (or any of the parent directories): .git\n"),
        ];
        for (form, text) in nothing {
            assert_eq!(form.parse(text), Some(Vec::new()), "{form:?}");
        }
        assert_eq!(Form::Gitleaks.parse("panic"), None);
    }
}
