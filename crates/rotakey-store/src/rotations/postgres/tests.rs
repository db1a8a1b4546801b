use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::join_all;
use jiff::Timestamp;
use rotakey_core::rotate::{ChainHash, Entry, Event, Note, Subject};
use rotakey_engine::conformance::store::{self as conformance, Harness, Place};
use sqlx::AssertSqlSafe;

use super::*;
use crate::location::Location;

const URL: &str = "ROTAKEY_TEST_POSTGRES_URL";

struct Databases;

#[async_trait]
impl Harness for Databases {
    async fn empty(&self) -> Box<dyn Place> {
        Box::new(Database::new().await)
    }
}

/// A database of its own on the server of the tests.
struct Database(String);

impl Database {
    async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var(URL).unwrap_or_else(|_| {
            panic!(
                "{URL} is not set: run `cargo xtask test`, or set it to the URL of a superuser of PostgreSQL"
            )
        });
        let name = format!("rotations_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&server).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .unwrap();
        let (server, _) = server.rsplit_once('/').unwrap();
        Self(format!("{server}/{name}"))
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.0).await.unwrap()
    }

    async fn run(&self, statements: &'static str) {
        sqlx::raw_sql(statements).execute(&mut self.connect().await).await.unwrap();
    }

    /// Why a statement fails.
    async fn refusal(&self, statement: &'static str) -> String {
        match sqlx::raw_sql(statement).execute(&mut self.connect().await).await {
            Ok(_) => panic!("{statement} was done"),
            Err(error) => error.to_string(),
        }
    }

    async fn opened(&self) -> Result<PostgresStore, StoreError> {
        match self.0.parse().unwrap() {
            Location::Postgres(server) => PostgresStore::open(&server).await,
            Location::Sqlite(path) => panic!("{path:?}"),
        }
    }
}

#[async_trait]
impl Place for Database {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.opened().await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgresql_keeps_the_contract_of_stores() {
    conformance::check_all(&Databases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgresql_keeps_the_contract_of_outboxes() {
    let store = Database::new().await.opened().await.unwrap();
    rotakey_engine::conformance::outbox::check_all(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_workers_may_make_the_schema_at_once() {
    let database = Database::new().await;
    let opened = join_all((0..8_u8).map(|number| {
        let database = Database(database.0.clone());
        tokio::spawn(async move {
            begin(&database.opened().await.unwrap(), number, 1).await.unwrap();
        })
    }));
    opened.await.into_iter().for_each(|result| result.unwrap());
    assert_eq!(database.opened().await.unwrap().rotations().await.unwrap().len(), 8);
}

#[tokio::test]
async fn a_record_can_be_neither_changed_nor_deleted_nor_put_in_between() {
    let database = Database::new().await;
    let store = database.opened().await.unwrap();
    begin(&store, 1, 3).await.unwrap();
    let before = store.load(&rotation(1)).await.unwrap();
    for (statement, expected) in [
        ("UPDATE rotakey_rotations.record SET body = ''", "a record is never changed"),
        ("DELETE FROM rotakey_rotations.record WHERE version = 3", "a record is never deleted"),
        ("TRUNCATE rotakey_rotations.record", "a record is never deleted"),
        ("TRUNCATE rotakey_rotations.rotation CASCADE", "is never deleted"),
        ("DELETE FROM rotakey_rotations.rotation", "a rotation is never deleted"),
        ("UPDATE rotakey_rotations.rotation SET user_name = 'x'", "nothing else about it changes"),
        ("UPDATE rotakey_rotations.rotation SET version = 2", "nothing else about it changes"),
        ("UPDATE rotakey_rotations.rotation SET version = 4", "as many records as it says"),
        ("UPDATE rotakey_rotations.rotation SET due = NULL", "violates check constraint"),
        ("INSERT INTO rotakey_rotations.record VALUES ('r-rotation1', 5, '', '')", "follows the one before"),
        ("INSERT INTO rotakey_rotations.record VALUES ('r-rotation1', 3, '', '')", "follows the one before"),
        ("INSERT INTO rotakey_rotations.record VALUES ('r-rotation1', 4, '', '')", "was not raised"),
        ("INSERT INTO rotakey_rotations.record VALUES ('r-unknown', 1, '', '')", "was not raised"),
    ] {
        let refusal = database.refusal(statement).await;
        assert!(refusal.contains(expected), "{statement}: {refusal}");
    }
    assert_eq!(store.load(&rotation(1)).await.unwrap(), before);
}

#[tokio::test]
async fn a_closed_rotation_is_not_opened_again() {
    let database = Database::new().await;
    begin(&database.opened().await.unwrap(), 1, 1).await.unwrap();
    database.run("UPDATE rotakey_rotations.rotation SET open = FALSE, due = NULL").await;
    for statement in [
        "UPDATE rotakey_rotations.rotation SET open = TRUE, due = 0",
        "UPDATE rotakey_rotations.rotation SET version = 2",
        "INSERT INTO rotakey_rotations.record VALUES ('r-rotation1', 2, '', '')",
    ] {
        database.refusal(statement).await;
    }
}

#[tokio::test]
async fn an_append_is_on_disk_also_where_the_server_does_not_wait_for_the_disk() {
    let database = Database::new().await;
    begin(&database.opened().await.unwrap(), 1, 1).await.unwrap();
    let mut connection = database.connect().await;
    sqlx::raw_sql("SET synchronous_commit = off").execute(&mut connection).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    let subject = subject(1);
    let (id, records) = records(1, &store_of(&database).await, 1).await;
    let turn = Turn::Worker { due: Timestamp::UNIX_EPOCH };
    let append = Append {
        rotation: &id,
        subject: &subject,
        expected_version: 1,
        records: &records,
        closes: false,
        turn,
    };
    assert!(append_to(&mut transaction, append).await.unwrap());
    let waits = sqlx::query("SHOW synchronous_commit").fetch_one(&mut *transaction).await.unwrap();
    assert_eq!(waits.get::<String, _>(0), "on");
}

#[tokio::test]
async fn a_record_changed_behind_our_back_is_found_by_its_hash() {
    let database = Database::new().await;
    let store = database.opened().await.unwrap();
    begin(&store, 1, 3).await.unwrap();
    database
        .run(
            "ALTER TABLE rotakey_rotations.record DISABLE TRIGGER record_is_never_changed;
             UPDATE rotakey_rotations.record SET body = replace(body, 'delivered', 'published') WHERE version = 2",
        )
        .await;
    let broken = Entry::open_all(&rotation(1), &store.load(&rotation(1)).await.unwrap()).unwrap_err();
    assert_eq!((broken.rotation, broken.version), (rotation(1), 2));
}

#[tokio::test]
async fn what_is_due_is_found_without_reading_the_rest() {
    let database = Database::new().await;
    database.opened().await.unwrap();
    // How a log of many years looks: almost all has ended.
    database
        .run(
            "BEGIN;
             SET LOCAL session_replication_role = replica;
             INSERT INTO rotakey_rotations.rotation (id, account_id, user_name, user_id, version, open, due, asks)
                 SELECT 'r-' || n, '012345678901', 'user', 'AIDA' || n, 1, n % 10 = 0,
                        CASE WHEN n % 10 = 0 AND n % 100 <> 0 THEN n END, n % 100 = 0
                 FROM generate_series(1, 20000) AS n;
             COMMIT;
             ANALYZE rotakey_rotations.rotation",
        )
        .await;
    let mut connection = database.connect().await;
    for (query, values) in
        [(DUE, "(500, '{012345678901}', 16)"), (OUTLOOK, "('{012345678901}')"), (OPEN_ROTATIONS, "")]
    {
        let prepare = format!("PREPARE asked AS {query}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut connection).await.unwrap();
        // Also the plan that fits any values, which PostgreSQL goes over to after some calls.
        for mode in ["force_custom_plan", "force_generic_plan"] {
            let explain = format!("SET plan_cache_mode = {mode}; EXPLAIN EXECUTE asked {values}");
            let plan = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
            let by_index = plan.iter().any(|line| line.contains("Index Scan using"));
            let reads_all = plan.iter().any(|line| line.contains("Seq Scan") || line.contains("Sort"));
            assert!(by_index && !reads_all, "{mode}: {plan:#?}");
        }
        sqlx::raw_sql("DEALLOCATE asked").execute(&mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn a_schema_of_somebody_else_is_left_alone() {
    let database = Database::new().await;
    database.run("CREATE SCHEMA rotakey_rotations; CREATE TABLE rotakey_rotations.song (name text)").await;
    let error = database.opened().await.unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
    database
        .run("CREATE TABLE rotakey_rotations.format AS SELECT 'songs' AS application, 1 AS version")
        .await;
    let error = database.opened().await.unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
    database.run("UPDATE rotakey_rotations.format SET application = 'rotakey rotations', version = 99").await;
    let error = database.opened().await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error:?}");
}

async fn store_of(database: &Database) -> PostgresStore {
    database.opened().await.unwrap()
}

/// Begins a rotation with that many records.
async fn begin(store: &PostgresStore, number: u8, count: u64) -> Result<(), StoreError> {
    let (id, records) = records(number, store, count).await;
    let subject = subject(number);
    let turn = Turn::Worker { due: Timestamp::UNIX_EPOCH };
    let append = Append {
        rotation: &id,
        subject: &subject,
        expected_version: 0,
        records: &records,
        closes: false,
        turn,
    };
    store.append(append).await
}

/// That many records after those that the rotation has.
async fn records(number: u8, store: &PostgresStore, count: u64) -> (RotationId, Vec<Record>) {
    let id = rotation(number);
    let found = store.load(&id).await.unwrap();
    let version = found.len() as u64;
    let mut before = found.last().map_or_else(|| ChainHash::origin(&id), |record| record.hash.clone());
    let records = (version + 1..=version + count)
        .map(|version| {
            let event = Event::Noted { note: Note::Delivered };
            let record = Record::seal(&id, version, Timestamp::UNIX_EPOCH, &event, &before);
            before = record.hash.clone();
            record
        })
        .collect();
    (id, records)
}

fn rotation(number: u8) -> RotationId {
    format!("r-rotation{number}").parse().unwrap()
}

fn subject(number: u8) -> Subject {
    Subject {
        account_id: "012345678901".parse().unwrap(),
        user_name: format!("user{number}").parse().unwrap(),
        user_id: format!("AIDACKCEVSQ6C2EXAM{number:03}").parse().unwrap(),
    }
}
