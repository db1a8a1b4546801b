use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use tokio::runtime::Runtime;

use super::*;
use crate::event_time::EventTime;
use crate::source::fetch::{Body, Fetch, FetchOptions};
use crate::source::{Location, TrailFile};
use crate::summary::Skipped;

/// A store in memory that writes down what it is asked for.
#[derive(Debug, Default)]
struct Watched {
    inner: InMemory,
    /// `folder x/` and `tree x/`.
    lists: Arc<Mutex<BTreeSet<String>>>,
    gets: AtomicUsize,
    /// Lists of trees below it fail.
    closed: Option<&'static str>,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("watched")
    }
}

impl Watched {
    fn note(&self, what: &str, prefix: Option<&Path>) {
        let prefix = prefix.map(ToString::to_string).unwrap_or_default();
        assert!(
            self.lists.lock().unwrap().insert(format!("{what} {prefix}")),
            "{what} {prefix} is asked for twice"
        );
    }
}

#[async_trait]
impl ObjectStore for Watched {
    async fn put_opts(
        &self,
        key: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.inner.put_opts(key, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        unreachable!("nothing is written")
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.gets.fetch_add(1, Ordering::Relaxed);
        self.inner.get_opts(key, options).await
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        unreachable!("nothing is deleted")
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.note("tree", prefix);
        if self.closed.is_some_and(|closed| prefix.is_some_and(|prefix| prefix.as_ref().contains(closed))) {
            let error = object_store::Error::Generic { store: "watched", source: "AccessDenied".into() };
            return Box::pin(futures::stream::iter([Err(error)]));
        }
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.note("folder", prefix);
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> object_store::Result<()> {
        unreachable!("nothing is written")
    }
}

/// A store with some objects, and a runtime of two threads.
struct World {
    runtime: Runtime,
    watched: Arc<Watched>,
    store: Arc<Store>,
}

impl World {
    fn new(keys: &[&str]) -> Self {
        Self::with(keys, None)
    }

    fn with(keys: &[&str], closed: Option<&'static str>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let watched = Arc::new(Watched { closed, ..Watched::default() });
        let store = Store {
            store: Arc::clone(&watched) as Arc<dyn ObjectStore>,
            prefix: "s3://bucket/".to_owned(),
            runtime: runtime.handle().clone(),
        };
        let world = Self { runtime, watched, store: Arc::new(store) };
        for key in keys {
            world.put(key, b"{}".to_vec());
        }
        world
    }

    fn put(&self, key: &str, content: Vec<u8>) {
        self.runtime.block_on(self.watched.put(&Path::parse(key).unwrap(), content.into())).unwrap();
    }

    fn find(&self, key: &str, selection: &Selection) -> Trail {
        let mut trail = Trail::default();
        self.store.list(&Path::parse(key).unwrap(), selection, &mut trail);
        trail.arrange();
        trail
    }

    /// What was asked for since the last time.
    fn lists(&self) -> Vec<String> {
        std::mem::take(&mut *self.watched.lists.lock().unwrap()).into_iter().collect()
    }
}

fn names(trail: &Trail) -> Vec<&str> {
    trail.files.iter().map(|file| file.name.strip_prefix("s3://bucket/").unwrap()).collect()
}

fn between(from: &str, until: &str) -> Selection {
    let time = |day: &str| EventTime::parse(&format!("{day}T12:00:00Z"));
    Selection { from: time(from), until: time(until), ..Selection::default() }
}

const LOGS: &str = "p/AWSLogs/123456789012/CloudTrail";

#[test]
fn folders_are_listed_down_to_the_months_and_no_others() {
    let world = World::new(&[
        "p/AWSLogs/123456789012/CloudTrail/eu-central-1/2025/12/31/a.json.gz",
        "p/AWSLogs/123456789012/CloudTrail/eu-central-1/2026/01/01/b.json.gz",
        "p/AWSLogs/123456789012/CloudTrail/eu-central-1/2026/01/02/c.json.gz",
        "p/AWSLogs/123456789012/CloudTrail/us-east-1/2026/01/02/d.json.gz",
        "p/AWSLogs/123456789012/CloudTrail-Digest/us-east-1/2026/01/02/e.json.gz",
        "p/AWSLogs/123456789012/Config/us-east-1/2026/1/2/f.json.gz",
        "p/AWSLogs/210987654321/CloudTrail/us-east-1/2026/01/02/g.json.gz",
        "p/other.json",
        "p/other.txt",
    ]);
    let selection = Selection {
        accounts: ["123456789012".to_owned()].into(),
        regions: ["eu-central-1".to_owned()].into(),
        ..Selection::default()
    };
    let trail = world.find("p", &selection);
    assert_eq!(
        names(&trail),
        [
            format!("{LOGS}/eu-central-1/2025/12/31/a.json.gz"),
            format!("{LOGS}/eu-central-1/2026/01/01/b.json.gz"),
            format!("{LOGS}/eu-central-1/2026/01/02/c.json.gz"),
            "p/other.json".to_owned(),
        ]
    );
    assert_eq!(trail.skipped, Skipped { digests: 1, insights: 0, outside: 2, foreign: 2 });
    assert_eq!(
        world.lists(),
        [
            "folder p".to_owned(),
            "folder p/AWSLogs".to_owned(),
            "folder p/AWSLogs/123456789012".to_owned(),
            format!("folder {LOGS}"),
            format!("folder {LOGS}/eu-central-1"),
            format!("folder {LOGS}/eu-central-1/2025"),
            format!("folder {LOGS}/eu-central-1/2026"),
            format!("tree {LOGS}/eu-central-1/2025/12"),
            format!("tree {LOGS}/eu-central-1/2026/01"),
        ]
    );
}

#[test]
fn a_few_days_are_asked_for_by_name() {
    let world = World::new(&[
        "AWSLogs/123456789012/CloudTrail/eu-central-1/2026/02/27/a.json.gz",
        "AWSLogs/123456789012/CloudTrail/eu-central-1/2026/02/28/b.json.gz",
        "AWSLogs/123456789012/CloudTrail/eu-central-1/2026/03/01/c.json.gz",
        "AWSLogs/123456789012/CloudTrail/eu-central-1/2026/03/02/d.json.gz",
        "AWSLogs/123456789012/CloudTrail/eu-central-1/2026/03/03/e.json.gz",
    ]);
    let region = "AWSLogs/123456789012/CloudTrail/eu-central-1";
    let trail = world.find(region, &between("2026-03-01", "2026-03-01"));
    let expected = ["2026/02/28", "2026/03/01", "2026/03/02"];
    assert_eq!(
        names(&trail).iter().map(|name| name.rsplit_once('/').unwrap().0).collect::<Vec<_>>(),
        expected.map(|day| format!("{region}/{day}"))
    );
    assert_eq!(world.lists(), expected.map(|day| format!("tree {region}/{day}")));
    assert_eq!(trail.problems, []);

    // Nothing happened on these days, which is no problem.
    let trail = world.find(region, &between("2026-05-01", "2026-05-01"));
    assert_eq!((trail.files.len(), trail.problems), (0, Vec::new()));
}

#[test]
fn of_a_long_time_only_the_first_and_last_months_are_listed_by_days() {
    let region = "AWSLogs/123456789012/CloudTrail/eu-central-1";
    let keys: Vec<_> = [
        "2025/12/31",
        "2026/01/27",
        "2026/01/29",
        "2026/02/10",
        "2026/04/02",
        "2026/04/03",
        "2026/05/01",
        "2027/01/01",
    ]
    .map(|day| format!("{region}/{day}/x.json"))
    .into();
    let world = World::new(&keys.iter().map(String::as_str).collect::<Vec<_>>());
    let trail = world.find(region, &between("2026-01-30", "2026-04-01"));
    assert_eq!(names(&trail), [&keys[2], &keys[3], &keys[4]]);
    assert_eq!(trail.skipped.outside, 3, "two years and a month");
    let lists = world.lists();
    for expected in ["2026/01/29", "2026/01/31", "2026/02", "2026/04/01", "2026/04/02"] {
        assert!(lists.contains(&format!("tree {region}/{expected}")), "{expected}: {lists:?}");
    }
    assert_eq!(lists.len(), 2 + 3 + 1 + 2, "{lists:?}");

    // No end: the years tell which days there are.
    let trail = world.find(region, &Selection { until: None, ..between("2026-05-02", "2026-05-02") });
    assert_eq!(names(&trail), [&keys[6], &keys[7]]);
}

#[test]
fn an_object_may_be_named_itself() {
    let world = World::new(&[
        "a/b.txt",
        "a/123456789012_CloudTrail-Digest_us-east-1_t_us-east-1_20261123T000000Z.json.gz",
    ]);
    assert_eq!(names(&world.find("a/b.txt", &Selection::default())), ["a/b.txt"]);
    let digest = world.find(
        "a/123456789012_CloudTrail-Digest_us-east-1_t_us-east-1_20261123T000000Z.json.gz",
        &Selection::default(),
    );
    assert_eq!((digest.files.len(), digest.skipped.digests), (0, 1));
    let missing = world.find("a/c", &Selection::default());
    assert_eq!(missing.problems.len(), 1);
    assert_eq!(missing.problems[0].file, "s3://bucket/a/c");
}

#[test]
fn a_list_that_is_refused_is_told_and_the_others_go_on() {
    let keys = [
        "AWSLogs/123456789012/CloudTrail/eu-central-1/2026/01/01/a.json",
        "AWSLogs/123456789012/CloudTrail/us-east-1/2026/01/01/b.json",
    ];
    let world = World::with(&keys, Some("eu-central-1"));
    let trail = world.find("", &Selection::default());
    assert_eq!(names(&trail), [keys[1]]);
    assert_eq!(trail.problems.len(), 1);
    assert_eq!(trail.problems[0].file, "s3://bucket/AWSLogs/123456789012/CloudTrail/eu-central-1/2026/01");
    assert!(trail.problems[0].message.contains("AccessDenied"));
}

#[test]
fn objects_are_read_whole_or_in_parts_and_never_more_than_there_is_room_for() {
    let world = World::new(&[]);
    let part = 8 << 20;
    let content = |bytes: usize| (0..bytes).map(|place| (place / 7) as u8).collect::<Vec<_>>();
    let sizes = [0, 1, 1_000, part - 1, part, part + 1, 2 * part + 5];
    for bytes in sizes {
        world.put(&format!("{bytes}.json"), content(bytes));
    }
    for number in 0..50 {
        world.put(&format!("small-{number}.json"), b"[]".to_vec());
    }
    let trail = world.find("", &Selection::default());
    assert_eq!(trail.files.len(), sizes.len() + 50);
    for options in [
        FetchOptions::default(),
        FetchOptions { whole: 100, most_objects: 1, most_bytes: 1 },
        FetchOptions { most_bytes: 0, ..FetchOptions::default() },
    ] {
        let fetch = Fetch::new(&trail, options);
        let handed_out = Mutex::new(BTreeSet::new());
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut buffer = Vec::new();
                    while let Some(fetched) = fetch.next(&mut buffer) {
                        let bytes = usize::try_from(fetched.file.bytes.unwrap()).unwrap();
                        let is_whole = bytes as u64 <= options.whole;
                        let read = match fetched.body.unwrap() {
                            Body::Whole(content) => {
                                assert!(is_whole);
                                content
                            }
                            Body::Stream(mut stream) => {
                                assert!(!is_whole);
                                let mut content = Vec::new();
                                stream.read_to_end(&mut content).unwrap();
                                content
                            }
                            Body::InBuffer => panic!("it is not on this machine"),
                        };
                        let is_small = fetched.file.name.contains("small-");
                        assert!(
                            read == if is_small { b"[]".to_vec() } else { content(bytes) },
                            "{}",
                            fetched.file.name
                        );
                        assert!(handed_out.lock().unwrap().insert(fetched.file.name.clone()));
                    }
                });
            }
        });
        assert_eq!(handed_out.into_inner().unwrap().len(), trail.files.len());
    }
}

#[test]
fn what_changed_since_it_was_listed_is_a_problem_of_that_object_only() {
    let world = World::new(&["a.json", "b.json", "c.json"]);
    world.put("large.json", vec![b' '; (8 << 20) + 1]);
    let trail = world.find("", &Selection::default());
    let gone = Path::parse("a.json").unwrap();
    world.runtime.block_on(world.watched.inner.delete(&gone)).unwrap();
    world.put("b.json", b"{ }".to_vec());
    // Of the same size, but not the same.
    world.put("large.json", vec![b'x'; (8 << 20) + 1]);

    let fetch = Fetch::new(&trail, FetchOptions::default());
    let mut buffer = Vec::new();
    let mut told: Vec<_> = std::iter::from_fn(|| fetch.next(&mut buffer))
        .map(|fetched| {
            format!("{} {:?}", fetched.file.name, fetched.body.map(|_| ()).map_err(|error| error.kind()))
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "s3://bucket/a.json Err(NotFound)",
            "s3://bucket/b.json Err(Other)",
            "s3://bucket/c.json Ok(())",
            "s3://bucket/large.json Err(Other)",
        ]
    );
    let large = trail.files.iter().find(|file| file.name.ends_with("large.json")).unwrap();
    assert!(std::io::copy(&mut large.open().unwrap(), &mut std::io::sink()).is_err());
}

#[test]
fn whoever_waits_is_told_when_the_runtime_ends() {
    let world = World::new(&["a.json"]);
    let trail = world.find("", &Selection::default());
    drop(world.runtime);
    let fetch = Fetch::new(&trail, FetchOptions::default());
    let fetched = fetch.next(&mut Vec::new()).unwrap();
    assert_eq!(fetched.body.unwrap_err().to_string(), "the download was interrupted");
    assert!(fetch.next(&mut Vec::new()).is_none());
}

#[test]
fn a_url_is_understood_or_refused() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let s3 = S3Options {
        // Nobody listens there.
        endpoint: Some("http://127.0.0.1:9".to_owned()),
        credentials: S3Credentials::Anonymous,
        ..S3Options::default()
    };
    let stores = ObjectStores::new(runtime.handle().clone(), s3);
    let refused =
        |url: &str| stores.find(url, &Selection::default(), &mut Trail::default()).unwrap_err().to_string();
    for url in ["s3://", "s3:///key", "s3://bucket/a/../b", "s3://bucket/a//b"] {
        assert_eq!(refused(url), "a bucket is needed, and a key without empty parts, `.` and `..`", "{url}");
    }
    assert!(refused("ftp://bucket/key").contains("ftp"));
    if !cfg!(feature = "gcp") {
        assert!(refused("gs://bucket/").contains("gcp"));
    }
}

#[test]
fn tags_are_told_without_quotation_marks() {
    let world = World::new(&[]);
    let meta = ObjectMeta {
        location: Path::parse("a.json").unwrap(),
        last_modified: "2026-11-23T10:00:00Z".parse().unwrap(),
        size: 2,
        e_tag: Some("\"99914b932bd37a50b983c5e7c90ae93b\"".to_owned()),
        version: None,
    };
    let TrailFile { etag, modified, location, .. } = world.store.file(meta, None);
    assert_eq!(etag.as_deref(), Some("99914b932bd37a50b983c5e7c90ae93b"));
    assert_eq!(modified, EventTime::parse("2026-11-23T10:00:00Z"));
    assert!(matches!(location, Location::Object(_)));
}
