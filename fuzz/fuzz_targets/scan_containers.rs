//! Any content is opened, as far as the limits allow, whether it is in memory or comes in parts.

#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use rotakey_scan::container::Limits;
use rotakey_scan::place::Place;
use rotakey_scan::scan::{Options, Report, Scan};

/// Hands out at most so many bytes at a time.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

const LIMITS: Limits = Limits { depth: 3, unpacked: 1 << 20, ratio: 100, free: 1 << 18, held: 1 << 12 };

fn scanned(scan: impl FnOnce(&Scan, &Place<'_>)) -> Report {
    let own = Scan::new(Options { limits: LIMITS, ..Options::default() });
    scan(&own, &Place::file(b"file"));
    own.finish()
}

fuzz_target!(|content: &[u8]| {
    let slice = scanned(|scan, place| scan.content(place, content));
    let stream = scanned(|scan, place| scan.stream(place, &mut Dribble(content, 1000)));
    for report in [slice, stream] {
        // What is in no member is scanned too.
        let most = LIMITS.unpacked + (1 << 17) + 4 * content.len() as u64;
        assert!(report.coverage.bytes <= most, "{} of {}", report.coverage.bytes, content.len());
        assert!(report.coverage.unread.len() <= 1_001);
        assert!(report.findings.iter().all(|finding| finding.path.starts_with("file")));
    }
});
