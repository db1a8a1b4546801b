use super::*;
use crate::git::testing::Sandbox;

const STORAGES: [&str; 2] = ["files", "reftable"];

/// Holds the references of a folder against `git for-each-ref` and `git rev-parse HEAD`.
fn check(sandbox: &Sandbox, folder: &str) -> References {
    let repository = Repository::open(&sandbox.path().join(folder)).unwrap().unwrap();
    let references = References::read(&repository).unwrap();
    let listed = sandbox.git_in(folder, &["for-each-ref", "--format=%(refname) %(objectname)"]);
    let read: Vec<String> = references
        .all()
        .filter(|(name, _)| name.starts_with(b"refs/"))
        .map(|(name, id)| format!("{} {id}", String::from_utf8_lossy(name)))
        .collect();
    let expected = String::from_utf8(listed).unwrap();
    assert_eq!(read, expected.lines().collect::<Vec<_>>());
    let head = String::from_utf8(sandbox.git_in(folder, &["rev-parse", "HEAD"])).unwrap();
    assert_eq!(references.head().unwrap().to_string(), head.trim());
    references
}

fn with_branches(options: &[&str]) -> Sandbox {
    let sandbox = Sandbox::repository(options);
    sandbox.commit("one");
    for number in 0..300 {
        sandbox
            .git_with(&["update-ref", "--stdin"], format!("create refs/heads/b/{number} HEAD\n").as_bytes());
        if number == 5 {
            sandbox.commit("two");
            sandbox.git(&["pack-refs", "--all"]);
        }
        if number == 9 {
            break;
        }
    }
    let many: String = (0..700).map(|number| format!("create refs/many/{number} HEAD~1\n")).collect();
    sandbox.git_with(&["update-ref", "--stdin"], many.as_bytes());
    sandbox.git(&["tag", "-a", "-m", "x", "v1"]);
    sandbox.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/main"]);
    sandbox
}

#[test]
fn references_are_read_as_git_reads_them() {
    for storage in STORAGES {
        for format in ["sha1", "sha256"] {
            let sandbox =
                with_branches(&[&format!("--ref-format={storage}"), &format!("--object-format={format}")]);
            let references = check(&sandbox, ".");
            assert_eq!(references.branch(), Some(&b"refs/heads/main"[..]));
            sandbox.git(&["pack-refs", "--all"]);
            check(&sandbox, ".");
            sandbox.git(&["branch", "--quiet", "-D", "b/3"]);
            sandbox.git(&["update-ref", "refs/heads/b/4", "main~1"]);
            sandbox.git(&["checkout", "--quiet", "--detach"]);
            sandbox.commit("three");
            assert_eq!(check(&sandbox, ".").branch(), None);
        }
    }
}

#[test]
fn a_linked_work_tree_has_a_head_of_its_own() {
    for storage in STORAGES {
        let sandbox = with_branches(&[&format!("--ref-format={storage}")]);
        sandbox.git(&["worktree", "add", "--quiet", "-b", "other", "linked", "main~1"]);
        sandbox.git_in("linked", &["update-ref", "refs/worktree/own", "main"]);
        check(&sandbox, "linked");
        check(&sandbox, ".");
    }
}

#[test]
fn before_the_first_commit_head_leads_to_a_branch_that_is_not_there() {
    for storage in STORAGES {
        let sandbox = Sandbox::repository(&[&format!("--ref-format={storage}")]);
        let repository = Repository::open(sandbox.path()).unwrap().unwrap();
        let references = References::read(&repository).unwrap();
        assert_eq!((references.head(), references.branch()), (None, Some(&b"refs/heads/main"[..])));
        assert_eq!(logged(&repository).unwrap(), []);
    }
}

#[test]
fn logs_name_what_no_reference_leads_to() {
    for storage in STORAGES {
        let sandbox = Sandbox::repository(&[&format!("--ref-format={storage}")]);
        let one = sandbox.commit("one");
        let mut ids = vec![one];
        for number in 0..12 {
            sandbox.git(&["reset", "--quiet", "--hard", &one.to_string()]);
            sandbox.write("file", format!("{number}"));
            ids.push(sandbox.commit("lost"));
        }
        sandbox.git(&["reset", "--quiet", "--hard", &one.to_string()]);
        sandbox.write("file", "stashed");
        sandbox.git(&["add", "file"]);
        sandbox.git(&["stash", "--quiet"]);
        ids.push(sandbox.id(&["rev-parse", "stash"]));
        sandbox.git(&["worktree", "add", "--quiet", "--detach", "linked"]);
        sandbox.git_in("linked", &["commit", "--quiet", "--allow-empty", "-m", "in the linked one"]);
        let other = sandbox.git_in("linked", &["rev-parse", "HEAD"]);
        ids.push(ObjectId::from_hex(other.trim_ascii()).unwrap());
        sandbox.git_in("linked", &["checkout", "--quiet", "--detach", &one.to_string()]);
        ids.sort();
        ids.dedup();
        let repository = Repository::open(sandbox.path()).unwrap().unwrap();
        assert_eq!(logged(&repository).unwrap(), ids, "{storage}");
    }
}

#[test]
fn names_that_go_round_in_a_circle_lead_nowhere() {
    let sandbox = Sandbox::repository(&[]);
    sandbox.write(".git/refs/heads/a", "ref: refs/heads/b\n");
    sandbox.write(".git/refs/heads/b", "ref: refs/heads/a\n");
    let repository = Repository::open(sandbox.path()).unwrap().unwrap();
    assert_eq!(References::read(&repository).unwrap().get(b"refs/heads/a"), None);
    sandbox.write(".git/refs/heads/b", "nonsense\n");
    assert!(matches!(References::read(&repository), Err(ReferencesError::Damaged { .. })));
}

#[test]
fn a_damaged_table_is_an_error_and_never_a_panic() {
    let sandbox = with_branches(&["--ref-format=reftable"]);
    sandbox.git(&["pack-refs", "--all"]);
    let repository = Repository::open(sandbox.path()).unwrap().unwrap();
    let list = std::fs::read_to_string(sandbox.path().join(".git/reftable/tables.list")).unwrap();
    let path = sandbox.path().join(".git/reftable").join(list.lines().next().unwrap());
    let whole = std::fs::read(&path).unwrap();
    let mut random = fastrand::Rng::with_seed(3);
    let mut refused = 0;
    for _ in 0..500 {
        let mut damaged = whole.clone();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..damaged.len());
            damaged[at] = random.u8(..);
        }
        damaged.truncate(random.usize(damaged.len() / 2..=damaged.len()));
        std::fs::write(&path, damaged).unwrap();
        refused += usize::from(References::read(&repository).is_err());
    }
    assert!(refused > 250, "{refused}");
}

#[test]
fn names_that_share_their_beginnings_do_not_fill_the_memory() {
    let sandbox = Sandbox::repository(&["--ref-format=reftable"]);
    let varint = |value: usize| match value {
        0..0x80 => vec![value as u8],
        _ => vec![((value >> 7) as u8 - 1) | 0x80, value as u8 & 0x7f],
    };
    // Names of eight thousand bytes, of which each record has none but the last, for references that lead nowhere.
    let long = 8_000;
    let record = |kept: usize, rest: &[u8]| {
        [varint(kept), varint(rest.len() << 3 | 3), rest.to_vec(), vec![0, 0]].concat()
    };
    let mut records = record(0, &vec![b'a'; 2_000]);
    for length in (2_000..long).step_by(2_000) {
        records.extend(record(length, &vec![b'a'; 2_000]));
    }
    for number in 0..40_000 {
        records.extend(record(long - 2, &[b'a' + number as u8 % 26, b'a' + (number >> 8) as u8 % 26]));
    }
    let length = 24 + 4 + records.len() + 2;
    let header = [b"REFT\x01\0\0\0".to_vec(), vec![0; 16]].concat();
    let block = [b"r".to_vec(), (length as u32).to_be_bytes()[1..].to_vec(), records, vec![0; 2]].concat();
    let table = [header.clone(), block, header, vec![0; 44]].concat();
    sandbox.write(".git/reftable/hostile.ref", table);
    sandbox.write(".git/reftable/tables.list", "hostile.ref\n");
    let repository = Repository::open(sandbox.path()).unwrap().unwrap();
    match References::read(&repository) {
        Err(ReferencesError::Damaged { what, .. }) => assert_eq!(what, "its names are longer than 256 MiB"),
        other => panic!("{:?}", other.map(|references| references.all().count())),
    }
}
