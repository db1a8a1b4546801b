//! `rotakey scan` on git repositories: what is staged, what a branch and a push bring, and whole histories.

use rotakey_scan::specimen::Specimen;
use serde_json::Value;

use crate::git::Repository;
use crate::support::{Desk, Ran};

const CREDENTIALS: &str =
    "[default]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n";

fn findings(ran: &Ran) -> Vec<Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_is_staged_is_scanned_and_nothing_else() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(21));
    let repository = Repository::new(&desk, "app");
    repository.write("old.conf", specimen.fill(CREDENTIALS)).commit("old");
    repository.write("loose.conf", Specimen::from_seed(22).fill(CREDENTIALS));
    let staged = ["scan", "--staged", repository.text(), "--format", "jsonl"];
    desk.run(&staged).exits(0);
    repository.write("new.conf", Specimen::from_seed(23).fill(CREDENTIALS)).git(&["add", "new.conf"]);
    let found = findings(&desk.run(&staged).exits(1));
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|finding| finding["path"] == "new.conf"), "{found:?}");
}

#[test]
fn a_staged_change_is_not_blamed_for_what_head_has() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(24));
    let repository = Repository::new(&desk, "app");
    repository.write("app.conf", specimen.fill(CREDENTIALS)).commit("leak");
    repository.write("app.conf", format!("# a comment\n{}", specimen.fill(CREDENTIALS)));
    repository.git(&["add", "-A"]);
    let ran = desk.run(&["scan", "--staged", repository.text()]).exits(0);
    assert!(ran.stderr.contains("HEAD"), "what was there before is counted: {}", ran.stderr);
}

#[test]
fn a_branch_is_scanned_against_another() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(25));
    let repository = Repository::new(&desk, "app");
    repository.write("old.conf", Specimen::from_seed(26).fill(CREDENTIALS)).commit("old");
    repository.git(&["checkout", "-q", "-b", "work"]);
    let commit = repository.write("new.conf", specimen.fill(CREDENTIALS)).commit("new");
    repository.git(&["rm", "-q", "new.conf"]);
    repository.commit("gone again");
    let ran = desk.run(&["scan", repository.text(), "--since", "main", "--format", "jsonl"]).exits(1);
    let found = findings(&ran);
    assert_eq!(found.len(), 2);
    assert_eq!((&found[0]["path"], &found[0]["commit"]), (&"new.conf".into(), &commit.as_str().into()));
    desk.run(&["scan", repository.text(), "--since", "nothing"]).fails(2, "nothing", "shallow");
}

#[test]
fn history_has_what_was_deleted_long_ago() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(27));
    let repository = Repository::new(&desk, "app");
    repository.write("readme", "hello\n").commit("first");
    let commit = repository.write("etc/app.conf", specimen.fill(CREDENTIALS)).commit("leak");
    repository.git(&["rm", "-q", "-r", "etc"]);
    repository.commit("remove it");
    for packed in [false, true] {
        if packed {
            repository.git(&["gc", "-q"]);
        }
        let ran = desk.run(&["scan", "--history", repository.text(), "--format", "jsonl"]).exits(1);
        let found = findings(&ran);
        assert_eq!(found.len(), 2, "{}", ran.stdout);
        for finding in &found {
            assert_eq!(finding["path"], "etc/app.conf");
            assert_eq!(finding["commit"], commit.as_str());
            assert_eq!(
                (&finding["author"], &finding["email"]),
                (&"Ann Example".into(), &"ann@example.com".into())
            );
            assert_eq!(
                (&finding["date"], &finding["in_head"]),
                (&"2026-11-01T10:00:00Z".into(), &false.into())
            );
        }
        assert!(!ran.stdout.contains(&specimen.secret_access_key));
    }
}

#[test]
fn a_blob_that_no_commit_has_is_found_too() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(28));
    let repository = Repository::new(&desk, "app");
    repository.write("readme", "hello\n").commit("first");
    repository.write("draft.conf", specimen.fill(CREDENTIALS)).git(&["add", "-A"]);
    repository.git(&["rm", "-q", "--cached", "draft.conf"]);
    std::fs::remove_file(repository.path().join("draft.conf")).unwrap();
    let found = findings(&desk.run(&["scan", "--history", repository.text(), "--format", "jsonl"]).exits(1));
    assert_eq!(found.len(), 2);
    assert!(found[0]["commit"].is_null() && found[0]["blob"].is_string(), "{found:?}");
}

#[test]
fn a_cut_off_history_is_incomplete() {
    let desk = Desk::new();
    let repository = Repository::new(&desk, "app");
    repository.write("a", "1\n").commit("first");
    repository.write("a", "2\n").commit("second");
    let url = format!("file://{}", repository.text());
    repository.git(&["clone", "-q", "--depth", "1", &url, "shallow"]);
    let ran = desk.run(&["scan", "--history", "app/shallow"]).exits(4);
    assert!(ran.stderr.contains("shallow"), "{}", ran.stderr);
}

#[test]
fn many_repositories_are_scanned_and_nothing_twice() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(29));
    let origin = Repository::new(&desk, "org/one");
    origin.write("app.conf", specimen.fill(CREDENTIALS)).write("b", "b\n").commit("leak");
    origin.git(&["gc", "-q"]);
    origin.git(&["clone", "-q", "--bare", ".", "../two.git"]);
    let scan = ["scan", "--history", "--org-dir", "org", "--cache", "sqlite:cache.db", "--format", "json"];
    let first = desk.run(&scan).exits(1).json();
    let second = desk.run(&scan).exits(1).json();
    for report in [&first, &second] {
        let found = report["findings"].as_array().unwrap();
        assert_eq!(found.len(), 4, "{report:#}");
        assert!(
            found.iter().all(|finding| finding["path"] == "app.conf" && finding["repository"].is_string())
        );
        assert!(found.iter().all(|finding| finding["commit"].is_string()), "{report:#}");
    }
    assert_eq!(second["coverage"]["contents"], 0, "{second:#}");
    assert!(
        !std::fs::read(desk.path("cache.db"))
            .unwrap()
            .windows(40)
            .any(|bytes| bytes == specimen.secret_access_key.as_bytes())
    );
}

#[test]
fn the_hook_stops_a_commit_and_lets_a_clean_one_pass() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(30));
    let repository = Repository::new(&desk, "app");
    desk.run(&["scan", "hook", "install", repository.text()]).exits(0);
    repository.write("app.conf", specimen.fill("# {access_key_id}\n")).git(&["add", "-A"]);
    let refused = repository.try_git(&["commit", "-q", "-m", "leak"]);
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&[refused.stdout, refused.stderr].concat()).into_owned();
    assert!(said.contains("app.conf") && said.contains(&specimen.access_key_id), "{said}");
    repository.write("app.conf", "clean\n").git(&["add", "-A"]);
    repository.git(&["commit", "-q", "-m", "clean"]);
}

/// The framework itself runs our hook, from the file that it reads in our repository.
#[test]
fn the_hook_of_the_framework_stops_a_commit() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(34));
    let hooks = Repository::new(&desk, "hooks");
    let definition = std::fs::read(crate::support::repository().join(".pre-commit-hooks.yaml")).unwrap();
    hooks.write(".pre-commit-hooks.yaml", definition).commit("hooks");
    let repository = Repository::new(&desk, "app");
    repository.write("app.conf", specimen.fill(CREDENTIALS)).git(&["add", "-A"]);
    let run = || {
        let python = std::env::var_os("ROTAKEY_TEST_PYTHON").expect(
            "ROTAKEY_TEST_PYTHON is not set: this test needs Python packages. Run the tests by `cargo xtask test`.",
        );
        let mut command = repository.command(python);
        command.args(["-m", "pre_commit", "try-repo", "../hooks", "rotakey", "--verbose"]);
        let output = command.output().expect("Python runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), said)
    };
    let (passed, said) = run();
    assert!(!passed && said.contains("app.conf") && said.contains(&specimen.access_key_id), "{said}");
    repository.write("app.conf", "clean\n").git(&["add", "-A"]);
    let (passed, said) = run();
    assert!(passed && said.contains("Passed"), "{said}");
}

#[test]
fn a_hook_of_somebody_else_stays() {
    let desk = Desk::new();
    let repository = Repository::new(&desk, "app");
    repository.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 0\n");
    desk.run(&["scan", "hook", "install", repository.text()]).fails(
        2,
        "another hook",
        "rotakey scan --staged",
    );
    desk.run(&["scan", "hook", "uninstall", repository.text()]).fails(
        2,
        "did not install",
        "take that line out",
    );
    std::fs::remove_file(repository.path().join(".git/hooks/pre-commit")).unwrap();
    desk.run(&["scan", "hook", "install", repository.text()]).exits(0);
    desk.run(&["scan", "hook", "install", repository.text()]).exits(0);
    desk.run(&["scan", "hook", "uninstall", repository.text()]).exits(0);
    assert!(!repository.path().join(".git/hooks/pre-commit").exists());
}

#[test]
fn a_server_refuses_a_push_that_brings_a_key() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(31));
    let server = Repository::new(&desk, "server");
    server.git(&["init", "-q", "--bare", "app.git"]);
    desk.run(&["scan", "hook", "install", "--pre-receive", "server/app.git"]).exits(0);
    let client = Repository::new(&desk, "client");
    client.git(&["remote", "add", "origin", "../server/app.git"]);
    client.write("readme", "hello\n").commit("clean");
    client.git(&["push", "-q", "origin", "main"]);
    client.write("app.conf", specimen.fill(CREDENTIALS)).commit("leak");
    client.write("app.conf", "removed\n").commit("hide it");
    let refused = client.try_git(&["push", "-q", "origin", "main"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("app.conf"), "{said}");
    assert!(!said.contains(&specimen.secret_access_key));
    client.git(&["reset", "-q", "--hard", "HEAD~2"]);
    client.write("other", "fine\n").commit("clean too");
    client.git(&["push", "-q", "origin", "main"]);
}

#[test]
fn a_baseline_is_written_once_and_survives_moved_lines() {
    let (desk, specimen) = (Desk::new(), Specimen::from_seed(32));
    desk.write("app.conf", specimen.fill(CREDENTIALS));
    desk.run(&["scan", "baseline", "update"]).exits(0);
    let ran = desk.run(&["scan"]).exits(0);
    assert!(ran.stderr.contains("known"), "{}", ran.stderr);
    let before = std::fs::read(desk.path(".secrets.baseline")).unwrap();
    desk.write("app.conf", format!("\n\n{}", specimen.fill(CREDENTIALS)));
    desk.run(&["scan"]).exits(0);
    desk.run(&["scan", "baseline", "update"]).exits(0);
    assert_eq!(std::fs::read(desk.path(".secrets.baseline")).unwrap(), before);
    desk.run(&["scan", "--no-baseline"]).exits(1);

    let open = desk.run(&["scan", "baseline", "list", "--format", "json"]).exits(1).json();
    for entry in open.as_array().unwrap() {
        let sha1 = entry["sha1"].as_str().unwrap();
        desk.run(&["scan", "baseline", "label", "app.conf", sha1, "--harmless"]).exits(0);
    }
    desk.run(&["scan", "baseline", "list"]).exits(0);
    desk.write("app.conf", "clean\n");
    desk.run(&["scan", "baseline", "update"]).exits(0);
    assert_eq!(desk.run(&["scan", "baseline", "list", "--all", "--format", "json"]).exits(0).stdout, "[]\n");
}
