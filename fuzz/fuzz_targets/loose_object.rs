//! Any file of an object is read or refused, and what was written is read.

#![no_main]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::Input;
use rotakey_scan::git::objects::ObjectKind;
use rotakey_scan::git::objects::fuzzing::loose_object;

fn packed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(1));
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fuzz_target!(|input: &[u8]| {
    let _ = loose_object(input);
    if let Some((_, content)) = loose_object(&packed(input)) {
        assert!(input.ends_with(&content));
    }
    let mut input = Input(input);
    let kinds = [ObjectKind::Blob, ObjectKind::Tree, ObjectKind::Commit, ObjectKind::Tag];
    let kind = kinds[input.below(4)];
    let (at, bit, length) = (input.below(1 << 12), input.byte() % 8, input.below(1 << 12));
    let mut file = packed(&[format!("{} {}\0", kind.name(), input.0.len()).as_bytes(), input.0].concat());
    assert_eq!(loose_object(&file), Some((kind, input.0.to_vec())));
    if let Some(byte) = file.get_mut(at) {
        *byte ^= 1 << bit;
    }
    // The check sum tells what the format does not; that of an object is not taken.
    if let Some((_, content)) = loose_object(&file) {
        assert_eq!(content, input.0);
    }
    file.truncate(length);
    let _ = loose_object(&file);
});
