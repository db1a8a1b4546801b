//! What a scan reads of an object store, and a cache that several machines share in one.

use std::process::Command;

use rotakey_scan::specimen::Specimen;

use crate::support::Desk;
use crate::trail::object_store::{moto, put, with_credentials};

const CREDENTIALS: &str =
    "[default]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n";

#[test]
fn keys_below_a_prefix_are_found_and_what_is_not_there_is_told() {
    let url = moto();
    let (mut desk, specimen) = (Desk::new(), Specimen::from_seed(41));
    with_credentials(&mut desk);
    let bucket = format!("rotakey-scan-{:016x}", fastrand::u64(..));
    put(&url, &format!("/{bucket}"), b"");
    put(&url, &format!("/{bucket}/drop/app.conf"), specimen.fill(CREDENTIALS).as_bytes());
    put(&url, &format!("/{bucket}/other/app.conf"), Specimen::from_seed(42).fill(CREDENTIALS).as_bytes());
    let scan = |place: &str| desk.run(&["scan", place, "--format", "json", "--endpoint-url", &url]);
    let report = scan(&format!("s3://{bucket}/drop")).exits(1).json();
    let found = report["findings"].as_array().unwrap();
    assert_eq!(found.len(), 2, "{report:#}");
    assert!(found.iter().all(|finding| finding["path"] == format!("s3://{bucket}/drop/app.conf").as_str()));
    assert_eq!(found[0]["access_key_id"], specimen.access_key_id.as_str());
    scan(&format!("s3://{bucket}/none")).fails(2, "there is nothing at", "aws s3 ls");
    let nowhere = scan("s3://rotakey-is-not-there/x").exits(4).json();
    assert_eq!(nowhere["complete"], false);
}

#[test]
fn a_blob_that_another_machine_scanned_is_not_scanned_again() {
    let url = moto();
    let (mut desk, specimen) = (Desk::new(), Specimen::from_seed(43));
    with_credentials(&mut desk);
    let bucket = format!("rotakey-scan-{:016x}", fastrand::u64(..));
    put(&url, &format!("/{bucket}"), b"");
    desk.write("app.conf", specimen.fill(CREDENTIALS));
    for arguments in [&["init", "-q"][..], &["add", "app.conf"]] {
        let git = Command::new("git").args(arguments).current_dir(desk.path(".")).status();
        assert!(git.expect("git runs").success());
    }
    let cache = format!("s3://{bucket}/cache");
    let scan = || {
        let arguments = ["scan", "--history", "--cache", &cache, "--endpoint-url", &url, "--format", "json"];
        let ran = desk.run(&arguments).exits(1);
        assert!(!ran.stderr.contains("Warning"), "{}", ran.stderr);
        let report = ran.json();
        assert_eq!(report["findings"].as_array().unwrap().len(), 2, "{report:#}");
        let coverage = &report["coverage"];
        (coverage["contents"].as_u64().unwrap(), coverage["left_out"]["cached"].as_u64().unwrap())
    };
    assert_eq!(scan(), (1, 0));
    assert_eq!(scan(), (0, 1));
}
