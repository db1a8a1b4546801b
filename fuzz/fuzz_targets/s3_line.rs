//! Any server access log is read.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use rotakey_trail::after::S3AccessLogs;

fuzz_target!(|log: &[u8]| {
    let addresses = BTreeSet::from(["198.51.100.7".to_owned()]);
    let mut logs = S3AccessLogs::new("AKIAIOSFODNN7EXAMPLE", &[], addresses);
    logs.read(log).unwrap();
    let _ = logs.into_document();
});
