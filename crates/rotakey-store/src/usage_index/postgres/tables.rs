//! The tables in PostgreSQL. A list goes in as one array for each column: the statements are then few, fixed, and
//! prepared once.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use rotakey_engine::store::StoreError;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row, Transaction};

use crate::postgres::Failed;
use crate::usage_index::tables::{
    Counts, Digest, Entry, FileRow, KeyRow, MintRow, PERIOD, SeenRow, SightingRow, Span, Table, Tables,
    TotalRow, UseRow,
};

/// The most rows in one statement.
const ROWS: usize = 20_000;

/// A statement for each table that has numbers.
macro_rules! for_table {
    ($table:expr, $before:literal, $after:literal) => {
        match $table {
            Table::Name => concat!($before, "rotakey_usage.name", $after),
            Table::AccessKey => concat!($before, "rotakey_usage.access_key", $after),
            Table::Principal => concat!($before, "rotakey_usage.principal", $after),
            Table::Client => concat!($before, "rotakey_usage.client", $after),
            Table::Operation => concat!($before, "rotakey_usage.operation", $after),
        }
    };
}

/// A transaction. If it is dropped before its end, it is rolled back.
pub(super) struct PostgresTables {
    failed: Arc<Failed>,
    transaction: Transaction<'static, Postgres>,
}

type Statement<'q> = Query<'q, Postgres, PgArguments>;

impl PostgresTables {
    pub(super) fn new(failed: Arc<Failed>, transaction: Transaction<'static, Postgres>) -> Self {
        Self { failed, transaction }
    }

    /// Waits until nobody else writes. Readers are not waited for, and do not wait.
    pub(super) async fn lock(&mut self) -> Result<(), StoreError> {
        self.run(sqlx::query("LOCK TABLE rotakey_usage.batch IN EXCLUSIVE MODE")).await.map(drop)
    }

    /// Returns how many rows were changed.
    async fn run(&mut self, statement: Statement<'_>) -> Result<u64, StoreError> {
        let done = statement.execute(&mut *self.transaction).await;
        done.map(|done| done.rows_affected()).map_err(|error| self.failed.of(&error))
    }

    async fn all<T>(
        &mut self,
        statement: Statement<'_>,
        row: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = statement.fetch_all(&mut *self.transaction).await;
        let rows = rows.and_then(|rows| rows.iter().map(row).collect());
        rows.map_err(|error| self.failed.of(&error))
    }

    /// The first column of the only row.
    async fn number(&mut self, statement: &'static str) -> Result<i64, StoreError> {
        let row = sqlx::query(statement).fetch_one(&mut *self.transaction).await;
        row.and_then(|row| row.try_get(0)).map_err(|error| self.failed.of(&error))
    }

    /// Runs it for all rows, some at a time: for each column an array.
    async fn run_for<T: Sync, const N: usize>(
        &mut self,
        statement: &'static str,
        rows: &[T],
        columns: impl Fn(&T) -> [i64; N],
    ) -> Result<(), StoreError> {
        for rows in rows.chunks(ROWS) {
            let mut arrays: [Vec<i64>; N] = std::array::from_fn(|_| Vec::with_capacity(rows.len()));
            for row in rows {
                for (array, value) in arrays.iter_mut().zip(columns(row)) {
                    array.push(value);
                }
            }
            let statement =
                arrays.into_iter().fold(sqlx::query(statement), |statement, array| statement.bind(array));
            self.run(statement).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Tables for PostgresTables {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let Self { failed, transaction } = *self;
        transaction.commit().await.map_err(|error| failed.of(&error))
    }

    async fn last_at(&mut self) -> Result<Option<i64>, StoreError> {
        let last = self.number("SELECT coalesce(max(last_at), -1) FROM rotakey_usage.access_key").await?;
        Ok((last >= 0).then_some(last))
    }

    async fn last_batch(&mut self) -> Result<i64, StoreError> {
        self.number("SELECT coalesce(max(number), 0) FROM rotakey_usage.batch").await
    }

    async fn insert_batch(&mut self, number: i64, at: i64, files: i64, calls: i64) -> Result<(), StoreError> {
        let statement =
            sqlx::query("INSERT INTO rotakey_usage.batch (number, at, files, calls) VALUES ($1, $2, $3, $4)");
        self.run(statement.bind(number).bind(at).bind(files).bind(calls)).await.map(drop)
    }

    async fn find_files(&mut self, digests: &[Digest]) -> Result<Vec<FileRow>, StoreError> {
        let mut found = Vec::new();
        for digests in digests.chunks(ROWS) {
            let statement = sqlx::query(
                "SELECT digest, bytes, tag, day::bigint FROM unnest($1::bytea[]) AS wanted
                 JOIN rotakey_usage.file ON file.digest = wanted",
            );
            let row = |row: &PgRow| {
                Ok(FileRow {
                    digest: digest(row, "digest")?,
                    bytes: row.try_get("bytes")?,
                    tag: row.try_get("tag")?,
                    day: row.try_get("day")?,
                })
            };
            found.extend(self.all(statement.bind(bytes(digests)), row).await?);
        }
        Ok(found)
    }

    async fn insert_files(&mut self, batch: i64, files: &[FileRow]) -> Result<(), StoreError> {
        for files in files.chunks(ROWS) {
            let statement = sqlx::query(
                "INSERT INTO rotakey_usage.file (digest, bytes, tag, day, batch)
                 SELECT digest, bytes, tag, day, $5
                 FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[])
                     AS added (digest, bytes, tag, day)",
            )
            .bind(files.iter().map(|file| file.digest.to_vec()).collect::<Vec<_>>())
            .bind(files.iter().map(|file| file.bytes).collect::<Vec<_>>())
            .bind(files.iter().map(|file| file.tag).collect::<Vec<_>>())
            .bind(files.iter().map(|file| file.day).collect::<Vec<_>>())
            .bind(batch);
            self.run(statement).await?;
        }
        Ok(())
    }

    async fn last_id(&mut self, table: Table) -> Result<i64, StoreError> {
        self.number(for_table!(table, "SELECT coalesce(max(id), 0)::bigint FROM ", "")).await
    }

    async fn find(&mut self, table: Table, digests: &[Digest]) -> Result<HashMap<Digest, i64>, StoreError> {
        let mut found = HashMap::new();
        for digests in digests.chunks(ROWS) {
            let statement = sqlx::query(for_table!(
                table,
                "SELECT found.digest, found.id::bigint FROM unnest($1::bytea[]) AS wanted JOIN ",
                " AS found ON found.digest = wanted"
            ));
            let row = |row: &PgRow| Ok((digest(row, "digest")?, row.try_get("id")?));
            found.extend(self.all(statement.bind(bytes(digests)), row).await?);
        }
        Ok(found)
    }

    async fn insert(&mut self, table: Table, entries: &[Entry<'_>]) -> Result<(), StoreError> {
        let statement = match table {
            Table::Name => {
                "INSERT INTO rotakey_usage.name (id, digest, text)
                 SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::text[])"
            }
            Table::AccessKey => {
                "INSERT INTO rotakey_usage.access_key (id, digest, access_key_id)
                 SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::text[])"
            }
            Table::Principal => {
                "INSERT INTO rotakey_usage.principal (id, digest, arn, kind, account_id, user_name)
                 SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[],
                     $6::bigint[])"
            }
            Table::Client => {
                "INSERT INTO rotakey_usage.client
                     (id, digest, consumer, description, network, agent, vpc_endpoint, invoked_by)
                 SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[],
                     $6::bigint[], $7::bigint[], $8::bigint[])"
            }
            Table::Operation => {
                "INSERT INTO rotakey_usage.operation (id, digest, region, service, action, error)
                 SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[],
                     $6::bigint[])"
            }
        };
        for entries in entries.chunks(ROWS) {
            let mut statement = sqlx::query(statement)
                .bind(entries.iter().map(|entry| entry.id).collect::<Vec<_>>())
                .bind(entries.iter().map(|entry| entry.digest.to_vec()).collect::<Vec<_>>());
            if matches!(table, Table::Name | Table::AccessKey) {
                statement =
                    statement.bind(entries.iter().map(|entry| entry.text.to_owned()).collect::<Vec<_>>());
            }
            for column in 0..entries.first().map_or(0, |entry| entry.names.len()) {
                statement =
                    statement.bind(entries.iter().map(|entry| entry.names[column]).collect::<Vec<_>>());
            }
            self.run(statement).await?;
        }
        Ok(())
    }

    async fn add_uses(&mut self, rows: &[UseRow]) -> Result<(), StoreError> {
        self.run_for(
            "INSERT INTO rotakey_usage.key_use AS old
                 (period, key, day, operation, client, principal, calls, first, last, hours)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
                 $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[])
             ON CONFLICT (period, key, day, operation, client, principal) DO UPDATE SET
                 calls = old.calls + excluded.calls, first = least(old.first, excluded.first),
                 last = greatest(old.last, excluded.last), hours = old.hours | excluded.hours",
            rows,
            |row| {
                [
                    row.period,
                    row.key,
                    row.day,
                    row.operation,
                    row.client,
                    row.principal,
                    row.calls,
                    row.first,
                    row.last,
                    row.hours,
                ]
            },
        )
        .await
    }

    async fn add_sightings(&mut self, rows: &[SightingRow]) -> Result<(), StoreError> {
        self.run_for(
            "INSERT INTO rotakey_usage.key_sighting AS old
                 (key, kind, name, fingerprint, first_day, last_day)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
                 $6::bigint[])
             ON CONFLICT (key, kind, name, fingerprint) DO UPDATE SET
                 first_day = least(old.first_day, excluded.first_day),
                 last_day = greatest(old.last_day, excluded.last_day)
                 WHERE old.first_day > excluded.first_day OR old.last_day < excluded.last_day",
            rows,
            |row| [row.key, row.kind, row.name, row.fingerprint, row.first_day, row.last_day],
        )
        .await
    }

    async fn add_mints(&mut self, rows: &[MintRow]) -> Result<(), StoreError> {
        self.run_for(
            "INSERT INTO rotakey_usage.mint (child, parent, at, event_name, arn, account_id)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
                 $6::bigint[])
             ON CONFLICT DO NOTHING",
            rows,
            |row| [row.child, row.parent, row.at, row.event_name, row.arn, row.account_id],
        )
        .await
    }

    async fn add_to_keys(&mut self, rows: &[KeyRow]) -> Result<(), StoreError> {
        self.run_for(
            "UPDATE rotakey_usage.access_key AS old SET calls = old.calls + added.calls,
                 first_at = least(old.first_at, added.first_at), last_at = greatest(old.last_at, added.last_at)
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
                 AS added (id, calls, first_at, last_at)
             WHERE old.id = added.id",
            rows,
            |row| [row.id, row.calls, row.first_at.unwrap_or(i64::MAX), row.last_at.unwrap_or(0)],
        )
        .await
    }

    async fn seen(&mut self, first: i64, last: i64, after_batch: i64) -> Result<Vec<SeenRow>, StoreError> {
        let statement = sqlx::query(
            "SELECT day::bigint, batch, part::bigint, fingerprints FROM rotakey_usage.seen_event
             WHERE day BETWEEN $1 AND $2 AND batch > $3",
        );
        let row = |row: &PgRow| {
            Ok(SeenRow {
                day: row.try_get("day")?,
                batch: row.try_get("batch")?,
                part: row.try_get("part")?,
                fingerprints: row.try_get("fingerprints")?,
            })
        };
        self.all(statement.bind(first).bind(last).bind(after_batch), row).await
    }

    async fn short_seen(&mut self, day: i64, bytes: i64) -> Result<Vec<(i64, i64)>, StoreError> {
        let statement = sqlx::query(
            "SELECT batch, part::bigint FROM rotakey_usage.seen_event
             WHERE day = $1 AND length(fingerprints) < $2",
        );
        let row = |row: &PgRow| Ok((row.try_get("batch")?, row.try_get("part")?));
        self.all(statement.bind(day).bind(bytes), row).await
    }

    async fn insert_seen(&mut self, row: &SeenRow) -> Result<(), StoreError> {
        let statement = sqlx::query(
            "INSERT INTO rotakey_usage.seen_event (day, batch, part, fingerprints) VALUES ($1, $2, $3, $4)",
        );
        let statement = statement.bind(row.day).bind(row.batch).bind(row.part).bind(&row.fingerprints);
        self.run(statement).await.map(drop)
    }

    async fn take_seen(&mut self, day: i64, batch: i64, part: i64) -> Result<Vec<u8>, StoreError> {
        let statement = sqlx::query(
            "DELETE FROM rotakey_usage.seen_event WHERE day = $1 AND batch = $2 AND part = $3
             RETURNING fingerprints",
        );
        let taken = self.all(statement.bind(day).bind(batch).bind(part), |row| row.try_get(0)).await?;
        Ok(taken.into_iter().next().unwrap_or_default())
    }

    async fn forget_seen(&mut self, before: i64) -> Result<(), StoreError> {
        self.run(sqlx::query("DELETE FROM rotakey_usage.seen_event WHERE day < $1").bind(before))
            .await
            .map(drop)
    }

    async fn pruned_before(&mut self) -> Result<i64, StoreError> {
        self.number("SELECT before::bigint FROM rotakey_usage.pruned").await
    }

    async fn prune(&mut self, before: i64) -> Result<u64, StoreError> {
        self.run(sqlx::query("UPDATE rotakey_usage.pruned SET before = greatest(before, $1)").bind(before))
            .await?;
        let statement =
            sqlx::query("DELETE FROM rotakey_usage.key_use WHERE period < $1 OR (period = $1 AND day < $2)");
        let rows =
            self.run(statement.bind(before.div_euclid(PERIOD)).bind(before.rem_euclid(PERIOD))).await?;
        for statement in [
            "DELETE FROM rotakey_usage.key_sighting WHERE last_day < $1",
            "DELETE FROM rotakey_usage.mint WHERE at < $1::bigint * 86400",
            "DELETE FROM rotakey_usage.seen_event WHERE day < $1",
            // A file may hold records of the day after its own.
            "DELETE FROM rotakey_usage.file WHERE day < $1 - 1",
        ] {
            self.run(sqlx::query(statement).bind(before)).await?;
        }
        for statement in [
            "DELETE FROM rotakey_usage.access_key WHERE id NOT IN
                 (SELECT key FROM rotakey_usage.key_use UNION SELECT child FROM rotakey_usage.mint UNION SELECT parent FROM rotakey_usage.mint)",
            "DELETE FROM rotakey_usage.principal WHERE id NOT IN (SELECT principal FROM rotakey_usage.key_use)",
            "DELETE FROM rotakey_usage.client WHERE id NOT IN (SELECT client FROM rotakey_usage.key_use)",
            "DELETE FROM rotakey_usage.operation WHERE id NOT IN (SELECT operation FROM rotakey_usage.key_use)",
            "DELETE FROM rotakey_usage.key_sighting WHERE key NOT IN (SELECT id FROM rotakey_usage.access_key)",
            "DELETE FROM rotakey_usage.name WHERE id NOT IN (
                 SELECT arn FROM rotakey_usage.principal UNION SELECT kind FROM rotakey_usage.principal
                 UNION SELECT account_id FROM rotakey_usage.principal UNION SELECT user_name FROM rotakey_usage.principal
                 UNION SELECT consumer FROM rotakey_usage.client UNION SELECT description FROM rotakey_usage.client
                 UNION SELECT network FROM rotakey_usage.client UNION SELECT agent FROM rotakey_usage.client
                 UNION SELECT vpc_endpoint FROM rotakey_usage.client UNION SELECT invoked_by FROM rotakey_usage.client
                 UNION SELECT region FROM rotakey_usage.operation UNION SELECT service FROM rotakey_usage.operation
                 UNION SELECT action FROM rotakey_usage.operation UNION SELECT error FROM rotakey_usage.operation
                 UNION SELECT name FROM rotakey_usage.key_sighting
                 UNION SELECT event_name FROM rotakey_usage.mint UNION SELECT arn FROM rotakey_usage.mint
                 UNION SELECT account_id FROM rotakey_usage.mint)",
        ] {
            self.run(sqlx::query(statement)).await?;
        }
        Ok(rows)
    }

    async fn periods(&mut self) -> Result<Vec<i64>, StoreError> {
        // One step in the index for each period, where DISTINCT would read all rows.
        let statement = sqlx::query(
            "WITH RECURSIVE one (period) AS (
                 SELECT min(period) FROM rotakey_usage.key_use
                 UNION ALL
                 SELECT (SELECT min(period) FROM rotakey_usage.key_use WHERE period > one.period) FROM one
                     WHERE one.period IS NOT NULL)
             SELECT period::bigint FROM one WHERE period IS NOT NULL",
        );
        self.all(statement, |row| row.try_get(0)).await
    }

    async fn keys(&mut self, above: i64, most: i64) -> Result<Vec<KeyRow>, StoreError> {
        let statement = sqlx::query(
            "SELECT id::bigint, access_key_id, calls, first_at, last_at FROM rotakey_usage.access_key WHERE id > $1
             ORDER BY id LIMIT $2",
        );
        let row = |row: &PgRow| {
            Ok(KeyRow {
                id: row.try_get("id")?,
                access_key_id: row.try_get("access_key_id")?,
                calls: row.try_get("calls")?,
                first_at: row.try_get("first_at")?,
                last_at: row.try_get("last_at")?,
            })
        };
        self.all(statement.bind(above).bind(most), row).await
    }

    async fn uses(&mut self, periods: &[i64], keys: &[i64]) -> Result<Vec<UseRow>, StoreError> {
        let statement = sqlx::query(
            "SELECT period::bigint, key::bigint, day::bigint, operation::bigint, client::bigint,
                 principal::bigint, calls, first::bigint, last::bigint, hours::bigint
             FROM unnest($1::integer[]) AS wanted_period CROSS JOIN unnest($2::integer[]) AS wanted_key
             JOIN rotakey_usage.key_use ON period = wanted_period AND key = wanted_key",
        );
        let row = |row: &PgRow| {
            Ok(UseRow {
                period: row.try_get(0)?,
                key: row.try_get(1)?,
                day: row.try_get(2)?,
                operation: row.try_get(3)?,
                client: row.try_get(4)?,
                principal: row.try_get(5)?,
                calls: row.try_get(6)?,
                first: row.try_get(7)?,
                last: row.try_get(8)?,
                hours: row.try_get(9)?,
            })
        };
        self.all(statement.bind(numbers(periods)).bind(numbers(keys)), row).await
    }

    async fn sightings(&mut self, keys: &[i64]) -> Result<Vec<SightingRow>, StoreError> {
        let statement = sqlx::query(
            "SELECT key::bigint, kind::bigint, name::bigint, fingerprint, first_day::bigint, last_day::bigint
             FROM unnest($1::integer[]) AS wanted JOIN rotakey_usage.key_sighting ON key = wanted",
        );
        let row = |row: &PgRow| {
            Ok(SightingRow {
                key: row.try_get(0)?,
                kind: row.try_get(1)?,
                name: row.try_get(2)?,
                fingerprint: row.try_get(3)?,
                first_day: row.try_get(4)?,
                last_day: row.try_get(5)?,
            })
        };
        self.all(statement.bind(numbers(keys)), row).await
    }

    async fn entries(&mut self, table: Table, ids: &[i64]) -> Result<Vec<(i64, Vec<i64>)>, StoreError> {
        let statement = match table {
            Table::Name | Table::AccessKey => return Ok(Vec::new()),
            Table::Principal => {
                "SELECT id::bigint, arn::bigint, kind::bigint, account_id::bigint, user_name::bigint
                 FROM rotakey_usage.principal WHERE id = ANY ($1::integer[])"
            }
            Table::Client => {
                "SELECT id::bigint, consumer::bigint, description::bigint, network::bigint, agent::bigint,
                     vpc_endpoint::bigint, invoked_by::bigint
                 FROM rotakey_usage.client WHERE id = ANY ($1::integer[])"
            }
            Table::Operation => {
                "SELECT id::bigint, region::bigint, service::bigint, action::bigint, error::bigint
                 FROM rotakey_usage.operation WHERE id = ANY ($1::integer[])"
            }
        };
        let row = |row: &PgRow| {
            let names = (1..row.len()).map(|column| row.try_get(column)).collect::<Result<_, _>>()?;
            Ok((row.try_get(0)?, names))
        };
        self.all(sqlx::query(statement).bind(numbers(ids)), row).await
    }

    async fn texts(&mut self, table: Table, ids: &[i64]) -> Result<Vec<(i64, String)>, StoreError> {
        let statement = match table {
            Table::Name => "SELECT id::bigint, text FROM rotakey_usage.name WHERE id = ANY ($1::integer[])",
            Table::AccessKey => {
                "SELECT id::bigint, access_key_id FROM rotakey_usage.access_key
                 WHERE id = ANY ($1::integer[])"
            }
            Table::Principal | Table::Client | Table::Operation => return Ok(Vec::new()),
        };
        let row = |row: &PgRow| Ok((row.try_get(0)?, row.try_get(1)?));
        self.all(sqlx::query(statement).bind(numbers(ids)), row).await
    }

    async fn minted_from(&mut self, keys: &[i64], span: Span) -> Result<Vec<(i64, i64)>, StoreError> {
        // UNION, not UNION ALL: a circle that somebody forged ends where it began.
        let statement = sqlx::query(
            "WITH RECURSIVE below (parent, child) AS (
                 SELECT parent, child FROM rotakey_usage.mint WHERE parent = ANY ($1::integer[])
                     AND at >= $2 AND at < $3
                 UNION
                 SELECT mint.parent, mint.child FROM below
                     JOIN rotakey_usage.mint ON mint.parent = below.child AND at >= $2 AND at < $3)
             SELECT parent::bigint, child::bigint FROM below",
        );
        let row = |row: &PgRow| Ok((row.try_get(0)?, row.try_get(1)?));
        self.all(statement.bind(numbers(keys)).bind(span.from).bind(span.until), row).await
    }

    async fn parents(&mut self, keys: &[i64], span: Span) -> Result<Vec<(i64, i64)>, StoreError> {
        let statement = sqlx::query(
            "SELECT DISTINCT parent::bigint, child::bigint FROM rotakey_usage.mint
             WHERE child = ANY ($1::integer[]) AND parent > 0 AND at >= $2 AND at < $3",
        );
        let row = |row: &PgRow| Ok((row.try_get(0)?, row.try_get(1)?));
        self.all(statement.bind(numbers(keys)).bind(span.from).bind(span.until), row).await
    }

    async fn totals(
        &mut self,
        periods: &[i64],
        keys: &[i64],
        span: Span,
    ) -> Result<Vec<TotalRow>, StoreError> {
        let statement = sqlx::query(
            "SELECT key::bigint, operation::bigint, sum(calls)::bigint,
                 min((period * 32 + day)::bigint * 86400 + first),
                 max((period * 32 + day)::bigint * 86400 + last)
             FROM unnest($1::integer[]) AS wanted_period CROSS JOIN unnest($2::integer[]) AS wanted_key
             JOIN rotakey_usage.key_use ON period = wanted_period AND key = wanted_key
             WHERE (period * 32 + day)::bigint * 86400 >= $3 AND (period * 32 + day)::bigint * 86400 < $4
             GROUP BY key, operation",
        );
        let row = |row: &PgRow| {
            Ok(TotalRow {
                key: row.try_get(0)?,
                operation: row.try_get(1)?,
                calls: row.try_get(2)?,
                first_at: row.try_get(3)?,
                last_at: row.try_get(4)?,
            })
        };
        let statement = statement.bind(numbers(periods)).bind(numbers(keys)).bind(span.from).bind(span.until);
        self.all(statement, row).await
    }

    async fn counts(&mut self) -> Result<Counts, StoreError> {
        let statement = sqlx::query(
            "SELECT (SELECT coalesce(sum(files), 0)::bigint FROM rotakey_usage.batch),
                 (SELECT count(*) FROM rotakey_usage.batch),
                 (SELECT coalesce(sum(calls), 0)::bigint FROM rotakey_usage.batch),
                 (SELECT count(*) FROM rotakey_usage.access_key),
                 (SELECT count(*) FROM rotakey_usage.key_use), (SELECT count(*) FROM rotakey_usage.mint),
                 (SELECT min(period * 32 + day)::bigint FROM rotakey_usage.key_use
                     WHERE period = (SELECT min(period) FROM rotakey_usage.key_use)),
                 (SELECT max(period * 32 + day)::bigint FROM rotakey_usage.key_use
                     WHERE period = (SELECT max(period) FROM rotakey_usage.key_use)),
                 (SELECT coalesce(sum(length(fingerprints)), 0)::bigint FROM rotakey_usage.seen_event),
                 (SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
                     WHERE relnamespace = 'rotakey_usage'::regnamespace AND relkind = 'r')",
        );
        let row = |row: &PgRow| {
            Ok(Counts {
                files: row.try_get(0)?,
                batches: row.try_get(1)?,
                calls: row.try_get(2)?,
                keys: row.try_get(3)?,
                rows: row.try_get(4)?,
                minted: row.try_get(5)?,
                first_day: row.try_get(6)?,
                last_day: row.try_get(7)?,
                seen_bytes: row.try_get(8)?,
                bytes: row.try_get(9)?,
            })
        };
        Ok(self.all(statement, row).await?.into_iter().next().unwrap_or_default())
    }
}

fn bytes(digests: &[Digest]) -> Vec<Vec<u8>> {
    digests.iter().map(|digest| digest.to_vec()).collect()
}

/// Numbers as the columns have them, all of which were given by us.
fn numbers(ids: &[i64]) -> Vec<i32> {
    ids.iter().filter_map(|id| i32::try_from(*id).ok()).collect()
}

fn digest(row: &PgRow, column: &str) -> Result<Digest, sqlx::Error> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
