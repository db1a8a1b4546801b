//! Any list is read; what it does not say allows nothing, and what it says is allowed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::Input;
use rotakey_scan::allow::{GitleaksIgnore, GitleaksReport};
use rotakey_scan::place::Place;
use rotakey_scan::scan::{Options, Scan};
use rotakey_scan::specimen::Specimen;

fuzz_target!(|input: &[u8]| {
    let ignore = GitleaksIgnore::parse(input);
    let lines = 1 + input.iter().filter(|byte| **byte == b'\n').count();
    assert!(ignore.not_understood().iter().all(|line| (1..=lines as u32).contains(line)));
    let _ = GitleaksReport::parse(input);

    let mut input = Input(input);
    let (line, seed) = (input.below(40), input.byte());
    let kept = |character: &char| !character.is_control() && !character.is_whitespace() && *character != '\\';
    let name: String = String::from_utf8_lossy(input.bytes(60)).chars().filter(kept).collect();
    let path = format!("folder/x{}", name.replace('/', "_"));
    let content = format!("{}{}", "\n".repeat(line), Specimen::from_seed(seed.into()).access_key_id);
    let scan = Scan::new(Options::default());
    scan.content(&Place::file(path.as_bytes()), content.as_bytes());
    let findings = scan.finish().findings;
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    let own = format!("{path}:aws-access-token:{}", line + 1);
    let text = [input.0, b"\n", own.as_bytes(), b"\n"].concat();
    assert!(GitleaksIgnore::parse(&text).allows(finding, None), "{own}");
    if !String::from_utf8_lossy(input.0).contains("x") {
        assert!(!GitleaksIgnore::parse(input.0).allows(finding, None));
    }
});
