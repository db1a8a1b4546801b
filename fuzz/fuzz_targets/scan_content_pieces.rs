//! What is found in pieces is what is found in one go, at the same place.

#![no_main]

use std::io::Read;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::{Input, Planted};
use rotakey_scan::detect::Detector;
use rotakey_scan::finding::{Digests, Position};
use rotakey_scan::kind::Kind;
use rotakey_scan::place::Place;
use rotakey_scan::scan::{Options, Scan};

/// As much as is scanned at a time, and how much of it twice.
const PIECE: usize = 1 << 20;
const OVERLAP: usize = 32 << 10;

/// Lines of words. They are made once, since to make them takes longer than to scan them.
static FILLER: LazyLock<Vec<u8>> = LazyLock::new(|| b"some words of a line\n".repeat(100_000));

fuzz_target!(|input: &[u8]| {
    let mut input = Input(input);
    let planted = Planted::of(&mut input).encoded;
    let near = [PIECE, PIECE - OVERLAP, PIECE - OVERLAP / 2, 2 * PIECE - OVERLAP][input.below(4)];
    let (start, part) = (near - input.below(1 << 13), 1 + input.below(1 << 16));
    let behind = if input.below(2) == 1 { PIECE } else { 0 };
    let content =
        [&FILLER[..start], input.bytes(1 << 12), &planted, input.0, b"\n", &FILLER[..behind]].concat();

    let mut whole: Vec<(Kind, Position, Digests)> = Detector::default()
        .detect(&content)
        .iter()
        .map(|found| (found.kind, Position::of(&content, &found.span), Digests::of(&found.value)))
        .collect();
    let scan = Scan::new(Options::default());
    scan.stream(&Place::file(b"file"), &mut Dribble(&content, part));
    let findings = scan.finish().findings;
    let mut pieces: Vec<(Kind, Position, Digests)> =
        findings.iter().map(|finding| (finding.kind, finding.position, finding.digests)).collect();
    whole.sort();
    pieces.sort();
    assert_eq!(whole, pieces);
});

/// Hands out at most so many bytes at a time.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}
