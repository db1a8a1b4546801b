//! Any file is decompressed or refused, and never more of it than was asked for.

#![no_main]

use std::io::Read as _;

use libfuzzer_sys::fuzz_target;
use rotakey_trail::source::decoded::{DecodeError, Decoded};

const MOST: u64 = 1 << 16;

fuzz_target!(|stored: &[u8]| {
    let mut content = Vec::new();
    let result = Decoded::new(Box::new(stored), MOST).read_to_end(&mut content);
    assert!(content.len() as u64 <= MOST);
    if let Err(error) = result {
        assert!(DecodeError::of(&error).is_some(), "the source cannot fail: {error}");
    }
});
