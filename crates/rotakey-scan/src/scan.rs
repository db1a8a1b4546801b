//! What is done with each content, whatever its source.

use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rotakey_core::id::AccessKeyId;

use crate::allow::{Allowed, Marks};
use crate::container::{Limits, Opener, is_container};
use crate::coverage::{Coverage, LeftOut, Unread};
use crate::detect::canary::is_canary;
use crate::detect::{Detector, Found};
use crate::excerpt::Excerpts;
use crate::finding::{Digests, Finding, Mark, Position, redact};
use crate::kind::Kind;
use crate::place::Place;

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
    /// How far containers are opened.
    pub limits: Limits,
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

    /// Scans a content that is in memory, and all that is in it if it is a container.
    pub fn content(&self, place: &Place<'_>, content: &[u8]) {
        Opener::new(self, content.len() as u64).slice(place, content);
    }

    /// Scans a content as it comes, in bounded memory, and all that is in it if it is a container. If it ends with an
    /// error, that is told as [`Unread`], and what came before is scanned.
    pub fn stream(&self, place: &Place<'_>, reader: &mut dyn Read) {
        Opener::new(self, 0).outermost_stream(place, reader);
    }

    /// Whether a content that begins so is a container. The walk over the blobs of a repository puts together only what may hold
    /// something.
    pub(crate) fn opens(&self, head: &[u8]) -> bool {
        is_container(head)
    }

    /// What a scan keeps and heeds.
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Counts a content.
    pub(crate) fn add_content(&self) {
        self.contents.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts what was scanned.
    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What there is in a piece of a content, ascending by where it begins.
    pub(crate) fn detect(&self, piece: &[u8]) -> Vec<Found> {
        self.detector.detect(piece)
    }

    /// Keeps some of the matches in a piece of a content, which begins at a mark. The others are still needed: as the
    /// other halves of pairs, and because they are not to be seen in an excerpt.
    pub(crate) fn keep(
        &self,
        place: &Place<'_>,
        piece: &[u8],
        mut mark: Mark,
        found: &[Found],
        digests: &[Digests],
        keep: &[bool],
    ) {
        let excerpts = Excerpts::new(piece, mark != Mark::default(), found);
        let mut findings = Vec::with_capacity(found.len());
        let path = place.to_string();
        let mut allowed = Marks::new(&path, piece);
        let mut at = 0;
        let mut end = (0, mark);
        for (number, own) in found.iter().enumerate().filter(|(number, _)| keep[*number]) {
            mark.advance(&piece[at..own.span.start]);
            at = own.span.start;
            if end.0 != own.span.end {
                end = (own.span.end, mark);
                end.1.advance(&piece[own.span.clone()]);
            }
            let id = match own.kind {
                Kind::AccessKeyId => Some(own),
                _ => own.pair.map(|pair| &found[pair]).filter(|pair| pair.kind == Kind::AccessKeyId),
            };
            let access_key_id: Option<AccessKeyId> = id.and_then(|id| id.value.expose().parse().ok());
            let account_id = access_key_id.as_ref().and_then(AccessKeyId::account_id);
            findings.push(Finding {
                kind: own.kind,
                rule: own.rule,
                severity: own.severity,
                repository: None,
                path: path.clone(),
                position: Position::between(mark, end.1),
                access_key_id,
                canary: account_id.as_ref().is_some_and(is_canary),
                account_id,
                digests: digests[number],
                pair: own.pair.map(|pair| digests[pair]),
                redacted: redact(own),
                excerpt: excerpts.around(number),
                encodings: own.encodings.clone(),
                blob: place.outermost().blob,
                introduced: None,
                value: self.options.keep_values.then(|| own.value.duplicate()),
                allowed: allowed.on_line(&own.span).map(Allowed::Mark),
                known: None,
                holder: None,
            });
        }
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
