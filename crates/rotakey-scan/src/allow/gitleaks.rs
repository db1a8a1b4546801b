//! What was allowed to gitleaks: its `.gitleaksignore`, and earlier reports of it as a baseline.

use std::collections::{HashMap, HashSet};

use rotakey_core::secret::Secret;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::baseline::path::normal;
use crate::finding::Finding;
use crate::kind::Kind;

/// A `.gitleaksignore`: lines of `file:rule:line`, or `commit:file:rule:line` for what one commit brought in.
#[derive(Debug, Default, Clone)]
pub struct GitleaksIgnore {
    /// The rules and commits that are ignored, by file and line.
    places: HashMap<(String, u32), Vec<Ignored>>,
    /// The numbers of the lines that are none of these.
    not_understood: Vec<u32>,
}

#[derive(Debug, Clone)]
struct Ignored {
    rule: String,
    commit: Option<String>,
}

impl GitleaksIgnore {
    /// Reads a file. What cannot be understood ignores nothing.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut ignore = Self::default();
        for (number, line) in (1..).zip(String::from_utf8_lossy(bytes).lines()) {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') && ignore.add(line).is_none() {
                ignore.not_understood.push(number);
            }
        }
        ignore
    }

    /// The numbers of the lines that are not understood, from 1.
    pub fn not_understood(&self) -> &[u32] {
        &self.not_understood
    }

    /// Whether a finding is ignored. Its path counts from the repository's root.
    pub fn allows(&self, finding: &Finding, root: Option<&str>) -> bool {
        let place = (normal(&finding.path, root).into_owned(), finding.position.line);
        let commit = finding.introduced.as_ref().map(|introduced| introduced.commit.to_string());
        self.places.get(&place).is_some_and(|ignored| {
            ignored.iter().any(|ignored| {
                is_of_rule(finding, &ignored.rule)
                    && ignored.commit.as_ref().is_none_or(|of| Some(of) == commit.as_ref())
            })
        })
    }

    /// Adds one line, from its end: names of files may have colons.
    fn add(&mut self, line: &str) -> Option<()> {
        let (rest, number) = line.rsplit_once(':')?;
        let (rest, rule) = rest.rsplit_once(':')?;
        let number = number.trim().parse().ok()?;
        let is_commit =
            |text: &str| matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (commit, file) = match rest.split_once(':') {
            Some((commit, file)) if is_commit(commit) => (Some(commit.to_ascii_lowercase()), file),
            _ => (None, rest),
        };
        if file.is_empty() || rule.is_empty() {
            return None;
        }
        let place = (normal(file, None).into_owned(), number);
        self.places.entry(place).or_default().push(Ignored { rule: rule.to_owned(), commit });
        Some(())
    }
}

/// Whether a rule of gitleaks, or one of ours, names what was found. gitleaks has no rule of its own for the secret half.
fn is_of_rule(finding: &Finding, rule: &str) -> bool {
    match rule {
        "aws-access-token" => finding.kind == Kind::AccessKeyId,
        "generic-api-key" => finding.kind != Kind::AccessKeyId,
        _ => rule == finding.rule,
    }
}

/// A JSON report of gitleaks, taken as what is known. It has the secrets in clear, of which digests are kept.
#[derive(Debug, Default, Clone)]
pub struct GitleaksReport {
    values: HashSet<(String, [u8; 32])>,
    /// For reports with redacted secrets.
    places: GitleaksIgnore,
}

/// The file is not a JSON report of gitleaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a JSON report of gitleaks (line {line}, column {column})")]
pub struct NotAReport {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(default, rename = "RuleID")]
    rule_id: String,
    #[serde(default)]
    start_line: u32,
    #[serde(default)]
    file: String,
    #[serde(default)]
    commit: String,
    #[serde(default)]
    secret: String,
}

impl GitleaksReport {
    /// Reads a report.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAReport> {
        // What serde says of a wrong type may hold the value, so only the place is told.
        let entries: Option<Vec<Entry>> = serde_json::from_slice(bytes)
            .map_err(|error| NotAReport { line: error.line(), column: error.column() })?;
        let mut report = Self::default();
        for entry in entries.into_iter().flatten() {
            let secret = Secret::new(entry.secret);
            let path = normal(&entry.file, None).into_owned();
            if secret.expose().is_empty() || secret.expose() == "REDACTED" || secret.expose().ends_with("...")
            {
                let commit = if entry.commit.is_empty() { None } else { Some(entry.commit) };
                let ignored = Ignored { rule: entry.rule_id, commit };
                report.places.places.entry((path, entry.start_line)).or_default().push(ignored);
            } else {
                report.values.insert((path, Sha256::digest(secret.expose()).into()));
            }
        }
        Ok(report)
    }

    /// Whether a finding is in the report: the same value in the same file, on whatever line.
    pub fn knows(&self, finding: &Finding, root: Option<&str>) -> bool {
        let path = normal(&finding.path, root).into_owned();
        self.values.contains(&(path, finding.digests.sha256)) || self.places.allows(finding, root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Introduction;
    use crate::finding::testing::finding;
    use crate::specimen::Specimen;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn ids(line: u32) -> Finding {
        finding("src/a.py", Kind::AccessKeyId, "AKIAIOSFODNN7EXAMPLE", line)
    }

    #[test]
    fn a_line_of_gitleaksignore_ignores_one_rule_on_one_line() {
        let ignore = GitleaksIgnore::parse(
            b"# Reviewed.\n\nsrc\\a.py:aws-access-token:3\r\n./src/b:c.py:generic-api-key:1\nnonsense\na:b:c\n",
        );
        assert_eq!(ignore.not_understood(), [5, 6]);
        assert!(ignore.allows(&ids(3), None));
        assert!(!ignore.allows(&ids(4), None), "another line");
        let secret = finding("src/a.py", Kind::SecretAccessKey, "x", 3);
        assert!(!ignore.allows(&secret, None), "another rule");
        let absolute = Finding { path: "/repo/src/a.py".to_owned(), ..ids(3) };
        assert!(ignore.allows(&absolute, Some("/repo")));
        assert!(ignore.allows(&finding("src/b:c.py", Kind::SecretAccessKey, "x", 1), None));
        assert!(!ignore.allows(&finding("src/b:c.py", Kind::AccessKeyId, "x", 1), None));
    }

    #[test]
    fn a_commit_in_it_must_be_the_one_that_brought_the_finding_in() {
        let ignore = GitleaksIgnore::parse(format!("{COMMIT}:src/a.py:aws-access-token:3").as_bytes());
        assert!(!ignore.allows(&ids(3), None));
        let by = |commit: &str| Finding {
            introduced: Some(Introduction {
                commit: commit.parse().unwrap(),
                author: String::new(),
                email: String::new(),
                seconds: 0,
                in_head: true,
                reach: crate::git::attribute::Reach::Reference,
            }),
            ..ids(3)
        };
        assert!(ignore.allows(&by(COMMIT), None));
        assert!(!ignore.allows(&by(&COMMIT.replace('0', "1")), None));
    }

    #[test]
    fn our_own_rules_can_be_named() {
        let ignore = GitleaksIgnore::parse(format!("src/a.py:{}:3", ids(3).rule).as_bytes());
        assert!(ignore.allows(&ids(3), None));
    }

    #[test]
    fn a_report_of_gitleaks_is_known_by_value_or_if_redacted_by_place() {
        let specimen = Specimen::from_seed(1);
        let report = specimen.fill(
            r#"[{"RuleID": "generic-api-key", "Secret": "{secret_access_key}", "File": "src\\a.py", "StartLine": 3,
                "Match": "x", "Tags": [], "Commit": "", "Entropy": 4.5},
               {"RuleID": "aws-access-token", "Secret": "REDACTED", "File": "src/a.py", "StartLine": 3}]"#,
        );
        let report = GitleaksReport::parse(report.as_bytes()).unwrap();
        let secret = |path: &str, value: &str| finding(path, Kind::SecretAccessKey, value, 9);
        assert!(report.knows(&secret("src/a.py", &specimen.secret_access_key), None));
        assert!(!report.knows(&secret("src/b.py", &specimen.secret_access_key), None));
        assert!(!report.knows(&secret("src/a.py", "other"), None));
        assert!(report.knows(&ids(3), None));
        assert!(!report.knows(&ids(4), None));
        assert!(!format!("{report:?}").contains(&specimen.secret_access_key));
        assert!(GitleaksReport::parse(b"null").is_ok(), "no leaks");
    }

    #[test]
    fn what_is_no_report_is_refused_without_telling_what_it_holds() {
        let error = GitleaksReport::parse(b"[\n{\"StartLine\": \"not to be told\"}]").unwrap_err();
        assert_eq!(error.to_string(), "it is not a JSON report of gitleaks (line 2, column 30)");
        assert!(GitleaksReport::parse(b"{}").is_err());
    }
}
