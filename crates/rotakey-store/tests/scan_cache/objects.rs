//! Caches of objects, by their locations. Their suite is that of `rotakey-scan`.

use rotakey_scan::cache::{Entry, Outcome, RulesVersion, Run, Unit};
use rotakey_scan::object_id::ObjectId;
use rotakey_store::scan_cache::{self, CacheLocation};

#[tokio::test]
async fn a_cache_in_a_folder_is_opened_by_its_url() {
    let directory = tempfile::tempdir().unwrap();
    let location = format!("file://{}/a/b", directory.path().display()).parse::<CacheLocation>().unwrap();
    let run = Run { rules: RulesVersion::of(&[]), day: 20_000 };
    let unit = Unit::Blob(ObjectId::from_bytes(&[1; 20]).unwrap());
    let outcome = Outcome { blobs: 1, findings: Vec::new() };
    let cache = scan_cache::open(&location, None).await.unwrap();
    cache.add(&run, &[Entry { unit, outcome: outcome.clone() }]).await.unwrap();
    cache.close().await.unwrap();
    let cache = scan_cache::open(&location, None).await.unwrap();
    assert_eq!(cache.look_up(&run, &[unit]).await.unwrap(), [Some(outcome)]);
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_is_told() {
    let location: CacheLocation = "s3://bucket/cache".parse().unwrap();
    let Err(error) = scan_cache::open(&location, None).await else { panic!("it was opened") };
    assert_eq!(error.to_string(), "s3://bucket/cache: object stores cannot be reached here");
}
