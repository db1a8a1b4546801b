use std::collections::BTreeSet;

use super::*;
use crate::git::repository::Repository;
use crate::git::testing::Sandbox;

/// Holds what is staged against `git diff-index`, and tells how many objects were read.
fn check(sandbox: &Sandbox, expected: &[&str]) -> usize {
    let repository = Repository::open(sandbox.path()).unwrap().unwrap();
    let index = Index::read(&repository.index_file, &repository.git_dir, repository.format).unwrap();
    let mut objects = sandbox.objects();
    let staged = staged(&index, Some(sandbox.id(&["rev-parse", "HEAD^{tree}"])), &mut objects);
    assert!(staged.gaps.is_empty());
    let read: BTreeSet<String> = staged
        .blobs
        .iter()
        .map(|change| {
            let before = change.before.first().map(ToString::to_string);
            let path = String::from_utf8(change.path.clone()).unwrap();
            format!("{} {} {path}", before.unwrap_or_else(|| "new".into()), change.id)
        })
        .collect();
    let listed = sandbox.git(&["diff-index", "-r", "--cached", "--no-renames", "-z", "HEAD"]);
    let fields: Vec<&str> = str::from_utf8(&listed).unwrap().split_terminator('\0').collect();
    let says: BTreeSet<String> = fields
        .chunks(2)
        .filter_map(|pair| {
            let words: Vec<&str> = pair[0].split(' ').collect();
            let (from, to, before, after, status) = (words[0], words[1], words[2], words[3], words[4]);
            let new = matches!(status, "A" | "M" | "T") && to != "160000" && before != after;
            let before =
                if before.chars().all(|digit| digit == '0') || from == ":160000" { "new" } else { before };
            new.then(|| format!("{before} {after} {}", pair[1]))
        })
        .collect();
    assert_eq!(read, says);
    let paths: Vec<&str> = staged.blobs.iter().map(|change| str::from_utf8(&change.path).unwrap()).collect();
    assert_eq!(paths, expected);
    objects.read.len()
}

fn filled(options: &[&str]) -> Sandbox {
    let sandbox = Sandbox::repository(options);
    for folder in 0..20 {
        for file in 0..5 {
            sandbox.write(&format!("folder{folder}/deep/file-{file}"), format!("{folder} {file}"));
        }
    }
    sandbox.write("top", "top");
    sandbox.commit("one");
    sandbox
}

#[test]
fn what_was_added_and_changed_is_staged_and_only_the_way_to_it_is_read() {
    for options in [&[][..], &["--object-format=sha256"][..]] {
        let sandbox = filled(options);
        assert_eq!(check(&sandbox, &[]), 0);
        sandbox.write("folder3/deep/file-1", "changed");
        sandbox.write("folder3/deep-er", "added");
        sandbox.write("folder3/deep/er/still", "added");
        sandbox.write("folder4/deep/file-9", "not staged");
        sandbox.git(&["add", "folder3"]);
        let paths = ["folder3/deep-er", "folder3/deep/er/still", "folder3/deep/file-1"];
        // The top, `folder3` and `folder3/deep`.
        assert_eq!(check(&sandbox, &paths), 3);
        sandbox.git(&["commit", "--quiet", "-m", "two"]);
        assert_eq!(check(&sandbox, &[]), 0);
    }
}

#[test]
fn a_rename_is_an_addition_and_a_deletion_is_nothing() {
    let sandbox = filled(&[]);
    sandbox.git(&["mv", "folder5", "folder50"]);
    sandbox.git(&["rm", "--quiet", "folder6/deep/file-0", "top"]);
    let paths: Vec<String> = (0..5).map(|file| format!("folder50/deep/file-{file}")).collect();
    check(&sandbox, &paths.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn files_folders_links_and_submodules_take_the_place_of_each_other() {
    let sandbox = filled(&[]);
    sandbox.git(&["rm", "--quiet", "-r", "folder1", "top", "folder2/deep/file-1"]);
    sandbox.write("folder1", "now a file");
    sandbox.write("top/inner", "now in a folder");
    std::os::unix::fs::symlink("elsewhere", sandbox.path().join("folder2/deep/file-1")).unwrap();
    std::os::unix::fs::symlink("top", sandbox.path().join("link")).unwrap();
    sandbox.git(&["add", "--all"]);
    let head = sandbox.line(&["rev-parse", "HEAD"]);
    sandbox.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},module")]);
    sandbox.git(&["update-index", "--chmod=+x", "folder9/deep/file-2"]);
    check(&sandbox, &["folder1", "folder2/deep/file-1", "link", "top/inner"]);
    sandbox.git(&["commit", "--quiet", "-m", "two"]);
    sandbox.git(&["rm", "--quiet", "--cached", "module"]);
    sandbox.write("module", "was a submodule");
    sandbox.git(&["add", "module"]);
    check(&sandbox, &["module"]);
}

#[test]
fn before_the_first_commit_everything_is_staged_and_what_is_only_intended_is_not() {
    let sandbox = Sandbox::repository(&[]);
    sandbox.write("a/b", "1");
    sandbox.write("c", "2");
    sandbox.write("intended", "3");
    sandbox.git(&["add", "a", "c"]);
    sandbox.git(&["add", "--intent-to-add", "intended"]);
    let repository = Repository::open(sandbox.path()).unwrap().unwrap();
    let index = Index::read(&repository.index_file, &repository.git_dir, repository.format).unwrap();
    let staged = staged(&index, None, &mut sandbox.objects());
    let paths: Vec<&[u8]> = staged.blobs.iter().map(|change| change.path.as_slice()).collect();
    assert_eq!(paths, [&b"a/b"[..], b"c"]);
}

#[test]
fn folders_that_a_sparse_checkout_leaves_out_are_compared() {
    let sandbox = filled(&[]);
    sandbox.write("folder7/deep/file-3", "changed");
    sandbox.write("folder8/new", "added");
    sandbox.commit("two");
    sandbox.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "folder3"]);
    assert_eq!(check(&sandbox, &[]), 0);
    sandbox.git(&["reset", "--quiet", "--soft", "HEAD~1"]);
    sandbox.write("folder3/x", "added");
    sandbox.git(&["add", "folder3/x"]);
    let repository = Repository::open(sandbox.path()).unwrap().unwrap();
    let index = Index::read(&repository.index_file, &repository.git_dir, repository.format).unwrap();
    let mut entries = index.entries();
    while entries.entry().is_some_and(|entry| !entry.mode.is_tree()) {
        entries.advance();
    }
    assert!(entries.entry().is_some());
    check(&sandbox, &["folder3/x", "folder7/deep/file-3", "folder8/new"]);
}

#[test]
fn all_sides_of_a_conflict_are_staged() {
    let sandbox = Sandbox::repository(&[]);
    sandbox.write("file", "base");
    sandbox.commit("base");
    sandbox.git(&["checkout", "--quiet", "-b", "theirs"]);
    sandbox.write("file", "theirs");
    sandbox.commit("theirs");
    sandbox.git(&["checkout", "--quiet", "main"]);
    sandbox.write("file", "ours");
    sandbox.commit("ours");
    sandbox.git(&["read-tree", "-m", "main~1", "main", "theirs"]);
    let repository = Repository::open(sandbox.path()).unwrap().unwrap();
    let index = Index::read(&repository.index_file, &repository.git_dir, repository.format).unwrap();
    let head = sandbox.id(&["rev-parse", "HEAD^{tree}"]);
    let staged = staged(&index, Some(head), &mut sandbox.objects());
    let ids: BTreeSet<ObjectId> = staged.blobs.iter().map(|change| change.id).collect();
    let expected = ["main~1:file", "theirs:file"].map(|name| sandbox.id(&["rev-parse", name]));
    assert_eq!(ids, BTreeSet::from(expected));
}

#[test]
fn without_gits_memory_of_trees_the_answer_is_the_same() {
    let sandbox = filled(&[]);
    sandbox.write("folder3/deep/file-1", "changed");
    // Made anew from names, so that no tree is remembered.
    sandbox.git(&["add", "--all"]);
    let listed = sandbox.git(&["ls-files", "--stage"]);
    std::fs::remove_file(sandbox.path().join(".git/index")).unwrap();
    sandbox.git_with(&["update-index", "--index-info"], &listed);
    check(&sandbox, &["folder3/deep/file-1"]);
}

#[test]
fn what_git_remembers_of_folders_is_believed_only_where_their_entries_are_as_many() {
    let sandbox = filled(&[]);
    sandbox.write("folder3/deep/file-1", "changed");
    sandbox.git(&["read-tree", "HEAD"]);
    sandbox.git(&["add", "folder3"]);
    let file = sandbox.path().join(".git/index");
    let whole = std::fs::read(&file).unwrap();
    // One more than there are is said to be in `folder2`, which would hide the first of `folder3`.
    let place = whole.windows(12).position(|bytes| bytes == b"folder2\x005 1\n").unwrap();
    let mut damaged = whole;
    damaged[place + 8] = b'6';
    std::fs::write(&file, damaged).unwrap();
    let repository = Repository::open(sandbox.path()).unwrap().unwrap();
    let index = Index::read(&repository.index_file, &repository.git_dir, repository.format).unwrap();
    let staged = staged(&index, Some(sandbox.id(&["rev-parse", "HEAD^{tree}"])), &mut sandbox.objects());
    let paths: Vec<&[u8]> = staged.blobs.iter().map(|change| change.path.as_slice()).collect();
    assert_eq!(paths, [b"folder3/deep/file-1"]);
}
