//! The index in an SQLite file.

mod tables;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use rotakey_engine::store::StoreError;
use rotakey_trail::event_time::EventTime;
use rotakey_trail::rollup::Seen;
use rotakey_trail::usage::schema::KeyUsage;
use sqlx::SqlitePool;

use super::tables::{Engine, Tables};
use super::{
    Begun, Commit, IndexError, IndexFile, KeyConsumers, KnownKey, Question, Stats, UsageIndex, commit,
    question,
};
use crate::error::of_sqlite;
use crate::schema::Schema;
use crate::sqlite_file::{self, Kind};

/// The file.
pub(crate) const KIND: Kind = Kind {
    schema: Schema {
        // "RTUX"
        application_id: 0x5254_5558,
        set_application_id: "PRAGMA application_id = 0x52545558",
        migrations: &[include_str!("sqlite/1.sql")],
    },
    // A large batch takes some seconds.
    busy_timeout: Duration::from_secs(120),
};

/// An index in an SQLite file. The file is in write-ahead mode: `-wal` and `-shm` beside it belong to it, so it must
/// be on a local disk.
#[derive(Debug, Clone)]
pub struct SqliteIndex {
    path: PathBuf,
    pool: SqlitePool,
}

impl SqliteIndex {
    /// Opens the index at that path, and makes it (0600, its directory 0700) if nothing is there.
    ///
    /// # Errors
    /// Those of [`SqliteStore::open`](crate::SqliteStore::open).
    pub async fn open(path: &Path) -> Result<Self, IndexError> {
        let pool = sqlite_file::open(path, &KIND).await?;
        Ok(Self { path: path.to_owned(), pool })
    }

    async fn begin(&self, statement: &'static str) -> Result<Box<dyn Tables>, StoreError> {
        let failed = |error: sqlx::Error| of_sqlite(&self.path, &error);
        let connection = self.pool.acquire().await.map_err(failed)?;
        Ok(Box::new(tables::SqliteTables::begin(self.path.clone(), connection, statement).await?))
    }
}

#[async_trait]
impl Engine for SqliteIndex {
    async fn read(&self) -> Result<Box<dyn Tables>, StoreError> {
        self.begin("BEGIN").await
    }

    async fn write(&self) -> Result<Box<dyn Tables>, StoreError> {
        self.begin("BEGIN IMMEDIATE").await
    }
}

#[async_trait]
impl UsageIndex for SqliteIndex {
    async fn begin(&self, files: &[IndexFile]) -> Result<Begun, IndexError> {
        commit::begin(self, files).await
    }

    async fn seen(&self, days: RangeInclusive<i64>, since: Option<&Begun>) -> Result<Seen, IndexError> {
        commit::seen(self, days, since).await
    }

    async fn commit(&self, commit: Commit<'_>) -> Result<(), IndexError> {
        commit::commit(self, commit).await
    }

    async fn usage(&self, question: &Question) -> Result<Vec<KeyUsage>, IndexError> {
        question::usage(self, question).await
    }

    async fn consumers(&self, key: &str, from: EventTime) -> Result<KeyConsumers, IndexError> {
        question::consumers(self, key, from).await
    }

    async fn keys(&self) -> Result<Vec<KnownKey>, IndexError> {
        question::keys(self).await
    }

    async fn prune(&self, before: i64) -> Result<u64, IndexError> {
        question::prune(self, before).await
    }

    async fn stats(&self) -> Result<Stats, IndexError> {
        question::stats(self).await
    }

    async fn close(self: Box<Self>) {
        self.pool.close().await;
    }
}
