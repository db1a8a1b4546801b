//! detect-secrets 1.5.0 over our baseline, and we over its.

use rotakey_scan::baseline::{Baseline, Changes, Label, LineNumbers, USUAL_NAME};

use crate::python::{Ran, python};
use crate::tree::Tree;

const SETTINGS: &str = "import os\naws_key_id = '{access_key_id}'\naws_secret_key = '{secret_access_key}'\n";
const CALL: &str = "client('{access_key_id}', '{secret_access_key}')\n";
const EXAMPLE: &str = "aws_key_id = 'AKIAIOSFODNN7EXAMPLE'\n";
/// It opens such files; what is in them is quoted before it looks.
const INI: &str =
    "[default]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n";

fn usual() -> Tree {
    Tree::new(
        1,
        &[
            ("settings.py", SETTINGS),
            ("call.py", CALL),
            ("example.py", EXAMPLE),
            ("größe.ini", INI),
            ("a.svg", CALL),
        ],
    )
}

const FILES: [&str; 5] = ["settings.py", "call.py", "example.py", "größe.ini", "a.svg"];

fn hook(tree: &Tree, files: &[&str]) -> Ran {
    let hook = ["-m", "detect_secrets.pre_commit_hook", "--no-verify", "--baseline", USUAL_NAME];
    python(tree.path(), &[&hook[..], files].concat(), "")
}

fn detect_secrets(tree: &Tree, arguments: &[&str], input: &str) -> Ran {
    python(tree.path(), &[&["-m", "detect_secrets"], arguments].concat(), input)
}

fn save(tree: &Tree, baseline: &Baseline) {
    std::fs::write(tree.path().join(USUAL_NAME), baseline.to_bytes()).unwrap();
}

fn read(tree: &Tree) -> Vec<u8> {
    std::fs::read(tree.path().join(USUAL_NAME)).unwrap()
}

fn parse(tree: &Tree) -> Baseline {
    Baseline::parse(&read(tree)).unwrap()
}

/// A new baseline of the tree, in its place.
fn baseline(tree: &Tree) -> Baseline {
    let mut baseline = Baseline::new(USUAL_NAME);
    tree.update(&mut baseline, LineNumbers::Keep);
    save(tree, &baseline);
    baseline
}

#[test]
fn its_hook_knows_what_our_baseline_knows_and_leaves_the_file_alone() {
    let mut tree = usual();
    let written = baseline(&tree).to_bytes();
    for file in FILES {
        hook(&tree, &[file]).exits(0);
    }
    hook(&tree, &FILES).exits(0);
    assert_eq!(read(&tree), written, "it asks for no new baseline");

    // A filter could be the name of a module, which whoever wrote the repository may have put there.
    tree.write("rotakey.py", "open('imported', 'w')\n");
    hook(&tree, &FILES).exits(0);
    assert!(!tree.path().join("imported").exists());

    tree.specimen = rotakey_scan::specimen::Specimen::from_seed(2);
    tree.write("new.py", SETTINGS);
    let said = hook(&tree, &["call.py", "new.py"]).exits(1);
    assert!(said.contains("new.py:2") && said.contains("new.py:3") && !said.contains("call.py"), "{said}");
}

#[test]
fn a_rescan_by_it_keeps_labels_and_what_it_does_not_find() {
    let tree = usual();
    let mut ours = baseline(&tree);
    for (entry, label) in ours.entries().iter().zip([Label::Real, Label::Harmless].into_iter().cycle()) {
        assert!(ours.set_label(&entry.id, label));
    }
    save(&tree, &ours);
    let scan = [&["scan", "--no-verify", "--baseline", USUAL_NAME], &FILES[..]].concat();
    detect_secrets(&tree, &scan, "").exits(0);
    let mut theirs = parse(&tree);
    for finding in &tree.findings {
        assert_eq!(theirs.knows(finding), ours.knows(finding), "{} {}", finding.path, finding.kind);
    }
    assert_eq!(tree.update(&mut theirs, LineNumbers::Keep), Changes::default());
    assert_eq!(theirs.to_bytes(), read(&tree), "and its file is as we would write it");
}

#[test]
fn its_audit_works_on_our_baseline() {
    let tree = usual();
    let written = baseline(&tree);
    let shared = written.entries().iter().filter(|entry| entry.shared).count();
    assert_eq!(shared, 5, "two in the settings, the id in the call, two in the ini file");

    let stats = detect_secrets(&tree, &["audit", "--stats", "--json", USUAL_NAME], "").exits(0);
    let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
    assert_eq!(stats["AWSKeyDetector"]["stats"]["raw"]["unknown"], shared, "{stats:#}");

    let report = detect_secrets(&tree, &["audit", "--report", USUAL_NAME], "").exits(0);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let found = report["results"].as_array().unwrap();
    assert_eq!(found.len(), shared, "it finds each again");

    // "Should this string be committed?" No to the first, yes to the others.
    detect_secrets(&tree, &["audit", USUAL_NAME], "n\ny\ny\ny\ny\n").exits(0);
    let labelled = parse(&tree);
    let labels: Vec<Label> =
        labelled.entries().iter().filter(|entry| entry.shared).map(|entry| entry.label).collect();
    assert_eq!(labels.iter().filter(|label| **label == Label::Real).count(), 1, "{labels:?}");
    assert_eq!(labels.iter().filter(|label| **label == Label::Harmless).count(), 4, "{labels:?}");
    assert!(tree.findings.iter().all(|finding| labelled.knows(finding).is_some()), "nothing is lost by it");
}

#[test]
fn without_line_numbers_its_hook_does_not_mind_lines_that_move() {
    for (lines, code) in [(LineNumbers::Keep, 3), (LineNumbers::Omit, 0)] {
        let mut tree = usual();
        let mut baseline = Baseline::new(USUAL_NAME);
        tree.update(&mut baseline, lines);
        save(&tree, &baseline);
        tree.write("settings.py", &format!("# New.\n{SETTINGS}"));
        hook(&tree, &["settings.py"]).exits(code);
        // Lines that we renew are those that it would.
        if lines == LineNumbers::Keep {
            assert_eq!(tree.update(&mut baseline, LineNumbers::Renew).renewed, 2);
            save(&tree, &baseline);
            hook(&tree, &["settings.py"]).exits(0);
            assert_eq!(read(&tree), baseline.to_bytes());
        }
    }
}

#[test]
fn its_own_baseline_is_read_and_kept() {
    let mut tree = usual();
    let scan = [&["scan", "--no-verify"], &FILES[..]].concat();
    let theirs = detect_secrets(&tree, &scan, "").exits(0);
    let mut baseline = Baseline::parse(theirs.as_bytes()).unwrap();
    let unknown: Vec<_> = tree.findings.iter().filter(|finding| baseline.knows(finding).is_none()).collect();
    assert!(
        unknown.iter().all(|finding| ["call.py", "a.svg"].contains(&finding.path.as_str())),
        "{unknown:?}"
    );

    let foreign = baseline.entries();
    tree.update(&mut baseline, LineNumbers::Keep);
    let all = baseline.entries();
    assert!(foreign.iter().all(|entry| all.contains(entry)), "entries of its other plugins stay");
    assert!(tree.findings.iter().all(|finding| baseline.knows(finding).is_some()));
    save(&tree, &baseline);
    hook(&tree, &FILES).exits(0);
    assert_eq!(read(&tree), baseline.to_bytes());

    // Nothing changes when lines move, until something does.
    tree.write("settings.py", &format!("# New.\n{SETTINGS}"));
    assert_eq!(tree.update(&mut baseline, LineNumbers::Keep), Changes::default());
}

#[test]
fn it_refuses_what_we_refuse() {
    let tree = Tree::new(3, &[("clean.py", "import os\n")]);
    for (text, readable) in [
        (r#"{"version": "1.5.0", "results": {}}"#, true),
        (r#"{"version": "1.5.0", "plugins_used": [{"name": "AWSKeyDetector"}], "results": {"a": []}}"#, true),
        (r#"{"version": "1.4.0", "results": {"a": [{"type": "x", "hashed_secret": "y"}]}}"#, true),
        (r#"{"results": {}}"#, false),
        (r#"{"version": "1.5.0"}"#, false),
        (r#"{"version": "1.5", "results": {}}"#, false),
        (r#"{"version": "1.5.0", "results": []"#, false),
        (r#"{"version": "1.5.0", "results": {"a": [{"type": "x"}]}}"#, false),
        (r#"{"version": "1.5.0", "plugins_used": [{}], "results": {}}"#, false),
        (r#"{"version": "1.5.0", "filters_used": [{}], "results": {}}"#, false),
    ] {
        std::fs::write(tree.path().join(USUAL_NAME), text).unwrap();
        assert_eq!(Baseline::parse(text.as_bytes()).is_ok(), readable, "{text}");
        let ran = hook(&tree, &["clean.py"]);
        // It rewrites one of an older version, and says so by a 3.
        let read = matches!(ran.code, Some(0 | 3));
        assert_eq!(read, readable, "{text}\n{}\n{}", ran.stdout, ran.stderr);
    }
}
