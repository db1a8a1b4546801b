//! A database of its own on the server of the tests.

use std::net::SocketAddr;

use rotakey_engine::store::StoreError;
use rotakey_store::{Location, PostgresStore};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

const URL: &str = "ROTAKEY_TEST_POSTGRES_URL";

pub(crate) struct Database {
    /// What stands before the address in the URL, the address, and what stands behind it.
    credentials: String,
    address: SocketAddr,
    name: String,
}

impl Database {
    pub(crate) async fn new() -> Self {
        let server = std::env::var(URL).unwrap_or_else(|_| {
            panic!(
                "{URL} is not set: run `cargo xtask test`, or set it to the URL of a superuser of PostgreSQL"
            )
        });
        let name = format!("chaos_{}", std::process::id());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .unwrap();
        let (credentials, rest) = server.rsplit_once('@').unwrap();
        let (address, _) = rest.split_once('/').unwrap();
        Self { credentials: credentials.to_owned(), address: address.parse().unwrap(), name }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The database by way of that address.
    pub(crate) fn url_at(&self, address: SocketAddr) -> String {
        format!("{}@{address}/{}", self.credentials, self.name)
    }

    pub(crate) async fn open(&self) -> PostgresStore {
        open(&self.url_at(self.address)).await.unwrap()
    }
}

pub(crate) async fn open(url: &str) -> Result<PostgresStore, StoreError> {
    match url.parse().unwrap() {
        Location::Postgres(server) => PostgresStore::open(&server).await,
        Location::Sqlite(path) => panic!("{path:?}"),
    }
}
