use proptest::prelude::*;
use rotakey_core::secret::Secret;

use super::*;
use crate::finding::Digests;
use crate::finding::testing::finding;
use crate::kind::Kind;
use crate::specimen::Specimen;

/// A tree of files, and what a scan finds there.
struct Tree {
    files: Vec<(&'static str, String)>,
    findings: Vec<Finding>,
}

impl Tree {
    fn new(seed: u64, files: &[(&'static str, &str)]) -> Self {
        let specimen = Specimen::from_seed(seed);
        let mut tree = Self { files: Vec::new(), findings: Vec::new() };
        for &(path, template) in files {
            let text = specimen.fill(template);
            for (kind, value) in [
                (Kind::AccessKeyId, &specimen.access_key_id),
                (Kind::SecretAccessKey, &specimen.secret_access_key),
            ] {
                for (at, _) in text.match_indices(value.as_str()) {
                    let line = text[..at].matches('\n').count() as u32 + 1;
                    tree.findings.push(finding(path, kind, value, line));
                }
            }
            tree.files.push((path, text));
        }
        tree
    }

    fn update(&self, baseline: &mut Baseline, lines: LineNumbers) -> Changes {
        let scanned = |path: &str| self.files.iter().any(|(file, _)| *file == path);
        let content = |path: &str| self.read(path);
        baseline.update(&Update { findings: &self.findings, scanned: &scanned, content: &content, lines })
    }

    fn stale(&self, baseline: &Baseline, scanned: &dyn Fn(&str) -> bool) -> usize {
        let content = |path: &str| self.read(path);
        let lines = LineNumbers::Keep;
        baseline.stale(&Update { findings: &self.findings, scanned, content: &content, lines }).len()
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.files.iter().find(|(file, _)| *file == path).map(|(_, text)| text.clone().into_bytes())
    }
}

const SETTINGS: (&str, &str) =
    ("b/settings.py", "\naws_key_id = '{access_key_id}'\naws_secret_key = '{secret_access_key}'\n");
const CALL: (&str, &str) = ("a/call.py", "client('{access_key_id}', '{secret_access_key}')\n");

fn text(baseline: &Baseline) -> String {
    String::from_utf8(baseline.to_bytes()).unwrap()
}

/// A baseline of one file by detect-secrets, with entries of other plugins, and what newer versions might add.
fn foreign() -> String {
    let specimen = Specimen::from_seed(1);
    let sha1 = |value: &str| Digests::of(&Secret::new(value.to_owned())).sha1_hex();
    format!(
        r#"{{
  "version": "1.5.0",
  "plugins_used": [
    {{
      "name": "AWSKeyDetector"
    }},
    {{
      "name": "Base64HighEntropyString",
      "limit": 4.5
    }}
  ],
  "filters_used": [
    {{
      "path": "detect_secrets.filters.allowlist.is_line_allowlisted"
    }},
    {{
      "path": "zebra.custom"
    }}
  ],
  "results": {{
    "b/settings.py": [
      {{
        "type": "AWS Access Key",
        "filename": "b/settings.py",
        "hashed_secret": "{}",
        "is_verified": false,
        "line_number": 20,
        "is_secret": true
      }},
      {{
        "type": "Base64 High Entropy String",
        "filename": "b/settings.py",
        "hashed_secret": "{}",
        "is_verified": false,
        "line_number": 30,
        "is_secret": false,
        "note": "gr\u00f6\u00dfer"
      }}
    ]
  }},
  "generated_at": "2026-11-23T12:00:00Z",
  "team": {{}}
}}
"#,
        sha1(&specimen.access_key_id),
        sha1(&specimen.secret_access_key)
    )
}

#[test]
fn what_is_known_stays_known_wherever_it_moves_in_its_file() {
    let before = foreign();
    let mut baseline = Baseline::parse(before.as_bytes()).unwrap();
    let tree = Tree::new(1, &[SETTINGS]);
    assert_eq!(baseline.knows(&tree.findings[0]), Some(Label::Real));
    assert_eq!(baseline.knows(&tree.findings[1]), Some(Label::Harmless), "whatever the plugin");
    let changes = tree.update(&mut baseline, LineNumbers::Keep);
    assert_eq!(changes, Changes::default());
    assert!(!baseline.is_changed());
    assert_eq!(text(&baseline), before);
    let elsewhere = Tree::new(1, &[("c.py", SETTINGS.1)]);
    assert_eq!(baseline.knows(&elsewhere.findings[0]), None, "not in another file");
}

#[test]
fn an_update_touches_nothing_but_what_is_new_and_what_is_gone() {
    let before = foreign();
    let mut baseline = Baseline::parse(before.as_bytes()).unwrap();
    let mut tree = Tree::new(2, &[CALL, SETTINGS]);
    let changes = tree.update(&mut baseline, LineNumbers::Keep);
    assert_eq!((changes.added.len(), changes.removed.len()), (4, 1), "{changes:?}");
    let after = text(&baseline);
    let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let gone: Vec<&&str> = old.iter().filter(|line| !new.contains(line)).collect();
    assert_eq!(gone.len(), 3, "the digest, line and label of the one that is gone: {gone:?}");
    assert!(after.contains("gr\\u00f6\\u00dfer"), "a foreign entry is kept as it was written");
    assert!(after.ends_with("  \"generated_at\": \"2026-11-23T12:00:00Z\",\n  \"team\": {}\n}\n"));
    let files: Vec<&String> = baseline.shelf(Shelf::Results).unwrap().iter().map(|(file, _)| file).collect();
    assert_eq!(files, ["a/call.py", "b/settings.py"]);
    let filters = member(&baseline.document, "filters_used").unwrap().as_array().unwrap();
    assert!(is_own(&filters[1]), "filters are in the order of their paths: {filters:?}");

    // Read again it is the same, and lines that moved change nothing.
    let mut again = Baseline::parse(after.as_bytes()).unwrap();
    for finding in &mut tree.findings {
        finding.position.line += 7;
    }
    assert_eq!(tree.update(&mut again, LineNumbers::Keep), Changes::default());
    assert_eq!(text(&again), after);
    let changes = tree.update(&mut again, LineNumbers::Renew);
    // A foreign filter is on, so that all of this detector's entries are on both shelves but the secret by position.
    assert_eq!(changes.renewed, 7);
}

#[test]
fn what_detect_secrets_does_not_find_is_kept_where_it_does_not_look() {
    let mut baseline = Baseline::new(USUAL_NAME);
    Tree::new(3, &[CALL, SETTINGS, ("logo.svg", SETTINGS.1)]).update(&mut baseline, LineNumbers::Keep);
    let on = |shelf: Shelf| -> Vec<(&str, u64)> {
        let entries = baseline.all().filter(|(of, _, _)| *of == shelf);
        entries.map(|(_, file, entry)| (file, line_of(entry).unwrap())).collect()
    };
    assert_eq!(on(Shelf::Results), [("a/call.py", 1), ("b/settings.py", 2), ("b/settings.py", 3)]);
    assert_eq!(on(Shelf::Own), [("a/call.py", 1), ("logo.svg", 2), ("logo.svg", 3)]);
    assert!(text(&baseline).contains("\"kind\": \"secret_access_key\""));
}

#[test]
fn an_entry_is_gone_only_if_its_file_was_scanned() {
    let mut baseline = Baseline::new(USUAL_NAME);
    Tree::new(4, &[CALL, SETTINGS]).update(&mut baseline, LineNumbers::Keep);
    let before = text(&baseline);
    let empty = Tree { files: vec![("a/call.py", String::new())], findings: Vec::new() };
    assert_eq!(empty.stale(&baseline, &|_| false), 0);
    assert_eq!(empty.stale(&baseline, &|path| path == "a/call.py"), 2);
    assert_eq!(text(&baseline), before, "to ask changes nothing");
    assert_eq!(empty.update(&mut baseline, LineNumbers::Keep).removed.len(), 2);
    assert_eq!(baseline.entries().len(), 2);
    assert!(!text(&baseline).contains("a/call.py"), "nor is the empty file kept");
    assert!(!text(&baseline).contains(OWN_FILTER), "nor the empty shelf");
}

#[test]
fn what_only_detect_secrets_takes_for_a_key_is_not_dropped() {
    let mut baseline = Baseline::new(USUAL_NAME);
    let mut tree = Tree::new(5, &[SETTINGS]);
    tree.update(&mut baseline, LineNumbers::Keep);
    tree.findings.clear();
    assert_eq!(tree.update(&mut baseline, LineNumbers::Keep), Changes::default());
}

#[test]
fn members_of_a_container_go_with_it() {
    let mut baseline = Baseline::new(USUAL_NAME);
    let mut tree = Tree::new(6, &[SETTINGS]);
    for finding in &mut tree.findings {
        finding.path = "x.zip!b/settings.py".to_owned();
    }
    tree.update(&mut baseline, LineNumbers::Keep);
    assert_eq!(baseline.entries().iter().filter(|entry| entry.shared).count(), 0);
    let empty = Tree { files: vec![("x.zip", String::new())], findings: Vec::new() };
    assert_eq!(empty.update(&mut baseline, LineNumbers::Keep).removed.len(), 2);
}

#[test]
fn labels_are_set_kept_and_taken_back() {
    let mut baseline = Baseline::new(USUAL_NAME);
    let tree = Tree::new(7, &[CALL]);
    tree.update(&mut baseline, LineNumbers::Keep);
    let unlabelled = text(&baseline);
    let entries = baseline.unlabelled();
    assert_eq!(entries.len(), 2);
    assert!(baseline.set_label(&entries[0].id, Label::Real));
    assert!(baseline.set_label(&entries[1].id, Label::Harmless));
    assert!(baseline.unlabelled().is_empty());
    let labelled = text(&baseline);
    let mut again = Baseline::parse(labelled.as_bytes()).unwrap();
    assert_eq!(again.knows(&tree.findings[0]), Some(Label::Real));
    assert_eq!(again.knows(&tree.findings[1]), Some(Label::Harmless));
    assert!(again.set_label(&entries[0].id, Label::Real));
    assert!(!again.is_changed(), "to say the same again changes nothing");
    for entry in &entries {
        assert!(again.set_label(&entry.id, Label::Unlabelled));
    }
    assert_eq!(text(&again), unlabelled);
    let nobody = EntryId { path: "nowhere".to_owned(), ..entries[0].id.clone() };
    assert!(!again.set_label(&nobody, Label::Real));
}

#[test]
fn a_baseline_without_line_numbers_stays_without() {
    let mut baseline = Baseline::new(USUAL_NAME);
    Tree::new(8, &[SETTINGS]).update(&mut baseline, LineNumbers::Omit);
    Tree::new(8, &[SETTINGS, CALL]).update(&mut baseline, LineNumbers::Keep);
    assert_eq!(baseline.entries().len(), 4);
    assert!(!text(&baseline).contains("line_number"));
}

#[test]
fn a_value_that_stands_twice_has_one_entry() {
    let mut baseline = Baseline::new(USUAL_NAME);
    let tree = Tree::new(9, &[("x.py", "'{access_key_id}'\n'{access_key_id}'\n")]);
    assert_eq!(tree.update(&mut baseline, LineNumbers::Keep).added.len(), 1);
    assert_eq!(tree.update(&mut baseline, LineNumbers::Renew), Changes::default());
}

#[test]
fn a_bad_file_is_refused_with_the_place() {
    let said = |text: &str| Baseline::parse(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(said("{\n  \"version\": oops\n}"), "it is not JSON: line 2, column 14: expected value");
    assert_eq!(
        said("{\n<<<<<<< HEAD\n  \"version\": \"1.5.0\"\n=======\n"),
        "line 2 is a mark of a merge conflict: take one side, and update the baseline"
    );
    assert_eq!(said("[]"), "`the file` is not an object");
    assert_eq!(said(r#"{"results": {}}"#), "it has no `version`");
    assert_eq!(said(r#"{"version": "1.5.0"}"#), "it has no `results`");
    assert_eq!(
        said(r#"{"version": "1.5", "results": {}}"#),
        "`version` is not three numbers, such as \"1.5.0\""
    );
    assert_eq!(said(r#"{"version": "1.5.0", "results": {"a": {}}}"#), "`results[\"a\"]` is not a list");
    assert_eq!(
        said(r#"{"version": "1.5.0", "results": {"a": [{"type": "x"}]}}"#),
        "it has no `results[\"a\"][0].hashed_secret`"
    );
    assert_eq!(
        said(r#"{"version": "1.5.0", "plugins_used": [{}], "results": {}}"#),
        "it has no `plugins_used[0].name`"
    );
    assert!(Baseline::parse("[".repeat(100_000).as_bytes()).is_err(), "nor does it recurse without end");
    assert!(Baseline::parse(br#"{"version": "0.12.0", "results": {}}"#).is_ok(), "older ones are read");
}

#[test]
fn a_path_is_recognised_however_it_is_written() {
    let mut baseline = Baseline::new(USUAL_NAME).below("/home/me/repo");
    let tree = Tree::new(10, &[SETTINGS]);
    tree.update(&mut baseline, LineNumbers::Keep);
    for path in ["./b/settings.py", "b\\settings.py", "/home/me/repo/b/settings.py"] {
        let finding = Finding { path: path.to_owned(), ..finding("", Kind::AccessKeyId, "", 1) };
        let finding = Finding { digests: tree.findings[0].digests, ..finding };
        assert_eq!(baseline.knows(&finding), Some(Label::Unlabelled), "{path}");
    }
}

#[test]
fn a_large_baseline_is_updated_in_one_go() {
    let files = 5_000;
    let findings: Vec<Finding> = (0..files)
        .map(|number| {
            finding(&format!("{:05}", number * 7919 % files), Kind::AccessKeyId, &number.to_string(), 1)
        })
        .collect();
    let mut baseline = Baseline::new(USUAL_NAME);
    let update =
        Update { findings: &findings, scanned: &|_| true, content: &|_| None, lines: LineNumbers::Keep };
    assert_eq!(baseline.update(&update).added.len(), files);
    let mut again = Baseline::parse(&baseline.to_bytes()).unwrap();
    assert_eq!(again.update(&update), Changes::default());
    let none = Update { findings: &[], ..update };
    assert_eq!(again.update(&none).removed.len(), files);
}

/// One of few values.
fn secret(value: u8) -> String {
    format!("{value:/>40}")
}

/// Findings of few values in few files, so that they meet.
fn few_findings() -> impl Strategy<Value = Vec<Finding>> {
    let one = (0..4_usize, 0..6_u8, 1..50_u32).prop_map(|(file, value, line)| {
        let path = ["a.py", "./b.py", "c.zip!d\u{e9}", "z\\y"][file];
        finding(path, Kind::SecretAccessKey, &secret(value), line)
    });
    proptest::collection::vec(one, 0..12)
}

proptest! {
    /// Whatever was there and whatever comes, the baseline knows just what was found last, keeps labels, and is then at rest.
    #[test]
    fn an_update_knows_what_was_found_and_is_then_at_rest(
        rounds in proptest::collection::vec((few_findings(), any::<bool>(), any::<[bool; 4]>()), 1..5),
    ) {
        let mut baseline = Baseline::new(USUAL_NAME);
        for (findings, in_results, scanned) in rounds {
            // A file as detect-secrets finds all of it, or none.
            let content = |path: &str| {
                let values = (0..6).map(secret).filter(|value| {
                    let digests = Digests::of(&Secret::new(value.clone()));
                    let is_this = |finding: &&Finding| finding.digests == digests;
                    findings.iter().filter(is_this).any(|finding| path::normal(&finding.path, None) == path)
                });
                let lines: String = values.map(|value| format!("aws_key = '{value}'\n")).collect();
                in_results.then(|| lines.into_bytes())
            };
            let files = ["a.py", "b.py", "c.zip", "z/y"];
            let scanned = |path: &str| files.iter().position(|file| *file == path).is_some_and(|file| scanned[file]);
            let update = Update { findings: &findings, scanned: &scanned, content: &content, lines: LineNumbers::Keep };
            let before = baseline.entries();
            let changes = baseline.update(&update);
            prop_assert!(findings.iter().all(|finding| baseline.knows(finding).is_some()));
            let after = baseline.entries();
            for entry in &before {
                prop_assert_eq!(after.contains(entry), !changes.removed.contains(&entry.id));
            }
            for id in &changes.removed {
                let outermost = id.path.split('!').next().unwrap();
                prop_assert!(scanned(outermost));
            }
            let bytes = baseline.to_bytes();
            prop_assert_eq!(baseline.update(&update), Changes::default());
            prop_assert_eq!(&baseline.to_bytes(), &bytes);
            baseline = Baseline::parse(&bytes).unwrap();
            prop_assert_eq!(baseline.entries(), after);
            if let Some(entry) = baseline.unlabelled().first() {
                prop_assert!(baseline.set_label(&entry.id, Label::Real));
            }
        }
    }

    #[test]
    fn no_file_makes_the_reader_panic_and_one_that_is_read_is_given_back(
        cut in 0..2000_usize,
        flips in proptest::collection::vec((0..2000_usize, any::<u8>()), 0..4),
    ) {
        let mut bytes = foreign().into_bytes();
        for (at, byte) in flips {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len().saturating_sub(cut / 20 * 20).max(1));
        if let Ok(mut baseline) = Baseline::parse(&bytes) {
            prop_assert_eq!(&baseline.to_bytes(), &bytes);
            Tree::new(1, &[CALL, SETTINGS]).update(&mut baseline, LineNumbers::Renew);
            prop_assert!(Baseline::parse(&baseline.to_bytes()).is_ok());
        }
    }
}
