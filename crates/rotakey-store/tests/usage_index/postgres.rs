//! The suite on PostgreSQL, and what is particular to a server.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use rotakey_engine::store::StoreError;
use rotakey_store::usage_index::{self, IndexError, Location, UsageIndex};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::conformance::{self, Harness, Place};

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
        let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&server).await.unwrap();
        let statement = format!("CREATE DATABASE {name}");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        let (server, _) = server.rsplit_once('/').unwrap();
        Self(format!("{server}/{name}"))
    }

    fn location(&self) -> Location {
        self.0.parse().unwrap()
    }

    async fn run(&self, statement: &'static str) {
        let mut connection = PgConnection::connect(&self.0).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    }

    async fn error(&self) -> IndexError {
        match usage_index::open(&self.location()).await {
            Ok(_) => panic!("it was opened"),
            Err(error) => error,
        }
    }
}

#[async_trait]
impl Place for Database {
    async fn open(&self) -> Box<dyn UsageIndex> {
        usage_index::open(&self.location()).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgresql_keeps_the_contract_of_indexes() {
    conformance::check_all(&Databases).await;
}

#[tokio::test]
async fn a_schema_of_somebody_else_is_left_alone() {
    let database = Database::new().await;
    database.run("CREATE SCHEMA rotakey_usage; CREATE TABLE rotakey_usage.song (name text)").await;
    let error = database.error().await;
    assert!(matches!(error, IndexError::Medium(StoreError::Foreign { .. })), "{error:?}");
    database.run("CREATE TABLE rotakey_usage.format AS SELECT 'songs' AS application, 1 AS version").await;
    let error = database.error().await;
    assert!(matches!(error, IndexError::Medium(StoreError::Foreign { .. })), "{error:?}");
    database.run("UPDATE rotakey_usage.format SET application = 'rotakey usage index', version = 99").await;
    let error = database.error().await;
    assert!(matches!(error, IndexError::Medium(StoreError::Newer { found: 99, .. })), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    let database = Database::new().await;
    let (_, server) = database.0.rsplit_once('@').unwrap();
    let location: Location = format!("postgres://postgres:hunter2@{server}").parse().unwrap();
    let Err(error) = usage_index::open(&location).await else { panic!("it was opened") };
    let text = format!("{error} {error:?}");
    assert!(text.contains("password authentication failed") && !text.contains("hunter2"), "{text}");
}
