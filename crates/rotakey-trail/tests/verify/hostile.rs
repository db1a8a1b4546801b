//! Folders that were made to do harm.

use std::fs;
use std::os::unix::fs::symlink;

use rotakey_trail::verify::{Code, VerifyOptions};
use serde_json::{Value, json};

use crate::damage::rewrite_digest;
use crate::found::{problems, verified};
use crate::tree::{Tree, gzip};

/// A digest that is signed with the right key: what a stolen key could do, or AWS by mistake.
fn signed_digest(change: impl FnOnce(&mut Value)) -> Tree {
    let mut tree = Tree::new();
    tree.hour(1);
    let mut digest = tree.read_digest(0);
    change(&mut digest);
    tree.write_digest(&tree.digests[0].key, &serde_json::to_vec(&digest).unwrap());
    tree
}

#[test]
fn no_key_in_a_digest_opens_a_file_outside_of_the_folder() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.json.gz");
    fs::write(&secret, gzip(b"{}")).unwrap();
    let hash = crate::tree::hex_hash(b"{}");
    let name = outside.path().file_name().unwrap().to_str().unwrap();
    for object in [
        format!("../{name}/secret.json.gz"),
        secret.to_str().unwrap().to_owned(),
        format!("AWSLogs/../../{name}/secret.json.gz"),
        format!("AWSLogs/./../../{name}/secret.json.gz"),
        "link/secret.json.gz".to_owned(),
        "file-link".to_owned(),
        "a\0b".to_owned(),
        String::new(),
    ] {
        let tree = signed_digest(|digest| {
            digest["logFiles"] = json!([{ "s3Bucket": "b", "s3Object": object, "hashValue": hash, "hashAlgorithm": "SHA-256" }]);
        });
        symlink(outside.path(), tree.path("link")).unwrap();
        symlink(&secret, tree.path("file-link")).unwrap();
        let verification = verified(&tree, &VerifyOptions::default());
        assert_eq!((verification.log_files.valid, verification.log_files.missing), (0, 1), "{object:?}");
        assert_eq!(verification.problem_counts[&Code::SymbolicLink], 2);
    }
}

#[test]
fn a_link_in_the_place_of_a_file_is_not_followed() {
    let tree = Tree::usual();
    let log = tree.path(&tree.digests[1].logs[0]);
    let kept = tempfile::tempdir().unwrap();
    fs::rename(&log, kept.path().join("log")).unwrap();
    symlink(kept.path().join("log"), &log).unwrap();
    let verification = verified(&tree, &VerifyOptions::default());
    assert_eq!(problems(&tree, &verification), ["log-missing L1.0", "symbolic-link L1.0"]);
    assert!(!verification.complete);
}

#[test]
fn the_digest_before_may_not_be_outside_either() {
    let tree = signed_digest(|digest| {
        digest["previousDigestS3Bucket"] = digest["digestS3Bucket"].clone();
        digest["previousDigestS3Object"] = json!("../../../../etc/passwd");
    });
    let verification = verified(&tree, &VerifyOptions::default());
    assert_eq!(problems(&tree, &verification), ["chain-starts-earlier D0"]);
}

#[test]
fn a_digest_that_names_itself_or_a_circle_ends() {
    let tree = signed_digest(|digest| {
        digest["previousDigestS3Bucket"] = digest["digestS3Bucket"].clone();
        digest["previousDigestS3Object"] = digest["digestS3Object"].clone();
    });
    assert_eq!(verified(&tree, &VerifyOptions::default()).digests.valid, 1);
    let tree = Tree::usual();
    let newest = tree.digests[5].key.clone();
    rewrite_digest(&tree, 0, |digest| {
        digest["previousDigestS3Bucket"] = digest["digestS3Bucket"].clone();
        digest["previousDigestS3Object"] = json!(newest);
    });
    assert_eq!(problems(&tree, &verified(&tree, &VerifyOptions::default())), ["digest-changed D0"]);
}

#[test]
fn odd_json_is_an_invalid_digest_and_no_more() {
    let deep = "[".repeat(100_000);
    for content in [
        "",
        "null",
        "[]",
        "{}",
        "\u{feff}{}",
        "{\"digestStartTime\":7}",
        "{\"logFiles\":{\"a\":1}}",
        deep.as_str(),
        "{\"digestEndTime\":\"9999999-01-01\"}",
    ] {
        let tree = Tree::usual();
        tree.write(&tree.digests[2].key, &gzip(content.as_bytes()));
        let verification = verified(&tree, &VerifyOptions::default());
        assert_eq!(problems(&tree, &verification), ["digest-invalid-format D2"], "{content:.40}");
    }
    for (name, value) in [
        ("digestEndTime", json!("yesterday")),
        ("digestStartTime", json!("-262143-01-01T00:00:00Z")),
        ("digestS3Object", json!(null)),
        ("logFiles", json!([{ "s3Object": "x" }])),
        ("logFiles", json!([{ "s3Object": "x", "hashValue": "zz" }])),
        ("logFiles", json!([{ "s3Object": "x", "hashValue": "00", "hashAlgorithm": "SHA-256" }])),
        ("digestSignatureAlgorithm", json!("none")),
    ] {
        let tree = Tree::usual();
        rewrite_digest(&tree, 2, |digest| digest[name] = value.clone());
        let verification = verified(&tree, &VerifyOptions::default());
        assert_eq!(problems(&tree, &verification), ["digest-invalid-format D2"], "{name}: {value}");
    }
}

#[test]
fn a_bomb_is_not_unpacked_without_end() {
    let tree = Tree::usual();
    // 64 MiB are no bomb yet; the length at the end says 4 GiB.
    let mut bomb = gzip(&vec![b' '; 64 << 20]);
    let end = bomb.len();
    bomb[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
    tree.write(&tree.digests[1].logs[0], &bomb);
    let verification = verified(&tree, &VerifyOptions::default());
    assert_eq!(problems(&tree, &verification), ["log-damaged L1.0"]);
}

#[test]
fn a_bomb_of_more_than_any_log_file_is_told_and_not_read() {
    let tree = Tree::usual();
    tree.write(&tree.digests[1].logs[0], &bomb(1 << 30));
    let verification = verified(&tree, &VerifyOptions::default());
    assert_eq!(problems(&tree, &verification), ["too-large L1.0"]);
    assert!(!verification.complete);
    assert_eq!(verification.log_files.unreadable, 1);
}

/// Gzip of more zeros than that, made without having them: one zero, and then again and again "258 bytes as the
/// one before", in the fixed code of DEFLATE.
fn bomb(zeros: usize) -> Vec<u8> {
    // Not the last block, and of the fixed code.
    const BEGIN: &str = "010";
    const ZERO: &str = "00110000";
    const MORE: &str = "1100010100000";
    let more = std::iter::repeat_n(MORE, zeros / 258 + 1_000);
    let bits = [BEGIN, ZERO].into_iter().chain(more).flat_map(str::bytes);
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    for (index, bit) in bits.enumerate() {
        if index % 8 == 0 {
            bytes.push(0);
        }
        if bit == b'1' {
            *bytes.last_mut().unwrap() |= 1 << (index % 8);
        }
    }
    bytes.extend([0; 8]);
    bytes
}
