//! What detect-secrets itself finds.
//!
//! Its hook drops an entry of a file that it scans and does not find again, and asks for the changed baseline to be added. So
//! what it cannot find must be kept where it does not look, and this is how that is told.

use std::collections::HashMap;

use sha1::{Digest as _, Sha1};

use super::json::Json;

/// Files that it opens on no account, by the end of their names.
const CLOSED: [&str; 40] = [
    ".7z", ".bin", ".bmp", ".bz2", ".class", ".css", ".dmg", ".doc", ".eot", ".exe", ".gif", ".gz", ".ico",
    ".iml", ".ipr", ".iws", ".jar", ".jpg", ".jpeg", ".lock", ".map", ".mo", ".pdf", ".png", ".prefs",
    ".psd", ".rar", ".realm", ".s7z", ".sum", ".svg", ".tar", ".tif", ".tiff", ".ttf", ".webp", ".woff",
    ".xls", ".xlsx", ".zip",
];

/// Files that its filter `is_lock_file` leaves out.
const LOCK_FILES: [&str; 12] = [
    "Brewfile.lock.json",
    "Cargo.lock",
    "Cartfile.resolved",
    "Gemfile.lock",
    "Package.resolved",
    "Pipfile.lock",
    "Podfile.lock",
    "composer.lock",
    "package-lock.json",
    "packages.lock.json",
    "poetry.lock",
    "yarn.lock",
];

/// The words between `aws` and the value that make it a secret.
const KEYWORDS: [&[u8]; 6] = [b"key", b"pwd", b"pw", b"password", b"pass", b"token"];

/// How sure it is that detect-secrets finds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Finds {
    /// It depends on how it takes the file apart.
    Perhaps,
    /// It does.
    Surely,
}

/// Which of its filters are on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Filters {
    /// Lines that look like calls.
    indirect: bool,
    /// Files that package managers write, and API descriptions.
    files: bool,
    /// Ids that AWS says are no longer valid, which it asks when a secret is near.
    verified: bool,
    /// Filters of users, or others that nothing is known of here.
    foreign: bool,
}

impl Filters {
    /// Those of a `filters_used`; without one, detect-secrets has its own.
    pub(super) fn of(filters_used: Option<&Vec<Json>>) -> Self {
        let Some(filters) = filters_used else {
            return Self { indirect: true, files: true, verified: false, foreign: false };
        };
        let mut on = Self::default();
        for path in filters.iter().filter_map(|filter| filter.get("path")?.as_text()) {
            match path.strip_prefix("detect_secrets.filters.") {
                Some("heuristic.is_indirect_reference") => on.indirect = true,
                Some("heuristic.is_lock_file" | "heuristic.is_swagger_file") => on.files = true,
                Some("common.is_ignored_due_to_verification_policies") => on.verified = true,
                // The patterns of ours leave out what is no finding.
                Some("allowlist.is_line_allowlisted" | "common.is_baseline_file") => {}
                Some("regex.should_exclude_secret") => {}
                Some(heuristic) if heuristic.starts_with("heuristic.") => {}
                None if path == super::OWN_FILTER => {}
                _ => on.foreign = true,
            }
        }
        on
    }
}

/// The values in a file that its `AWSKeyDetector` finds, by their SHA-1.
pub(super) fn finds(path: &str, content: &[u8], filters: Filters) -> HashMap<[u8; 20], Finds> {
    let mut found = HashMap::new();
    let name = path.rsplit('/').next().unwrap_or(path);
    let closed = name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty() && CLOSED.iter().any(|closed| &closed[1..] == extension)
    });
    let passed_over = filters.files && (LOCK_FILES.contains(&name) || path.contains("swagger"));
    if closed || passed_over || str::from_utf8(content).is_err() {
        return found;
    }
    for line in content.split(|&byte| byte == b'\n') {
        let doubtful = filters.foreign || filters.indirect && is_indirect_reference(line);
        let sure = |doubtful: bool| if doubtful { Finds::Perhaps } else { Finds::Surely };
        let mut note = |value: &[u8], finds: Finds| {
            let seen = found.entry(Sha1::digest(value).into()).or_insert(finds);
            *seen = finds.max(*seen);
        };
        ids(line, |id| note(id, sure(doubtful || filters.verified)));
        secrets(line, |secret, quoted| note(secret, sure(doubtful || !quoted)));
    }
    found
}

/// `(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16}`
fn ids<'l>(line: &'l [u8], mut found: impl FnMut(&'l [u8])) {
    let mut from = 0;
    while let Some(offset) = memchr::memchr(b'A', &line[from..]) {
        let start = from + offset;
        from = start + 1;
        let Some(candidate) = line.get(start..start + 20) else { return };
        let prefix = match &candidate[..4] {
            b"ABIA" | b"ACCA" | b"AKIA" | b"ASIA" => true,
            prefix => prefix.starts_with(b"A3T"),
        };
        if prefix && candidate[3..].iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
            found(candidate);
            from = start + 20;
        }
    }
}

/// `aws.{0,20}?(?:key|pwd|pw|password|pass|token).{0,20}?['"]([0-9a-zA-Z/+]{40})['"]`, whatever the case; the quotes are told.
/// Files of settings are quoted by detect-secrets before it looks.
fn secrets<'l>(line: &'l [u8], mut found: impl FnMut(&'l [u8], bool)) {
    let value = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+');
    let mut start = 0;
    while start < line.len() {
        let run = line[start..].iter().position(|&byte| !value(byte)).unwrap_or(line.len() - start);
        let end = start + run;
        if run == 40 && is_named(&line[..start]) {
            let quote = |byte: Option<&u8>| matches!(byte, Some(b'\'' | b'"'));
            let quoted = start > 0 && quote(line.get(start - 1)) && quote(line.get(end));
            found(&line[start..end], quoted);
        }
        start = end + 1;
    }
}

/// Whether what stands before a value ends with `aws`, a keyword, and little else.
fn is_named(before: &[u8]) -> bool {
    // Of characters at most 20, twenty and a quote, each of up to four bytes; and the words.
    let near = &before[before.len().saturating_sub(192)..].to_ascii_lowercase();
    let after = |from: usize| near[from..].iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
    let ends = |words: &[&[u8]]| -> Vec<(usize, usize)> {
        let at = |word: &[u8]| -> Vec<(usize, usize)> {
            memchr::memmem::find_iter(near, word).map(|start| (start, start + word.len())).collect()
        };
        words.iter().flat_map(|word| at(word)).collect()
    };
    let keywords = ends(&KEYWORDS);
    let names = ends(&[b"aws"]);
    keywords
        .iter()
        .filter(|&&(_, end)| after(end) <= 21)
        .any(|&(start, _)| names.iter().any(|&(_, end)| end <= start && after(end) - after(start) <= 20))
}

/// `([^\v=!:]*)\s*(:=?|[!=]{1,3})\s*([\w.-]+[\[\(][^\v]*[\]\)])`, in lines of at most 1000 characters.
fn is_indirect_reference(line: &[u8]) -> bool {
    if line.len() > 4000 {
        return false;
    }
    let Some(last) = line.iter().rposition(|byte| matches!(byte, b']' | b')')) else { return false };
    let follows = |from: usize| {
        let space = line[from..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let word = line[from + space..]
            .iter()
            .take_while(|&&byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-') || byte >= 0x80
            })
            .count();
        let bracket = from + space + word;
        word > 0 && bracket < last && matches!(line.get(bracket), Some(b'[' | b'('))
    };
    let operators = line.iter().enumerate().filter(|(_, byte)| matches!(byte, b':' | b'=' | b'!'));
    operators.map(|(at, _)| at + 1).any(follows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specimen::Specimen;

    fn found(path: &str, template: &str, indirect: bool) -> (Option<Finds>, Option<Finds>) {
        let specimen = Specimen::from_seed(7);
        let filters = Filters { indirect, ..Filters::default() };
        let found = finds(path, specimen.fill(template).as_bytes(), filters);
        let of = |value: &str| found.get(&<[u8; 20]>::from(Sha1::digest(value))).copied();
        (of(&specimen.access_key_id), of(&specimen.secret_access_key))
    }

    #[test]
    fn ids_are_found_anywhere_and_secrets_by_their_names_and_quotes() {
        use Finds::{Perhaps, Surely};
        for (template, id, secret) in [
            ("x{access_key_id}Y", Some(Surely), None),
            ("f('{access_key_id}', '{secret_access_key}')", Some(Surely), None),
            ("AWS_SECRET_ACCESS_KEY = \"{secret_access_key}\"", None, Some(Surely)),
            ("aws_secret_access_key = {secret_access_key}", None, Some(Perhaps)),
            ("secret_access_key = '{secret_access_key}'", None, None),
            ("aws 12345678901234567890 key '{secret_access_key}'", None, None),
            ("aws 123456789012345678 key '{secret_access_key}'", None, Some(Surely)),
            ("aws key ößößößößößößößößöß'{secret_access_key}'", None, Some(Surely)),
            ("aws key 123456789012345678901234'{secret_access_key}'", None, None),
            ("awspwd'{secret_access_key}A'", None, None),
        ] {
            assert_eq!(found("a.py", template, true), (id, secret), "{template}");
        }
    }

    #[test]
    fn what_its_filters_may_drop_is_not_sure() {
        let template = "c = new('{access_key_id}')";
        assert_eq!(found("a.py", template, true).0, Some(Finds::Perhaps));
        assert_eq!(found("a.py", template, false).0, Some(Finds::Surely));
        assert_eq!(found("a.css", template, false).0, None, "it does not open that");
        assert_eq!(
            finds("a.py", b"\xff AKIAIOSFODNN7EXAMPLE", Filters::default()).len(),
            0,
            "nor what is not UTF-8"
        );
    }
}
