//! The scanner finds the records that `serde_json` finds, and accepts what it accepts.

#![no_main]

use bumpalo::Bump;
use libfuzzer_sys::fuzz_target;
use rotakey_trail::oracle;
use rotakey_trail::scan::Scanner;
use serde_json::value::RawValue;
use serde_json::{Deserializer, Map, Value};

/// What makes an object something around records, of which the oracle knows nothing.
const ENVELOPES: [&str; 4] = ["detail", "message", "CloudTrailEvent", "rotakeyPartial"];

fuzz_target!(|text: &str| {
    let text = format!("[{text}]");
    let arena = Bump::new();
    let mut found = Vec::new();
    let scanned = Scanner::default().scan(&text, true, &arena, &mut |record| found.push(*record));
    // Values that are not looked at may be numbers that are too large and escapes that mean no text.
    let is_json = Deserializer::from_str(&text).into_iter::<&RawValue>().all(|document| document.is_ok());
    assert!(is_json || scanned.malformed.is_some(), "accepted, and no JSON");
    let Ok(objects) = serde_json::from_str::<Vec<Map<String, Value>>>(&text) else { return };
    assert_eq!(scanned.malformed, None, "refused, and an array of objects");
    let is_envelope = |object: &Map<String, Value>| ENVELOPES.iter().any(|name| object.contains_key(*name));
    if !objects.iter().any(is_envelope) {
        assert_eq!(found, oracle::records(&text, &arena));
        assert_eq!(scanned.others as usize, objects.len() - found.len());
    }
});
