//! Any digest and any list of public keys is read or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotakey_trail::verify::{PublicKey, is_digest};

fuzz_target!(|content: &[u8]| {
    let _ = is_digest(content);
    let _ = PublicKey::list(content);
    let _ = PublicKey::new("any", content);
});
