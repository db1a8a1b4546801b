//! `rotakey trail verify` as a person and a program see it.

use crate::support::{Desk, Ran};
use crate::tree::{NewDigest, Signer, Tree};

/// A desk with the public keys.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("keys.json", Signer::trail().list().to_string());
    desk
}

fn verify(desk: &Desk, tree: &Tree, options: &[&str]) -> Ran {
    let folder = tree.root().to_str().unwrap();
    desk.run(&[&["trail", "verify", "--public-keys", "keys.json", folder], options].concat())
}

/// A change, a loss, a plant, and three hours without logging.
fn damaged() -> Tree {
    let mut tree = Tree::usual();
    tree.stop_logging(3);
    tree.hour(2);
    tree.digest(NewDigest { logs: 1, is_first: true, is_backfill: true });
    tree.write(&tree.digests[1].logs[0], &crate::tree::gzip(b"{\"Records\":[]}"));
    tree.remove(&tree.digests[3].logs[1]);
    let planted = tree.log_key("2026-03-01T04:20:00Z".parse().unwrap(), "=planted");
    tree.write_log(&planted, &serde_json::json!({ "Records": [] }));
    tree
}

#[test]
fn a_person_sees_what_is_proven_and_for_which_times() {
    let tree = Tree::usual();
    let ran = verify(&desk(), &tree, &[]).exits(0);
    insta::assert_snapshot!(ran.stdout, @"
    TRAIL       REGION     PROVEN FROM           UNTIL
    Account 111122223333
      my_trail  eu-west-1  2026-03-01T00:07:31Z  2026-03-01T06:07:31Z

    DIGESTS  LOG FILES
          6         10  valid

    All log files of these times are as CloudTrail delivered them; none is missing.
    ");
    tree.forget_signatures();
    let ran = verify(&desk(), &tree, &["--until", "2026-03-01T05:07:31Z"]).exits(0);
    assert_eq!(ran.stderr, "");
    let ran = verify(&desk(), &tree, &[]).exits(0);
    assert!(ran.stderr.contains("Hint: the signature of the newest digest"), "{}", ran.stderr);
}

#[test]
fn a_person_sees_each_damage_in_80_columns() {
    let ran = verify(&desk(), &damaged(), &[]).exits(1);
    insta::assert_snapshot!(ran.stdout, @"
    TRAIL       REGION     PROVEN FROM           UNTIL
    Account 111122223333
      my_trail  eu-west-1  2026-03-01T00:07:31Z  2026-03-01T06:07:31Z
                           2026-03-01T09:07:31Z  2026-03-01T10:07:31Z

    DIGESTS  LOG FILES
          8         11  valid
          -          1  changed, moved, or wrongly signed
          -          1  missing
          -          1  in no digest, though their time is covered

    not-covered   AWSLogs/111122223333/CloudTrail-D…-west-1_20260301T100731Z.json.gz
      nothing proves the time from 2026-03-01T06:07:31Z to 2026-03-01T09:07:31Z: a
      new chain begins here, as when logging or its validation was off
      (StopLogging), or when all digests of that time were deleted
    log-changed   AWSLogs/111122223333/CloudTrail/e…1T0112Z_0000000000000100.json.gz
      the log file has been changed: its hash is not that in the digest
    log-missing   AWSLogs/111122223333/CloudTrail/e…1T0332Z_0000000000000301.json.gz
      the log file is not here, though a digest lists it
    log-unsigned  AWSLogs/111122223333/CloudTrail/e…_20260301T0420Z_=planted.json.gz
      the log file is in no digest, though those of its time and place are valid:
      somebody else put it here, or another trail without validation writes to the
      same place

    Not all is as CloudTrail delivered it: 4 findings.
    ");
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
}

#[test]
fn a_program_reads_the_same_as_json_and_csv() {
    let (desk, tree) = (desk(), damaged());
    let ran = verify(&desk, &tree, &["--format", "json"]).exits(1);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["complete"], true);
    assert_eq!(json["digests"]["valid"], 8);
    assert_eq!(json["log_files"]["changed"], 1);
    assert_eq!(json["problem_counts"]["log-missing"], 1);
    assert_eq!(json["trails"][0]["covered"][1]["from"], "2026-03-01T09:07:31Z");

    let ran = verify(&desk, &tree, &["--format", "csv"]).exits(1);
    let mut rows = csv::Reader::from_reader(ran.stdout.as_bytes());
    assert_eq!(rows.headers().unwrap(), vec!["severity", "code", "region", "object", "message"]);
    let codes: Vec<String> = rows.records().map(|row| row.unwrap()[1].to_owned()).collect();
    assert_eq!(codes, ["not-covered", "log-changed", "log-missing", "log-unsigned"]);
}

#[test]
fn nothing_is_claimed_without_keys_or_digests() {
    let (desk, tree) = (desk(), Tree::usual());
    let folder = tree.root().to_str().unwrap();
    let ran = desk.run(&["trail", "verify", folder]).exits(4);
    assert!(ran.stderr.contains("--public-keys"), "{}", ran.stderr);
    desk.write("keys.json", Signer::foreign().list().to_string());
    let ran = verify(&desk, &tree, &[]).exits(4);
    assert!(ran.stdout.ends_with("Not all could be verified: nothing is claimed.\n"), "{}", ran.stdout);
    assert!(ran.stderr.contains("Hint: save the public keys of each region"), "{}", ran.stderr);
    desk.write("keys.json", Signer::trail().list().to_string());
    verify(&desk, &Tree::new(), &[]).exits(4);
}

#[test]
fn what_makes_no_sense_is_wrong_usage() {
    let (desk, tree) = (desk(), Tree::usual());
    verify(&desk, &tree, &["--from", "2026-03-02", "--until", "2026-03-01"]).exits(2);
    verify(&desk, &tree, &["no-such-folder"]).exits(2);
    desk.write("keys.json", "{}");
    let ran = verify(&desk, &tree, &[]).exits(2);
    assert!(ran.stderr.contains("keys.json: this is not the output of"), "{}", ran.stderr);
}
