//! A baseline that is read is written as it was, an update with nothing new changes nothing, and what is added is known.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotakey_scan::baseline::{Baseline, Changes, LineNumbers, Update};
use rotakey_scan::finding::Finding;
use rotakey_scan::place::Place;
use rotakey_scan::scan::{Options, Scan};
use rotakey_scan::specimen::Specimen;

fn update<'a>(findings: &'a [Finding], text: &'a dyn Fn(&str) -> Option<Vec<u8>>) -> Update<'a> {
    Update { findings, scanned: &|_| false, content: text, lines: LineNumbers::Keep }
}

fuzz_target!(|input: &[u8]| {
    let Ok(read) = Baseline::parse(input) else { return };
    assert!(!read.is_changed() && read.to_bytes() == input);
    let mut same = read.clone();
    assert_eq!(same.update(&update(&[], &|_| None)), Changes::default());
    assert!(!same.is_changed() && same.to_bytes() == input);

    let specimen = Specimen::from_seed(7);
    let text = specimen
        .fill("aws_access_key_id = {access_key_id}\naws_secret_access_key = \"{secret_access_key}\"\n");
    let scan = Scan::new(Options::default());
    scan.content(&Place::file(b"folder/file"), text.as_bytes());
    let findings = scan.finish().findings;
    let content = |path: &str| (path == "folder/file").then(|| text.clone().into_bytes());
    let mut more = read;
    more.update(&update(&findings, &content));
    assert!(findings.iter().all(|finding| more.knows(finding).is_some()));
    // What is written is read, and then stays.
    let written = more.to_bytes();
    let mut again = Baseline::parse(&written).unwrap();
    assert!(findings.iter().all(|finding| again.knows(finding).is_some()));
    assert_eq!(again.update(&update(&findings, &content)), Changes::default());
    assert!(again.to_bytes() == written);
    // All of it is gone when it is no longer found.
    let gone = Update {
        findings: &[],
        scanned: &|path| path == "folder/file",
        content: &|_| None,
        lines: LineNumbers::Keep,
    };
    again.update(&gone);
    let _ = Baseline::parse(&again.to_bytes()).unwrap();
});
