//! What is done with each content, whatever its source.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::allow::{Allowed, Marks};
use crate::coverage::{Coverage, LeftOut, Unread};
use crate::detect::Detector;
use crate::finding::{Digests, Finding, Position, redact};
use crate::kind::Kind;
use crate::place::{Place, text_of};

/// A scan under way. Sources of several threads hand it contents.
#[derive(Debug, Default)]
pub struct Scan {
    detector: Detector,
    options: Options,
    contents: AtomicU64,
    bytes: AtomicU64,
    findings: Mutex<Vec<Finding>>,
    left_out: Mutex<LeftOut>,
    unread: Mutex<Vec<Unread>>,
}

/// What a scan keeps and heeds.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Keep values in clear in memory, to verify them or to show them to the person who asked.
    pub keep_values: bool,
}

/// What came of a scan.
#[derive(Debug, Default)]
pub struct Report {
    /// What was found, in a stable order: by repository, path and position.
    pub findings: Vec<Finding>,
    /// What was read and what was not.
    pub coverage: Coverage,
}

impl Scan {
    /// A new scan.
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// Scans a content.
    pub fn content(&self, place: &Place<'_>, content: &[u8]) {
        self.contents.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(content.len() as u64, Ordering::Relaxed);
        let found = self.detector.detect(content);
        if found.is_empty() {
            return;
        }
        let digests: Vec<Digests> = found.iter().map(|found| Digests::of(&found.value)).collect();
        let mut findings = Vec::with_capacity(found.len());
        let path = place.to_string();
        let mut marks = Marks::new(&path, content);
        for (found, own) in found.iter().zip(&digests) {
            let partner = found.pair;
            let id = match found.kind {
                Kind::AccessKeyId => Some(found),
                _ => None,
            };
            let access_key_id = id.and_then(|id| id.value.expose().parse().ok());
            let account_id = access_key_id.as_ref().and_then(rotakey_core::id::AccessKeyId::account_id);
            findings.push(Finding {
                kind: found.kind,
                rule: found.rule,
                severity: found.severity,
                repository: None,
                path: path.clone(),
                position: Position::of(content, &found.span),
                access_key_id,
                account_id,
                canary: false,
                digests: *own,
                pair: partner.map(|partner| digests[partner]),
                redacted: redact(found),
                excerpt: String::new(),
                encodings: found.encodings.clone(),
                blob: place.outermost().blob,
                introduced: None,
                value: self.options.keep_values.then(|| found.value.duplicate()),
                allowed: marks.on_line(&found.span).map(Allowed::Mark),
                known: None,
                holder: None,
            });
        }
        let _ = text_of;
        locked(&self.findings).extend(findings);
    }

    /// Notes that something could not be read.
    pub fn unread(&self, unread: Unread) {
        locked(&self.unread).push(unread);
    }

    /// Counts what was left out on purpose.
    pub fn left_out(&self, count: impl FnOnce(&mut LeftOut)) {
        count(&mut locked(&self.left_out));
    }

    /// Ends the scan.
    pub fn finish(self) -> Report {
        let mut findings = self.findings.into_inner().unwrap_or_else(PoisonError::into_inner);
        findings.sort_by(|a, b| {
            (&a.repository, &a.path, a.position, a.kind).cmp(&(&b.repository, &b.path, b.position, b.kind))
        });
        let mut unread = self.unread.into_inner().unwrap_or_else(PoisonError::into_inner);
        unread.sort();
        let coverage = Coverage {
            contents: self.contents.into_inner(),
            bytes: self.bytes.into_inner(),
            left_out: self.left_out.into_inner().unwrap_or_else(PoisonError::into_inner),
            unread,
        };
        Report { findings, coverage }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
