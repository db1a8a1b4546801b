//! The aws CLI's own `validate-logs`, over the same folders.
//!
//! It is found through `ROTAKEY_TEST_PYTHON`, an interpreter that has it installed; `cargo xtask test` installs one
//! and sets it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use jiff::SignedDuration;
use rotakey_trail::event_time::EventTime;
use rotakey_trail::verify::{Code, VerifyOptions};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::damage;
use crate::found::verified;
use crate::tree::{ACCOUNT, BUCKET, REGION, START, Signer, TRAIL, Tree};

const PYTHON: &str = "ROTAKEY_TEST_PYTHON";

/// What the aws CLI found, or what we did in the same words.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Seen {
    /// Digests that are not valid or not there.
    digests: Vec<String>,
    /// Log files that are not valid or not there.
    logs: Vec<String>,
    gaps: u64,
    valid_digests: u64,
    valid_logs: u64,
}

#[test]
fn the_aws_cli_agrees() {
    let trees: Vec<Tree> = damage::ALL
        .iter()
        .map(|damage| {
            let mut tree = Tree::usual();
            (damage.apply)(&mut tree);
            tree
        })
        .collect();
    let theirs = validate_logs(&trees);
    assert_eq!(theirs.len(), damage::ALL.len());
    for ((damage, tree), theirs) in damage::ALL.iter().zip(&trees).zip(theirs) {
        let ours = seen(tree, theirs.valid_logs);
        if damage.seen_by_aws {
            assert_eq!(ours, theirs, "{}", damage.name);
        } else {
            let is_known = |object: &String| ours.digests.contains(object) || ours.logs.contains(object);
            assert!(theirs.digests.iter().chain(&theirs.logs).all(is_known), "{}: {theirs:?}", damage.name);
        }
    }
}

/// What we find. The aws CLI does not look at the log files of a digest whose saved signature is wrong, even if the
/// next digest proves it, so that theirs may be fewer.
fn seen(tree: &Tree, their_valid_logs: u64) -> Seen {
    let options = VerifyOptions { from: EventTime::parse(START), ..VerifyOptions::default() };
    let verification = verified(tree, &options);
    let objects = |is_meant: fn(Code) -> bool| {
        let problems = verification.problems.iter().filter(|problem| is_meant(problem.code));
        let mut objects: Vec<String> = problems.map(|problem| problem.object.clone()).collect();
        objects.sort();
        objects
    };
    let digests = objects(|code| {
        code == Code::UnknownPublicKey
            || code.as_str().starts_with("digest-") && code != Code::DigestSignatureUnknown
    });
    let valid_logs = verification.log_files.valid;
    let is_proven_by_the_next = digests.len() as u64 > 0 && valid_logs > their_valid_logs;
    Seen {
        digests,
        logs: objects(|code| code.as_str().starts_with("log-") && code != Code::LogUnsigned),
        gaps: verification.problem_counts.get(&Code::NotCovered).copied().unwrap_or_default(),
        valid_digests: verification.digests.valid,
        valid_logs: if is_proven_by_the_next { their_valid_logs } else { valid_logs },
    }
}

fn validate_logs(trees: &[Tree]) -> Vec<Seen> {
    let cases: Vec<Value> = trees
        .iter()
        .map(|tree| {
            json!({
                "folder": tree.root(),
                "trail_arn": format!("arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{TRAIL}"),
                "bucket": BUCKET,
                "from": START,
                "until": (tree.now + SignedDuration::from_hours(30)).to_string(),
                "public_keys": Signer::trail().list(),
            })
        })
        .collect();
    let python = std::env::var_os(PYTHON).unwrap_or_else(|| {
        panic!("{PYTHON} is not set: run `cargo xtask test`, or set it to a Python with the aws CLI")
    });
    let mut command = Command::new(python);
    command.env_clear().args(["-c", include_str!("validate_logs.py")]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(json!(cases).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}
