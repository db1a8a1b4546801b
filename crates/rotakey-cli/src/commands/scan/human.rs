//! What a scan found, for people.

use anstyle::Style;
use jiff::Timestamp;
use rotakey_scan::coverage::LeftOut;
use rotakey_scan::finding::{Finding, Introduction};
use rotakey_scan::git::attribute::Reach;
use rotakey_scan::kind::{Kind, Severity};
use rotakey_scan::report::{Tally, circumstances, place, title};
use rotakey_scan::scan::Report;

use crate::printer::{Palette, Printer};
use crate::quantity::{count, day, grouped};
use crate::terminal::{elide, escape, width, wrap};

/// What is below a finding's first line begins here: behind a line number of up to four digits and its column.
const INDENT: usize = 10;

/// No line is pressed into less than this.
const NARROWEST: usize = 30;

/// Where there is no terminal to tell a width, sentences are broken here, and lines of files are not cut: whoever searches in a
/// pipe wants to find them.
const PROSE: usize = 80;

/// So many places that could not be read are named.
const NAMED: usize = 20;

/// The findings that somebody has to do something about, file by file. Empty if there are none.
pub(super) fn listing(report: &Report, palette: Palette, limit: Option<usize>) -> String {
    let mut text = String::new();
    let mut last = None;
    for finding in report.findings.iter().filter(|finding| finding.is_open()) {
        let file = (&finding.repository, place(finding));
        if last.as_ref() != Some(&file) {
            if last.is_some() {
                text.push('\n');
            }
            let repository =
                finding.repository.as_deref().map(|name| format!("{name}: ")).unwrap_or_default();
            styled(&mut text, palette.heading, 0, &escape(&format!("{repository}{}", file.1)));
            last = Some(file);
        }
        one(&mut text, finding, palette, limit);
    }
    text
}

/// Says what was found, what was read, and what was not.
pub(super) fn summary(report: &Report, tally: &Tally, printer: &Printer) {
    for line in summary_lines(report, tally) {
        printer.note(&line);
    }
    if let Some(warning) = unread(report) {
        printer.warning(&warning);
    }
}

fn one(text: &mut String, finding: &Finding, palette: Palette, limit: Option<usize>) {
    let style = match finding.severity {
        Severity::High => palette.bad,
        Severity::Medium => palette.warning,
        Severity::Low => palette.heading,
    };
    let room = limit.unwrap_or(PROSE).saturating_sub(INDENT).max(NARROWEST);
    let at = format!("{}:{}", finding.position.line, finding.position.column);
    let severity = finding.severity.name();
    let mut lines = wrap(&what(finding), room.saturating_sub(8).max(NARROWEST)).into_iter();
    let first = lines.next().unwrap_or_default();
    text.push_str(&format!("{at:>8}  {style}{severity:<6}{style:#}  {first}\n"));
    for line in lines {
        text.push_str(&format!("{:1$}{line}\n", "", INDENT + 8));
    }
    if !finding.excerpt.is_empty() {
        excerpt(text, finding, style, limit.map(|_| room));
    }
    if let Some(introduced) = &finding.introduced {
        for line in wrap(&commit(introduced), room) {
            styled(text, palette.quiet, INDENT, &line);
        }
    }
}

/// What it is and whose, in harmless words. The value itself stands in the line below, if there is one.
fn what(finding: &Finding) -> String {
    let mut text = title(finding.kind, finding.severity).to_owned();
    if finding.excerpt.is_empty() || !finding.excerpt.contains(&finding.redacted) {
        text.push_str(&format!(" {}", finding.redacted));
    }
    if let (Some(id), true) = (&finding.access_key_id, finding.kind != Kind::AccessKeyId) {
        text.push_str(&format!(" {id}"));
    }
    text.push_str(&circumstances(finding));
    escape(&text).into_owned()
}

/// The line of the file, and below it a mark under what was found, which needs no colour to be seen.
fn excerpt(text: &mut String, finding: &Finding, style: Style, room: Option<usize>) {
    let parts = finding.excerpt.find(&finding.redacted).filter(|_| !finding.redacted.is_empty());
    let Some(start) = parts else {
        let line = escape(&finding.excerpt);
        let line = room.map_or_else(|| line.to_string(), |room| elide(&line, room).into_owned());
        return styled(text, Style::new(), INDENT, &line);
    };
    let end = start + finding.redacted.len();
    let [before, found, after] =
        [&finding.excerpt[..start], &finding.excerpt[start..end], &finding.excerpt[end..]].map(escape);
    let (before, found, after) = match room {
        None => (before.into_owned(), found.into_owned(), after.into_owned()),
        Some(room) => around(&before, &found, &after, room),
    };
    text.push_str(&format!("{:INDENT$}{before}{style}{found}{style:#}{after}", ""));
    // A line of a file may end with spaces, and ours does not.
    text.truncate(text.trim_end_matches(' ').len());
    let (indent, mark) = (INDENT + width(&before), "^".repeat(width(&found)));
    text.push_str(&format!("\n{:indent$}{style}{mark}{style:#}\n", ""));
}

/// What was found, with as much on both sides as there is room for.
fn around(before: &str, found: &str, after: &str, room: usize) -> (String, String, String) {
    let found = elide(found, room).into_owned();
    let left = room - width(&found);
    let (wide_before, wide_after) = (width(before), width(after));
    // Each side gets half, and what the other does not need.
    let for_before = wide_before.min((left / 2).max(left.saturating_sub(wide_after)));
    let for_after = wide_after.min(left - for_before);
    let reversed: String = before.chars().rev().collect();
    let before = cut(&reversed, for_before).chars().rev().collect();
    (before, found, cut(after, for_after))
}

/// The beginning of a text in at most so many columns; `…` stands for the rest.
fn cut(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let Some(mut room) = limit.checked_sub(1) else { return String::new() };
    let mut shown = String::new();
    for character in text.chars() {
        let columns = width(character.encode_utf8(&mut [0; 4]));
        if columns > room {
            break;
        }
        room -= columns;
        shown.push(character);
    }
    shown + "…"
}

/// The commit, in harmless words.
fn commit(introduced: &Introduction) -> String {
    let day = Timestamp::from_second(introduced.seconds).map_or_else(|_| "an unknown day".to_owned(), day);
    let Introduction { commit, author, email, in_head, reach, .. } = introduced;
    let gone = match (reach, in_head) {
        (Reach::Stash, _) => "; in the stash only",
        (Reach::Log, _) => "; in the log of a reference only",
        (Reach::Nothing, _) => "; in a commit that nothing leads to",
        (Reach::Reference, true) => "",
        (Reach::Reference, false) => "; no longer in HEAD",
    };
    escape(&format!("since {commit:.12}, {day}, {author} <{email}>{gone}")).into_owned()
}

fn styled(text: &mut String, style: Style, indent: usize, line: &str) {
    text.push_str(&format!("{:indent$}{style}{line}{style:#}\n", ""));
}

fn summary_lines(report: &Report, tally: &Tally) -> Vec<String> {
    let coverage = &report.coverage;
    let read = format!("{} ({})", count(number(coverage.contents), "content"), size(coverage.bytes));
    let mut lines = Vec::new();
    if tally.open() == 0 {
        let new = if tally.known > 0 { "new " } else { "" };
        let within = if coverage.unread.is_empty() { "" } else { "what was read: " };
        lines.push(format!("No {new}leaked AWS keys in {within}{read}."));
    } else {
        let counts = [(tally.high, "high"), (tally.medium, "medium"), (tally.low, "low")];
        let counts: Vec<String> =
            counts.iter().map(|(of, name)| format!("{} {name}", grouped(*of))).collect();
        lines.push(format!("{} in {read}.", counts.join(", ")));
    }
    let mut passed = Vec::new();
    if tally.known > 0 {
        let real = match tally.known_real {
            0 => String::new(),
            real => format!(", of which {} labelled as real secrets", grouped(real)),
        };
        passed.push(format!("{} known by the baseline{real}", grouped(tally.known)));
    }
    if tally.allowed > 0 {
        passed.push(format!("{} allowed by marks or .gitleaksignore", grouped(tally.allowed)));
    }
    if !passed.is_empty() {
        lines.push(format!("Not listed: {}.", passed.join("; ")));
    }
    let LeftOut { symbolic_links, ignored, special, cached, .. } = coverage.left_out;
    let left_out: Vec<String> = [
        (symbolic_links, "symbolic link"),
        (ignored, "ignored path"),
        (special, "special file"),
        (cached, "blob scanned before"),
    ]
    .into_iter()
    .filter(|(of, _)| *of > 0)
    .map(|(of, name)| counted(of, name))
    .collect();
    if !left_out.is_empty() {
        lines.push(format!("Left out: {}.", left_out.join(", ")));
    }
    lines
}

/// What could not be read: without it nothing can be said of the whole.
fn unread(report: &Report) -> Option<String> {
    let unread = &report.coverage.unread;
    let (was, be) = if unread.len() == 1 { ("was", "place") } else { ("were", "places") };
    let mut text = format!("{} {be} {was} not read, so there may be more:", grouped(unread.len()));
    for unread in unread.iter().take(NAMED) {
        text.push_str(&format!("\n  {}", escape(&unread.to_string())));
    }
    if unread.len() > NAMED {
        text.push_str(&format!("\n  … and {} more", grouped(unread.len() - NAMED)));
    }
    (!unread.is_empty()).then_some(text)
}

fn counted(of: u64, name: &str) -> String {
    match name.split_once(' ') {
        // The noun is the first word here.
        Some(("blob", rest)) => format!("{} {rest}", count(number(of), "blob")),
        _ => count(number(of), name),
    }
}

fn number(of: u64) -> usize {
    usize::try_from(of).unwrap_or(usize::MAX)
}

/// `987 bytes`, `1.2 MB`: of a thousand each, as disks are sold.
fn size(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return count(number(bytes), "byte");
    }
    let mut amount = bytes as f64 / 1000.0;
    let mut unit = 0;
    while amount >= 999.95 && unit + 1 < units.len() {
        amount /= 1000.0;
        unit += 1;
    }
    format!("{amount:.1} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use rotakey_scan::allow::{Allowed, Mark};
    use rotakey_scan::baseline::Label;
    use rotakey_scan::coverage::{Coverage, Reason, Unread};
    use rotakey_scan::finding::{Digests, Position};

    use super::*;

    const ID: &str = "AKIAIOSFODNN7EXAMPLE";

    fn finding(path: &str, line: u32, excerpt: &str) -> Finding {
        Finding {
            kind: Kind::AccessKeyId,
            rule: "aws-access-key-id",
            severity: Severity::Low,
            repository: None,
            path: path.to_owned(),
            position: Position { line, column: 7, end_line: line, end_column: 27 },
            access_key_id: ID.parse().ok(),
            account_id: "111122223333".parse().ok(),
            canary: false,
            digests: Digests { sha1: [0; 20], sha256: [0; 32] },
            pair: None,
            redacted: ID.to_owned(),
            excerpt: excerpt.to_owned(),
            encodings: Vec::new(),
            blob: None,
            introduced: None,
            value: None,
            allowed: None,
            known: None,
            holder: None,
        }
    }

    fn report(findings: Vec<Finding>) -> Report {
        Report { findings, coverage: Coverage { contents: 1, bytes: 12, ..Coverage::default() } }
    }

    fn listed(findings: Vec<Finding>, limit: usize) -> String {
        listing(&report(findings), Palette::default(), Some(limit))
    }

    #[test]
    fn findings_are_told_file_by_file_with_their_lines() {
        let secret = Finding {
            kind: Kind::SecretAccessKey,
            severity: Severity::High,
            redacted: "wJal…(40 characters)".to_owned(),
            ..finding("src/config.py", 4, "SECRET = 'wJal…(40 characters)'")
        };
        let introduced = Introduction {
            commit: "89abcdef0123456789abcdef0123456789abcdef".parse().unwrap(),
            author: "Eve".to_owned(),
            email: "eve@example.com".to_owned(),
            seconds: 1_700_000_000,
            in_head: false,
            reach: Reach::Reference,
        };
        let token = Finding {
            kind: Kind::SessionToken,
            severity: Severity::Medium,
            access_key_id: None,
            account_id: None,
            redacted: "IQoJ…(420 characters)".to_owned(),
            encodings: vec!["base64"],
            introduced: Some(introduced),
            ..finding("backup.zip!k8s/secret.yaml", 1200, "")
        };
        let findings = vec![
            Finding {
                severity: Severity::High,
                ..finding("src/config.py", 3, "ID = 'AKIAIOSFODNN7EXAMPLE'  # größe")
            },
            secret,
            token,
        ];
        assert_eq!(
            listed(findings, 80),
            "\
src/config.py
     3:7  high    AWS access key id beside its secret, account 111122223333
          ID = 'AKIAIOSFODNN7EXAMPLE'  # größe
                ^^^^^^^^^^^^^^^^^^^^
     4:7  high    AWS secret access key beside its id AKIAIOSFODNN7EXAMPLE,
                  account 111122223333
          SECRET = 'wJal…(40 characters)'
                    ^^^^^^^^^^^^^^^^^^^^

backup.zip!k8s/secret.yaml
  1200:7  medium  AWS session token IQoJ…(420 characters), in base64
          since 89abcdef0123, 2023-11-14, Eve <eve@example.com>; no longer in
          HEAD
"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_what_was_found() {
        let excerpt = format!("{}{ID}{}", "before ".repeat(20), " after".repeat(20));
        let told = listed(vec![finding("a.min.js", 1, &excerpt)], 60);
        let lines: Vec<&str> = told.lines().collect();
        assert!(lines.iter().all(|line| width(line) <= 60), "{told}");
        let excerpt = lines.iter().position(|line| line.contains(ID)).unwrap();
        assert!(lines[excerpt].trim_start().starts_with('…') && lines[excerpt].ends_with('…'), "{told}");
        let (start, mark) = (lines[excerpt].find(ID).unwrap(), lines[excerpt + 1].find('^').unwrap());
        assert_eq!(width(&lines[excerpt][..start]), mark, "{told}");
    }

    #[test]
    fn nothing_is_cut_in_a_pipe() {
        let excerpt = format!("{}{ID}{}", "before ".repeat(20), " after".repeat(20));
        let told = listing(&report(vec![finding("a.js", 1, &excerpt)]), Palette::default(), None);
        assert!(told.contains(&excerpt), "{told}");
    }

    #[test]
    fn names_and_lines_cannot_do_anything_to_the_terminal() {
        let mut hostile = finding("a\n\u{1b}[2Jb", 1, &format!("\u{1b}[31m {ID} \u{202e}x"));
        hostile.repository = Some("r\u{7}".to_owned());
        hostile.introduced = Some(Introduction {
            commit: "89abcdef0123456789abcdef0123456789abcdef".parse().unwrap(),
            author: "E\rve".to_owned(),
            email: "\u{9b}x".to_owned(),
            seconds: i64::MAX,
            in_head: true,
            reach: Reach::Reference,
        });
        let told = listed(vec![hostile], 80);
        assert!(told.chars().all(|character| character == '\n' || !crate::terminal::is_harmful(character)));
        assert!(told.starts_with("r\\u{7}: a\\n\\u{1b}[2Jb\n"), "{told}");
        assert!(told.contains("\n          \\u{1b}[31m AKIAIOSFODNN7EXAMPLE \\u{202e}x\n"), "{told}");
        assert!(told.contains("an unknown day, E\\rve <\\u{9b}x>"), "{told}");
    }

    #[test]
    fn what_is_allowed_or_known_is_counted_and_not_listed() {
        let mut report = report(vec![
            Finding { allowed: Some(Allowed::Mark(Mark::Gitleaks)), ..finding("a", 1, "") },
            Finding { known: Some(Label::Real), ..finding("b", 1, "") },
            Finding { known: Some(Label::Harmless), ..finding("b", 2, "") },
        ]);
        assert_eq!(listing(&report, Palette::default(), None), "");
        let said = |report: &Report| summary_lines(report, &Tally::of(report));
        assert_eq!(
            said(&report),
            [
                "No new leaked AWS keys in 1 content (12 bytes).",
                "Not listed: 2 known by the baseline, of which 1 labelled as real secrets; \
                 1 allowed by marks or .gitleaksignore.",
            ]
        );
        report.findings.push(Finding { severity: Severity::High, ..finding("c", 1, "") });
        report.coverage.contents = 12_345;
        report.coverage.bytes = 1_234_567_890;
        report.coverage.left_out = LeftOut { symbolic_links: 1, cached: 2, ..LeftOut::default() };
        assert_eq!(
            said(&report)[..],
            [
                "1 high, 0 medium, 0 low in 12,345 contents (1.2 GB).",
                "Not listed: 2 known by the baseline, of which 1 labelled as real secrets; \
                 1 allowed by marks or .gitleaksignore.",
                "Left out: 1 symbolic link, 2 blobs scanned before.",
            ]
        );
    }

    #[test]
    fn what_was_not_read_is_named_but_not_without_end() {
        let mut report = report(Vec::new());
        assert_eq!(unread(&report), None);
        let place = |number: usize| Unread {
            place: format!("x{number}\u{1b}"),
            reason: Reason::Encrypted,
            detail: String::new(),
        };
        report.coverage.unread = vec![place(0)];
        assert_eq!(
            unread(&report).unwrap(),
            "1 place was not read, so there may be more:\n  x0\\u{1b} is encrypted"
        );
        assert_eq!(
            summary_lines(&report, &Tally::of(&report)),
            ["No leaked AWS keys in what was read: 1 content (12 bytes)."]
        );
        report.coverage.unread = (0..2_000).map(place).collect();
        let said = unread(&report).unwrap();
        assert_eq!(said.lines().count(), 1 + NAMED + 1);
        assert!(said.ends_with("… and 1,980 more"), "{said}");
    }

    #[test]
    fn sizes_have_one_unit() {
        let told = [0, 1, 999, 1000, 999_949, 999_951, 12_345_678, u64::MAX].map(size);
        assert_eq!(
            told,
            ["0 bytes", "1 byte", "999 bytes", "1.0 kB", "999.9 kB", "1.0 MB", "12.3 MB", "18446.7 PB"]
        );
    }
}
