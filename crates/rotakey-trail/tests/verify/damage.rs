//! Every kind of damage, one at a time: what it is, what must be found, and what the aws CLI finds of it.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::tree::{NewDigest, START, Signer, Tree, gunzip, gzip};

/// A way to damage the usual tree, and what is found then: codes with what they are about, `D3` for the
/// fourth digest and `L3.1` for the second log file that it lists.
pub(crate) struct Damage {
    pub(crate) name: &'static str,
    pub(crate) apply: fn(&mut Tree),
    pub(crate) found: &'static [&'static str],
    /// Whether the aws CLI sees all of it, too.
    pub(crate) seen_by_aws: bool,
}

pub(crate) const ALL: &[Damage] = &[
    Damage { name: "none", apply: |_| {}, found: &[], seen_by_aws: true },
    Damage {
        name: "a record is changed and the log file compressed anew",
        apply: |tree| {
            rewrite_log(tree, 3, 1, |content| content.replace("GetObject", "PutObject"));
        },
        found: &["log-changed L3.1"],
        seen_by_aws: true,
    },
    Damage {
        name: "a byte of a log file is flipped",
        apply: |tree| {
            let path = tree.path(&tree.digests[1].logs[0]);
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x10;
            fs::write(path, bytes).unwrap();
        },
        found: &["log-damaged L1.0"],
        seen_by_aws: true,
    },
    Damage {
        name: "a log file is cut off",
        apply: |tree| {
            let path = tree.path(&tree.digests[1].logs[0]);
            let bytes = fs::read(&path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        },
        found: &["log-damaged L1.0"],
        seen_by_aws: true,
    },
    Damage {
        name: "a log file is not compressed",
        apply: |tree| {
            let path = tree.path(&tree.digests[1].logs[0]);
            fs::write(&path, gunzip(&fs::read(&path).unwrap())).unwrap();
        },
        found: &["log-damaged L1.0"],
        seen_by_aws: true,
    },
    Damage {
        name: "a second gzip member is appended to a log file",
        apply: |tree| {
            let path = tree.path(&tree.digests[1].logs[0]);
            let bytes = [fs::read(&path).unwrap(), gzip(b"{\"Records\":[]}")].concat();
            fs::write(path, bytes).unwrap();
        },
        found: &["log-trailing-data L1.0"],
        seen_by_aws: true,
    },
    Damage {
        name: "a log file is deleted",
        apply: |tree| tree.remove(&tree.digests[4].logs[1]),
        found: &["log-missing L4.1"],
        seen_by_aws: true,
    },
    Damage {
        name: "two log files are swapped",
        apply: |tree| {
            let (one, other) = (tree.path(&tree.digests[1].logs[0]), tree.path(&tree.digests[1].logs[1]));
            let bytes = fs::read(&one).unwrap();
            fs::rename(&other, &one).unwrap();
            fs::write(other, bytes).unwrap();
        },
        found: &["log-changed L1.0", "log-changed L1.1"],
        seen_by_aws: true,
    },
    Damage {
        name: "a log file is put in that CloudTrail did not write",
        apply: |tree| {
            let time = hours_after_start(3) + SignedDuration::from_mins(10);
            let key = tree.log_key(time, "Planted");
            tree.write_log(&key, &json!({ "Records": [] }));
        },
        found: &["log-unsigned planted"],
        seen_by_aws: false,
    },
    Damage {
        name: "a digest in the middle is deleted",
        apply: |tree| tree.remove(&tree.digests[3].key),
        found: &["digest-missing D3", "logs-not-covered "],
        seen_by_aws: true,
    },
    Damage {
        name: "two digests in a row are deleted",
        apply: |tree| {
            tree.remove(&tree.digests[3].key);
            tree.remove(&tree.digests[2].key);
        },
        found: &["digest-missing D3", "logs-not-covered "],
        seen_by_aws: true,
    },
    Damage {
        name: "the first digest is deleted",
        apply: |tree| tree.remove(&tree.digests[0].key),
        found: &["digest-missing D0", "logs-not-covered "],
        seen_by_aws: true,
    },
    Damage {
        name: "a log file is taken out of a digest",
        apply: |tree| {
            rewrite_digest(tree, 3, |digest| {
                digest["logFiles"].as_array_mut().unwrap().remove(0);
            });
            tree.remove(&tree.digests[3].logs[0]);
        },
        found: &["digest-changed D3"],
        seen_by_aws: true,
    },
    Damage {
        name: "a hash in the newest digest is changed",
        apply: |tree| {
            rewrite_digest(tree, 5, |digest| digest["logFiles"][0]["hashValue"] = json!("0".repeat(64)));
        },
        found: &["digest-signature-invalid D5"],
        seen_by_aws: true,
    },
    Damage {
        name: "a digest is cut off",
        apply: |tree| {
            let path = tree.path(&tree.digests[2].key);
            let bytes = fs::read(&path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        },
        found: &["digest-invalid-format D2"],
        seen_by_aws: true,
    },
    Damage {
        name: "a digest is not JSON",
        apply: |tree| tree.write(&tree.digests[2].key, &gzip(b"{\"digestStartTime\":")),
        found: &["digest-invalid-format D2"],
        seen_by_aws: true,
    },
    Damage {
        name: "a digest lacks what it must have",
        apply: |tree| {
            rewrite_digest(tree, 2, |digest| {
                digest.as_object_mut().unwrap().remove("digestPublicKeyFingerprint");
            });
        },
        found: &["digest-invalid-format D2"],
        seen_by_aws: true,
    },
    Damage {
        name: "two signatures are swapped",
        apply: |tree| {
            tree.write_signature(&tree.digests[1].key, &tree.digests[3].signature);
            tree.write_signature(&tree.digests[3].key, &tree.digests[1].signature);
        },
        found: &["digest-signature-invalid D1", "digest-signature-invalid D3"],
        seen_by_aws: true,
    },
    Damage {
        name: "a signature is not even digits",
        apply: |tree| tree.write_signature(&tree.digests[5].key, "ß"),
        found: &["digest-signature-invalid D5"],
        seen_by_aws: true,
    },
    Damage {
        name: "the newest digest is signed by another key in the name of the right one",
        apply: |tree| resign(tree, 5, |_| {}),
        found: &["digest-signature-invalid D5"],
        seen_by_aws: true,
    },
    Damage {
        name: "the newest digest is signed by a key that is not CloudTrail's",
        apply: |tree| {
            let fingerprint = Signer::foreign().fingerprint;
            resign(tree, 5, |digest| digest["digestPublicKeyFingerprint"] = json!(fingerprint));
        },
        found: &["unknown-public-key D5"],
        seen_by_aws: true,
    },
    Damage {
        name: "a digest is moved to another day",
        apply: |tree| {
            let key = &tree.digests[3].key;
            let moved = key.replace("/2026/03/01/", "/2026/03/02/");
            let bytes = fs::read(tree.path(key)).unwrap();
            tree.write(&moved, &bytes);
            tree.write_signature(&moved, &tree.digests[3].signature);
            tree.remove(key);
        },
        found: &["digest-missing D3", "digest-moved 2026/03/02", "logs-not-covered "],
        seen_by_aws: false,
    },
    Damage {
        name: "a digest is a copy of the one before it",
        apply: |tree| {
            let bytes = fs::read(tree.path(&tree.digests[2].key)).unwrap();
            tree.write(&tree.digests[3].key, &bytes);
            tree.write_signature(&tree.digests[3].key, &tree.digests[2].signature);
        },
        found: &["digest-moved D3", "logs-not-covered "],
        seen_by_aws: true,
    },
    Damage {
        name: "the chain is cut off by a digest that says it is the first",
        apply: |tree| {
            rewrite_digest(tree, 3, |digest| {
                for name in ["S3Bucket", "S3Object", "HashValue", "HashAlgorithm", "Signature"] {
                    digest[format!("previousDigest{name}")] = Value::Null;
                }
            });
            for index in 0..3 {
                tree.remove(&tree.digests[index].key);
            }
        },
        found: &["digest-changed D3", "logs-not-covered "],
        // It does not miss what was before.
        seen_by_aws: false,
    },
    Damage {
        name: "logging was off for three hours",
        apply: |tree| {
            tree.stop_logging(3);
            tree.hour(2);
            tree.hour(1);
        },
        found: &["not-covered D6"],
        seen_by_aws: true,
    },
    Damage {
        name: "a backfill digest lists a log file that was late",
        apply: |tree| {
            tree.digest(NewDigest { logs: 1, is_first: true, is_backfill: true });
            tree.hour(1);
        },
        found: &[],
        seen_by_aws: true,
    },
    Damage {
        name: "a backfill digest is changed",
        apply: |tree| {
            tree.digest(NewDigest { logs: 1, is_first: true, is_backfill: true });
            tree.hour(1);
            rewrite_digest(tree, 6, |digest| digest["logFiles"] = json!([]));
        },
        // The log file is now in no digest that is valid.
        found: &["digest-signature-invalid D6", "log-unsigned L6.0"],
        seen_by_aws: false,
    },
];

pub(crate) fn hours_after_start(hours: i64) -> Timestamp {
    let start: Timestamp = START.parse().unwrap();
    start + SignedDuration::from_hours(hours)
}

/// Changes a log file, and compresses it anew.
pub(crate) fn rewrite_log(tree: &Tree, digest: usize, log: usize, change: impl FnOnce(&str) -> String) {
    let path = tree.path(&tree.digests[digest].logs[log]);
    let content = String::from_utf8(gunzip(&fs::read(&path).unwrap())).unwrap();
    fs::write(path, gzip(change(&content).as_bytes())).unwrap();
}

/// Changes a digest, and leaves its signature as it is.
pub(crate) fn rewrite_digest(tree: &Tree, index: usize, change: impl FnOnce(&mut Value)) {
    let mut digest = tree.read_digest(index);
    change(&mut digest);
    tree.write(&tree.digests[index].key, &gzip(&serde_json::to_vec(&digest).unwrap()));
}

/// Changes a digest, and signs it with the foreign key.
fn resign(tree: &mut Tree, index: usize, change: impl FnOnce(&mut Value)) {
    let mut digest = tree.read_digest(index);
    change(&mut digest);
    let own = std::mem::replace(&mut tree.signer, Signer::foreign());
    tree.write_digest(&tree.digests[index].key, &serde_json::to_vec(&digest).unwrap());
    tree.signer = own;
}
