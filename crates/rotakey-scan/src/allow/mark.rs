//! Marks that allow a line: those of detect-secrets and gitleaks, and ours.

use std::ops::Range;

use memchr::memmem;
use serde::{Deserialize, Serialize};

/// A mark that allows what is on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// `pragma: allowlist secret` in a comment, as detect-secrets has it.
    DetectSecrets,
    /// `pragma: allowlist nextline secret` in a comment of its own, on the line before.
    DetectSecretsNextLine,
    /// `gitleaks:allow`.
    Gitleaks,
    /// `rotakey:allow`.
    Rotakey,
}

impl Mark {
    /// What is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::DetectSecrets => "pragma: allowlist secret",
            Self::DetectSecretsNextLine => "pragma: allowlist nextline secret",
            Self::Gitleaks => "gitleaks:allow",
            Self::Rotakey => "rotakey:allow",
        }
    }
}

/// The mark that allows what is at a span: on the line that it begins on, or on the one that it ends on.
pub fn on_line(path: &str, content: &[u8], span: &Range<usize>) -> Option<Mark> {
    Marks::new(path, content).on_line(span)
}

/// The marks of one content. Lines may have megabytes and thousands of findings, so what was seen of the last is kept.
#[derive(Debug)]
pub struct Marks<'c> {
    content: &'c [u8],
    /// Whether `#` alone begins a comment, as detect-secrets has it for YAML.
    only_hash: bool,
    last: [Option<(Range<usize>, Option<Mark>)>; 2],
}

impl<'c> Marks<'c> {
    /// Those of a content under that path.
    pub fn new(path: &str, content: &'c [u8]) -> Self {
        let name = path.rsplit(['/', '!']).next().unwrap_or(path);
        let only_hash = name.len() > ".yaml".len() && name.ends_with(".yaml");
        Self { content, only_hash, last: [None, None] }
    }

    /// The mark that allows what is at a span.
    pub fn on_line(&mut self, span: &Range<usize>) -> Option<Mark> {
        let first = self.of_line_at(span.start, 0);
        // A span's end is behind it: a line break there is not part of it.
        first.or_else(|| self.of_line_at(span.end.saturating_sub(1).max(span.start), 1))
    }

    fn of_line_at(&mut self, offset: usize, slot: usize) -> Option<Mark> {
        let offset = offset.min(self.content.len());
        for (line, mark) in self.last.iter().flatten() {
            if line.start <= offset && offset <= line.end {
                return *mark;
            }
        }
        let line = line_at(self.content, offset);
        let mark = self.of_line(&line);
        self.last[slot] = Some((line, mark));
        mark
    }

    fn of_line(&self, line: &Range<usize>) -> Option<Mark> {
        let text = &self.content[line.clone()];
        if memmem::find(text, Mark::Rotakey.text().as_bytes()).is_some() {
            return Some(Mark::Rotakey);
        }
        if memmem::find(text, Mark::Gitleaks.text().as_bytes()).is_some() {
            return Some(Mark::Gitleaks);
        }
        if has_pragma(text, self.only_hash, false) {
            return Some(Mark::DetectSecrets);
        }
        let before = line.start.checked_sub(1)?;
        let previous = line_at(self.content, before);
        let previous = &self.content[previous];
        has_pragma(previous, self.only_hash, true).then_some(Mark::DetectSecretsNextLine)
    }
}

/// The line around an offset, without its line break.
fn line_at(content: &[u8], offset: usize) -> Range<usize> {
    let start = memchr::memrchr(b'\n', &content[..offset]).map_or(0, |newline| newline + 1);
    let end = memchr::memchr(b'\n', &content[offset..]).map_or(content.len(), |newline| offset + newline);
    start..end
}

/// Whether there is `pragma: allowlist secret` in a comment: `#`, `//`, `'`, `--` (and so `<!--`) and spaces before it, or `/*` if
/// the line ends with `*/`. For the next line the comment must be all of this line.
fn has_pragma(line: &[u8], only_hash: bool, next_line: bool) -> bool {
    memmem::find_iter(line, b"pragma:").any(|at| {
        let after = &line[at + b"pragma:".len()..];
        let Some(rest) = words(after.strip_prefix(b" ").unwrap_or(after), next_line) else { return false };
        let opens = |blanks: &[u8], opening: &[u8]| {
            let before = trim(&line[..at], blanks).strip_suffix(opening);
            before.is_some_and(|before| !next_line || trim(before, b" \t").is_empty())
        };
        let closes = |closing: &[u8]| rest.trim_ascii_end().ends_with(closing);
        if only_hash {
            return opens(b" ", b"#");
        }
        [&b"#"[..], b"//", b"'", b"--"].into_iter().any(|opening| opens(b" ", opening))
            || opens(b" ", b"/*") && closes(b"*/")
            || opens(b"# \t", b"<!--") && closes(b"-->")
    })
}

/// What follows the words of the mark.
fn words(text: &[u8], next_line: bool) -> Option<&[u8]> {
    let whitelist = if next_line { None } else { text.strip_prefix(b"whitelist") };
    let mut rest = text.strip_prefix(b"allowlist").or(whitelist)?;
    for word in [&b"nextline"[..], b"secret"].into_iter().skip(usize::from(!next_line)) {
        rest = rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"-"))?.strip_prefix(word)?;
    }
    Some(rest)
}

fn trim<'t>(mut text: &'t [u8], blanks: &[u8]) -> &'t [u8] {
    while let [rest @ .., last] = text
        && blanks.contains(last)
    {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(path: &str, content: &str) -> Option<Mark> {
        let at = content.find("KEY").unwrap();
        on_line(path, content.as_bytes(), &(at..at + 3))
    }

    #[test]
    fn each_mark_allows_its_line() {
        for (line, expected) in [
            ("a = KEY  # pragma: allowlist secret", Mark::DetectSecrets),
            ("a = KEY  // pragma: whitelist secret since it is an example\r", Mark::DetectSecrets),
            ("a = KEY /* pragma: allowlist-secret */", Mark::DetectSecrets),
            ("a = KEY ' pragma:allowlist secret", Mark::DetectSecrets),
            ("a = KEY -- pragma: allowlist secret", Mark::DetectSecrets),
            ("<a>KEY</a> <!-- pragma: allowlist secret -->", Mark::DetectSecrets),
            ("# pragma: allowlist nextline secret\na = KEY", Mark::DetectSecretsNextLine),
            ("  // pragma: allowlist-nextline-secret\r\n  a = KEY", Mark::DetectSecretsNextLine),
            ("<!-- pragma: allowlist nextline secret -->\nKEY", Mark::DetectSecretsNextLine),
            ("{\\\"a\\\": \\\"KEY\\\"} // gitleaks:allow", Mark::Gitleaks),
            ("a = KEY # rotakey:allow, a canary", Mark::Rotakey),
        ] {
            assert_eq!(mark("a.py", line), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_only_looks_like_a_mark_allows_nothing() {
        for line in [
            "a = KEY pragma: allowlist secret",
            "a = KEY # pragma: allow secret",
            "a = KEY # pragma:  allowlist secret",
            "a = KEY /* pragma: allowlist secret */ + b",
            "a = KEY # Pragma: Allowlist Secret",
            "a = KEY # pragma: allowlist nextline secret",
            "a = 1 # pragma: allowlist nextline secret\nb = KEY",
            "# pragma: whitelist nextline secret\na = KEY",
            "# pragma: allowlist nextline secret\n\na = KEY",
            "a = 1 # gitleaks:allow\nb = KEY\nc = 1 # rotakey:allow",
        ] {
            assert_eq!(mark("a.py", line), None, "{line}");
        }
    }

    #[test]
    fn yaml_has_one_way_to_comment() {
        assert_eq!(mark("b/a.yaml", "a: KEY // pragma: allowlist secret"), None);
        assert_eq!(mark("b.zip!a.yaml", "a: KEY // pragma: allowlist secret"), None);
        assert_eq!(mark("a.yml", "a: KEY // pragma: allowlist secret"), Some(Mark::DetectSecrets));
        assert_eq!(mark("a.yaml", "a: KEY # pragma: allowlist secret"), Some(Mark::DetectSecrets));
    }

    #[test]
    fn a_value_of_several_lines_is_allowed_on_its_first_and_last() {
        let content = b"first # rotakey:allow\nmiddle\nlast\n";
        assert_eq!(on_line("a", content, &(0..30)), Some(Mark::Rotakey));
        let content = b"first\nmiddle # rotakey:allow\nlast # gitleaks:allow\n";
        assert_eq!(on_line("a", content, &(0..33)), Some(Mark::Gitleaks));
        assert_eq!(on_line("a", content, &(0..6)), None, "a line break at the end is not another line");
    }

    #[test]
    fn a_line_of_megabytes_is_looked_at_once() {
        let content = "AKIA pragma: '".repeat(150_000);
        let mut marks = Marks::new("a.min.js", content.as_bytes());
        for start in (0..content.len()).step_by(14) {
            assert_eq!(marks.on_line(&(start..start + 4)), None);
        }
    }

    proptest::proptest! {
        #[test]
        fn the_marks_of_a_content_are_those_of_its_lines(
            parts in proptest::collection::vec(0..8_usize, 0..30),
            spans in proptest::collection::vec((0..400_usize, 0..60_usize), 0..20),
        ) {
            let words = ["\n", " # pragma: allowlist secret", "x", "rotakey:allow", "# pragma: allowlist nextline secret",
                "\r\n", "\u{e9}", "gitleaks:allow"];
            let content: String = parts.into_iter().map(|part| words[part]).collect();
            let content = content.as_bytes();
            let mut marks = Marks::new("a.py", content);
            for (start, length) in spans {
                let start = start.min(content.len());
                let span = start..(start + length).min(content.len());
                proptest::prop_assert_eq!(marks.on_line(&span), on_line("a.py", content, &span));
            }
        }
    }
}
