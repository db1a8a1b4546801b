use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).unwrap()
}

/// Some records, which compress as records do.
fn records(count: u32) -> Vec<u8> {
    let record = |number: u32| format!("{{\"eventID\":\"{}\"}},", number.wrapping_mul(2_654_435_761));
    (0..count).flat_map(|number| record(number).into_bytes()).collect()
}

fn content() -> Vec<u8> {
    records(1_000)
}

/// What was read, and why no more was.
fn decode(stored: &[u8], most: u64) -> (Vec<u8>, Option<DecodeError>) {
    let mut decoded = Decoded::new(Box::new(Slow(stored)), most);
    let (mut content, mut buffer) = (Vec::new(), [0; 1_000]);
    loop {
        match decoded.read(&mut buffer) {
            Ok(0) => return (content, None),
            Ok(read) => content.extend(&buffer[..read]),
            Err(error) => {
                let error = DecodeError::of(&error).unwrap().clone();
                let again = decoded.read(&mut buffer).unwrap_err();
                assert_eq!(DecodeError::of(&again), Some(&error), "what failed stays failed");
                return (content, Some(error));
            }
        }
    }
}

/// Gives few bytes at a time, as a pipe may.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(3);
        self.0.read(&mut buffer[..most])
    }
}

#[track_caller]
fn check(stored: &[u8], expected: &[u8]) {
    let (content, error) = decode(stored, u64::MAX);
    assert_eq!((content.len(), error), (expected.len(), None));
    assert!(content == expected);
}

#[test]
fn what_it_is_is_told_by_its_first_bytes() {
    let content = content();
    check(&content, &content);
    check(&gzip(&content), &content);
    check(&zstd(&content), &content);
    for short in [&b""[..], b"{", b"[]", b"{}\n", &[0x1F], &[0x28, 0xB5, 0x2F]] {
        check(short, short);
    }
    check(&gzip(b""), b"");
    check(&zstd(b""), b"");
}

#[test]
fn members_and_frames_are_read_as_one() {
    let content = content();
    let (first, second) = content.split_at(1_234);
    check(&[gzip(first), gzip(b""), gzip(second)].concat(), &content);
    check(&[zstd(first), zstd(b""), zstd(second)].concat(), &content);
    let skippable = [&[0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    check(&[zstd(first), skippable, zstd(second)].concat(), &content);
    check(&[gzip(first), vec![0; 100_000], gzip(second), vec![0; 512]].concat(), &content);
}

#[test]
fn a_byte_order_mark_is_left_out() {
    let marked = b"\xEF\xBB\xBF{}";
    check(marked, b"{}");
    check(&gzip(marked), b"{}");
    check(&zstd(marked), b"{}");
    check(BYTE_ORDER_MARK, b"");
    check(b"\xEF\xBB{}", b"\xEF\xBB{}");
}

#[test]
fn what_stands_before_the_cut_is_read() {
    let content = content();
    for stored in [gzip(&content), zstd(&content), [gzip(b"a"), gzip(&content)].concat()] {
        for length in (5..stored.len()).step_by(97).chain(stored.len() - 3..stored.len()) {
            let (read, error) = decode(&stored[..length], u64::MAX);
            assert_eq!(error, Some(DecodeError::Truncated), "{length} of {}", stored.len());
            assert!(content.starts_with(read.strip_prefix(b"a").unwrap_or(&read)));
        }
    }
    let stored = gzip(&content);
    let (read, _) = decode(&stored[..stored.len() - 1], u64::MAX);
    assert_eq!(read.len(), content.len(), "only the check sum is cut off");
    let (read, _) = decode(&stored[..stored.len() * 9 / 10], u64::MAX);
    assert!(read.len() > content.len() * 8 / 10, "{} of {}", read.len(), content.len());
    // Zstandard tells blocks of 128 KiB.
    let content = records(20_000);
    let stored = zstd(&content);
    let (read, error) = decode(&stored[..stored.len() - 5], u64::MAX);
    assert_eq!(error, Some(DecodeError::Truncated));
    assert!(read.len() + (128 << 10) >= content.len(), "{} of {}", read.len(), content.len());
}

#[test]
fn damage_is_told() {
    let mut stored = gzip(&content());
    let checksum = stored.len() - 8;
    stored[checksum] ^= 1;
    let (read, error) = decode(&stored, u64::MAX);
    assert_eq!(read.len(), content().len(), "all was read before the check sum");
    assert!(matches!(error, Some(DecodeError::Corrupt(_))), "{error:?}");

    let (read, error) = decode(&[gzip(b"{}"), b"rubbish".to_vec()].concat(), u64::MAX);
    assert_eq!(read, b"{}");
    assert!(matches!(error, Some(DecodeError::Corrupt(_) | DecodeError::Truncated)), "{error:?}");
}

#[test]
fn a_bomb_is_defused() {
    let zeros = vec![0; 10 << 20];
    for stored in [gzip(&zeros), zstd(&zeros), zeros.clone()] {
        let (read, error) = decode(&stored, 1_000_000);
        assert_eq!((read.len(), error), (1_000_000, Some(DecodeError::TooLarge { most: 1_000_000 })));
        let (read, error) = decode(&stored, zeros.len() as u64);
        assert_eq!((read.len(), error), (zeros.len(), None), "just as many as are wanted");
    }
    assert_eq!(decode(b"{}", 0), (Vec::new(), Some(DecodeError::TooLarge { most: 0 })));
    assert_eq!(decode(b"", 0), (Vec::new(), None));
}

#[test]
fn a_failing_source_is_not_taken_for_damage() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the line went dead"))
        }
    }
    let stored = gzip(&content());
    for length in [0, 2, 1_000] {
        let source = (&stored[..length]).chain(Failing);
        let error = io::copy(&mut Decoded::new(Box::new(source), u64::MAX), &mut io::sink()).unwrap_err();
        assert_eq!(error.to_string(), "the line went dead", "after {length} bytes");
        assert_eq!(DecodeError::of(&error), None);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(stored in proptest::collection::vec(any::<u8>(), 0..200), magic in 0..4_usize) {
        let magic: &[u8] = [&b""[..], &[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3], ZSTD, BYTE_ORDER_MARK][magic];
        decode(&[magic, &stored].concat(), 1 << 20);
    }

    #[test]
    fn any_damage_is_survived(place in any::<prop::sample::Index>(), byte in any::<u8>(), zstandard in any::<bool>()) {
        let content = records(50);
        let mut stored = if zstandard { zstd(&content) } else { gzip(&content) };
        let place = place.index(stored.len());
        stored[place] = byte;
        decode(&stored, 1 << 20);
    }
}
