//! The tables in SQLite. A list goes in as one value, a text of JSON: the statements are then few, fixed, and
//! prepared once.

use std::collections::HashMap;
use std::path::PathBuf;

use async_trait::async_trait;
use rotakey_engine::store::StoreError;
use serde::Serialize;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row, Sqlite};

use crate::error::of_sqlite;
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
            Table::Name => concat!($before, "name", $after),
            Table::AccessKey => concat!($before, "access_key", $after),
            Table::Principal => concat!($before, "principal", $after),
            Table::Client => concat!($before, "client", $after),
            Table::Operation => concat!($before, "operation", $after),
        }
    };
}

/// A transaction. If it is dropped before its end, its connection is closed, which undoes it: on an error such as a
/// full disk SQLite ends a transaction by itself, and the connection would be of no use any more.
pub(super) struct SqliteTables {
    path: PathBuf,
    connection: PoolConnection<Sqlite>,
    ended: bool,
}

impl Drop for SqliteTables {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.close_on_drop();
        }
    }
}

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

impl SqliteTables {
    pub(super) async fn begin(
        path: PathBuf,
        connection: PoolConnection<Sqlite>,
        statement: &'static str,
    ) -> Result<Self, StoreError> {
        let mut tables = Self { path, connection, ended: false };
        tables.run(sqlx::query(statement)).await?;
        Ok(tables)
    }

    fn failed(&self, error: &sqlx::Error) -> StoreError {
        of_sqlite(&self.path, error)
    }

    /// Returns how many rows were changed.
    async fn run(&mut self, statement: Statement<'_>) -> Result<u64, StoreError> {
        let done = statement.execute(&mut *self.connection).await;
        done.map(|done| done.rows_affected()).map_err(|error| self.failed(&error))
    }

    async fn all<T>(
        &mut self,
        statement: Statement<'_>,
        row: impl Fn(&SqliteRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = statement.fetch_all(&mut *self.connection).await;
        let rows = rows.and_then(|rows| rows.iter().map(row).collect());
        rows.map_err(|error| self.failed(&error))
    }

    /// The first column of the only row.
    async fn number(&mut self, statement: &'static str) -> Result<i64, StoreError> {
        let row = sqlx::query(statement).fetch_one(&mut *self.connection).await;
        row.and_then(|row| row.try_get(0)).map_err(|error| self.failed(&error))
    }

    /// Runs it for all rows, some at a time.
    async fn run_for<T: Sync, J: Serialize>(
        &mut self,
        statement: &'static str,
        rows: &[T],
        json: impl Fn(&T) -> J,
    ) -> Result<(), StoreError> {
        for rows in rows.chunks(ROWS) {
            let rows: Vec<J> = rows.iter().map(&json).collect();
            let rows = self::json(&rows);
            self.run(sqlx::query(statement).bind(rows)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Tables for SqliteTables {
    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.run(sqlx::query("COMMIT")).await?;
        self.ended = true;
        Ok(())
    }

    async fn last_at(&mut self) -> Result<Option<i64>, StoreError> {
        let last = self.number("SELECT coalesce(max(last_at), -1) FROM access_key").await?;
        Ok((last >= 0).then_some(last))
    }

    async fn last_batch(&mut self) -> Result<i64, StoreError> {
        self.number("SELECT coalesce(max(number), 0) FROM batch").await
    }

    async fn insert_batch(&mut self, number: i64, at: i64, files: i64, calls: i64) -> Result<(), StoreError> {
        let statement = sqlx::query("INSERT INTO batch (number, at, files, calls) VALUES ($1, $2, $3, $4)");
        self.run(statement.bind(number).bind(at).bind(files).bind(calls)).await.map(drop)
    }

    async fn find_files(&mut self, digests: &[Digest]) -> Result<Vec<FileRow>, StoreError> {
        let mut found = Vec::new();
        for digests in digests.chunks(ROWS) {
            let statement = sqlx::query(
                "SELECT digest, bytes, tag, day FROM json_each($1) AS wanted
                 CROSS JOIN file ON file.digest = unhex(wanted.value)",
            );
            let row = |row: &SqliteRow| {
                Ok(FileRow {
                    digest: digest(row, "digest")?,
                    bytes: row.try_get("bytes")?,
                    tag: row.try_get("tag")?,
                    day: row.try_get("day")?,
                })
            };
            found.extend(self.all(statement.bind(json(&hexes(digests))), row).await?);
        }
        Ok(found)
    }

    async fn insert_files(&mut self, batch: i64, files: &[FileRow]) -> Result<(), StoreError> {
        self.run_for(
            "INSERT INTO file (digest, bytes, tag, day, batch)
             SELECT unhex(value->>0), value->>1, value->>2, value->>3, value->>4 FROM json_each($1)",
            files,
            |file| (hex(&file.digest), file.bytes, file.tag, file.day, batch),
        )
        .await
    }

    async fn last_id(&mut self, table: Table) -> Result<i64, StoreError> {
        self.number(for_table!(table, "SELECT coalesce(max(id), 0) FROM ", "")).await
    }

    async fn find(&mut self, table: Table, digests: &[Digest]) -> Result<HashMap<Digest, i64>, StoreError> {
        let mut found = HashMap::new();
        for digests in digests.chunks(ROWS) {
            let statement = sqlx::query(for_table!(
                table,
                "SELECT found.digest, found.id FROM json_each($1) AS wanted CROSS JOIN ",
                " AS found ON found.digest = unhex(wanted.value)"
            ));
            let row = |row: &SqliteRow| Ok((digest(row, "digest")?, row.try_get("id")?));
            found.extend(self.all(statement.bind(json(&hexes(digests))), row).await?);
        }
        Ok(found)
    }

    async fn insert(&mut self, table: Table, entries: &[Entry<'_>]) -> Result<(), StoreError> {
        let statement = match table {
            Table::Name => {
                "INSERT INTO name (id, digest, text)
                 SELECT value->>0, unhex(value->>1), value->>2 FROM json_each($1)"
            }
            Table::AccessKey => {
                "INSERT INTO access_key (id, digest, access_key_id)
                 SELECT value->>0, unhex(value->>1), value->>2 FROM json_each($1)"
            }
            Table::Principal => {
                "INSERT INTO principal (id, digest, arn, kind, account_id, user_name)
                 SELECT value->>0, unhex(value->>1), value->>'$[3][0]', value->>'$[3][1]', value->>'$[3][2]',
                     value->>'$[3][3]' FROM json_each($1)"
            }
            Table::Client => {
                "INSERT INTO client
                     (id, digest, consumer, description, network, agent, vpc_endpoint, invoked_by)
                 SELECT value->>0, unhex(value->>1), value->>'$[3][0]', value->>'$[3][1]', value->>'$[3][2]',
                     value->>'$[3][3]', value->>'$[3][4]', value->>'$[3][5]' FROM json_each($1)"
            }
            Table::Operation => {
                "INSERT INTO operation (id, digest, region, service, action, error)
                 SELECT value->>0, unhex(value->>1), value->>'$[3][0]', value->>'$[3][1]', value->>'$[3][2]',
                     value->>'$[3][3]' FROM json_each($1)"
            }
        };
        self.run_for(statement, entries, |entry| {
            (entry.id, hex(&entry.digest), entry.text.to_owned(), entry.names.clone())
        })
        .await
    }

    async fn add_uses(&mut self, rows: &[UseRow]) -> Result<(), StoreError> {
        self.run_for(
            "INSERT INTO key_use
                 (period, key, day, operation, client, principal, calls, first, last, hours)
             SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7,
                 value->>8, value->>9 FROM json_each($1) WHERE true
             ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, first = min(first, excluded.first),
                 last = max(last, excluded.last), hours = hours | excluded.hours",
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
            "INSERT INTO key_sighting (key, kind, name, fingerprint, first_day, last_day)
             SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5
                 FROM json_each($1) WHERE true
             ON CONFLICT DO UPDATE SET first_day = min(first_day, excluded.first_day),
                 last_day = max(last_day, excluded.last_day)
                 WHERE first_day > excluded.first_day OR last_day < excluded.last_day",
            rows,
            |row| [row.key, row.kind, row.name, row.fingerprint, row.first_day, row.last_day],
        )
        .await
    }

    async fn add_mints(&mut self, rows: &[MintRow]) -> Result<(), StoreError> {
        self.run_for(
            "INSERT INTO mint (child, parent, at, event_name, arn, account_id)
             SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5
                 FROM json_each($1) WHERE true
             ON CONFLICT DO NOTHING",
            rows,
            |row| [row.child, row.parent, row.at, row.event_name, row.arn, row.account_id],
        )
        .await
    }

    async fn add_to_keys(&mut self, rows: &[KeyRow]) -> Result<(), StoreError> {
        self.run_for(
            "UPDATE access_key SET
                 calls = calls + (added.value->>1),
                 first_at = min(coalesce(first_at, added.value->>2), added.value->>2),
                 last_at = max(coalesce(last_at, added.value->>3), added.value->>3)
             FROM json_each($1) AS added WHERE access_key.id = added.value->>0",
            rows,
            |row| (row.id, row.calls, row.first_at, row.last_at),
        )
        .await
    }

    async fn seen(&mut self, first: i64, last: i64, after_batch: i64) -> Result<Vec<SeenRow>, StoreError> {
        let statement = sqlx::query(
            "SELECT day, batch, part, fingerprints FROM seen_event
             WHERE day BETWEEN $1 AND $2 AND batch > $3",
        );
        let row = |row: &SqliteRow| {
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
        let statement =
            sqlx::query("SELECT batch, part FROM seen_event WHERE day = $1 AND length(fingerprints) < $2");
        let row = |row: &SqliteRow| Ok((row.try_get("batch")?, row.try_get("part")?));
        self.all(statement.bind(day).bind(bytes), row).await
    }

    async fn insert_seen(&mut self, row: &SeenRow) -> Result<(), StoreError> {
        let statement =
            sqlx::query("INSERT INTO seen_event (day, batch, part, fingerprints) VALUES ($1, $2, $3, $4)");
        let statement = statement.bind(row.day).bind(row.batch).bind(row.part).bind(&row.fingerprints);
        self.run(statement).await.map(drop)
    }

    async fn take_seen(&mut self, day: i64, batch: i64, part: i64) -> Result<Vec<u8>, StoreError> {
        let statement = sqlx::query(
            "DELETE FROM seen_event WHERE day = $1 AND batch = $2 AND part = $3 RETURNING fingerprints",
        );
        let taken = self.all(statement.bind(day).bind(batch).bind(part), |row| row.try_get(0)).await?;
        Ok(taken.into_iter().next().unwrap_or_default())
    }

    async fn forget_seen(&mut self, before: i64) -> Result<(), StoreError> {
        self.run(sqlx::query("DELETE FROM seen_event WHERE day < $1").bind(before)).await.map(drop)
    }

    async fn pruned_before(&mut self) -> Result<i64, StoreError> {
        self.number("SELECT before FROM pruned").await
    }

    async fn prune(&mut self, before: i64) -> Result<u64, StoreError> {
        self.run(sqlx::query("UPDATE pruned SET before = max(before, $1)").bind(before)).await?;
        let statement = sqlx::query("DELETE FROM key_use WHERE period < $1 OR (period = $1 AND day < $2)");
        let rows =
            self.run(statement.bind(before.div_euclid(PERIOD)).bind(before.rem_euclid(PERIOD))).await?;
        for statement in [
            "DELETE FROM key_sighting WHERE last_day < $1",
            "DELETE FROM mint WHERE at < $1 * 86400",
            "DELETE FROM seen_event WHERE day < $1",
            // A file may hold records of the day after its own.
            "DELETE FROM file WHERE day < $1 - 1",
        ] {
            self.run(sqlx::query(statement).bind(before)).await?;
        }
        for statement in [
            "DELETE FROM access_key WHERE id NOT IN
                 (SELECT key FROM key_use UNION SELECT child FROM mint UNION SELECT parent FROM mint)",
            "DELETE FROM principal WHERE id NOT IN (SELECT principal FROM key_use)",
            "DELETE FROM client WHERE id NOT IN (SELECT client FROM key_use)",
            "DELETE FROM operation WHERE id NOT IN (SELECT operation FROM key_use)",
            "DELETE FROM key_sighting WHERE key NOT IN (SELECT id FROM access_key)",
            "DELETE FROM name WHERE id NOT IN (
                 SELECT arn FROM principal UNION SELECT kind FROM principal
                 UNION SELECT account_id FROM principal UNION SELECT user_name FROM principal
                 UNION SELECT consumer FROM client UNION SELECT description FROM client
                 UNION SELECT network FROM client UNION SELECT agent FROM client
                 UNION SELECT vpc_endpoint FROM client UNION SELECT invoked_by FROM client
                 UNION SELECT region FROM operation UNION SELECT service FROM operation
                 UNION SELECT action FROM operation UNION SELECT error FROM operation
                 UNION SELECT name FROM key_sighting
                 UNION SELECT event_name FROM mint UNION SELECT arn FROM mint
                 UNION SELECT account_id FROM mint)",
        ] {
            self.run(sqlx::query(statement)).await?;
        }
        Ok(rows)
    }

    async fn periods(&mut self) -> Result<Vec<i64>, StoreError> {
        // One step in the index for each period, where DISTINCT would read all rows.
        let statement = sqlx::query(
            "WITH RECURSIVE one (period) AS (
                 SELECT min(period) FROM key_use
                 UNION ALL
                 SELECT (SELECT min(period) FROM key_use WHERE period > one.period) FROM one
                     WHERE one.period IS NOT NULL)
             SELECT period FROM one WHERE period IS NOT NULL",
        );
        self.all(statement, |row| row.try_get(0)).await
    }

    async fn keys(&mut self, above: i64, most: i64) -> Result<Vec<KeyRow>, StoreError> {
        let statement = sqlx::query(
            "SELECT id, access_key_id, calls, first_at, last_at FROM access_key WHERE id > $1
             ORDER BY id LIMIT $2",
        );
        let row = |row: &SqliteRow| {
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
        // A cross join stays in its order: one step in the index for each period and key.
        let statement = sqlx::query(
            "SELECT period, key_use.key, day, operation, client, principal, calls, first, last, hours
             FROM json_each($1) AS wanted_period CROSS JOIN json_each($2) AS wanted_key
             CROSS JOIN key_use ON period = wanted_period.value AND key_use.key = wanted_key.value",
        );
        let row = |row: &SqliteRow| {
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
        self.all(statement.bind(json(&periods)).bind(json(&keys)), row).await
    }

    async fn sightings(&mut self, keys: &[i64]) -> Result<Vec<SightingRow>, StoreError> {
        let statement = sqlx::query(
            "SELECT key_sighting.key, kind, name, fingerprint, first_day, last_day
             FROM json_each($1) AS wanted CROSS JOIN key_sighting ON key_sighting.key = wanted.value",
        );
        let row = |row: &SqliteRow| {
            Ok(SightingRow {
                key: row.try_get(0)?,
                kind: row.try_get(1)?,
                name: row.try_get(2)?,
                fingerprint: row.try_get(3)?,
                first_day: row.try_get(4)?,
                last_day: row.try_get(5)?,
            })
        };
        self.all(statement.bind(json(&keys)), row).await
    }

    async fn entries(&mut self, table: Table, ids: &[i64]) -> Result<Vec<(i64, Vec<i64>)>, StoreError> {
        let statement = match table {
            Table::Name | Table::AccessKey => return Ok(Vec::new()),
            Table::Principal => {
                "SELECT principal.id, arn, kind, account_id, user_name
                 FROM json_each($1) AS wanted CROSS JOIN principal ON principal.id = wanted.value"
            }
            Table::Client => {
                "SELECT client.id, consumer, description, network, agent, vpc_endpoint, invoked_by
                 FROM json_each($1) AS wanted CROSS JOIN client ON client.id = wanted.value"
            }
            Table::Operation => {
                "SELECT operation.id, region, service, action, error
                 FROM json_each($1) AS wanted CROSS JOIN operation ON operation.id = wanted.value"
            }
        };
        let row = |row: &SqliteRow| {
            let names = (1..row.len()).map(|column| row.try_get(column)).collect::<Result<_, _>>()?;
            Ok((row.try_get(0)?, names))
        };
        self.all(sqlx::query(statement).bind(json(&ids)), row).await
    }

    async fn texts(&mut self, table: Table, ids: &[i64]) -> Result<Vec<(i64, String)>, StoreError> {
        let statement = match table {
            Table::Name => {
                "SELECT name.id, text FROM json_each($1) AS wanted CROSS JOIN name ON name.id = wanted.value"
            }
            Table::AccessKey => {
                "SELECT access_key.id, access_key_id
                 FROM json_each($1) AS wanted CROSS JOIN access_key ON access_key.id = wanted.value"
            }
            Table::Principal | Table::Client | Table::Operation => return Ok(Vec::new()),
        };
        let row = |row: &SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?));
        self.all(sqlx::query(statement).bind(json(&ids)), row).await
    }

    async fn minted_from(&mut self, keys: &[i64], span: Span) -> Result<Vec<(i64, i64)>, StoreError> {
        // UNION, not UNION ALL: a circle that somebody forged ends where it began.
        let statement = sqlx::query(
            "WITH RECURSIVE below (parent, child) AS (
                 SELECT mint.parent, mint.child FROM json_each($1) AS wanted CROSS JOIN mint ON mint.parent = wanted.value
                     AND at >= $2 AND at < $3
                 UNION
                 SELECT mint.parent, mint.child FROM below CROSS JOIN mint ON mint.parent = below.child
                     AND at >= $2 AND at < $3)
             SELECT parent, child FROM below",
        );
        let row = |row: &SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?));
        self.all(statement.bind(json(&keys)).bind(span.from).bind(span.until), row).await
    }

    async fn parents(&mut self, keys: &[i64], span: Span) -> Result<Vec<(i64, i64)>, StoreError> {
        let statement = sqlx::query(
            "SELECT DISTINCT mint.parent, mint.child
             FROM json_each($1) AS wanted CROSS JOIN mint ON mint.child = wanted.value
             WHERE mint.parent > 0 AND at >= $2 AND at < $3",
        );
        let row = |row: &SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?));
        self.all(statement.bind(json(&keys)).bind(span.from).bind(span.until), row).await
    }

    async fn totals(
        &mut self,
        periods: &[i64],
        keys: &[i64],
        span: Span,
    ) -> Result<Vec<TotalRow>, StoreError> {
        let statement = sqlx::query(
            "SELECT key_use.key, operation, sum(calls),
                 min((period * 32 + day) * 86400 + first), max((period * 32 + day) * 86400 + last)
             FROM json_each($1) AS wanted_period CROSS JOIN json_each($2) AS wanted_key
             CROSS JOIN key_use ON period = wanted_period.value AND key_use.key = wanted_key.value
             WHERE (period * 32 + day) * 86400 >= $3 AND (period * 32 + day) * 86400 < $4
             GROUP BY key_use.key, operation",
        );
        let row = |row: &SqliteRow| {
            Ok(TotalRow {
                key: row.try_get(0)?,
                operation: row.try_get(1)?,
                calls: row.try_get(2)?,
                first_at: row.try_get(3)?,
                last_at: row.try_get(4)?,
            })
        };
        let statement = statement.bind(json(&periods)).bind(json(&keys)).bind(span.from).bind(span.until);
        self.all(statement, row).await
    }

    async fn counts(&mut self) -> Result<Counts, StoreError> {
        let statement = sqlx::query(
            "SELECT (SELECT coalesce(sum(files), 0) FROM batch), (SELECT count(*) FROM batch),
                 (SELECT coalesce(sum(calls), 0) FROM batch), (SELECT count(*) FROM access_key),
                 (SELECT count(*) FROM key_use), (SELECT count(*) FROM mint),
                 (SELECT min(period * 32 + day) FROM key_use
                     WHERE period = (SELECT min(period) FROM key_use)),
                 (SELECT max(period * 32 + day) FROM key_use
                     WHERE period = (SELECT max(period) FROM key_use)),
                 (SELECT coalesce(sum(length(fingerprints)), 0) FROM seen_event),
                 (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)",
        );
        let row = |row: &SqliteRow| {
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

fn json<T: Serialize>(rows: &T) -> String {
    serde_json::to_string(rows).expect("numbers and texts are JSON")
}

fn hexes(digests: &[Digest]) -> Vec<String> {
    digests.iter().map(hex).collect()
}

fn hex(digest: &Digest) -> String {
    format!("{:032x}", u128::from_be_bytes(*digest))
}

fn digest(row: &SqliteRow, column: &str) -> Result<Digest, sqlx::Error> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
