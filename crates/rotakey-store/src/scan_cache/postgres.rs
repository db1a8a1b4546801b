//! The cache in PostgreSQL, in a schema of its own: what several machines share.

use async_trait::async_trait;
use rotakey_engine::store::StoreError;
use rotakey_scan::cache::{CacheError, Entry, Outcome, Run, ScanCache, Stats, USED, Unit};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::cache_error;
use super::rows::{Known, kind, outcomes, rows};
use crate::location::Server;
use crate::postgres::{Database, Schema};

const SCHEMA: Schema = Schema {
    name: "rotakey_scan",
    create: "CREATE SCHEMA rotakey_scan",
    format: "rotakey_scan.format",
    read_format: "SELECT application, version::bigint FROM rotakey_scan.format",
    application: "rotakey scan cache",
    // "RTSC"
    lock: 0x5254_5343,
    migrations: &[include_str!("postgres/1.sql")],
};

/// The most units in one statement.
const ROWS: usize = 20_000;

/// How many questions are under way at a time.
const CONNECTIONS: u32 = 4;

/// A cache in PostgreSQL (12 or later), in the schema `rotakey_scan` of the database.
#[derive(Debug, Clone)]
pub struct PostgresCache {
    database: Database,
}

impl PostgresCache {
    /// Connects, and makes the schema if the database has none.
    ///
    /// # Errors
    /// [`CacheError::Foreign`] and [`CacheError::Newer`] for a schema of that name that is not of this program: it is left
    /// as it is. [`CacheError::Unavailable`] if the server does not answer, or not as it should.
    pub async fn open(server: &Server) -> Result<Self, CacheError> {
        let database = Database::open(server, &SCHEMA, CONNECTIONS).await.map_err(cache_error)?;
        Ok(Self { database })
    }

    fn failed(&self, error: &sqlx::Error) -> StoreError {
        self.database.failed.of(error)
    }

    /// What is known, and which units were last written down as used too long ago: positions.
    async fn find(&self, run: &Run, units: &[Unit]) -> Result<(Vec<Known>, Vec<usize>), sqlx::Error> {
        let (mut known, mut stale) = (Vec::new(), Vec::new());
        for (chunk, units) in units.chunks(ROWS).enumerate() {
            let statement = sqlx::query(
                "SELECT wanted.position, unit.day::bigint, unit.blobs, unit.findings
                 FROM unnest($1::smallint[], $2::bytea[]) WITH ORDINALITY AS wanted (kind, id, position)
                 JOIN rotakey_scan.unit ON unit.rules = (SELECT number FROM rotakey_scan.rules WHERE digest = $3)
                     AND unit.kind = wanted.kind AND unit.id = wanted.id",
            );
            let statement = statement.bind(kinds(units)).bind(ids(units)).bind(&run.rules.as_bytes()[..]);
            for row in statement.fetch_all(&self.database.pool).await? {
                // Counted from 1.
                let position = usize::try_from(row.try_get::<i64, _>(0)? - 1).unwrap_or(usize::MAX);
                let position = position.saturating_add(chunk * ROWS);
                if row.try_get::<i64, _>(1)? <= run.day - USED {
                    stale.push(position);
                }
                known.push(Known { position, blobs: row.try_get(2)?, findings: row.try_get(3)? });
            }
        }
        Ok((known, stale))
    }

    /// Writes down that these were used. What somebody else is writing down at the moment is left to them: nobody waits
    /// for anybody here.
    async fn touch(&self, run: &Run, units: &[Unit], stale: &[usize]) -> Result<(), sqlx::Error> {
        let units: Vec<Unit> = stale.iter().filter_map(|&position| units.get(position)).copied().collect();
        for units in units.chunks(ROWS) {
            let statement = sqlx::query(
                "WITH stale AS (
                     SELECT unit.rules, unit.kind, unit.id
                     FROM unnest($1::smallint[], $2::bytea[]) AS used (kind, id)
                     JOIN rotakey_scan.unit
                         ON unit.rules = (SELECT number FROM rotakey_scan.rules WHERE digest = $3)
                         AND unit.kind = used.kind AND unit.id = used.id
                     WHERE unit.day < $4 FOR UPDATE OF unit SKIP LOCKED)
                 UPDATE rotakey_scan.unit SET day = $4 FROM stale
                 WHERE unit.rules = stale.rules AND unit.kind = stale.kind AND unit.id = stale.id",
            );
            let statement = statement
                .bind(kinds(units))
                .bind(ids(units))
                .bind(&run.rules.as_bytes()[..])
                .bind(column(run.day));
            statement.execute(&self.database.pool).await?;
        }
        Ok(())
    }

    async fn insert(&self, run: &Run, entries: &[Entry]) -> Result<(), sqlx::Error> {
        let rows = rows(entries);
        let rules = sqlx::query(
            "INSERT INTO rotakey_scan.rules (digest) SELECT $1
             WHERE NOT EXISTS (SELECT FROM rotakey_scan.rules WHERE digest = $1) ON CONFLICT DO NOTHING",
        );
        // By itself: who adds the same rules at the same time would wait until all of this was added.
        rules.bind(&run.rules.as_bytes()[..]).execute(&self.database.pool).await?;
        let mut transaction = self.database.pool.begin().await?;
        for rows in rows.chunks(ROWS) {
            let statement = sqlx::query(
                "INSERT INTO rotakey_scan.unit (day, rules, kind, id, blobs, findings)
                 SELECT $6, (SELECT number FROM rotakey_scan.rules WHERE digest = $5), added.*
                 FROM unnest($1::smallint[], $2::bytea[], $3::bigint[], $4::text[]) AS added
                 ON CONFLICT DO NOTHING",
            );
            let statement = statement
                .bind(rows.iter().map(|row| row.kind).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.blobs).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.findings.as_deref()).collect::<Vec<_>>())
                .bind(&run.rules.as_bytes()[..])
                .bind(column(run.day));
            statement.execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }

    async fn count(&self) -> Result<Stats, sqlx::Error> {
        let statement = sqlx::query(
            "SELECT (SELECT count(*) FROM rotakey_scan.rules
                     WHERE EXISTS (SELECT FROM rotakey_scan.unit WHERE unit.rules = rules.number)),
                 count(*) FILTER (WHERE kind = 0), count(*) FILTER (WHERE kind = 1), count(findings),
                 (SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
                     WHERE relnamespace = 'rotakey_scan'::regnamespace AND relkind = 'r')
             FROM rotakey_scan.unit",
        );
        let row: PgRow = statement.fetch_one(&self.database.pool).await?;
        let number = |column: usize| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
        Ok(Stats {
            rules: number(0)?,
            blobs: number(1)?,
            packs: number(2)?,
            with_findings: number(3)?,
            bytes: number(4)?,
        })
    }
}

#[async_trait]
impl ScanCache for PostgresCache {
    async fn look_up(&self, run: &Run, units: &[Unit]) -> Result<Vec<Option<Outcome>>, CacheError> {
        let failed = |error| cache_error(self.failed(&error));
        let (known, stale) = self.find(run, units).await.map_err(failed)?;
        if !stale.is_empty() {
            self.touch(run, units, &stale).await.map_err(failed)?;
        }
        outcomes(self.database.failed.location(), units, known)
    }

    async fn add(&self, run: &Run, entries: &[Entry]) -> Result<(), CacheError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.insert(run, entries).await.map_err(|error| cache_error(self.failed(&error)))
    }

    async fn prune(&self, before: i64) -> Result<u64, CacheError> {
        let statement = sqlx::query("DELETE FROM rotakey_scan.unit WHERE day < $1");
        let done = statement.bind(column(before - USED)).execute(&self.database.pool).await;
        done.map(|done| done.rows_affected()).map_err(|error| cache_error(self.failed(&error)))
    }

    async fn stats(&self) -> Result<Stats, CacheError> {
        self.count().await.map_err(|error| cache_error(self.failed(&error)))
    }

    async fn close(self: Box<Self>) -> Result<(), CacheError> {
        self.database.pool.close().await;
        Ok(())
    }
}

fn kinds(units: &[Unit]) -> Vec<i16> {
    units.iter().map(kind).collect()
}

fn ids(units: &[Unit]) -> Vec<&[u8]> {
    units.iter().map(|unit| unit.id().as_bytes()).collect()
}

/// A day as the column has it.
fn column(day: i64) -> i32 {
    i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX })
}
