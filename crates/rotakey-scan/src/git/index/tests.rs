use super::*;
use crate::git::repository::Repository;
use crate::git::testing::Sandbox;

/// Holds what is read against `git ls-files`.
fn check(sandbox: &Sandbox) -> Index {
    check_with(sandbox, &["--sparse"])
}

fn check_with(sandbox: &Sandbox, options: &[&str]) -> Index {
    let repository = Repository::open(sandbox.path()).unwrap().unwrap();
    let index = Index::read(&repository.index_file, &repository.git_dir, repository.format).unwrap();
    let listed = sandbox.git(&[&["ls-files", "--stage", "-z"], options].concat());
    let expected: Vec<String> =
        listed.split(|byte| *byte == 0).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let read: Vec<String> = index
        .entries()
        .iter()
        .map(|entry| {
            let path = String::from_utf8_lossy(index.path(entry));
            format!("{:06o} {} {}\t{path}", entry.mode.0, entry.id, entry.stage)
        })
        .chain([String::new()])
        .collect();
    assert_eq!(read, expected);
    index
}

/// Some files, at the top and deep.
fn fill(sandbox: &Sandbox) {
    for folder in 0..7 {
        for file in 0..13 {
            sandbox.write(&format!("folder{folder}/deep/file-{file}"), format!("{folder} {file}"));
        }
    }
    sandbox.write("folder1.c", "between");
}

#[test]
fn every_version_and_format_is_read_as_git_reads_it() {
    for format in ["sha1", "sha256"] {
        for version in ["2", "3", "4"] {
            let sandbox = Sandbox::repository(&[&format!("--object-format={format}")]);
            fill(&sandbox);
            sandbox.git(&["update-index", "--index-version", version]);
            sandbox.git(&["add", "."]);
            check(&sandbox);
            sandbox.git(&["commit", "--quiet", "-m", "one"]);
            sandbox.write("new", "not added");
            sandbox.git(&["add", "--intent-to-add", "new"]);
            let index = check(&sandbox);
            let intended: Vec<&[u8]> = index
                .entries()
                .iter()
                .filter(|entry| entry.intent_to_add)
                .map(|entry| index.path(entry))
                .collect();
            assert_eq!(intended, [b"new"]);
        }
    }
}

#[test]
fn a_path_longer_than_its_flags_can_say_is_read() {
    let sandbox = Sandbox::repository(&[]);
    let blob = String::from_utf8(sandbox.git_with(&["hash-object", "-w", "--stdin"], b"x")).unwrap();
    for path in [format!("{}y", "x".repeat(4094)), format!("{}y", "x/".repeat(3000)), "z".repeat(4095)] {
        sandbox.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{},{path}", blob.trim())]);
    }
    check(&sandbox);
    sandbox.git(&["update-index", "--index-version", "4"]);
    check(&sandbox);
}

#[test]
fn a_split_index_is_put_together() {
    for version in ["2", "4"] {
        let sandbox = Sandbox::repository(&[]);
        fill(&sandbox);
        sandbox.commit("one");
        sandbox.git(&["config", "splitIndex.maxPercentChange", "100"]);
        sandbox.git(&["update-index", "--index-version", version]);
        sandbox.git(&["update-index", "--split-index"]);
        check(&sandbox);
        sandbox.write("folder2/deep/file-3", "replaced");
        sandbox.write("a-first", "added");
        sandbox.write("folder2/deep/file-3a", "added");
        sandbox.write("zz-last", "added");
        std::fs::remove_file(sandbox.path().join("folder0/deep/file-0")).unwrap();
        std::fs::remove_dir_all(sandbox.path().join("folder6")).unwrap();
        sandbox.git(&["add", "--all"]);
        let index = check(&sandbox);
        assert!(
            std::fs::read(sandbox.path().join(".git/index")).unwrap().windows(4).any(|name| name == b"link")
        );
        assert!(index.entries().len() > 60);
        std::fs::remove_file(sandbox.path().join("folder5/deep/file-1")).unwrap();
        sandbox.write("folder5/deep/file-2", "again");
        sandbox.git(&["add", "--all"]);
        check(&sandbox);
    }
}

#[test]
fn a_sparse_index_has_folders() {
    let sandbox = Sandbox::repository(&[]);
    fill(&sandbox);
    sandbox.commit("one");
    sandbox.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "folder3"]);
    let index = check(&sandbox);
    let folders = index.entries().iter().filter(|entry| entry.mode.is_tree()).count();
    assert_eq!(folders, 6);
}

#[test]
fn the_stages_of_a_conflict_are_told_apart() {
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
    let index = check(&sandbox);
    assert_eq!(index.entries().iter().map(|entry| entry.stage).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn an_index_without_a_checksum_or_with_extensions_that_may_be_skipped_is_read() {
    let sandbox = Sandbox::repository(&[]);
    fill(&sandbox);
    sandbox.git(&["config", "index.skipHash", "true"]);
    sandbox.git(&["config", "index.threads", "2"]);
    sandbox.git(&["config", "core.untrackedCache", "true"]);
    sandbox.commit("one");
    sandbox.git(&["status"]);
    let index = check(&sandbox);
    let (count, tree) = index.cache_tree().top().unwrap().known().unwrap();
    assert_eq!((count, tree), (index.entries().len(), sandbox.id(&["rev-parse", "HEAD^{tree}"])));
}

#[test]
fn a_damaged_index_is_an_error_and_never_a_panic() {
    let sandbox = Sandbox::repository(&[]);
    for version in ["2", "4"] {
        fill(&sandbox);
        sandbox.commit("one");
        sandbox.git(&["update-index", "--index-version", version]);
        let whole = std::fs::read(sandbox.path().join(".git/index")).unwrap();
        let file = sandbox.path().join("damaged");
        let read = |bytes: &[u8]| parse::parse(bytes, ObjectFormat::Sha1);
        assert!(read(&whole).is_ok());
        for end in (0..whole.len()).step_by(7) {
            // What is cut off between extensions cannot be told from what is whole.
            if end < whole.len() / 2 {
                assert!(read(&whole[..end]).is_err(), "{end}");
            } else {
                let _ = read(&whole[..end]);
            }
        }
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..3000 {
            let mut damaged = whole.clone();
            for _ in 0..random.usize(1..5) {
                let at = random.usize(..damaged.len());
                damaged[at] = random.u8(..);
            }
            let _ = read(&damaged);
        }
        let mut unknown = whole[..whole.len() - 20].to_vec();
        unknown.extend(b"what\0\0\0\0");
        unknown.extend([0; 20]);
        std::fs::write(&file, unknown).unwrap();
        let error = Index::read(&file, sandbox.path(), ObjectFormat::Sha1).unwrap_err();
        assert!(
            matches!(&error, IndexError::Unsupported { what, .. } if what == "extension `what`"),
            "{error}"
        );
    }
}
