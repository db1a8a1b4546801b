//! The index in PostgreSQL, in a schema of its own.

mod tables;

use std::ops::RangeInclusive;
use std::sync::Arc;

use async_trait::async_trait;
use rotakey_engine::store::StoreError;
use rotakey_trail::event_time::EventTime;
use rotakey_trail::rollup::Seen;
use rotakey_trail::usage::schema::KeyUsage;

use super::tables::{Engine, Tables};
use super::{
    Begun, Commit, IndexError, IndexFile, KeyConsumers, KnownKey, Question, Stats, UsageIndex, commit,
    question,
};
use crate::location::Server;
use crate::postgres::{Database, Schema};

const SCHEMA: Schema = Schema {
    name: "rotakey_usage",
    create: "CREATE SCHEMA rotakey_usage",
    format: "rotakey_usage.format",
    read_format: "SELECT application, version::bigint FROM rotakey_usage.format",
    application: "rotakey usage index",
    // "RTUX"
    lock: 0x5254_5558,
    migrations: &[include_str!("postgres/1.sql")],
};

/// An index in PostgreSQL (12 or later), in the schema `rotakey_usage` of the database.
#[derive(Debug, Clone)]
pub struct PostgresIndex {
    database: Database,
}

impl PostgresIndex {
    /// Connects, and makes the schema if the database has none.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] and [`StoreError::Newer`] for a schema of that name that is not of this program: it
    /// is left as it is. [`StoreError::Unavailable`] if the server does not answer, or not as it should.
    pub async fn open(server: &Server) -> Result<Self, IndexError> {
        // One, as of a file: with more, the first question may open another one, which costs more than the answer.
        Ok(Self { database: Database::open(server, &SCHEMA, 1).await? })
    }

    async fn begin(&self, statement: &'static str) -> Result<tables::PostgresTables, StoreError> {
        let Database { pool, failed } = &self.database;
        let transaction = pool.begin_with(statement).await.map_err(|error| failed.of(&error))?;
        Ok(tables::PostgresTables::new(Arc::clone(failed), transaction))
    }
}

#[async_trait]
impl Engine for PostgresIndex {
    async fn read(&self) -> Result<Box<dyn Tables>, StoreError> {
        Ok(Box::new(self.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?))
    }

    async fn write(&self) -> Result<Box<dyn Tables>, StoreError> {
        let mut tables = self.begin("BEGIN").await?;
        tables.lock().await?;
        Ok(Box::new(tables))
    }
}

#[async_trait]
impl UsageIndex for PostgresIndex {
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
        self.database.pool.close().await;
    }
}
