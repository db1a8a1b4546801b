//! Every blob, once, and none that holds something is missed.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::sync::Mutex;

use super::repository::{Objects, Repository, history, versions};
use crate::coverage::Unread;
use crate::git::objects::walk::walk_holding;
use crate::git::objects::{Known, NothingKnown, ObjectKind, ObjectStore, Search, Walked};
use crate::object_id::ObjectId;

/// Looks for one literal with no digit beside it, and notes what it is told.
pub(super) struct Literal {
    pub(super) literal: &'static [u8],
    pub(super) window: usize,
    /// The blobs that were handed over, with their contents, and the sizes of those that were not.
    pub(super) suspects: Mutex<Vec<(ObjectId, Vec<u8>)>>,
    pub(super) clean: Mutex<Vec<(ObjectId, u64)>>,
    pub(super) unread: Mutex<Vec<Unread>>,
}

impl Literal {
    pub(super) fn new(literal: &'static [u8]) -> Self {
        Self {
            literal,
            window: literal.len(),
            suspects: Mutex::default(),
            clean: Mutex::default(),
            unread: Mutex::default(),
        }
    }
}

impl Search for Literal {
    fn window(&self) -> usize {
        self.window
    }

    fn screen(&self, part: &[u8]) -> bool {
        let digit = |at: Option<&u8>| at.is_some_and(u8::is_ascii_digit);
        memchr::memmem::find_iter(part, self.literal).any(|at| {
            !digit(at.checked_sub(1).and_then(|before| part.get(before)))
                && !digit(part.get(at + self.literal.len()))
        })
    }

    fn is_local(&self, content: &[u8]) -> bool {
        memchr::memchr(0, content).is_none()
    }

    fn opens(&self, head: &[u8]) -> bool {
        head.starts_with(b"PK")
    }

    fn blob(&self, id: &ObjectId, content: &[u8]) {
        self.suspects.lock().unwrap().push((*id, content.to_vec()));
    }

    fn clean(&self, id: &ObjectId, size: u64) {
        self.clean.lock().unwrap().push((*id, size));
    }

    fn unread(&self, unread: Unread) {
        self.unread.lock().unwrap().push(unread);
    }
}

fn workers(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

/// Walks with several workers and little memory, and holds what is told against git.
#[track_caller]
pub(super) fn check(store: &ObjectStore, expected: &Objects) -> Walked {
    let mut first = None;
    for (count, held, literal) in
        [(1, usize::MAX, &b"Qz"[..]), (3, 0, b"Qz"), (2, 3_000, b"x"), (2, usize::MAX, b"\n\n\n")]
    {
        let mut search = Literal::new(literal);
        search.window += count * 30 - 30;
        let walked = walk_holding(store, workers(count), held, &NothingKnown, &search);
        let blobs = expected.iter().filter(|(_, (kind, _))| *kind == ObjectKind::Blob);
        let (suspects, clean): (Vec<_>, Vec<_>) = blobs
            .map(|(id, (_, content))| (*id, content.clone()))
            .partition(|(_, content)| search.screen(content) || search.opens(content));
        assert_eq!(walked.blobs as usize, suspects.len() + clean.len());
        assert_eq!(walked.cached, 0);
        let bytes: usize = suspects.iter().chain(&clean).map(|(_, content)| content.len()).sum();
        assert_eq!(walked.bytes as usize, bytes);
        let clean: Vec<_> = clean.into_iter().map(|(id, content)| (id, content.len() as u64)).collect();
        assert_eq!(search.unread.into_inner().unwrap(), []);
        let mut told = search.clean.into_inner().unwrap();
        told.sort();
        assert!(told == clean, "{} of {} are clean", told.len(), clean.len());
        let mut told = search.suspects.into_inner().unwrap();
        told.sort();
        assert!(told == suspects, "{} of {} are suspects", told.len(), suspects.len());
        first.get_or_insert(walked);
    }
    first.unwrap()
}

#[test]
fn every_blob_of_a_pack_is_searched_once() {
    let repository = Repository::new();
    repository.import("main", &history(11, 6, 80));
    let expected = repository.objects();
    for arguments in [
        &["repack", "-adfq", "--depth=50"][..],
        &["repack", "-adfq", "--depth=250", "--window=50"],
        &["-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq", "--depth=50"],
        &["-c", "pack.indexVersion=1", "repack", "-adfq"],
        &["-c", "core.bigFileThreshold=1000", "repack", "-adfq"],
        &["repack", "-adfq", "--window=0"],
        &["repack", "-adq", "--write-midx"],
    ] {
        repository.git(arguments);
        let walked = check(&repository.store(), &expected);
        assert!(walked.blobs > 300);
    }
}

#[test]
fn little_is_looked_at_where_little_changes() {
    let repository = Repository::new();
    let versions = versions(12, 200, 500).into_iter().map(|version| vec![("f".to_owned(), version)]);
    repository.import("main", &versions.collect::<Vec<_>>());
    repository.git(&["repack", "-adfq"]);
    let search = Literal::new(b"\n\n\n");
    let walked = walk_holding(&repository.store(), workers(1), usize::MAX, &NothingKnown, &search);
    assert_eq!(walked.blobs, 200);
    assert!(walked.screened * 10 < walked.bytes, "{walked:?}");
}

#[test]
fn what_is_in_several_packs_and_loose_is_searched_once() {
    let repository = Repository::new();
    for (number, part) in history(13, 4, 40).chunks(10).enumerate() {
        repository.import(&format!("b{number}"), part);
        repository.git(&["-c", "pack.writeReverseIndex=false", "repack", "-q"]);
        // Everything again, in a pack of its own.
        repository.git_with(
            &["pack-objects", "-q", "--all", repository.path().join("objects/pack/pack").to_str().unwrap()],
            b"",
        );
    }
    assert!(repository.packs().len() >= 4, "{:?}", repository.packs());
    for content in [&b""[..], b"PK\x03\x04", b"Qz in a loose object", &[7; 100_000]] {
        repository.git_with(&["hash-object", "-w", "--stdin"], content);
    }
    check(&repository.store(), &repository.objects());
    let id = repository.git(&["rev-parse", "b1:d0/f0"]);
    let content = repository.git(&["cat-file", "blob", "b1:d0/f0"]);
    repository.git_with(&["hash-object", "-w", "--stdin"], &content);
    assert_eq!(id.len(), 41);
    check(&repository.store(), &repository.objects());

    // Unreachable, kept in a cruft pack.
    repository.git(&["update-ref", "-d", "refs/heads/b0"]);
    repository.git(&["gc", "-q", "--cruft", "--prune=never"]);
    let mtimes = fs::read_dir(repository.path().join("objects/pack")).unwrap();
    let mut names = mtimes.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.any(|name| name.ends_with(".mtimes")));
    check(&repository.store(), &repository.objects());
}

#[test]
fn what_is_lent_is_searched_once() {
    let repository = Repository::new();
    repository.import("main", &history(14, 4, 30));
    repository.git(&["repack", "-adfq"]);
    let shared = repository.beside("shared.git");
    let own = repository.path();
    repository.git(&["clone", "-q", "--bare", "--shared", own.to_str().unwrap(), shared.to_str().unwrap()]);
    repository.git_with(&["hash-object", "-w", "--stdin"], b"lent, loose");
    check(&ObjectStore::open(&shared).unwrap(), &repository.objects());
}

#[test]
fn sha256_and_packs_without_an_index_are_searched() {
    for format in ["sha1", "sha256"] {
        let repository = Repository::of_format(format);
        repository.import("main", &history(15, 4, 40));
        repository.git(&["-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq"]);
        let expected = repository.objects();
        check(&repository.store(), &expected);
        fs::remove_file(repository.pack().with_extension("idx")).unwrap();
        check(&repository.store(), &expected);
    }
}

#[test]
fn a_thin_pack_is_searched() {
    let history = history(16, 3, 40);
    let repository = Repository::new();
    repository.import("main", &history[..39]);
    repository.git(&["repack", "-adfq"]);
    let old = String::from_utf8(repository.git(&["rev-parse", "main"])).unwrap();
    repository.import("next", &history);
    repository.git(&["repack", "-q"]);
    let expected = repository.objects();
    let wanted = format!("next\n^{old}");
    let thin =
        repository.git_with(&["pack-objects", "--thin", "--revs", "--stdout", "-q"], wanted.as_bytes());

    let other = Repository::new();
    other.import("main", &history[..39]);
    fs::write(other.path().join("objects/pack/pack-thin.pack"), thin).unwrap();
    let store = other.store();
    let search = Literal::new(b"Qz");
    let walked = walk_holding(&store, workers(2), usize::MAX, &NothingKnown, &search);
    assert_eq!(search.unread.into_inner().unwrap(), []);
    let blobs = expected.values().filter(|(kind, _)| *kind == ObjectKind::Blob);
    assert_eq!(walked.blobs as usize, blobs.count());
}

/// Knows some blobs, and notes for what it was asked.
struct Some(Vec<ObjectId>, Mutex<BTreeMap<ObjectId, usize>>);

impl Known for Some {
    fn knows(&self, id: &ObjectId) -> bool {
        *self.1.lock().unwrap().entry(*id).or_default() += 1;
        self.0.contains(id)
    }
}

#[test]
fn known_blobs_are_not_searched_again() {
    let repository = Repository::new();
    repository.import("main", &history(17, 4, 40));
    repository.git(&["repack", "-adfq"]);
    repository.git_with(&["hash-object", "-w", "--stdin"], b"loose");
    let blobs: Vec<_> =
        repository.objects().into_iter().filter(|(_, (kind, _))| *kind == ObjectKind::Blob).collect();
    for nth in [1, 2, 3, 50] {
        let known = blobs.iter().map(|(id, _)| *id).enumerate().filter(|(number, _)| number % nth == 0);
        let known = Some(known.map(|(_, id)| id).collect(), Mutex::default());
        let search = Literal::new(b"Qz");
        let walked = walk_holding(&repository.store(), workers(2), 10_000, &known, &search);
        let unknown: Vec<_> = blobs.iter().filter(|(id, _)| !known.0.contains(id)).collect();
        assert_eq!((walked.cached as usize, walked.blobs as usize), (known.0.len(), unknown.len()));
        let suspects = unknown.iter().filter(|(_, (_, content))| search.screen(content)).count();
        assert_eq!(search.suspects.lock().unwrap().len(), suspects);
        assert_eq!(search.clean.lock().unwrap().len(), unknown.len() - suspects);
        let asked = known.1.into_inner().unwrap();
        assert_eq!(asked.len(), blobs.len());
        assert!(asked.values().all(|&times| times == 1));
    }
}

/// Knows packs, and notes those that were read.
struct Packs(Vec<ObjectId>, Mutex<Vec<(ObjectId, u64)>>);

impl Known for Packs {
    fn knows_pack(&self, checksum: &ObjectId) -> bool {
        self.0.contains(checksum)
    }

    fn knows(&self, _id: &ObjectId) -> bool {
        false
    }
}

impl Search for Packs {
    fn window(&self) -> usize {
        0
    }

    fn screen(&self, _content: &[u8]) -> bool {
        false
    }

    fn blob(&self, id: &ObjectId, _content: &[u8]) {
        panic!("{id} holds nothing");
    }

    fn pack(&self, checksum: &ObjectId, blobs: u64) {
        self.1.lock().unwrap().push((*checksum, blobs));
    }

    fn unread(&self, unread: Unread) {
        panic!("{unread}");
    }
}

#[test]
fn known_packs_are_not_read_again() {
    let repository = Repository::new();
    for (number, part) in history(19, 4, 80).chunks(40).enumerate() {
        repository.import(&format!("b{number}"), part);
        repository.git(&["repack", "-q"]);
    }
    let (store, expected) = (repository.store(), repository.objects());
    assert_eq!(store.packs().len(), 2);
    let blobs: Vec<u64> = store.packs().iter().map(|pack| pack.blobs().len() as u64).collect();
    for pack in store.packs() {
        let named = pack.blobs();
        assert!(named.iter().all(|id| expected[id].0 == ObjectKind::Blob && pack.contains(id)));
    }
    let all = expected.values().filter(|(kind, _)| *kind == ObjectKind::Blob).count() as u64;
    assert_eq!(blobs.iter().sum::<u64>(), all);

    let checksums: Vec<ObjectId> = store.packs().iter().map(|pack| pack.checksum()).collect();
    let none = Packs(Vec::new(), Mutex::default());
    let walked = walk_holding(&store, workers(1), usize::MAX, &none, &none);
    assert_eq!(walked.blobs, all);
    let read = none.1.into_inner().unwrap();
    assert_eq!(read, checksums.iter().copied().zip(blobs.iter().copied()).collect::<Vec<_>>());

    let first = Packs(vec![checksums[0]], Mutex::default());
    let walked = walk_holding(&store, workers(1), usize::MAX, &first, &first);
    assert_eq!((walked.blobs, walked.cached), (blobs[1], 0));
    assert_eq!(first.1.into_inner().unwrap(), [(checksums[1], blobs[1])]);
}

#[test]
fn one_large_family_is_shared_by_workers() {
    // A wide tree: many versions of the same base.
    let repository = Repository::new();
    let base = versions(18, 1, 400).remove(0);
    let version = |number: usize| {
        let mut version = base.clone();
        let at = (number * 37) % version.len();
        version.splice(
            at..at,
            format!("version {number} Q{}", if number.is_multiple_of(7) { "z" } else { "" }).into_bytes(),
        );
        vec![("f".to_owned(), version)]
    };
    repository.import("main", &(0..600).map(version).collect::<Vec<_>>());
    repository.git(&["repack", "-adfq", "--window=5", "--depth=6"]);
    check(&repository.store(), &repository.objects());
}
