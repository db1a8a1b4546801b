//! The text around an id in base64 is decoded, whatever it is, and however long its lines are.

#![no_main]

use data_encoding::{BASE64, BASE64URL};
use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::{Input, Planted};
use rotakey_scan::detect::fuzzing::{Decoded, base64};

fn check(content: &[u8]) -> Vec<Decoded> {
    let decoded = base64(content);
    for one in &decoded {
        assert_eq!(one.bytes.len(), one.spans.len());
        assert!(one.spans.iter().all(|span| span.start < span.end && span.end <= content.len()));
        assert!(one.spans.is_sorted_by_key(|span| span.start));
    }
    decoded
}

fuzz_target!(|input: &[u8]| {
    check(input);
    let mut input = Input(input);
    let id = Planted::of(&mut input).id;
    let width = 4 * (8 + input.below(24));
    let end = ["\n", "\r\n", "\n  ", "\\n", "\\r\\n"][input.below(5)];
    let encoding = [BASE64, BASE64URL][input.below(2)].clone();
    let plain = [input.bytes(1 << 10), id.as_bytes(), input.0].concat();
    let encoded = encoding.encode(&plain);
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(width).map(|line| str::from_utf8(line).unwrap()).collect();
    let content = format!("\"{}\"", lines.join(end));
    // Of one line, so that no place is divided: that is the business of who tells the runs.
    if lines.len() == 1 {
        let decoded = check(content.as_bytes());
        assert!(decoded.iter().any(|one| one.bytes == plain), "{content}");
    } else {
        let is_whole = |one: &Decoded| one.bytes.windows(id.len()).any(|part| part == id.as_bytes());
        let in_one = lines.iter().any(|line| {
            let decoded = base64(line.as_bytes());
            decoded.iter().any(is_whole)
        });
        assert!(!in_one || check(content.as_bytes()).iter().any(is_whole), "{content}");
    }
});
