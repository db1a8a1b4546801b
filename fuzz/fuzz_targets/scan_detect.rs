//! What is found is where it is said to be, the screen misses none of it, and whatever stands around, what is planted is
//! found.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::{Input, Planted};
use rotakey_scan::detect::{Detector, Found};
use rotakey_scan::kind::Kind;

fn told(found: &[Found], offset: usize) -> Vec<(Kind, usize, usize, &str)> {
    let place = |found: &Found| (found.span.start - offset, found.span.end - offset);
    found.iter().map(|found| (found.kind, place(found).0, place(found).1, found.value.expose())).collect()
}

fuzz_target!(|input: &[u8]| {
    let detector = Detector::default();
    let found = detector.detect(input);
    assert!(detector.screen(input) || found.is_empty());
    assert!(found.is_sorted_by_key(|found| found.span.start));
    for (number, one) in found.iter().enumerate() {
        assert!(one.span.start < one.span.end && one.span.end <= input.len());
        let value = one.value.expose();
        if one.encodings.is_empty() {
            assert!(input[one.span.clone()] == *value.as_bytes(), "{value} at {:?}", one.span);
        }
        if let Some(pair) = one.pair {
            assert!(pair != number && found[pair].kind != one.kind);
        }
    }
    // An even number, since in UTF-16 it counts where a byte is.
    let around = [&[b' '; 130], input, &[b' '; 130]].concat();
    assert_eq!(told(&found, 0), told(&detector.detect(&around), 130));

    let mut input = Input(input);
    let planted = Planted::of(&mut input);
    let before = input.bytes(1 << 12);
    let content = [before, b"\n\n", &planted.encoded, b"\n\n", input.0].concat();
    // Base64 goes on behind the end of a line, if there is some.
    let (start, end) = (before.len() + 2, before.len() + 2 + planted.encoded.len());
    let found = detector.detect(&content);
    assert!(detector.screen(&content), "screened out");
    let is_id = |found: &Found| {
        found.value.expose() == planted.id && start <= found.span.start && found.span.end <= end
    };
    assert!(found.iter().any(is_id), "{} in {:?}", planted.id, String::from_utf8_lossy(&content));
});
