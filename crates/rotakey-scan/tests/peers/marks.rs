//! Our reading of `pragma: allowlist secret` beside that of detect-secrets.

use rotakey_scan::allow::{Mark, on_line};

use crate::python::python;

const THEIRS: &str = r"
import json, sys
from detect_secrets.filters.allowlist import is_line_allowlisted
from detect_secrets.util.code_snippet import get_code_snippet
answers = []
for path, text in json.load(sys.stdin):
    lines = text.split('\n')
    line = lines[-1].rstrip()
    context = get_code_snippet(lines=lines, line_number=len(lines))
    answers.append(is_line_allowlisted(path, line, context))
json.dump(answers, sys.stdout)
";

/// Every way to put together what a mark is made of, right and wrong.
fn cases() -> Vec<(&'static str, String)> {
    let mut cases = Vec::new();
    let openings = ["#", "//", "/*", "'", "--", "<!--", "<!--#", ";", "%", "", "#\t", "-", "/", "# x"];
    let blanks = ["", " ", "\t ", "  \t"];
    let words = ["pragma:", "pragma: ", "pragma:  ", "Pragma: ", "pragma :"];
    let lists = ["allowlist", "whitelist", "denylist", "Allowlist"];
    let seconds = [" ", "-", "", " nextline ", "-nextline-", " nextline-", "  "];
    let ends = ["secret", "secret */", "secret */ x", "secret -->", "secrets, all", "secret\t ", "secre"];
    for opening in openings {
        for blank in blanks {
            for word in words {
                for list in lists {
                    for second in seconds {
                        for end in ends {
                            let mark = format!("{opening}{blank}{word}{list}{second}{end}");
                            for path in ["a.py", "x/a.yaml", "a.yml", ".yaml"] {
                                cases.push((path, format!("x = KEY {mark}")));
                                cases.push((path, format!("{mark}\nx = KEY")));
                                cases.push((path, format!("x {mark}\nx = KEY")));
                            }
                        }
                    }
                }
            }
        }
    }
    // All of them are many: every twenty-third has each part with each other.
    cases.into_iter().step_by(23).collect()
}

#[test]
fn detect_secrets_allows_the_same_lines() {
    let cases = cases();
    let folder = tempfile::tempdir().unwrap();
    let input = serde_json::to_string(&cases).unwrap();
    let theirs = python(folder.path(), &["-c", THEIRS], &input).exits(0);
    let theirs: Vec<bool> = serde_json::from_str(&theirs).unwrap();
    assert_eq!(theirs.len(), cases.len());
    for ((path, text), theirs) in cases.iter().zip(&theirs) {
        let start = text.rfind("KEY").unwrap();
        let ours = on_line(path, text.as_bytes(), &(start..start + 3));
        assert!(ours.is_none_or(|mark| matches!(mark, Mark::DetectSecrets | Mark::DetectSecretsNextLine)));
        assert_eq!(ours.is_some(), *theirs, "{path}: {text:?}");
    }
    assert!(theirs.iter().filter(|allowed| **allowed).count() > 100, "enough of them are right");
}
