//! Objects by their ids.

use std::fs;

use super::repository::{Objects, Repository, history};
use crate::git::objects::{Directories, ObjectFormat, ObjectKind, ObjectStore};
use crate::object_id::ObjectId;

/// Everything that git reads is read the same, in the order of ids and in reverse.
#[track_caller]
fn check(store: &ObjectStore, expected: &Objects) {
    assert_eq!(store.problems(), []);
    let mut reader = store.reader();
    for (id, (kind, content)) in expected.iter().chain(expected.iter().rev()) {
        let object = reader.read(id).unwrap().unwrap_or_else(|| panic!("{id} is missing"));
        assert_eq!(object.kind, *kind, "{id}");
        assert!(object.content == content, "{id}");
        assert!(store.contains(id));
    }
}

fn repository() -> Repository {
    let repository = Repository::new();
    repository.import("main", &history(1, 6, 60));
    repository
}

#[test]
fn packs_are_read_as_git_reads_them() {
    let repository = repository();
    let expected = repository.objects();
    assert!(expected.len() > 300, "{}", expected.len());
    for arguments in [
        &["repack", "-adfq", "--depth=50"][..],
        &["repack", "-adfq", "--depth=250", "--window=50"],
        &["-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq", "--depth=50"],
        &["-c", "pack.indexVersion=1", "repack", "-adfq"],
        &["-c", "core.bigFileThreshold=1000", "repack", "-adfq"],
        &["repack", "-adfq", "--max-pack-size=1m", "--window=0"],
        &["repack", "-adq", "--write-midx", "--write-bitmap-index"],
    ] {
        repository.git(arguments);
        check(&repository.store(), &expected);
    }
}

#[test]
fn loose_objects_and_many_packs_are_read() {
    let repository = Repository::new();
    for (number, part) in history(2, 4, 30).chunks(6).enumerate() {
        repository.import(&format!("b{number}"), part);
    }
    assert!(repository.packs().len() > 1 || repository.store().packs().is_empty());
    repository.git(&["repack", "-q"]);
    for content in [&b""[..], b"one", &[7; 100_000]] {
        repository.git_with(&["hash-object", "-w", "--stdin"], content);
    }
    check(&repository.store(), &repository.objects());
    for pack in repository.packs() {
        let content = fs::read(&pack).unwrap();
        fs::remove_file(&pack).unwrap();
        repository.git_with(&["unpack-objects", "-q"], &content);
    }
    for entry in fs::read_dir(repository.path().join("objects/pack")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let objects = repository.objects();
    assert!(objects.len() > 100);
    check(&repository.store(), &objects);
}

#[test]
fn repositories_of_sha256_are_read() {
    let repository = Repository::of_format("sha256");
    repository.import("main", &history(3, 4, 40));
    repository.git_with(&["hash-object", "-w", "--stdin"], b"loose");
    let expected = repository.objects();
    check(&repository.store(), &expected);
    repository.git(&["-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq"]);
    let store = repository.store();
    assert_eq!(store.object_format(), ObjectFormat::Sha256);
    check(&store, &expected);
    fs::remove_file(repository.pack().with_extension("idx")).unwrap();
    check(&repository.store(), &expected);
}

#[test]
fn what_alternates_lend_is_read() {
    let repository = repository();
    let (own, shared) = (repository.path(), repository.beside("shared.git"));
    let shared = shared.to_str().unwrap();
    repository.git(&["clone", "-q", "--bare", "--shared", own.to_str().unwrap(), shared]);
    check(&ObjectStore::open(shared.as_ref()).unwrap(), &repository.objects());

    // Relative, and in a circle.
    fs::write(repository.beside("shared.git/objects/info/alternates"), "../../r.git/objects\n").unwrap();
    fs::write(repository.path().join("objects/info/alternates"), "../../shared.git/objects\n").unwrap();
    check(&ObjectStore::open(shared.as_ref()).unwrap(), &repository.objects());

    fs::write(repository.beside("shared.git/objects/info/alternates"), "../../gone\n").unwrap();
    let store = ObjectStore::open(shared.as_ref()).unwrap();
    assert_eq!(store.problems().len(), 1);
    fs::remove_file(own.join("objects/info/alternates")).unwrap();

    let empty = Repository::new();
    let directories = Directories { objects: None, alternates: vec![own.join("objects")] };
    check(&ObjectStore::open_with(&empty.path(), &directories).unwrap(), &repository.objects());
    let directories = Directories { objects: Some(own.join("objects")), alternates: Vec::new() };
    check(&ObjectStore::open_with(&empty.path(), &directories).unwrap(), &repository.objects());
}

#[test]
fn a_pack_without_its_index_is_read() {
    let repository = repository();
    let expected = repository.objects();
    for offsets in ["true", "false"] {
        let option = format!("repack.useDeltaBaseOffset={offsets}");
        repository.git(&["-c", &option, "repack", "-adfq"]);
        fs::remove_file(repository.pack().with_extension("idx")).unwrap();
        check(&repository.store(), &expected);
        repository.git(&["index-pack", repository.pack().to_str().unwrap()]);
    }
}

#[test]
fn a_thin_pack_takes_its_bases_from_elsewhere() {
    let repository = Repository::new();
    let history = history(5, 3, 30);
    repository.import("main", &history[..29]);
    repository.git(&["repack", "-adfq"]);
    let before = repository.git(&["rev-parse", "main"]);
    let before = std::str::from_utf8(&before).unwrap().trim();
    repository.import("next", &history);
    repository.git(&["repack", "-q"]);
    let objects = repository.objects();
    let wanted = format!("next\n^{before}\n");
    let thin =
        repository.git_with(&["pack-objects", "--thin", "--revs", "--stdout", "-q"], wanted.as_bytes());
    let next = repository.git(&["rev-list", "--objects", "next", "^main"]);
    let next: Vec<ObjectId> =
        String::from_utf8(next).unwrap().lines().map(|line| line[..40].parse().unwrap()).collect();

    let other = Repository::new();
    other.import("main", &history[..29]);
    fs::write(other.path().join("objects/pack/pack-thin.pack"), thin).unwrap();
    let store = other.store();
    assert_eq!(store.problems(), []);
    for id in &next {
        let (kind, content) = store.read(id).unwrap().unwrap();
        assert_eq!((kind, &content), (objects[id].0, &objects[id].1));
    }
}

#[test]
fn ids_are_found_by_how_they_begin() {
    let repository = repository();
    repository.git(&["repack", "-adfq"]);
    let loose = repository.git_with(&["hash-object", "-w", "--stdin"], b"loose");
    let loose = std::str::from_utf8(&loose).unwrap().trim();
    let store = repository.store();
    let objects = repository.objects();
    for id in objects.keys() {
        for digits in [4, 5, 6, 7, 12, 39, 40] {
            let prefix = &id.to_string()[..digits];
            let expected: Vec<_> = objects.keys().filter(|id| id.to_string().starts_with(prefix)).collect();
            assert_eq!(store.find_prefix(prefix).iter().collect::<Vec<_>>(), expected);
        }
    }
    assert_eq!(store.find_prefix(&loose[..8].to_uppercase()).len(), 1);
    assert_eq!(store.find_prefix(&loose[..3]), []);
    assert_eq!(store.find_prefix("zzzz"), []);
    assert_eq!(store.find_prefix(&"0".repeat(41)), []);
    let nothing: ObjectId = "1234567812345678123456781234567812345678".parse().unwrap();
    assert_eq!(store.read(&nothing), Ok(None));
    assert!(!store.contains(&nothing));
}

#[test]
fn linked_work_trees_share_the_store() {
    let repository = repository();
    let linked = repository.path().join("worktrees/x");
    fs::create_dir_all(&linked).unwrap();
    fs::write(linked.join("commondir"), "../..\n").unwrap();
    check(&ObjectStore::open(&linked).unwrap(), &repository.objects());
    assert!(ObjectStore::open(&repository.beside("nothing")).is_err());
}

#[test]
fn another_copy_is_read_where_one_is_damaged() {
    let repository = Repository::new();
    let id = repository.git_with(&["hash-object", "-w", "--stdin"], b"some content");
    let id: ObjectId = std::str::from_utf8(&id).unwrap().trim().parse().unwrap();
    repository.git_with(
        &["pack-objects", "-q", repository.path().join("objects/pack/pack").to_str().unwrap()],
        id.to_string().as_bytes(),
    );
    let expected = Some((ObjectKind::Blob, b"some content".to_vec()));
    let pack = repository.pack();
    let mut content = fs::read(&pack).unwrap();
    let middle = content.len() - 25;
    content[middle] ^= 1;
    fs::remove_file(&pack).unwrap();
    fs::write(&pack, content).unwrap();
    assert_eq!(repository.store().read(&id), Ok(expected));
    fs::remove_file(super::super::loose::path(&repository.path().join("objects"), &id)).unwrap();
    assert!(repository.store().read(&id).is_err());
}
