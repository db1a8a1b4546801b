use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::finding::Position;
use crate::scan::{Options, Report};
use crate::specimen::Specimen;

/// What is found in a content, as a slice and as a stream that comes in parts of a size.
fn scanned(content: &[u8], part: usize) -> Report {
    let place = Place::file(b"file");
    let slice = Scan::new(Options::default());
    Pieces::new(&slice, &place).whole(content);
    let stream = Scan::new(Options::default());
    let mut buffer = Vec::new();
    let mut reader = Dribble(Cursor::new(content), part);
    Pieces::new(&stream, &place).stream(&mut buffer, &mut reader).unwrap();
    let (slice, stream) = (slice.finish(), stream.finish());
    assert_eq!(summary(&slice), summary(&stream));
    assert_eq!(slice.coverage, stream.coverage);
    assert_eq!(slice.coverage.bytes, content.len() as u64);
    slice
}

fn summary(report: &Report) -> Vec<(Kind, Position, bool)> {
    report.findings.iter().map(|finding| (finding.kind, finding.position, finding.pair.is_some())).collect()
}

/// Hands out at most so many bytes at a time.
struct Dribble<'a>(Cursor<&'a [u8]>, usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

#[test]
fn matches_on_every_seam_are_told_once_and_at_their_place() {
    let id = Specimen::from_seed(1).access_key_id;
    let line = b"some words that make up a line\n";
    for pieces in 1..=3 {
        let seam = pieces * PIECE - (pieces - 1) * OVERLAP;
        for offset in [0, 1, 19, 20, 21, OVERLAP / 2, OVERLAP / 2 + 10, OVERLAP - 10, OVERLAP, OVERLAP + 20] {
            let at = seam - offset;
            let mut content: Vec<u8> = line.iter().copied().cycle().take(at).collect();
            content.extend(format!(" {id}\nlast").as_bytes());
            content.extend(line.iter().copied().cycle().take(2 * PIECE));
            let report = scanned(&content, 10_000_000);
            let position = Position::of(&content, &(at + 1..at + 21));
            assert_eq!(summary(&report), [(Kind::AccessKeyId, position, false)], "{pieces} {offset}");
        }
    }
}

#[test]
fn halves_that_are_in_different_pieces_are_a_pair() {
    let specimen = Specimen::from_seed(2);
    let distance = 5_000;
    for at in (PIECE - OVERLAP - distance - 100..PIECE + 100).step_by(1_977) {
        let mut content = vec![b'\n'; at];
        content.extend(specimen.access_key_id.as_bytes());
        content.extend(vec![b'\n'; distance - 7]);
        content.extend(format!("\naws_secret_access_key = {}\n", specimen.secret_access_key).as_bytes());
        content.extend(vec![b'\n'; 100]);
        let report = scanned(&content, 65_536);
        let found: Vec<_> =
            report.findings.iter().map(|finding| (finding.kind, finding.pair.is_some())).collect();
        assert_eq!(found, [(Kind::AccessKeyId, true), (Kind::SecretAccessKey, true)], "{at}");
    }
}

#[test]
fn what_comes_before_an_error_is_scanned() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("no more"))
        }
    }
    let id = Specimen::from_seed(3).access_key_id;
    let scan = Scan::new(Options::default());
    let place = Place::file(b"file");
    let mut reader = Cursor::new(id.as_bytes()).chain(Failing);
    Pieces::new(&scan, &place).stream(&mut Vec::new(), &mut reader).unwrap_err();
    assert_eq!(scan.finish().findings.len(), 1);
}

#[test]
fn a_line_of_any_length_has_columns() {
    let id = Specimen::from_seed(4).access_key_id;
    let mut content = "ä".repeat(PIECE).into_bytes();
    content.extend(format!(" {id} ").as_bytes());
    let report = scanned(&content, 4096);
    let column = u32::try_from(PIECE + 2).unwrap();
    assert_eq!(
        report.findings[0].position,
        Position { line: 1, column, end_line: 1, end_column: column + 20 }
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn all_that_is_planted_is_told_once(places in prop::collection::btree_set(0usize..4 * PIECE, 1..60), part in 1_000usize..3_000_000) {
        let mut content = vec![b'-'; 4 * PIECE + 100];
        for at in (0..content.len()).step_by(101) {
            content[at] = b'\n';
        }
        let mut planted = Vec::new();
        let mut free = 0;
        for (number, at) in places.into_iter().enumerate() {
            if at < free {
                continue;
            }
            let id = Specimen::from_seed(number as u64).access_key_id;
            content[at..at + 20].copy_from_slice(id.as_bytes());
            free = at + 21;
            planted.push(at..at + 20);
        }
        let expected: Vec<_> = planted.iter().map(|span| (Kind::AccessKeyId, Position::of(&content, span), false)).collect();
        prop_assert_eq!(summary(&scanned(&content, part)), expected);
    }
}
