//! Connects to PostgreSQL, and makes a schema there whole or not at all.

use std::sync::Arc;
use std::time::Duration;

use rotakey_engine::store::StoreError;
use sqlx::postgres::{PgPool, PgPoolOptions, PgRow};
use sqlx::{Connection, PgConnection, Row};

use crate::location::Server;
use crate::schema::SchemaVersion;

/// How long to wait for a server to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a server takes that answers.
const SOON: Duration = Duration::from_millis(500);

/// A schema of ours in a database that may be shared with others.
pub(crate) struct Schema {
    /// Its name.
    pub(crate) name: &'static str,
    /// Makes it. A name is no bound value, so it is written out.
    pub(crate) create: &'static str,
    /// Its table `format`, with the schema's name.
    pub(crate) format: &'static str,
    /// Reads from that table: whose it is, and which version of it, as `bigint`.
    pub(crate) read_format: &'static str,
    /// What that table says of whose it is.
    pub(crate) application: &'static str,
    /// What processes wait for that make it at once; the number that an SQLite file of the same content has.
    pub(crate) lock: i64,
    /// Each entry takes the schema one version further, and ends with its version in `format`. Entries are only ever
    /// added.
    pub(crate) migrations: &'static [&'static str],
}

/// A server that has been connected to. Clones share its connections.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) pool: PgPool,
    pub(crate) failed: Arc<Failed>,
}

impl Database {
    /// Connects, and makes the schema if the database has none.
    pub(crate) async fn open(server: &Server, schema: &Schema, connections: u32) -> Result<Self, StoreError> {
        let database = Self::connect(server, connections).await?;
        database.prepare(schema).await?;
        Ok(database)
    }

    /// The version of the schema that the database has. Changes nothing.
    pub(crate) async fn found(server: &Server, schema: &Schema) -> Result<SchemaVersion, StoreError> {
        let database = Self::connect(server, 1).await?;
        let connection = database.pool.acquire().await;
        let mut connection = connection.map_err(|error| database.failed.of(&error))?;
        let found = database.version(schema, &mut connection).await?;
        drop(connection);
        database.pool.close().await;
        Ok(SchemaVersion { found, known: schema.version() })
    }

    async fn connect(server: &Server, connections: u32) -> Result<Self, StoreError> {
        let failed = Arc::new(Failed { location: server.to_string() });
        let options = PgPoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE);
        let pool = tokio::select! {
            pool = options.connect_with((*server.options).clone()) => pool,
            error = refusal(server) => Err(error),
        };
        let pool = pool.map_err(|error| failed.of(&error))?;
        Ok(Self { pool, failed })
    }

    async fn prepare(&self, schema: &Schema) -> Result<(), StoreError> {
        let failed = |error: sqlx::Error| self.failed.of(&error);
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        if self.version(schema, &mut connection).await? == Some(schema.version()) {
            return Ok(());
        }
        let mut transaction = connection.begin().await.map_err(failed)?;
        // Several processes may make it at once.
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(schema.lock)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        let found = match self.version(schema, &mut transaction).await? {
            Some(found) => found,
            None => {
                sqlx::raw_sql(schema.create).execute(&mut *transaction).await.map_err(failed)?;
                0
            }
        };
        for migration in schema.migrations.iter().skip(usize::try_from(found).unwrap_or(0)) {
            sqlx::raw_sql(*migration).execute(&mut *transaction).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    /// The version of the schema; `None` if there is none.
    async fn version(
        &self,
        schema: &Schema,
        connection: &mut PgConnection,
    ) -> Result<Option<i64>, StoreError> {
        let failed = |error: sqlx::Error| self.failed.of(&error);
        let location = self.failed.location.clone();
        let answer = |row: PgRow| row.try_get::<bool, _>(0);
        let found = sqlx::query("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)");
        let found = found.bind(schema.name).fetch_one(&mut *connection).await;
        if !found.and_then(answer).map_err(failed)? {
            return Ok(None);
        }
        let foreign = || StoreError::Foreign {
            location: location.clone(),
            message: format!("its schema {} is not of this program", schema.name),
        };
        let format = sqlx::query("SELECT to_regclass($1) IS NOT NULL");
        let format = format.bind(schema.format).fetch_one(&mut *connection).await;
        if !format.and_then(answer).map_err(failed)? {
            return Err(foreign());
        }
        let row = sqlx::query(schema.read_format)
            .fetch_optional(&mut *connection)
            .await
            .map_err(|_| foreign())?
            .ok_or_else(foreign)?;
        let application: String = row.try_get(0).map_err(failed)?;
        let found: i64 = row.try_get(1).map_err(failed)?;
        match () {
            () if application != schema.application => Err(foreign()),
            () if found > schema.version() => {
                Err(StoreError::Newer { location, found, known: schema.version() })
            }
            () => Ok(Some(found)),
        }
    }
}

impl Schema {
    /// The schema version that this program writes.
    const fn version(&self) -> i64 {
        self.migrations.len() as i64
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

/// What the errors of PostgreSQL mean for what is kept in it.
#[derive(Debug)]
pub(crate) struct Failed {
    location: String,
}

impl Failed {
    pub(crate) fn of(&self, error: &sqlx::Error) -> StoreError {
        let location = self.location.clone();
        // https://www.postgresql.org/docs/current/errcodes-appendix.html
        match error.as_database_error().and_then(|error| error.code()).as_deref() {
            Some("53100") => StoreError::Full { location },
            Some("25006") => StoreError::ReadOnly { location },
            Some("28000" | "28P01" | "42501") => StoreError::Denied { location, message: told(error) },
            _ => StoreError::Unavailable { location, message: told(error) },
        }
    }

    /// Where it is, for people.
    pub(crate) fn location(&self) -> &str {
        &self.location
    }
}

/// What the server said, without what harms a terminal.
fn told(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::PoolTimedOut => "no answer".to_owned(),
        error => error.to_string().chars().flat_map(char::escape_debug).collect(),
    }
}
