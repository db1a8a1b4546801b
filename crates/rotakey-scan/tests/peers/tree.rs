//! A repository with keys in it, and what is to be found there.

use std::path::Path;
use std::process::Command;

use rotakey_core::secret::Secret;
use rotakey_scan::baseline::{Baseline, Changes, LineNumbers, Update};
use rotakey_scan::finding::{Digests, Finding, Position};
use rotakey_scan::kind::{Kind, Severity};
use rotakey_scan::specimen::Specimen;
use tempfile::TempDir;

/// A git repository without commits.
pub(crate) struct Tree {
    pub(crate) folder: TempDir,
    pub(crate) specimen: Specimen,
    pub(crate) findings: Vec<Finding>,
}

impl Tree {
    /// With files from templates; the values of one specimen are what is to be found.
    pub(crate) fn new(seed: u64, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let git = Command::new("git").args(["init", "--quiet"]).current_dir(folder.path()).status();
        assert!(git.expect("git is installed").success());
        let mut tree = Self { folder, specimen: Specimen::from_seed(seed), findings: Vec::new() };
        for (path, template) in files {
            tree.write(path, template);
        }
        tree
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, and adds what is to be found in it.
    pub(crate) fn write(&mut self, path: &str, template: &str) {
        let text = self.specimen.fill(template);
        std::fs::write(self.path().join(path), &text).unwrap();
        self.findings.retain(|finding| finding.path != path);
        for (kind, value) in [
            (Kind::AccessKeyId, &self.specimen.access_key_id),
            (Kind::SecretAccessKey, &self.specimen.secret_access_key),
        ] {
            let spans = text.match_indices(value.as_str()).map(|(start, _)| start..start + value.len());
            let found = spans.map(|span| finding(path, kind, value, Position::of(text.as_bytes(), &span)));
            self.findings.extend(found);
        }
    }

    /// Brings a baseline up to date with the tree.
    pub(crate) fn update(&self, baseline: &mut Baseline, lines: LineNumbers) -> Changes {
        let content = |path: &str| std::fs::read(self.path().join(path)).ok();
        baseline.update(&Update { findings: &self.findings, scanned: &|_| true, content: &content, lines })
    }
}

fn finding(path: &str, kind: Kind, value: &str, position: Position) -> Finding {
    Finding {
        kind,
        rule: "aws-access-key-id",
        severity: Severity::High,
        repository: None,
        path: path.to_owned(),
        position,
        access_key_id: None,
        account_id: None,
        canary: false,
        digests: Digests::of(&Secret::new(value.to_owned())),
        pair: None,
        redacted: String::new(),
        excerpt: String::new(),
        encodings: Vec::new(),
        blob: None,
        introduced: None,
        value: None,
        allowed: None,
        known: None,
        holder: None,
    }
}
