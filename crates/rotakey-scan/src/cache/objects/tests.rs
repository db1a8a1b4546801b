use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStoreExt as _,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};

use super::*;
use crate::cache::conformance::{self, Harness, Place, found};
use crate::object_id::ObjectId;
use crate::specimen::Specimen;

fn run() -> Run {
    Run { rules: RulesVersion::from_bytes([1; 32]), day: 20_000 }
}

fn blob(number: u64) -> Unit {
    let mut bytes = [0; 20];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Unit::Blob(ObjectId::from_bytes(&bytes).unwrap())
}

fn entry(number: u64) -> Entry {
    Entry { unit: blob(number), outcome: clean() }
}

fn cache(store: &Arc<dyn ObjectStore>) -> Box<ObjectCache> {
    Box::new(ObjectCache::new(
        Arc::clone(store),
        Path::from("team/cache"),
        "s3://bucket/team/cache".to_owned(),
    ))
}

async fn add(store: &Arc<dyn ObjectStore>, numbers: std::ops::Range<u64>) {
    let cache = cache(store);
    cache.add(&run(), &numbers.map(entry).collect::<Vec<_>>()).await.unwrap();
    cache.close().await.unwrap();
}

async fn known(store: &Arc<dyn ObjectStore>, numbers: std::ops::Range<u64>) -> usize {
    let units: Vec<Unit> = numbers.map(blob).collect();
    cache(store).look_up(&run(), &units).await.unwrap().iter().flatten().count()
}

async fn objects(store: &Arc<dyn ObjectStore>) -> Vec<ObjectMeta> {
    store.list(None).try_collect().await.unwrap()
}

struct Stores;

#[async_trait]
impl Harness for Stores {
    async fn empty(&self) -> Box<dyn Place> {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        Box::new(store)
    }
}

#[async_trait]
impl Place for Arc<dyn ObjectStore> {
    async fn open(&self) -> Box<dyn ScanCache> {
        cache(self)
    }
}

struct Folders;

#[async_trait]
impl Harness for Folders {
    async fn empty(&self) -> Box<dyn Place> {
        Box::new(tempfile::tempdir().unwrap())
    }
}

#[async_trait]
impl Place for tempfile::TempDir {
    async fn open(&self) -> Box<dyn ScanCache> {
        Box::new(ObjectCache::in_folder(&self.path().join("cache")).unwrap())
    }
}

#[tokio::test]
async fn an_object_store_keeps_the_contract_of_caches() {
    conformance::check_all(&Stores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_keeps_the_contract_of_caches() {
    conformance::check_all(&Folders).await;
}

#[tokio::test]
async fn a_run_adds_one_segment_and_one_that_adds_nothing_none() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let session = cache(&store);
    for number in 0..100 {
        session.look_up(&run(), &[blob(number)]).await.unwrap();
        session.add(&run(), &[entry(number)]).await.unwrap();
    }
    session.close().await.unwrap();
    assert_eq!(objects(&store).await.len(), 1);
    add(&store, 0..100).await;
    assert_eq!(objects(&store).await.len(), 1);
    assert_eq!(known(&store, 0..101).await, 100);
}

#[tokio::test]
async fn many_small_segments_become_one_and_nothing_is_lost() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    for run in 0..MANY as u64 - 1 {
        add(&store, run * 10..run * 10 + 10).await;
        assert_eq!(objects(&store).await.len() as u64, run + 1);
    }
    add(&store, 1_000..1_001).await;
    assert_eq!(objects(&store).await.len(), 1);
    assert_eq!(known(&store, 0..1_001).await, MANY * 10 - 10 + 1);
    add(&store, 2_000..2_001).await;
    assert_eq!(objects(&store).await.len(), 2);
}

#[tokio::test]
async fn several_put_segments_together_at_once() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let shelf = |store: &Arc<dyn ObjectStore>| cache(store).shelf;
    for run in 0..40 {
        let mut pending = Pending::default();
        pending.extend((run * 5..run * 5 + 8).map(entry));
        shelf(&store).write(self::run().rules, 625, &pending.segment()).await.unwrap();
    }
    let caches: Vec<_> = (0..4).map(|_| cache(&store)).collect();
    let work = caches.iter().map(|cache| cache.put_together(run().rules));
    futures::future::try_join_all(work).await.unwrap();
    assert!(objects(&store).await.len() < MANY);
    assert_eq!(known(&store, 0..300).await, 203);
}

#[tokio::test]
async fn the_one_that_has_all_of_the_others_is_not_deleted_with_them() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let cache = cache(&store);
    for most in 1..=20 {
        let mut pending = Pending::default();
        pending.extend((0..most).map(entry));
        cache.shelf.write(run().rules, 625, &pending.segment()).await.unwrap();
    }
    cache.put_together(run().rules).await.unwrap();
    assert_eq!(objects(&store).await.len(), 1);
    assert_eq!(known(&store, 0..30).await, 20);
}

#[test]
fn large_segments_are_left_and_others_do_not_become_too_large() {
    let listed =
        |number: u8, bytes: u64| Listed { name: Name::of_test(run().rules, 625, [number; 32]), bytes };
    let few: Vec<Listed> = (0..MANY as u8 - 1).map(|number| listed(number, 10)).collect();
    assert!(to_put_together(&few).is_empty());
    let large: Vec<Listed> = (0..40).map(|number| listed(number, SMALL)).collect();
    assert!(to_put_together(&large).is_empty());
    let middling: Vec<Listed> = (0..40).map(|number| listed(number, SMALL - 1)).collect();
    let groups = to_put_together(&middling);
    assert_eq!((groups.len(), groups[0].len()), (1, 8));
}

#[tokio::test]
async fn a_damaged_or_foreign_segment_is_named_and_not_trusted() {
    let error = |store: Arc<dyn ObjectStore>| async move {
        let cache = cache(&store);
        let error = cache.look_up(&run(), &[blob(1)]).await.unwrap_err();
        assert_eq!(cache.stats().await.unwrap_err(), error);
        error
    };
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    add(&store, 0..10).await;
    let object = objects(&store).await.remove(0).location;
    let whole = store.get(&object).await.unwrap().bytes().await.unwrap();
    let mut flipped = whole.to_vec();
    flipped[100] ^= 1;
    for content in [flipped, whole[..whole.len() - 1].to_vec(), Vec::new()] {
        store.put(&object, content.into()).await.unwrap();
        let error = error(Arc::clone(&store)).await;
        let CacheError::Damaged { location, .. } = &error else { panic!("{error:?}") };
        assert!(location.contains(object.as_ref()), "{location}");
    }
    // A true one under the rules of another one.
    store.delete(&object).await.unwrap();
    let other = RulesVersion::from_bytes([2; 32]);
    let moved = Path::from(object.as_ref().replace(&run().rules.to_string(), &other.to_string()));
    store.put(&moved, whole.into()).await.unwrap();
    let answer = cache(&store).look_up(&Run { rules: other, ..run() }, &[blob(1)]).await;
    assert!(matches!(answer, Err(CacheError::Damaged { .. })), "{answer:?}");

    for name in ["notes.txt", "625-00.segment", "\u{1b}[2J"] {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let path = Path::from(format!("team/cache/scans-1/{}/{name}", run().rules));
        store.put(&path, "hello".into()).await.unwrap();
        let error = error(Arc::clone(&store)).await;
        assert!(matches!(error, CacheError::Foreign { .. }), "{error:?}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
    // What is beside it is nobody's business.
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    store.put(&Path::from("team/cache/notes.txt"), "hello".into()).await.unwrap();
    assert_eq!(known(&store, 0..10).await, 0);
}

#[tokio::test]
async fn no_secret_is_in_a_segment() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let cache = cache(&store);
    let unit = blob(1);
    let outcome = Outcome { blobs: 1, findings: vec![found(*unit.id(), 42)] };
    cache.add(&run(), &[Entry { unit, outcome }]).await.unwrap();
    cache.close().await.unwrap();
    let specimen = Specimen::from_seed(42);
    let object = objects(&store).await.remove(0).location;
    let bytes = store.get(&object).await.unwrap().bytes().await.unwrap();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has(&specimen.access_key_id) && !has(&specimen.secret_access_key[4..]));
}

#[tokio::test]
async fn a_segment_that_goes_while_it_is_read_is_looked_for_again() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    add(&store, 0..10).await;
    for (losses, is_patient) in [(1, true), (3, true), (usize::MAX, false)] {
        let losing: Arc<dyn ObjectStore> =
            Arc::new(Losing { store: Arc::clone(&store), losses: AtomicUsize::new(losses) });
        let answer = cache(&losing).look_up(&run(), &[blob(3)]).await;
        match answer {
            Ok(known) => assert!(is_patient && known[0].is_some()),
            Err(error) => assert!(!is_patient, "{error}"),
        }
    }
}

#[tokio::test]
async fn what_cannot_be_written_still_waits() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let losing: Arc<dyn ObjectStore> =
        Arc::new(Losing { store: Arc::clone(&store), losses: AtomicUsize::new(1) });
    // The loss is of the first read or write, and there is nothing to read.
    let cache = cache(&losing);
    cache.add(&run(), &[entry(1)]).await.unwrap();
    let mut loaded = cache.loaded.lock().await;
    cache.flush_all(&mut loaded).await.unwrap_err();
    drop(loaded);
    cache.close().await.unwrap();
    assert_eq!(known(&store, 0..2).await, 1);
}

/// A store that loses some of what it is asked for.
#[derive(Debug)]
struct Losing {
    store: Arc<dyn ObjectStore>,
    losses: AtomicUsize,
}

impl Losing {
    fn is_lost(&self) -> bool {
        self.losses.try_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

impl std::fmt::Display for Losing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("losing")
    }
}

#[async_trait]
impl ObjectStore for Losing {
    async fn put_opts(
        &self,
        key: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        if self.is_lost() {
            return Err(object_store::Error::Generic { store: "losing", source: "lost".into() });
        }
        self.store.put_opts(key, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(key, options).await
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        if self.is_lost() {
            return Err(object_store::Error::NotFound { path: key.to_string(), source: "lost".into() });
        }
        self.store.get_opts(key, options).await
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.store.delete_stream(keys)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}
