//! The progress of a scan.

use std::sync::atomic::{AtomicU64, Ordering};

use rotakey_scan::progress::Progress as ScanProgress;

use crate::printer::Printer;
use crate::progress::Progress;

/// Tells a person how many contents were read.
pub(super) struct Watch {
    progress: Progress,
    what: &'static str,
    contents: AtomicU64,
}

/// Drawing takes longer than reading a file.
const EVERY: u64 = 256;

impl Watch {
    pub(super) fn new(printer: &Printer, what: &'static str) -> Self {
        Self { progress: Progress::new(printer), what, contents: AtomicU64::new(0) }
    }
}

impl ScanProgress for Watch {
    fn advanced(&self, contents: u64, _bytes: u64) {
        let before = self.contents.fetch_add(contents, Ordering::Relaxed);
        let now = before + contents;
        if before / EVERY != now / EVERY || contents == 0 {
            let done = usize::try_from(now).unwrap_or(usize::MAX);
            rotakey_engine::inventory::Progress::step(&self.progress, done, None, self.what);
        }
    }
}
