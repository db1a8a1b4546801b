use std::collections::BTreeSet;

use super::*;
use crate::git::refs::References;
use crate::git::repository::Repository;
use crate::git::testing::{Sandbox, random_history};

/// Holds what is new against `git rev-list --objects`: the blobs that git lists are among ours, and ours are in none of the known
/// commits at the same path.
fn check(sandbox: &Sandbox, tips: &[&str], known: &[&str]) -> New {
    let ids = |names: &[&str]| -> Vec<ObjectId> {
        names.iter().map(|name| sandbox.id(&["rev-parse", name])).collect()
    };
    let repository = Repository::open(sandbox.path()).unwrap().unwrap();
    let new = since(&mut sandbox.objects(), &ids(tips), &ids(known), &repository.shallow);
    let mut arguments = vec!["rev-list", "--objects", "--objects-edge-aggressive", "--no-object-names"];
    arguments.extend(tips);
    arguments.push("--not");
    arguments.extend(known);
    let listed = sandbox.git(&arguments);
    let kinds = sandbox.git_with(&["cat-file", "--batch-check"], &listed);
    let expected: BTreeSet<String> = str::from_utf8(&kinds)
        .unwrap()
        .lines()
        .filter_map(|line| Some(line.split_once(" blob ")?.0.to_owned()))
        .collect();
    let found: BTreeSet<String> = new.blobs.iter().map(|blob| blob.change.id.to_string()).collect();
    assert!(found.is_superset(&expected), "{:?}", expected.difference(&found));
    let arguments = [&["rev-list"][..], tips, &["--not"], known].concat();
    let listed = sandbox.git(&arguments);
    let commits: BTreeSet<&str> = str::from_utf8(&listed).unwrap().lines().collect();
    for blob in &new.blobs {
        let commit = blob.commit.unwrap().to_string();
        assert!(commits.contains(commit.as_str()), "{commit} is not new");
        let path = str::from_utf8(&blob.change.path).unwrap();
        assert_eq!(sandbox.id(&["rev-parse", &format!("{commit}:{path}")]), blob.change.id);
    }
    new
}

#[test]
fn what_new_commits_brought_is_found_on_any_history() {
    for seed in 0..4 {
        let sandbox = Sandbox::repository(&[]);
        random_history(&sandbox, seed, 60);
        let listed = sandbox.line(&["rev-list", "--all"]);
        let commits: Vec<&str> = listed.lines().collect();
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..3 {
            let tip = commits[random.usize(..commits.len())];
            let known = commits[random.usize(..commits.len())];
            check(&sandbox, &[tip], &[known]);
        }
        check(&sandbox, &[commits[0]], &[]);
    }
}

#[test]
fn a_key_that_came_and_went_between_is_found() {
    let sandbox = Sandbox::repository(&[]);
    sandbox.write("old", "old");
    sandbox.commit("one");
    sandbox.git(&["tag", "-a", "-m", "x", "v1"]);
    sandbox.write("a/b", "secret");
    sandbox.commit("two");
    sandbox.git(&["rm", "--quiet", "a/b"]);
    sandbox.commit("three");
    let new = check(&sandbox, &["HEAD"], &["v1"]);
    let told: Vec<_> = new.blobs.iter().map(|blob| (blob.change.path.as_slice(), blob.commit)).collect();
    assert_eq!(told, [(&b"a/b"[..], Some(sandbox.id(&["rev-parse", "HEAD~1"])))]);
    assert!(new.gaps.is_empty());
}

#[test]
fn the_end_of_a_shallow_clone_and_what_a_partial_one_lacks_are_told() {
    let sandbox = Sandbox::new();
    sandbox.git(&["init", "--quiet", "origin"]);
    sandbox.git_in("origin", &["config", "uploadpack.allowFilter", "true"]);
    for number in 0..4 {
        sandbox.write(&format!("origin/folder/{number}"), format!("{number}"));
        sandbox.git_in("origin", &["add", "."]);
        sandbox.git_in("origin", &["commit", "--quiet", "-m", "x"]);
    }
    let url = format!("file://{}", sandbox.path().join("origin").display());
    sandbox.git(&["clone", "--quiet", "--depth=2", &url, "shallow"]);
    sandbox.git(&["clone", "--quiet", "--bare", "--filter=tree:0", &url, "partial"]);
    let new = |folder: &str| {
        let repository = Repository::open(&sandbox.path().join(folder)).unwrap().unwrap();
        let head = References::read(&repository).unwrap().head().unwrap();
        since(&mut sandbox.objects_in(folder), &[head], &[], &repository.shallow)
    };
    let shallow = new("shallow");
    assert_eq!(shallow.blobs.len(), 4);
    let told: Vec<String> = shallow.gaps.unread("shallow", false).iter().map(ToString::to_string).collect();
    assert_eq!(told, ["shallow has a history that was cut off: a shallow clone has not all commits"]);
    let partial = new("partial");
    assert_eq!(partial.blobs, []);
    let told: Vec<String> = partial.gaps.unread("partial", true).iter().map(ToString::to_string).collect();
    assert_eq!(told, ["partial is not in the repository: 4 trees are not here (partial clone)"]);
}

#[test]
fn a_push_brings_what_no_reference_has() {
    let sandbox = Sandbox::repository(&[]);
    sandbox.write("known", "known");
    let one = sandbox.commit("one");
    sandbox.git(&["checkout", "--quiet", "--detach"]);
    sandbox.write("pushed", "pushed");
    let two = sandbox.commit("two");
    let blob =
        String::from_utf8(sandbox.git_with(&["hash-object", "-w", "--stdin"], b"a tagged blob")).unwrap();
    let tag = sandbox.line(&["mktree", "--missing"]);
    assert!(tag.len() == 40);
    let zero = "0".repeat(40);
    let lines = format!(
        "{zero} {two} refs/heads/new\n{one} {zero} refs/heads/gone\n{zero} {} refs/tags/blob\n",
        blob.trim()
    );
    let updates = updates(lines.as_bytes()).unwrap();
    assert_eq!(updates[1].new, None);
    let repository = Repository::open(sandbox.path()).unwrap().unwrap();
    let references = References::read(&repository).unwrap();
    let known = references.all().filter(|(name, _)| name.starts_with(b"refs/")).map(|(_, id)| id);
    let new = received(&mut sandbox.objects(), &updates, known, &repository.shallow);
    let told: Vec<_> = new.blobs.iter().map(|blob| (blob.change.path.as_slice(), blob.commit)).collect();
    assert_eq!(told, [(&b""[..], None), (&b"pushed"[..], Some(two))]);
    assert_eq!(super::updates(b"\nnonsense\n"), Err(NotAnUpdate { line: 2 }));
    assert_eq!(super::updates(b""), Ok(vec![]));
}

#[test]
fn a_merge_brings_only_what_neither_side_had() {
    let sandbox = Sandbox::repository(&[]);
    sandbox.commit("base");
    sandbox.git(&["checkout", "--quiet", "-b", "side"]);
    sandbox.write("aside", "aside");
    sandbox.commit("side");
    sandbox.git(&["checkout", "--quiet", "main"]);
    sandbox.write("ahead", "ahead");
    let main = sandbox.commit("main");
    sandbox.git(&["merge", "--quiet", "--no-commit", "--no-ff", "side"]);
    sandbox.write("evil", "only in the merge");
    let merge = sandbox.commit("merge");
    let new = check(&sandbox, &["HEAD"], &["side"]);
    let told: Vec<_> = new.blobs.iter().map(|blob| (blob.change.path.as_slice(), blob.commit)).collect();
    assert_eq!(told, [(&b"ahead"[..], Some(main)), (&b"evil"[..], Some(merge))]);
}
