//! The index in PostgreSQL, in a schema of its own.

mod tables;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rotakey_engine::store::StoreError;
use rotakey_trail::rollup::Seen;
use rotakey_trail::usage::schema::KeyUsage;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{Connection, PgConnection, Row};

use super::location::Server;
use super::tables::{Engine, Tables};
use super::{Begun, Commit, IndexError, IndexFile, KnownKey, Question, Stats, UsageIndex, commit, question};

/// Each entry takes the schema one version further, and ends with its version in `format`. Entries are only ever
/// added.
const MIGRATIONS: [&str; 1] = [include_str!("postgres/1.sql")];

/// The schema version that this program writes.
const VERSION: i64 = MIGRATIONS.len() as i64;

/// How long to wait for a server to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a server takes that answers.
const SOON: Duration = Duration::from_millis(500);

/// An index in PostgreSQL (12 or later), in the schema `rotakey_usage` of the database.
#[derive(Debug, Clone)]
pub struct PostgresIndex {
    pool: PgPool,
    failed: Arc<Failed>,
}

impl PostgresIndex {
    /// Connects, and makes the schema if the database has none.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] and [`StoreError::Newer`] for a schema of that name that is not of this program: it
    /// is left as it is. [`StoreError::Unavailable`] if the server does not answer, or not as it should.
    pub async fn open(server: &Server) -> Result<Self, IndexError> {
        let failed = Arc::new(Failed { location: server.to_string() });
        // One, as of a file: with more, the first question may open another one, which costs more than the answer.
        let options = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE);
        let pool = tokio::select! {
            pool = options.connect_with((*server.options).clone()) => pool,
            error = refusal(server) => Err(error),
        };
        let pool = pool.map_err(|error| failed.of(&error))?;
        let index = Self { pool, failed };
        index.prepare().await?;
        Ok(index)
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        let failed = |error: sqlx::Error| self.failed.of(&error);
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        if self.version(&mut connection).await? == Some(VERSION) {
            return Ok(());
        }
        let mut transaction = connection.begin().await.map_err(failed)?;
        // Several processes may make it at once. The number is "RTUX", as the SQLite file says.
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(0x5254_5558_i64)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        let found = match self.version(&mut transaction).await? {
            Some(found) => found,
            None => {
                sqlx::raw_sql("CREATE SCHEMA rotakey_usage")
                    .execute(&mut *transaction)
                    .await
                    .map_err(failed)?;
                0
            }
        };
        for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
            sqlx::raw_sql(*migration).execute(&mut *transaction).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    /// The version of the schema; `None` if there is none.
    async fn version(&self, connection: &mut PgConnection) -> Result<Option<i64>, StoreError> {
        let failed = |error: sqlx::Error| self.failed.of(&error);
        let location = self.failed.location.clone();
        let number = |row: sqlx::postgres::PgRow| row.try_get::<bool, _>(0);
        let found = sqlx::query("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'rotakey_usage')");
        if !found.fetch_one(&mut *connection).await.and_then(number).map_err(failed)? {
            return Ok(None);
        }
        let foreign = || StoreError::Foreign {
            location: location.clone(),
            message: "its schema rotakey_usage is not of this program".to_owned(),
        };
        let format = sqlx::query("SELECT to_regclass('rotakey_usage.format') IS NOT NULL");
        if !format.fetch_one(&mut *connection).await.and_then(number).map_err(failed)? {
            return Err(foreign());
        }
        let row = sqlx::query("SELECT application, version::bigint FROM rotakey_usage.format")
            .fetch_optional(&mut *connection)
            .await
            .map_err(|_| foreign())?
            .ok_or_else(foreign)?;
        let application: String = row.try_get(0).map_err(failed)?;
        let found: i64 = row.try_get(1).map_err(failed)?;
        match () {
            () if application != "rotakey usage index" => Err(foreign()),
            () if found > VERSION => Err(StoreError::Newer { location, found, known: VERSION }),
            () => Ok(Some(found)),
        }
    }

    async fn begin(&self, statement: &'static str) -> Result<tables::PostgresTables, StoreError> {
        let transaction = self.pool.begin_with(statement).await.map_err(|error| self.failed.of(&error))?;
        Ok(tables::PostgresTables::new(Arc::clone(&self.failed), transaction))
    }
}

/// Why the server does not let us in, if it does not. A pool does not tell: it tries again for as long as it has
/// patience, also where nobody listens. Asked only if the pool is not connected soon; a first connection costs as much
/// as an answer.
async fn refusal(server: &Server) -> sqlx::Error {
    tokio::time::sleep(SOON).await;
    match PgConnection::connect_with(&server.options).await {
        Ok(connection) => {
            // The pool will be connected as well.
            drop(connection);
            std::future::pending().await
        }
        Err(error) => error,
    }
}

/// What the errors of PostgreSQL mean for an index.
#[derive(Debug)]
struct Failed {
    location: String,
}

impl Failed {
    fn of(&self, error: &sqlx::Error) -> StoreError {
        let location = self.location.clone();
        // https://www.postgresql.org/docs/current/errcodes-appendix.html
        match error.as_database_error().and_then(|error| error.code()).as_deref() {
            Some("53100") => StoreError::Full { location },
            Some("25006") => StoreError::ReadOnly { location },
            _ => {
                let message = match error {
                    sqlx::Error::PoolTimedOut => "no answer".to_owned(),
                    error => error.to_string().chars().flat_map(char::escape_debug).collect(),
                };
                StoreError::Unavailable { location, message }
            }
        }
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
