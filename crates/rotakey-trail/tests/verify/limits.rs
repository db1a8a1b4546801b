//! What is asked about, what can be known of it, and where folders begin.

use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rotakey_trail::event_time::EventTime;
use rotakey_trail::verify::{
    Code, PublicKey, PublicKeyError, VerifyError, VerifyOptions, verify, wanted_keys,
};
use serde_json::json;

use crate::damage::hours_after_start;
use crate::found::{keys, problems, verified};
use crate::tree::{ACCOUNT, BUCKET, NewDigest, REGION, Signer, TRAIL, Tree, gzip};

fn at(time: Timestamp) -> Option<EventTime> {
    EventTime::from_seconds(time.as_second())
}

fn asked(from: i64, until: i64) -> VerifyOptions {
    VerifyOptions {
        from: at(hours_after_start(from)),
        until: at(hours_after_start(until)),
        ..VerifyOptions::default()
    }
}

#[test]
fn what_is_covered_is_told_for_each_trail_and_region() {
    let mut tree = Tree::usual();
    tree.stop_logging(2);
    tree.hour(0);
    let verification = verified(&tree, &VerifyOptions::default());
    let [coverage] = verification.trails.as_slice() else { panic!("{verification:?}") };
    assert_eq!((coverage.account.as_str(), coverage.region.as_str()), (ACCOUNT, REGION));
    assert_eq!((coverage.trail.as_str(), coverage.valid_digests), (TRAIL, 7));
    let covered: Vec<_> = coverage.covered.iter().map(|period| (period.from, period.until)).collect();
    let hours = |from, until| (at(hours_after_start(from)).unwrap(), at(hours_after_start(until)).unwrap());
    assert_eq!(covered, [hours(0, 6), hours(8, 9)]);
    let gap = verification.problems.iter().find(|problem| problem.code == Code::NotCovered).unwrap();
    assert!(gap.message.contains("from 2026-03-01T06:07:31Z to 2026-03-01T08:07:31Z"), "{}", gap.message);
}

#[test]
fn only_what_is_asked_about_is_spoken_of() {
    let tree = Tree::usual();
    tree.remove(&tree.digests[0].logs[0]);
    tree.remove(&tree.digests[5].logs[0]);
    let verification = verified(&tree, &asked(1, 5));
    assert_eq!(problems(&tree, &verification), [""; 0]);
    assert_eq!((verification.digests.total, verification.digests.outside), (4, 2));
    assert_eq!((verification.log_files.valid, verification.log_files.outside), (6, 2));
    assert_eq!(problems(&tree, &verified(&tree, &asked(0, 5))), ["log-missing L0.0"]);
    assert_eq!(problems(&tree, &verified(&tree, &asked(1, 6))), ["log-missing L5.0"]);
}

#[test]
fn the_next_digest_signs_for_the_last_one_asked_about() {
    let tree = Tree::usual();
    tree.forget_signatures();
    assert_eq!(problems(&tree, &verified(&tree, &asked(0, 5))), [""; 0]);
}

#[test]
fn time_that_was_asked_about_and_is_not_covered_is_a_finding() {
    let tree = Tree::usual();
    assert_eq!(problems(&tree, &verified(&tree, &asked(-2, 6))), ["not-covered D0"]);
    assert_eq!(problems(&tree, &verified(&tree, &asked(0, 9))), ["not-covered D5"]);
    tree.remove(&tree.digests[5].key);
    let verification = verified(&tree, &VerifyOptions::default());
    assert_eq!(problems(&tree, &verification), [""; 0], "it may be on its way");
    assert_eq!(problems(&tree, &verified(&tree, &asked(0, 6))), ["not-covered D4"]);
}

#[test]
fn a_region_without_a_digest_of_the_time_asked_about_is_a_finding() {
    let tree = Tree::usual();
    let verification = verified(&tree, &asked(60, 70));
    let expected = [format!("not-covered AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}")];
    assert_eq!(problems(&tree, &verification), expected);
    assert_eq!((verification.digests.total, verification.digests.outside), (0, 6));
    assert_eq!(verification.log_files.outside, 10);
}

#[test]
fn digests_that_should_have_come_long_ago_are_missed() {
    let tree = Tree::usual();
    for index in 2..6 {
        tree.remove(&tree.digests[index].key);
    }
    let verification = verified(&tree, &VerifyOptions::default());
    let expected = [format!("not-covered AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}")];
    assert_eq!(problems(&tree, &verification), expected);
    assert_eq!((verification.log_files.not_yet_covered, verification.log_files.not_covered), (4, 2));
}

#[test]
fn a_part_of_a_chain_begins_somewhere() {
    let tree = Tree::usual();
    for log in &tree.digests[0].logs {
        tree.remove(log);
    }
    tree.remove(&tree.digests[0].key);
    let verification = verified(&tree, &VerifyOptions::default());
    assert_eq!(problems(&tree, &verification), ["chain-starts-earlier D1"]);
    assert!(!verification.has_findings());
    assert_eq!(problems(&tree, &verified(&tree, &asked(1, 6))), [""; 0]);
    assert_eq!(problems(&tree, &verified(&tree, &asked(0, 6))), ["digest-missing D0"]);
}

#[test]
fn log_files_younger_than_the_newest_digest_are_not_missed_in_it() {
    let tree = Tree::usual();
    let key = tree.log_key(hours_after_start(6) + SignedDuration::from_mins(2), "Young");
    tree.write_log(&key, &json!({ "Records": [] }));
    // Just before the end of the newest digest: it may have come too late for it.
    let key = tree.log_key(hours_after_start(6) - SignedDuration::from_mins(5), "Late");
    tree.write_log(&key, &json!({ "Records": [] }));
    let verification = verified(&tree, &VerifyOptions::default());
    assert_eq!(problems(&tree, &verification), [""; 0]);
    assert_eq!(verification.log_files.not_yet_covered, 2);
}

#[test]
fn a_log_file_cannot_hide_behind_the_time_in_its_name() {
    let tree = Tree::usual();
    for hours in [-24 * 300, -25, 25, 24 * 300] {
        let key = tree.log_key(hours_after_start(hours), "Planted");
        let name = key.rsplit('/').next().unwrap();
        let (folder, _) = tree.digests[1].logs[0].rsplit_once('/').unwrap();
        let planted = format!("{folder}/{name}");
        tree.write_log(&planted, &json!({ "Records": [] }));
        assert_eq!(problems(&tree, &verified(&tree, &VerifyOptions::default())), ["log-unsigned planted"]);
        assert_eq!(problems(&tree, &verified(&tree, &asked(0, 6))), ["log-unsigned planted"]);
        tree.remove(&planted);
    }
}

#[test]
fn the_folder_may_be_a_part_of_the_bucket_or_hold_several() {
    let tree = Tree::usual();
    let valid = |folders: &[&Path]| {
        let folders: Vec<_> = folders.iter().map(|folder| folder.to_path_buf()).collect();
        let verification = verify(&folders, &keys(), &VerifyOptions::default(), &|_| {}).unwrap();
        assert_eq!(verification.problems, []);
        (verification.digests.valid, verification.log_files.valid)
    };
    let account = tree.path(&format!("AWSLogs/{ACCOUNT}"));
    assert_eq!(valid(&[&account]), (6, 10));
    assert_eq!(valid(&[&tree.path("AWSLogs")]), (6, 10));
    let parent = tempfile::tempdir().unwrap();
    fs::rename(tree.path("AWSLogs"), parent.path().join("AWSLogs")).unwrap();
    assert_eq!(valid(&[parent.path()]), (6, 10));

    // Digests and log files may have been fetched to different places.
    let logs = tempfile::tempdir().unwrap();
    fs::create_dir_all(logs.path().join(format!("AWSLogs/{ACCOUNT}"))).unwrap();
    let below = format!("AWSLogs/{ACCOUNT}/CloudTrail");
    fs::rename(parent.path().join(&below), logs.path().join(&below)).unwrap();
    assert_eq!(valid(&[parent.path(), logs.path()]), (6, 10));

    let bucket = tempfile::tempdir().unwrap();
    fs::rename(logs.path().join(&below), parent.path().join(&below)).unwrap();
    fs::rename(parent.path().join("AWSLogs"), bucket.path().join("AWSLogs")).unwrap();
    let several = tempfile::tempdir().unwrap();
    fs::rename(bucket.path(), several.path().join("a-bucket")).unwrap();
    assert_eq!(valid(&[several.path()]), (6, 10));
}

#[test]
fn the_bucket_can_be_demanded() {
    let tree = Tree::usual();
    let of = |bucket: &str| VerifyOptions { bucket: Some(bucket.to_owned()), ..VerifyOptions::default() };
    assert_eq!(problems(&tree, &verified(&tree, &of(BUCKET))), [""; 0]);
    let verification = verified(&tree, &of("another"));
    assert_eq!(verification.digests.invalid, 6);
    assert_eq!(verification.problem_counts[&Code::DigestMoved], 6);
}

#[test]
fn a_region_without_digests_is_told_of() {
    let tree = Tree::usual();
    let other = Tree::of_region("us-east-1");
    let key = other.log_key(hours_after_start(1), "Lonely");
    tree.write_log(&key, &json!({ "Records": [] }));
    let verification = verified(&tree, &VerifyOptions::default());
    let expected = format!("region-without-digests AWSLogs/{ACCOUNT}/CloudTrail/us-east-1");
    assert_eq!(problems(&tree, &verification), [expected]);
    assert!(verification.has_findings() && verification.complete);
}

#[test]
fn where_there_is_no_digest_or_no_key_nothing_is_claimed() {
    let empty = Tree::new();
    let key = empty.log_key(hours_after_start(1), "Lonely");
    empty.write_log(&key, &json!({ "Records": [] }));
    let verification = verified(&empty, &VerifyOptions::default());
    assert_eq!(problems(&empty, &verification), ["no-digests "]);
    assert!(!verification.complete);

    let tree = Tree::usual();
    let verification = verify(&[tree.root().to_owned()], &[], &VerifyOptions::default(), &|_| {}).unwrap();
    assert_eq!(verification.problem_counts[&Code::UnknownPublicKey], 6);
    assert_eq!((verification.digests.unverified, verification.log_files.valid), (6, 0));
    assert!(!verification.complete);
}

#[test]
fn a_chain_proves_what_was_signed_with_an_older_key() {
    let mut tree = Tree::new();
    tree.signer = Signer::foreign();
    tree.hour(1);
    tree.hour(1);
    tree.signer = Signer::trail();
    tree.hour(1);
    let verification = verified(&tree, &VerifyOptions::default());
    assert_eq!(
        verification.problems,
        [],
        "the third digest has the hash of the second, and that of the first"
    );
    assert_eq!(verification.digests.valid, 3);
    tree.remove(&tree.digests[2].key);
    assert_eq!(verified(&tree, &VerifyOptions::default()).digests.unverified, 2);
}

#[test]
fn a_log_file_may_be_listed_late() {
    let mut tree = Tree::usual();
    // In the time of the newest digest, and listed by the backfill digest only.
    tree.now -= SignedDuration::from_hours(1);
    tree.digest(NewDigest { logs: 3, is_first: true, is_backfill: true });
    let verification = verified(&tree, &VerifyOptions::default());
    assert_eq!(problems(&tree, &verification), [""; 0]);
    assert_eq!((verification.digests.valid, verification.log_files.valid), (7, 13));
    tree.remove(&tree.digests[6].key);
    let missed = ["log-unsigned L6.0", "log-unsigned L6.1", "log-unsigned L6.2"];
    assert_eq!(problems(&tree, &verified(&tree, &VerifyOptions::default())), missed);
}

#[test]
fn keys_are_read_in_both_forms() {
    let signer = Signer::trail();
    let pkcs1 = signer.public_key();
    let mut spki = vec![0x30, 0x82, 0, 0, 0x30, 0x0d, 0x06, 0x09];
    spki.extend([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82]);
    spki.extend(u16::try_from(pkcs1.len() + 1).unwrap().to_be_bytes());
    spki.push(0);
    spki.extend(pkcs1);
    let length = u16::try_from(spki.len() - 4).unwrap().to_be_bytes();
    spki[2..4].copy_from_slice(&length);
    assert_eq!(PublicKey::new("AB", &spki).unwrap(), PublicKey::new("ab", pkcs1).unwrap());
    for length in 0..spki.len() {
        assert!(PublicKey::new("ab", &spki[..length]).is_err(), "{length}");
    }
    for length in 0..pkcs1.len() {
        assert!(PublicKey::new("ab", &pkcs1[..length]).is_err(), "{length}");
    }

    let two = format!("{}\n{}", signer.list(), Signer::foreign().list());
    let keys = PublicKey::list(two.as_bytes()).unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0].valid_from.unwrap().to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(keys[0].valid_until.unwrap().to_string(), "2027-01-01T00:00:00Z");
    for (json, is_list) in
        [("{}", false), ("[", false), (r#"{"PublicKeyList":[{"Value":"AA==","Fingerprint":"x"}]}"#, true)]
    {
        let error = PublicKey::list(json.as_bytes()).unwrap_err();
        assert_eq!(matches!(error, PublicKeyError::NotAKey { .. }), is_list, "{json}");
    }
}

#[test]
fn the_names_of_the_digests_tell_which_keys_are_wanted() {
    let tree = Tree::usual();
    let folders = [tree.root().to_owned()];
    let wanted = |options: &VerifyOptions| {
        let wanted = wanted_keys(&folders, options).into_iter();
        wanted.map(|wanted| (wanted.region, wanted.from, wanted.until)).collect::<Vec<_>>()
    };
    let hours = |from, until| {
        let at = |hours| at(hours_after_start(hours)).unwrap();
        vec![(REGION.to_owned(), at(from), at(until))]
    };
    assert_eq!(wanted(&VerifyOptions::default()), hours(0, 8));
    assert_eq!(wanted(&asked(4, 9)), hours(4, 8));
    assert_eq!(wanted(&asked(7, 9)), []);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let tree = Tree::usual();
    let file = tree.path(&tree.digests[0].key);
    let refused = |folder: &Path, options: &VerifyOptions| {
        verify(&[folder.to_owned()], &[], options, &|_| {}).unwrap_err()
    };
    assert!(matches!(refused(&file, &VerifyOptions::default()), VerifyError::NotAFolder(_)));
    assert!(matches!(refused(tree.root(), &asked(3, 3)), VerifyError::EmptyPeriod));
}

#[test]
fn any_number_of_threads_finds_the_same() {
    let tree = Tree::usual();
    tree.remove(&tree.digests[3].key);
    tree.write(&tree.digests[1].logs[0], &gzip(b"{}"));
    let with = |threads| verified(&tree, &VerifyOptions { threads, ..VerifyOptions::default() });
    assert_eq!(with(1), with(5));
}
