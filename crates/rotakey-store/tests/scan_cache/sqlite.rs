//! The suite on SQLite, and what is particular to a file.

use std::path::Path;

use async_trait::async_trait;
use rotakey_scan::cache::conformance::{self, Harness, Place, found};
use rotakey_scan::cache::{CacheError, Entry, Outcome, RulesVersion, Run, ScanCache, Unit};
use rotakey_scan::object_id::ObjectId;
use rotakey_scan::specimen::Specimen;
use rotakey_store::scan_cache::SqliteCache;
use rotakey_store::usage_index::{IndexError, SqliteIndex};
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;

struct Files;

#[async_trait]
impl Harness for Files {
    async fn empty(&self) -> Box<dyn Place> {
        Box::new(FilePlace(tempfile::tempdir().unwrap()))
    }
}

struct FilePlace(TempDir);

#[async_trait]
impl Place for FilePlace {
    async fn open(&self) -> Box<dyn ScanCache> {
        Box::new(SqliteCache::open(&self.0.path().join("scans.db")).await.unwrap())
    }
}

fn run() -> Run {
    Run { rules: RulesVersion::of(&[]), day: 20_000 }
}

fn id(number: u32) -> ObjectId {
    let mut bytes = [7; 20];
    bytes[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
    ObjectId::from_bytes(&bytes).unwrap()
}

async fn with_a_finding(path: &Path) -> Unit {
    let cache = SqliteCache::open(path).await.unwrap();
    let unit = Unit::Blob(id(1));
    let outcome = Outcome { blobs: 1, findings: vec![found(id(1), 42)] };
    cache.add(&run(), &[Entry { unit, outcome }]).await.unwrap();
    Box::new(cache).close().await.unwrap();
    unit
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_keeps_the_contract_of_caches() {
    conformance::check_all(&Files).await;
}

#[tokio::test]
async fn no_secret_is_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    with_a_finding(&directory.path().join("scans.db")).await;
    let specimen = Specimen::from_seed(42);
    let mut ids = 0;
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        ids += usize::from(has(&specimen.access_key_id));
        assert!(!has(&specimen.secret_access_key[4..]));
    }
    assert!(ids > 0, "the finding is not there at all");
}

#[tokio::test]
async fn a_damaged_finding_is_told_and_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scans.db");
    let unit = with_a_finding(&path).await;
    let mut connection = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    for (statement, expected) in [
        ("UPDATE unit SET findings = '[{}]'", "missing field"),
        ("UPDATE unit SET findings = NULL, blobs = -1", "fewer than no blobs"),
    ] {
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
        let cache = SqliteCache::open(&path).await.unwrap();
        let error = cache.look_up(&run(), &[unit]).await.unwrap_err();
        let CacheError::Damaged { location, message } = error else { panic!("{error:?}") };
        assert!(location.ends_with(&unit.id().to_string()) && message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn an_index_is_no_cache_and_a_cache_no_index() {
    let directory = tempfile::tempdir().unwrap();
    let (index, cache) = (directory.path().join("usage.db"), directory.path().join("scans.db"));
    drop(SqliteIndex::open(&index).await.unwrap());
    with_a_finding(&cache).await;
    let error = SqliteCache::open(&index).await.unwrap_err();
    assert!(matches!(error, CacheError::Foreign { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!("{} is not a cache of scans: it is another file of rotakey's", index.display())
    );
    assert!(matches!(SqliteIndex::open(&cache).await.unwrap_err(), IndexError::Medium(_)));
}

#[tokio::test]
async fn a_clean_blob_costs_little() {
    let directory = tempfile::tempdir().unwrap();
    let cache = SqliteCache::open(&directory.path().join("scans.db")).await.unwrap();
    let outcome = Outcome { blobs: 1, findings: Vec::new() };
    let entries: Vec<Entry> =
        (0..50_000).map(|number| Entry { unit: Unit::Blob(id(number)), outcome: outcome.clone() }).collect();
    cache.add(&run(), &entries).await.unwrap();
    let bytes = cache.stats().await.unwrap().bytes;
    assert!(bytes < 50_000 * 40, "{} bytes for each", bytes / 50_000);
}
