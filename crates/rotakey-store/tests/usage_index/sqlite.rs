//! The suite on SQLite, and what is particular to a file.

use async_trait::async_trait;
use rotakey_engine::store::StoreError;
use rotakey_store::SqliteStore;
use rotakey_store::usage_index::{IndexError, SqliteIndex, UsageIndex};
use tempfile::TempDir;

use crate::conformance::{self, Harness, Place};

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
    async fn open(&self) -> Box<dyn UsageIndex> {
        Box::new(SqliteIndex::open(&self.0.path().join("usage.db")).await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_keeps_the_contract_of_indexes() {
    conformance::check_all(&Files).await;
}

#[tokio::test]
async fn the_log_of_rotations_is_no_index_and_an_index_no_log() {
    let directory = tempfile::tempdir().unwrap();
    let (log, index) = (directory.path().join("rotations.db"), directory.path().join("usage.db"));
    SqliteStore::open(&log).await.unwrap().close().await;
    Box::new(SqliteIndex::open(&index).await.unwrap()).close().await;
    let before = (std::fs::read(&log).unwrap(), std::fs::read(&index).unwrap());
    let message = "it is another file of rotakey's";
    let foreign = |path: &std::path::Path| StoreError::Foreign {
        location: path.display().to_string(),
        message: message.to_owned(),
    };
    assert_eq!(SqliteIndex::open(&log).await.unwrap_err(), IndexError::Medium(foreign(&log)));
    assert_eq!(SqliteStore::open(&index).await.unwrap_err(), foreign(&index));
    assert!(before == (std::fs::read(&log).unwrap(), std::fs::read(&index).unwrap()), "a file was changed");
}
