//! UTF-16 of either order is decoded at any place, with anything around.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::Input;
use rotakey_scan::detect::fuzzing::utf16;

fuzz_target!(|input: &[u8]| {
    let mut input = Input(input);
    let is_big = input.byte() % 2 == 1;
    let before = input.bytes(1 << 10);
    // Characters of which each half is in the first plane, some of them ASCII.
    let text: Vec<u8> = input.bytes(64).iter().map(|byte| 1 + byte % 127).collect();
    let units = text.iter().map(|byte| u16::from(*byte));
    let encoded: Vec<u8> =
        units.flat_map(|unit| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
    let content = [before, &encoded, input.0].concat();
    for (number, character) in text.iter().enumerate() {
        let at = before.len() + 2 * number + usize::from(is_big);
        assert_eq!(content[at], *character);
        let decoded = utf16(&content, at);
        assert!((1..=2).contains(&decoded.len()));
        for one in &decoded {
            assert!(one.spans.iter().all(|span| span.len() == 2 && span.end <= content.len()));
        }
        let has_all = decoded.iter().any(|one| one.bytes.windows(text.len()).any(|part| part == text));
        assert!(has_all, "{text:?} at {at} of {content:?}");
    }
});
