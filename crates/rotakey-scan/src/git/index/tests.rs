use super::*;
use crate::git::objects::map::Bytes;
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
    let mut read = entries(&index, |entry| {
        let path = String::from_utf8_lossy(entry.path);
        format!("{:06o} {} {}\t{path}", entry.mode.0, entry.id, entry.stage)
    });
    assert_eq!(read.len(), index.count());
    read.push(String::new());
    assert_eq!(read, expected);
    index
}

fn entries<T>(index: &Index, tell: impl Fn(IndexEntry<'_>) -> T) -> Vec<T> {
    let (mut entries, mut told) = (index.entries(), Vec::new());
    while let Some(entry) = entries.entry() {
        told.push(tell(entry));
        entries.advance();
    }
    told
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
            let intended = entries(&index, |entry| entry.intent_to_add.then(|| entry.path.to_vec()));
            assert_eq!(intended.into_iter().flatten().collect::<Vec<_>>(), [b"new"]);
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
        assert!(index.count() > 60);
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
    let folders = entries(&index, |entry| entry.mode.is_tree());
    assert_eq!(folders.into_iter().filter(|is_tree| *is_tree).count(), 6);
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
    assert_eq!(entries(&index, |entry| entry.stage), [1, 2, 3]);
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
    assert_eq!((count, tree), (index.count(), sandbox.id(&["rev-parse", "HEAD^{tree}"])));
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
        let read = |bytes: &[u8]| parse::parse(Bytes::Owned(bytes.to_vec()), ObjectFormat::Sha1);
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
            if let Ok(parsed) = read(&damaged) {
                let count = parsed.packed.count();
                let index = Index { content: Content::Packed(parsed.packed), ..Index::default() };
                // What was seen to be whole is read to its end.
                assert_eq!(entries(&index, |entry| entry.path.len()).len(), count);
            }
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

#[test]
fn a_folder_is_skipped_only_if_it_has_just_so_many_entries() {
    let sandbox = Sandbox::repository(&[]);
    fill(&sandbox);
    sandbox.git(&["add", "."]);
    for version in ["2", "4"] {
        sandbox.git(&["update-index", "--index-version", version]);
        let index = check(&sandbox);
        let mut entries = index.entries();
        for (folder, count) in [("folder0/", 12), ("folder0/", 14), ("folder0/", 0), ("folder1/", 13)] {
            assert!(!entries.skip_folder(folder.as_bytes(), count), "{folder} {count}");
            assert_eq!(entries.entry().unwrap().path, b"folder0/deep/file-0");
        }
        assert!(entries.skip_folder(b"folder0/deep/", 13));
        assert_eq!(entries.entry().unwrap().path, b"folder1.c");
        assert!(entries.skip_folder(b"folder1.c", 1) && entries.skip_folder(b"folder1/", 13));
        assert!(entries.skip_folder(b"folder", 5 * 13));
        assert!(entries.entry().is_none() && !entries.skip_folder(b"", 1));
    }
}
