//! `rotakey scan` on files: what is found, what is told, and what comes back.

use rotakey_scan::specimen::Specimen;

use crate::support::{Desk, Ran, Sandbox};

const CREDENTIALS: &str =
    "[default]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n";

/// Demands that no output has the secret, in clear or in an encoding that is easily undone.
#[track_caller]
fn keeps_its_mouth_shut(ran: &Ran, specimen: &Specimen) {
    let secret = &specimen.secret_access_key;
    let encoded = [
        secret.clone(),
        data_encoding::BASE64.encode(secret.as_bytes()),
        data_encoding::HEXLOWER.encode(secret.as_bytes()),
        secret[8..].to_owned(),
    ];
    for text in [&ran.stdout, &ran.stderr] {
        for form in &encoded {
            assert!(!text.contains(form.as_str()), "the secret is told:\n{text}");
        }
    }
}

#[test]
fn a_credentials_file_is_found_with_its_account_and_without_its_secret() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(1));
    desk.write("credentials", specimen.fill(CREDENTIALS));
    let ran = desk.run(&["scan"]).exits(1);
    keeps_its_mouth_shut(&ran, &specimen);
    let id: rotakey_core::id::AccessKeyId = specimen.access_key_id.parse().unwrap();
    for part in ["credentials", "high", id.as_str(), &id.account_id().unwrap().to_string()] {
        assert!(ran.stdout.contains(part), "{part} is not told:\n{}", ran.stdout);
    }
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
}

#[test]
fn every_form_tells_the_finding_and_none_the_secret() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(2));
    desk.write("credentials", specimen.fill(CREDENTIALS));
    for format in ["human", "json", "jsonl", "sarif", "github", "junit"] {
        let ran = desk.run(&["scan", "--format", format]).exits(1);
        keeps_its_mouth_shut(&ran, &specimen);
        assert!(ran.stdout.contains(&specimen.access_key_id), "{format}: {}", ran.stdout);
        assert!(ran.stdout.contains("credentials"), "{format}: {}", ran.stdout);
    }
}

#[test]
fn a_line_of_json_has_the_fields_that_programs_rely_on() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(3));
    desk.write("credentials", specimen.fill(CREDENTIALS));
    let ran = desk.run(&["scan", "--format", "jsonl"]).exits(1);
    let lines: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    let (id, secret) = (&lines[0], &lines[1]);
    assert_eq!((&id["kind"], &id["severity"]), (&"access_key_id".into(), &"high".into()));
    assert_eq!((&id["path"], &id["line"], &id["column"]), (&"credentials".into(), &2.into(), &21.into()));
    assert_eq!(id["access_key_id"], specimen.access_key_id.as_str());
    assert_eq!((&secret["kind"], &secret["line"]), (&"secret_access_key".into(), &3.into()));
    assert_eq!((&id["pair"], &secret["pair"]), (&secret["sha256"], &id["sha256"]));
    assert_eq!(secret["sha256"].as_str().unwrap().len(), 64);
    assert!(secret["commit"].is_null());
}

#[test]
fn a_lone_id_is_reported_and_lets_pass_who_says_so() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(4));
    desk.write("notes.txt", specimen.fill("the key {access_key_id} is gone\n"));
    let ran = desk.run(&["scan"]).exits(1);
    assert!(ran.stdout.contains("low"), "{}", ran.stdout);
    desk.run(&["scan", "--fail-on", "medium"]).exits(0);
}

#[test]
fn nothing_found_is_said_and_exits_with_0() {
    let desk = Desk::new();
    desk.write("readme.txt", "AKIAIOSFODNN7EXAMPLE is in every manual.\n");
    let ran = desk.run(&["scan"]).exits(0);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("1 "), "a scan says how much it read: {}", ran.stderr);
}

#[test]
fn what_cannot_be_read_outweighs_what_was_found() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(5));
    desk.write("credentials", specimen.fill(CREDENTIALS));
    desk.write("cut.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]);
    let ran = desk.run(&["scan"]).exits(4);
    assert!(ran.stderr.contains("cut.gz"), "{}", ran.stderr);
    assert!(ran.stdout.contains("credentials"), "what was found is told all the same: {}", ran.stdout);
    let json = desk.run(&["scan", "--format", "json"]).exits(4).json();
    assert_eq!(
        (&json["complete"], &json["coverage"]["unread"][0]["place"]),
        (&false.into(), &"cut.gz".into())
    );
}

#[test]
fn standard_input_is_scanned() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(6));
    let ran = desk.run_with_input(&["scan", "-"], specimen.fill(CREDENTIALS).as_bytes()).exits(1);
    keeps_its_mouth_shut(&ran, &specimen);
    desk.run_with_input(&["scan", "-"], b"nothing\n").exits(0);
}

#[test]
fn ignore_files_are_heeded_unless_told_otherwise() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(7));
    desk.write(".ignore", "secret.txt\n");
    desk.write("secret.txt", specimen.fill(CREDENTIALS));
    desk.run(&["scan"]).exits(0);
    desk.run(&["scan", "--no-ignore"]).exits(1);
    desk.run(&["scan", "--no-ignore", "--exclude", "*.txt"]).exits(0);
    desk.run(&["scan", "secret.txt"]).exits(1);
}

#[test]
fn a_secret_is_shown_only_to_the_person_who_asks() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(8));
    desk.write("credentials", specimen.fill(CREDENTIALS));
    let ran = desk.run(&["scan", "--show-secrets"]).exits(1);
    assert!(ran.stdout.contains(&specimen.secret_access_key), "{}", ran.stdout);
    desk.run(&["scan", "--show-secrets", "--output", "found.txt"]).exits(2);
    desk.run(&["scan", "--show-secrets", "--format", "json"]).exits(2);
    assert!(!desk.path("found.txt").exists());
}

#[test]
fn a_mark_on_the_line_allows_it_and_is_counted() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(9));
    desk.write("a.py", specimen.fill("key = '{access_key_id}'  # pragma: allowlist secret\n"));
    desk.write("b.py", specimen.fill("key = '{access_key_id}'  # gitleaks:allow\n"));
    desk.write("c.py", specimen.fill("key = '{access_key_id}'  # rotakey:allow\n"));
    let ran = desk.run(&["scan"]).exits(0);
    assert!(ran.stderr.contains("3 "), "{}", ran.stderr);
}

#[test]
fn a_gitleaksignore_is_read() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(10));
    desk.write("a.txt", specimen.fill("\n{access_key_id}\n"));
    desk.write(".gitleaksignore", "# known\na.txt:aws-access-token:2\n");
    desk.run(&["scan"]).exits(0);
    desk.write(".gitleaksignore", "a.txt:aws-access-token:7\n");
    desk.run(&["scan"]).exits(1);
}

#[test]
fn an_inventory_says_whose_the_key_is_without_using_it() {
    let sandbox = Sandbox::start(12);
    let desk = sandbox.desk();
    desk.run(&["audit", "--format", "json", "--output", "audit.json"]);
    let audit: serde_json::Value =
        serde_json::from_slice(&std::fs::read(desk.path("audit.json")).unwrap()).unwrap();
    let key = audit["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["status"] == "Active" && key["access_key_id"].is_string())
        .unwrap();
    let id = key["access_key_id"].as_str().unwrap();
    desk.write("notes.txt", format!("backup runs with {id}\n"));
    for inventory in ["audit.json", "aws"] {
        let ran = desk.run(&["scan", "notes.txt", "--inventory", inventory, "--format", "jsonl"]).exits(1);
        let finding: serde_json::Value = serde_json::from_str(ran.stdout.trim()).unwrap();
        assert_eq!((&finding["live"], &finding["user_name"]), (&true.into(), &key["user_name"]), "{finding}");
        assert_eq!(finding["owner"], key["owner"]);
        assert!(finding["age_seconds"].as_i64().is_some(), "{finding}");
    }
    let ran = desk.run(&["scan", "notes.txt", "--inventory", "aws"]).exits(1);
    assert!(ran.stdout.contains("LIVE"), "{}", ran.stdout);
}

#[test]
fn aws_is_asked_with_a_found_pair_only_on_request() {
    let sandbox = Sandbox::start(3);
    let desk = sandbox.desk();
    let variable = |name: &str| {
        sandbox.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap()
    };
    let (id, secret) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"));
    desk.write("live", format!("aws_access_key_id={id}\naws_secret_access_key={secret}\n"));
    let dead = Specimen::from_seed(11);
    desk.write("dead", dead.fill(CREDENTIALS));
    let status = |arguments: &[&str]| {
        let arguments = [&["scan", "live", "dead", "--format", "jsonl"], arguments].concat();
        let ran = desk.run(&arguments).exits(1);
        let lines = ran.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.map(|finding| finding["status"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(status(&[]), vec![serde_json::Value::Null; 4]);
    assert_eq!(status(&["--verify"]), ["refused", "refused", "works", "works"]);
}

#[test]
fn wrong_input_is_told_with_what_to_do() {
    let desk = Desk::new();
    desk.run(&["scan", "no-such-folder"]).fails(2, "no-such-folder", "");
    desk.run(&["scan", "--staged"]).fails(2, "not in a git repository", "repository");
    desk.run(&["scan", "--inventory", "none.json"]).fails(2, "none.json", "rotakey audit");
    desk.write("bad.json", "{}");
    desk.run(&["scan", "--inventory", "bad.json"]).fails(2, "bad.json", "rotakey audit");
    desk.run(&["scan", "--baseline", "none"]).fails(2, "none", "baseline update");
    desk.run(&["scan", "--exclude", "[z-a]"]).exits(2);
    desk.run(&["scan", "--staged", "--history"]).exits(2);
    desk.run(&["scan", "--max-unpacked", "lots"]).exits(2);
    desk.run(&["scan", "--format", "csv"]).exits(2);
    desk.run(&["scan", "--org-dir", "."]).exits(2);
}
