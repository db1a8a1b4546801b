//! The cache in an SQLite file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use rotakey_engine::store::StoreError;
use rotakey_scan::cache::{CacheError, Entry, Outcome, Run, ScanCache, Stats, USED, Unit};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row as _, Sqlite, SqlitePool};

use super::cache_error;
use super::rows::{KINDS, Known, kind, outcomes, rows};
use crate::error::{of_sqlite, shown};
use crate::schema::Schema;
use crate::sqlite_file::{self, Kind};

/// The file.
pub(crate) const KIND: Kind = Kind {
    schema: Schema {
        // "RTSC"
        application_id: 0x5254_5343,
        set_application_id: "PRAGMA application_id = 0x52545343",
        migrations: &[include_str!("sqlite/1.sql")],
    },
    // To prune a large cache takes some seconds.
    busy_timeout: Duration::from_secs(120),
};

/// The most units in one statement.
const ROWS: usize = 20_000;

/// A cache in an SQLite file. The file is in write-ahead mode: `-wal` and `-shm` beside it belong to it, so it must be on
/// a local disk. Several processes may use it at a time.
#[derive(Debug, Clone)]
pub struct SqliteCache {
    path: PathBuf,
    pool: SqlitePool,
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

impl SqliteCache {
    /// Opens the cache at that path, and makes it (0600, its directory 0700) if nothing is there.
    ///
    /// # Errors
    /// [`CacheError::Foreign`] and [`CacheError::Newer`] for a file that is not a cache or is of a later version: it is left
    /// as it is. [`CacheError::ReadOnly`], [`CacheError::Full`] and [`CacheError::Unavailable`] as the file system has it.
    pub async fn open(path: &Path) -> Result<Self, CacheError> {
        let pool = sqlite_file::open(path, &KIND).await.map_err(cache_error)?;
        Ok(Self { path: path.to_owned(), pool })
    }

    async fn begin(&self, statement: &'static str) -> Result<Transaction<'_>, StoreError> {
        let connection = self.pool.acquire().await.map_err(|error| of_sqlite(&self.path, &error))?;
        let mut transaction = Transaction { path: &self.path, connection, ended: false };
        transaction.run(sqlx::query(statement)).await?;
        Ok(transaction)
    }

    /// What is known, and which units were last written down as used too long ago: positions.
    async fn find(&self, run: &Run, units: &[Unit]) -> Result<(Vec<Known>, Vec<usize>), StoreError> {
        let mut transaction = self.begin("BEGIN").await?;
        let (mut known, mut stale) = (Vec::new(), Vec::new());
        for (kind, positions) in by_kind(units) {
            for positions in positions.chunks(ROWS) {
                let statement = sqlx::query(
                    "SELECT wanted.key, unit.day, unit.blobs, unit.findings FROM json_each($1) AS wanted
                     CROSS JOIN unit ON unit.rules = (SELECT number FROM rules WHERE digest = $2)
                         AND unit.kind = $3 AND unit.id = unhex(wanted.value)",
                );
                let statement =
                    statement.bind(hexes(units, positions)).bind(&run.rules.as_bytes()[..]).bind(kind);
                let row = |row: &SqliteRow| {
                    let position = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX);
                    let known = Known { position, blobs: row.try_get(2)?, findings: row.try_get(3)? };
                    Ok((row.try_get::<i64, _>(1)?, known))
                };
                for (day, mut found) in transaction.all(statement, row).await? {
                    let Some(&position) = positions.get(found.position) else { continue };
                    found.position = position;
                    if day <= run.day - USED {
                        stale.push(position);
                    }
                    known.push(found);
                }
            }
        }
        transaction.commit().await?;
        Ok((known, stale))
    }

    /// Writes down that these were used.
    async fn touch(&self, run: &Run, units: &[Unit], stale: &[usize]) -> Result<(), StoreError> {
        let units: Vec<Unit> = stale.iter().map(|&position| units[position]).collect();
        let mut transaction = self.begin("BEGIN IMMEDIATE").await?;
        for (kind, positions) in by_kind(&units) {
            for positions in positions.chunks(ROWS) {
                let statement = sqlx::query(
                    "UPDATE unit SET day = $4
                     WHERE rules = (SELECT number FROM rules WHERE digest = $2) AND kind = $3 AND day < $4
                         AND id IN (SELECT unhex(value) FROM json_each($1))",
                );
                let statement = statement
                    .bind(hexes(&units, positions))
                    .bind(&run.rules.as_bytes()[..])
                    .bind(kind)
                    .bind(run.day);
                transaction.run(statement).await?;
            }
        }
        transaction.commit().await
    }

    async fn insert(&self, run: &Run, entries: &[Entry]) -> Result<(), StoreError> {
        let rows = rows(entries);
        let mut transaction = self.begin("BEGIN IMMEDIATE").await?;
        let rules = sqlx::query("INSERT INTO rules (digest) VALUES ($1) ON CONFLICT DO NOTHING");
        transaction.run(rules.bind(&run.rules.as_bytes()[..])).await?;
        for rows in rows.chunks(ROWS) {
            let json: Vec<_> =
                rows.iter().map(|row| (row.kind, hex(row.id), row.blobs, &row.findings)).collect();
            let statement = sqlx::query(
                "INSERT INTO unit (rules, kind, id, day, blobs, findings)
                 SELECT (SELECT number FROM rules WHERE digest = $2), value->>0, unhex(value->>1), $3,
                     value->>2, value->>3 FROM json_each($1) WHERE true
                 ON CONFLICT DO NOTHING",
            );
            let json = serde_json::to_string(&json).expect("numbers and texts are JSON");
            transaction.run(statement.bind(json).bind(&run.rules.as_bytes()[..]).bind(run.day)).await?;
        }
        transaction.commit().await
    }

    async fn delete(&self, before: i64) -> Result<u64, StoreError> {
        let mut transaction = self.begin("BEGIN IMMEDIATE").await?;
        let gone =
            transaction.run(sqlx::query("DELETE FROM unit WHERE day < $1").bind(before - USED)).await?;
        transaction.commit().await?;
        Ok(gone)
    }

    async fn count(&self) -> Result<Stats, StoreError> {
        let mut transaction = self.begin("BEGIN").await?;
        let statement = sqlx::query(
            "SELECT (SELECT count(*) FROM rules
                     WHERE EXISTS (SELECT 1 FROM unit WHERE unit.rules = rules.number)),
                 coalesce(sum(kind = 0), 0), coalesce(sum(kind = 1), 0), count(findings),
                 (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)
             FROM unit",
        );
        let row = |row: &SqliteRow| {
            let number = |column: usize| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
            Ok(Stats {
                rules: number(0)?,
                blobs: number(1)?,
                packs: number(2)?,
                with_findings: number(3)?,
                bytes: number(4)?,
            })
        };
        let stats = transaction.all(statement, row).await?;
        transaction.commit().await?;
        Ok(stats.into_iter().next().unwrap_or_default())
    }
}

#[async_trait]
impl ScanCache for SqliteCache {
    async fn look_up(&self, run: &Run, units: &[Unit]) -> Result<Vec<Option<Outcome>>, CacheError> {
        let (known, stale) = self.find(run, units).await.map_err(cache_error)?;
        if !stale.is_empty() {
            self.touch(run, units, &stale).await.map_err(cache_error)?;
        }
        outcomes(&shown(&self.path), units, known)
    }

    async fn add(&self, run: &Run, entries: &[Entry]) -> Result<(), CacheError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.insert(run, entries).await.map_err(cache_error)
    }

    async fn prune(&self, before: i64) -> Result<u64, CacheError> {
        self.delete(before).await.map_err(cache_error)
    }

    async fn stats(&self) -> Result<Stats, CacheError> {
        self.count().await.map_err(cache_error)
    }

    async fn close(self: Box<Self>) -> Result<(), CacheError> {
        self.pool.close().await;
        Ok(())
    }
}

/// A transaction. If it is dropped before its end, its connection is closed, which undoes it: on an error such as a
/// full disk SQLite ends a transaction by itself, and the connection would be of no use any more.
struct Transaction<'a> {
    path: &'a Path,
    connection: PoolConnection<Sqlite>,
    ended: bool,
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.close_on_drop();
        }
    }
}

impl Transaction<'_> {
    /// Returns how many rows were changed.
    async fn run(&mut self, statement: Query<'_>) -> Result<u64, StoreError> {
        let done = statement.execute(&mut *self.connection).await;
        done.map(|done| done.rows_affected()).map_err(|error| of_sqlite(self.path, &error))
    }

    async fn all<T>(
        &mut self,
        statement: Query<'_>,
        row: impl Fn(&SqliteRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = statement.fetch_all(&mut *self.connection).await;
        let rows = rows.and_then(|rows| rows.iter().map(row).collect());
        rows.map_err(|error| of_sqlite(self.path, &error))
    }

    async fn commit(mut self) -> Result<(), StoreError> {
        self.run(sqlx::query("COMMIT")).await?;
        self.ended = true;
        Ok(())
    }
}

/// The positions of the units of each kind.
fn by_kind(units: &[Unit]) -> impl Iterator<Item = (i16, Vec<usize>)> + '_ {
    KINDS.into_iter().map(|wanted| {
        (wanted, (0..units.len()).filter(|&position| kind(&units[position]) == wanted).collect())
    })
}

/// Ids as a list in JSON: one value for a statement that is fixed.
fn hexes(units: &[Unit], positions: &[usize]) -> String {
    let ids: Vec<String> = positions.iter().map(|&position| units[position].id().to_string()).collect();
    serde_json::to_string(&ids).expect("texts are JSON")
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
