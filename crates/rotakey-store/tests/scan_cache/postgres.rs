//! The suite on PostgreSQL, and what is particular to a server.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use rotakey_scan::cache::conformance::{self, Harness, Place};
use rotakey_scan::cache::{CacheError, ScanCache};
use rotakey_store::scan_cache::{self, CacheLocation};
use rotakey_store::usage_index;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

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
        let name = format!("test_scan_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&server).await.unwrap();
        let statement = format!("CREATE DATABASE {name}");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        let (server, _) = server.rsplit_once('/').unwrap();
        Self(format!("{server}/{name}"))
    }

    fn location(&self) -> CacheLocation {
        self.0.parse().unwrap()
    }

    async fn run(&self, statement: &'static str) {
        let mut connection = PgConnection::connect(&self.0).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    }

    async fn error(&self) -> CacheError {
        match scan_cache::open(&self.location(), None).await {
            Ok(_) => panic!("it was opened"),
            Err(error) => error,
        }
    }
}

#[async_trait]
impl Place for Database {
    async fn open(&self) -> Box<dyn ScanCache> {
        scan_cache::open(&self.location(), None).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgresql_keeps_the_contract_of_caches() {
    conformance::check_all(&Databases).await;
}

#[tokio::test]
async fn a_schema_of_somebody_else_is_left_alone() {
    let database = Database::new().await;
    database.run("CREATE SCHEMA rotakey_scan; CREATE TABLE rotakey_scan.song (name text)").await;
    let error = database.error().await;
    assert!(matches!(error, CacheError::Foreign { .. }), "{error:?}");
    database.run("CREATE TABLE rotakey_scan.format AS SELECT 'songs' AS application, 1 AS version").await;
    let error = database.error().await;
    assert!(matches!(error, CacheError::Foreign { .. }), "{error:?}");
    database.run("UPDATE rotakey_scan.format SET application = 'rotakey scan cache', version = 99").await;
    let error = database.error().await;
    assert!(matches!(error, CacheError::Newer { found: 99, .. }), "{error:?}");
}

#[tokio::test]
async fn a_cache_and_an_index_share_a_database() {
    let database = Database::new().await;
    for _ in 0..2 {
        scan_cache::open(&database.location(), None).await.unwrap().close().await.unwrap();
        usage_index::open(&database.0.parse().unwrap()).await.unwrap().close().await;
    }
}

#[tokio::test]
async fn a_server_that_refuses_is_told_without_the_password() {
    let database = Database::new().await;
    let (_, server) = database.0.rsplit_once('@').unwrap();
    let location: CacheLocation = format!("postgres://postgres:hunter2@{server}").parse().unwrap();
    let Err(error) = scan_cache::open(&location, None).await else { panic!("it was opened") };
    let text = format!("{error} {error:?}");
    assert!(text.contains("password authentication failed") && !text.contains("hunter2"), "{text}");
}
