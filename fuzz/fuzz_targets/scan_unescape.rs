//! Values with any mixture of escapes in them are read as they were written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::Input;
use rotakey_scan::detect::fuzzing::unescaped;

const RUN: &[u8] = br"abcdefnrtux0123456789AZGq/+\\\%%&&##;;";
const SLASHES: [&str; 10] =
    ["/", "\\/", "\\\\/", "\\u002F", "\\u002f", "\\x2f", "%2F", "%252f", "&#x2F;", "&#47;"];
const PLUSES: [&str; 7] = ["+", "\\u002B", "\\u002b", "\\x2B", "%2B", "%252b", "&#43;"];
const ENDS: [&str; 8] = ["\\n", "\\\"", "\\u0022", "%22", "&quot;", "%3D", "\\\\n", "&amp;"];

fuzz_target!(|input: &[u8]| {
    if input.is_empty() {
        // No run is.
        return;
    }
    // A run has nothing but the alphabet of secrets and of escapes.
    let run: Vec<u8> = input.iter().map(|byte| RUN[usize::from(*byte) % RUN.len()]).collect();
    let values = unescaped(&run);
    let mut at = 0;
    for (span, value) in &values {
        assert!(at <= span.start && span.start < span.end && span.end <= input.len());
        assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+')));
        at = span.end;
    }

    let mut input = Input(input);
    let (mut text, mut expected) = (String::new(), Vec::new());
    let mut value = String::new();
    while !input.0.is_empty() {
        let which = usize::from(input.byte());
        match input.byte() % 8 {
            0 => {
                value.push('/');
                text.push_str(SLASHES[which % SLASHES.len()]);
            }
            1 => {
                value.push('+');
                text.push_str(PLUSES[which % PLUSES.len()]);
            }
            2 => {
                expected.push(std::mem::take(&mut value));
                text.push_str(ENDS[which % ENDS.len()]);
            }
            _ => {
                // No digits, which would belong to what may be the rest of an escape.
                let letter = char::from(b'G' + (which % 20) as u8);
                value.push(letter);
                text.push(letter);
            }
        }
    }
    expected.push(value);
    expected.retain(|value| !value.is_empty());
    if text.is_empty() {
        return;
    }
    let read: Vec<String> = unescaped(text.as_bytes()).into_iter().map(|(_, value)| value).collect();
    assert_eq!(read, expected, "{text}");
});
