//! No excerpt shows ten characters of a secret that was found, nor a control character, nor very much.

#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::{Input, Planted};
use rotakey_scan::kind::Kind;
use rotakey_scan::place::Place;
use rotakey_scan::scan::{Options, Scan};

/// All tokens begin in one of few ways, which is nobody's secret.
const BEGINNING: usize = 16;

fuzz_target!(|input: &[u8]| {
    let mut input = Input(input);
    let mut content = Vec::new();
    while !input.0.is_empty() && content.len() < 1 << 14 {
        let planted = Planted::of(&mut input);
        match input.byte() % 4 {
            0 => content.extend(planted.token.as_bytes()),
            1 => content.extend(planted.secret.iter().flat_map(|secret| secret.bytes())),
            _ => content.extend(&planted.encoded),
        }
        // Nothing between that a part of a secret could be made of.
        let filler = input.bytes(64).iter();
        content.extend(filler.map(|byte| b" \"',;:=&%\\.\0\n\t\x1b\xffaaaa"[usize::from(byte % 20)]));
    }
    let scan = Scan::new(Options { keep_values: true, ..Options::default() });
    scan.content(&Place::file(b"file"), &content);
    let findings = scan.finish().findings;
    let mut secret = HashSet::new();
    for finding in &findings {
        let value = finding.value.as_ref().unwrap().expose().as_bytes();
        match finding.kind {
            Kind::AccessKeyId => {}
            Kind::SecretAccessKey => secret.extend(value.windows(10)),
            Kind::SessionToken => secret.extend(value[BEGINNING..].windows(10)),
        }
    }
    for finding in &findings {
        let shown = &finding.excerpt;
        assert!(!shown.as_bytes().windows(10).any(|part| secret.contains(part)), "{shown:?} of {content:?}");
        assert!(!shown.contains(char::is_control) && shown.chars().count() <= 300, "{shown:?}");
    }
});
