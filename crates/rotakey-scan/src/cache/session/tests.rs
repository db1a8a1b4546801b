use std::collections::BTreeMap;

use rotakey_core::secret::Secret;

use super::*;
use crate::cache::{MemoryCache, RulesVersion};
use crate::finding::{Digests, Position};
use crate::kind::{Kind, Severity};

fn id(n: u64) -> ObjectId {
    let mut bytes = [0; 20];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    ObjectId::from_bytes(&bytes).unwrap()
}

fn run() -> Run {
    Run { rules: RulesVersion::of(&[]), day: 20_000 }
}

fn finding(blob: ObjectId) -> Finding {
    Finding {
        kind: Kind::AccessKeyId,
        rule: "aws-access-key-id",
        severity: Severity::Low,
        repository: None,
        path: format!("blob {blob}"),
        position: Position { line: 1, column: 1, end_line: 1, end_column: 21 },
        access_key_id: None,
        account_id: None,
        canary: false,
        digests: Digests::of(&Secret::new(blob.to_string())),
        pair: None,
        redacted: String::new(),
        excerpt: String::new(),
        encodings: Vec::new(),
        blob: Some(blob),
        introduced: None,
        value: None,
        allowed: None,
        known: None,
        holder: None,
    }
}

fn unread(place: impl Into<String>, reason: Reason) -> Unread {
    Unread { place: place.into(), reason, detail: String::new() }
}

/// A pack of blobs, and a pack that is not to be opened.
struct TestPack {
    checksum: ObjectId,
    blobs: BTreeSet<ObjectId>,
}

impl TestPack {
    fn new(checksum: u64, blobs: impl IntoIterator<Item = u64>) -> Self {
        Self { checksum: id(1_000_000 + checksum), blobs: blobs.into_iter().map(id).collect() }
    }
}

impl Pack for TestPack {
    fn checksum(&self) -> ObjectId {
        self.checksum
    }

    fn blobs(&self) -> Box<dyn Iterator<Item = ObjectId> + Send + '_> {
        Box::new(self.blobs.iter().copied())
    }

    fn contains(&self, id: &ObjectId) -> bool {
        self.blobs.contains(id)
    }
}

/// A repository in which the blobs whose number is divisible by 10 hold a key.
struct Repository {
    packs: Vec<TestPack>,
    loose: Vec<ObjectId>,
    unread: Vec<Unread>,
}

/// What a scan of it came to.
#[derive(Debug, PartialEq, Eq)]
struct Scanned {
    /// How many blobs had to be scanned.
    scanned: usize,
    found: Vec<ObjectId>,
    added: Added,
}

impl Repository {
    fn new(packs: Vec<TestPack>, loose: impl IntoIterator<Item = u64>) -> Self {
        Self { packs, loose: loose.into_iter().map(id).collect(), unread: Vec::new() }
    }

    /// Walks it as a walk does.
    async fn scan(&self, cache: &MemoryCache, values: bool) -> Scanned {
        let packs: Vec<&dyn Pack> = self.packs.iter().map(|pack| pack as &dyn Pack).collect();
        let session = Session::begin(cache, run(), &packs, &self.loose, values).await.unwrap();
        let (mut done, mut findings) = (BTreeSet::new(), Vec::new());
        let mut scan = |blob: &ObjectId| {
            if !session.known().contains(blob) && done.insert(*blob) {
                session.scanned([*blob]);
                let bytes: [u8; 8] = blob.as_bytes()[..8].try_into().unwrap();
                if u64::from_be_bytes(bytes).is_multiple_of(10) {
                    findings.push(finding(*blob));
                }
            }
        };
        for pack in &self.packs {
            if !session.known().has_pack(&pack.checksum) {
                pack.blobs.iter().for_each(&mut scan);
                session.pack_was_read(pack.checksum, pack.blobs.len() as u64);
            }
        }
        self.loose.iter().for_each(&mut scan);
        let mut found = session.known().findings().unwrap();
        let added = session.finish(cache, &findings, &self.unread).await.unwrap();
        found.extend(findings);
        let mut found: Vec<ObjectId> = found.iter().filter_map(|finding| finding.blob).collect();
        found.sort();
        Scanned { scanned: done.len(), found, added }
    }
}

fn scanned(scanned: usize, found: &[u64], blobs: u64, packs: u64) -> Scanned {
    Scanned { scanned, found: found.iter().copied().map(id).collect(), added: Added { blobs, packs } }
}

#[tokio::test]
async fn a_repository_that_has_not_changed_costs_a_question_for_each_pack() {
    let cache = MemoryCache::default();
    let repository = Repository::new(vec![TestPack::new(1, 1..=25), TestPack::new(2, 20..=40)], [50, 51]);
    assert_eq!(repository.scan(&cache, false).await, scanned(42, &[10, 20, 30, 40, 50], 42, 2));
    assert_eq!(repository.scan(&cache, false).await, scanned(0, &[10, 20, 30, 40, 50], 0, 0));

    struct Closed(ObjectId);
    impl Pack for Closed {
        fn checksum(&self) -> ObjectId {
            self.0
        }
        fn blobs(&self) -> Box<dyn Iterator<Item = ObjectId> + Send + '_> {
            panic!("a known pack was opened")
        }
        fn contains(&self, _: &ObjectId) -> bool {
            false
        }
    }
    let pack = Closed(id(1_000_001));
    let packs: [&dyn Pack; 1] = [&pack];
    let session = Session::begin(&cache, run(), &packs, &[], false).await.unwrap();
    assert!(session.known().has_pack(&pack.0));
    assert_eq!(session.known().count(), 25);
}

#[tokio::test]
async fn a_repacked_repository_and_a_fork_cost_what_is_new() {
    let cache = MemoryCache::default();
    Repository::new(vec![TestPack::new(1, 1..=25), TestPack::new(2, 20..=40)], []).scan(&cache, false).await;
    let repacked = Repository::new(vec![TestPack::new(3, 1..=40)], []);
    assert_eq!(repacked.scan(&cache, false).await, scanned(0, &[10, 20, 30, 40], 0, 1));
    // The pack that was put together of known blobs has all of their findings.
    assert_eq!(repacked.scan(&cache, false).await, scanned(0, &[10, 20, 30, 40], 0, 0));
    let fork = Repository::new(vec![TestPack::new(1, 1..=25), TestPack::new(4, 5..=60)], [10, 61]);
    assert_eq!(fork.scan(&cache, false).await, scanned(21, &[10, 20, 30, 40, 50, 60], 21, 1));
    // Also of those that are known because another pack is.
    let part = Repository::new(vec![TestPack::new(4, 5..=60)], []);
    assert_eq!(part.scan(&cache, false).await, scanned(0, &[10, 20, 30, 40, 50, 60], 0, 0));
}

#[tokio::test]
async fn what_was_not_read_whole_is_scanned_again() {
    let cache = MemoryCache::default();
    let mut repository = Repository::new(vec![TestPack::new(1, 1..=5), TestPack::new(2, 6..=9)], [11, 12]);
    repository.unread = vec![
        unread(format!("blob {}!a.zip!b", id(3)), Reason::Encrypted),
        unread(format!("blob {}", id(11)), Reason::TooLarge),
        // Of no use to anybody, but no harm either.
        unread(format!("commit {}", id(99)), Reason::Missing),
        unread("the repository", Reason::Shallow),
    ];
    assert_eq!(repository.scan(&cache, false).await, scanned(11, &[], 9, 1));
    assert_eq!(repository.scan(&cache, false).await, scanned(2, &[], 0, 0));
    repository.unread.clear();
    assert_eq!(repository.scan(&cache, false).await, scanned(2, &[], 2, 1));
    assert_eq!(repository.scan(&cache, false).await, scanned(0, &[], 0, 0));
}

#[tokio::test]
async fn what_is_unread_nobody_knows_where_spoils_all() {
    for place in ["objects/pack/pack-1.pack", "blob 1234", "blob", "blob  ", ""] {
        let cache = MemoryCache::default();
        let mut repository = Repository::new(vec![TestPack::new(1, 1..=5)], [11]);
        repository.unread = vec![unread(place, Reason::Corrupt)];
        assert_eq!(repository.scan(&cache, false).await, scanned(6, &[], 0, 0), "{place:?}");
    }
}

#[tokio::test]
async fn what_the_walk_does_not_say_is_not_added() {
    let cache = MemoryCache::default();
    let pack = TestPack::new(1, 1..=5);
    let packs: [&dyn Pack; 1] = [&pack];
    let session = Session::begin(&cache, run(), &packs, &[], false).await.unwrap();
    session.scanned([id(2)]);
    let units: Vec<Unit> = session.entries(&[], &[]).iter().map(|entry| entry.unit).collect();
    assert_eq!(units, [Unit::Blob(id(2))]);
}

#[tokio::test]
async fn a_pack_with_more_than_its_index_names_is_never_known() {
    let cache = MemoryCache::default();
    let pack = TestPack::new(1, 1..=5);
    let packs: [&dyn Pack; 1] = [&pack];
    let session = Session::begin(&cache, run(), &packs, &[id(7)], false).await.unwrap();
    session.scanned((1..=6).map(id));
    session.pack_was_read(pack.checksum, pack.blobs.len() as u64);
    let added = session.finish(&cache, &[finding(id(6))], &[]).await.unwrap();
    assert_eq!(added, Added { blobs: 6, packs: 0 });
}

#[tokio::test]
async fn a_finding_that_cannot_be_kept_keeps_its_blob_out() {
    let cache = MemoryCache::default();
    let pack = TestPack::new(1, 1..=2);
    let packs: [&dyn Pack; 1] = [&pack];
    let session = Session::begin(&cache, run(), &packs, &[], false).await.unwrap();
    session.scanned([id(1), id(2)]);
    session.pack_was_read(pack.checksum, pack.blobs.len() as u64);
    let resolved = Finding { path: "src/main.rs".to_owned(), ..finding(id(1)) };
    let units: Vec<Unit> = session.entries(&[resolved], &[]).iter().map(|entry| entry.unit).collect();
    assert_eq!(units, [Unit::Blob(id(2))]);
}

#[tokio::test]
async fn whoever_needs_the_values_scans_what_has_some() {
    let cache = MemoryCache::default();
    let repository = Repository::new(vec![TestPack::new(1, 1..=25), TestPack::new(2, 31..=39)], [50]);
    repository.scan(&cache, false).await;
    assert_eq!(repository.scan(&cache, true).await, scanned(3, &[10, 20, 50], 3, 1));
}

#[tokio::test]
async fn several_threads_tell_one_session() {
    let cache = MemoryCache::default();
    let blobs = 1..=30_001;
    let pack = TestPack::new(1, blobs.clone());
    let packs: [&dyn Pack; 1] = [&pack];
    let session = Session::begin(&cache, run(), &packs, &[], false).await.unwrap();
    std::thread::scope(|scope| {
        for part in 0..3 {
            let (session, blobs) = (&session, blobs.clone());
            scope.spawn(move || session.scanned(blobs.skip(part).step_by(3).map(id)));
        }
    });
    session.pack_was_read(pack.checksum, pack.blobs.len() as u64);
    let added = session.finish(&cache, &[], &[]).await.unwrap();
    assert_eq!(added, Added { blobs: 30_001, packs: 1 });
    let other = TestPack::new(2, blobs);
    let packs: [&dyn Pack; 1] = [&other];
    let session = Session::begin(&cache, run(), &packs, &[], false).await.unwrap();
    assert!((1..=30_001).all(|blob| session.known().contains(&id(blob))));
    assert!(!session.known().contains(&id(0)) && session.known().count() == 30_001);
}

#[tokio::test]
async fn each_kind_of_place_names_its_object() {
    let expected: BTreeMap<String, Option<ObjectId>> = [
        (format!("blob {}", id(1)), Some(id(1))),
        (format!("blob {}!a b", id(1)), Some(id(1))),
        (format!("tree {}", id(2)), Some(id(2))),
        (format!("blob {}x", id(1)), None),
        (format!("folder {}", id(1)), None),
        (id(1).to_string(), None),
    ]
    .into();
    for (place, id) in expected {
        assert_eq!(object_in(&place), id, "{place}");
    }
    let place = crate::place::Place::blob(id(1));
    let member = crate::place::Place::member(b"a.zip", &place);
    assert_eq!(object_in(&member.to_string()), Some(id(1)));
}
