//! Damaged and hostile repositories: the rest is read, what is not is told, and nothing is made up.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use super::repository::{Objects, Repository, history};
use super::walk::Literal;
use crate::coverage::Reason;
use crate::git::objects::walk::walk_holding;
use crate::git::objects::{NothingKnown, ObjectKind, ObjectStore};

fn replace(path: &Path, content: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, content).unwrap();
}

/// Walks and reads all; whatever is handed over is true, and whatever is not is reported.
fn check(repository: &Repository, expected: &Objects) {
    check_walk(repository, expected);
    let Ok(store) = ObjectStore::open(&repository.path()) else { return };
    let mut reader = store.reader();
    for (id, (kind, content)) in expected {
        if let Ok(Some(object)) = reader.read(id) {
            assert!((object.kind, object.content) == (*kind, content.as_slice()), "{id}");
        }
    }
}

fn check_walk(repository: &Repository, expected: &Objects) {
    let Ok(store) = ObjectStore::open(&repository.path()) else { return };
    let search = Literal::new(b"Qz");
    let walked = walk_holding(&store, NonZeroUsize::MIN, 10_000, &NothingKnown, &search);
    for (id, content) in search.suspects.into_inner().unwrap() {
        assert!(
            expected.get(&id).is_some_and(|(_, expected)| *expected == content),
            "{id} is not what it was"
        );
    }
    let clean = search.clean.into_inner().unwrap();
    for (id, size) in clean {
        assert!(expected.get(&id).is_some_and(|(_, content)| content.len() as u64 == size));
    }
    let unread = search.unread.into_inner().unwrap();
    let blobs = expected.values().filter(|(kind, _)| *kind == ObjectKind::Blob).count();
    assert!(walked.blobs as usize <= blobs);
    let silent = unread.is_empty() && store.problems().is_empty();
    assert!(!silent || walked.blobs as usize == blobs, "{} of {blobs} in silence", walked.blobs);
}

fn small() -> (Repository, Objects) {
    let repository = Repository::new();
    repository.import("main", &history(21, 3, 15));
    let objects = repository.objects();
    (repository, objects)
}

#[test]
fn no_flipped_byte_of_a_pack_is_believed() {
    let (repository, expected) = small();
    let mut random = fastrand::Rng::with_seed(22);
    for offsets in ["true", "false"] {
        let option = format!("repack.useDeltaBaseOffset={offsets}");
        repository.git(&["-c", &option, "repack", "-adfq"]);
        let pack = repository.pack();
        let content = fs::read(&pack).unwrap();
        for _ in 0..250 {
            let mut damaged = content.clone();
            for _ in 0..random.usize(1..3) {
                damaged[random.usize(12..content.len() - 20)] ^= 1 << random.u8(..8);
            }
            replace(&pack, &damaged);
            check(&repository, &expected);
        }
        replace(&pack, &content);
    }
}

#[test]
fn no_flipped_byte_of_an_index_hides_a_blob() {
    let (repository, expected) = small();
    let mut random = fastrand::Rng::with_seed(23);
    repository.git(&["repack", "-adfq"]);
    let index = repository.pack().with_extension("idx");
    let content = fs::read(&index).unwrap();
    let ids = 8 + 1024..8 + 1024 + expected.len() * 20;
    for _ in 0..600 {
        let mut damaged = content.clone();
        let at = random.usize(..content.len());
        // An id that is changed is told as it stands: that is not checked.
        if ids.contains(&at) {
            continue;
        }
        damaged[at] ^= 1 << random.u8(..8);
        replace(&index, &damaged);
        // One object read alone is where the index says: git believes it as well.
        check_walk(&repository, &expected);
    }
}

#[test]
fn what_is_cut_off_is_told() {
    let (repository, expected) = small();
    repository.git(&["repack", "-adfq"]);
    for path in [repository.pack(), repository.pack().with_extension("idx")] {
        let content = fs::read(&path).unwrap();
        for length in (0..content.len()).step_by(content.len() / 40) {
            replace(&path, &content[..length]);
            check(&repository, &expected);
        }
        replace(&path, &content);
    }
}

#[test]
fn rubbish_in_place_of_a_pack_is_told() {
    let (repository, expected) = small();
    let folder = repository.path().join("objects/pack");
    fs::create_dir_all(&folder).unwrap();
    let mut random = fastrand::Rng::with_seed(24);
    for _ in 0..100 {
        let mut content = b"PACK\0\0\0\x02\0\0\0\x03".to_vec();
        content.extend((0..random.usize(..200)).map(|_| random.u8(..)));
        fs::write(folder.join("pack-rubbish.pack"), &content).unwrap();
        let store = repository.store();
        let search = Literal::new(b"Qz");
        walk_holding(&store, NonZeroUsize::MIN, 0, &NothingKnown, &search);
        assert!(store.problems().iter().all(|unread| unread.place.contains("pack-rubbish")));
    }
    fs::remove_file(folder.join("pack-rubbish.pack")).unwrap();
    check(&repository, &expected);
}

#[test]
fn an_index_without_its_pack_is_told() {
    let (repository, _) = small();
    repository.git(&["repack", "-adfq"]);
    fs::remove_file(repository.pack()).unwrap();
    let store = repository.store();
    assert_eq!(store.problems().iter().map(|unread| unread.reason).collect::<Vec<_>>(), [Reason::Missing]);
}

#[test]
fn a_damaged_loose_object_is_told() {
    let repository = Repository::new();
    for content in [&b"one"[..], b"two", b"three Qz"] {
        repository.git_with(&["hash-object", "-w", "--stdin"], content);
    }
    let expected = repository.objects();
    for id in expected.keys() {
        let path = super::super::loose::path(&repository.path().join("objects"), id);
        let content = fs::read(&path).unwrap();
        for at in 0..content.len() {
            let mut damaged = content.clone();
            damaged[at] ^= 4;
            replace(&path, &damaged);
            check(&repository, &expected);
            replace(&path, &content[..at]);
            check(&repository, &expected);
        }
        replace(&path, &content);
    }
}
