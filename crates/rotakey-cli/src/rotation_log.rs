//! The log of rotations, as arguments name it.

use std::ffi::{OsStr, OsString};

use clap::Args;
use rotakey_aws::dynamodb::{DynamoStore, Table};
use rotakey_engine::memory_outbox::MemoryOutbox;
use rotakey_engine::memory_store::MemoryStore;
use rotakey_engine::outbox::Outbox;
use rotakey_engine::store::Store;
use rotakey_engine::transfer::Place;
use rotakey_store::{LogLocation, PostgresStore, SqliteStore, TableName};

use crate::assembly::Aws;
use crate::cli::GlobalArgs;
use crate::configuration;
use crate::error::CommandError;
use crate::explain::store_error;
use crate::places;

/// Which log.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    // A text, and not read by clap: that would repeat a wrong one, with the password that may be in it.
    /// The log of rotations: a file, postgres://USER@HOST/DATABASE (a password is better in PGPASSWORD or
    /// ~/.pgpass than here) or dynamodb://TABLE?region=REGION [default: store in rotakey.toml, else
    /// rotakey/rotations.db in $XDG_STATE_HOME]
    #[arg(long, value_name = "STORE", global = true, env = "ROTAKEY_STORE", hide_env_values = true)]
    store: Option<OsString>,
}

impl StoreArgs {
    /// Where it is: as the arguments say, else the environment, else the configuration.
    pub(crate) fn location(&self, globals: &GlobalArgs) -> Result<LogLocation, CommandError> {
        match &self.store {
            Some(named) => located(named),
            None => match configuration::store(globals)? {
                Some(location) => Ok(location),
                None => Ok(LogLocation::Sqlite(places::store()?)),
            },
        }
    }
}

/// Where a log of that name is.
pub(crate) fn located(named: &OsStr) -> Result<LogLocation, CommandError> {
    LogLocation::try_from(named).map_err(|error| {
        CommandError::usage(error).hint(
            "Name it with --store FILE, --store postgres://USER@HOST/DATABASE or --store dynamodb://TABLE.",
        )
    })
}

/// An open log.
pub(crate) enum Log {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
    DynamoDb(DynamoStore),
    /// There is no file, and nobody wants to write to one.
    Absent(MemoryStore, MemoryOutbox),
}

impl Log {
    /// For writing: a file or a schema is made if there is none. A table is not: it costs money.
    pub(crate) async fn open(location: &LogLocation, globals: &GlobalArgs) -> Result<Self, CommandError> {
        let opened = match location {
            LogLocation::Sqlite(path) => SqliteStore::open(path).await.map(Self::Sqlite),
            LogLocation::Postgres(server) => PostgresStore::open(server).await.map(Self::Postgres),
            LogLocation::DynamoDb(name) => {
                table(&Aws::connect(globals).await?, name).open().await.map(Self::DynamoDb)
            }
        };
        opened.map_err(store_error)
    }

    /// For reading: an absent file holds nothing, and stays absent.
    pub(crate) async fn read(location: &LogLocation, globals: &GlobalArgs) -> Result<Self, CommandError> {
        match location {
            LogLocation::Sqlite(path) if matches!(path.try_exists(), Ok(false)) => {
                Ok(Self::Absent(MemoryStore::default(), MemoryOutbox::default()))
            }
            _ => Self::open(location, globals).await,
        }
    }

    /// As the engine wants it.
    pub(crate) fn store(&self) -> &dyn Store {
        match self {
            Self::Sqlite(store) => store,
            Self::Postgres(store) => store,
            Self::DynamoDb(store) => store,
            Self::Absent(store, _) => store,
        }
    }

    /// What people were told, which is kept beside the log.
    pub(crate) fn outbox(&self) -> &dyn Outbox {
        match self {
            Self::Sqlite(store) => store,
            Self::Postgres(store) => store,
            Self::DynamoDb(store) => store,
            Self::Absent(_, outbox) => outbox,
        }
    }

    /// All that is kept.
    pub(crate) fn place(&self) -> Place<'_> {
        Place { store: self.store(), outbox: self.outbox() }
    }

    /// Leaves one whole file behind, and no write-ahead log beside it.
    pub(crate) async fn close(self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
            Self::DynamoDb(_) | Self::Absent(..) => {}
        }
    }
}

/// The table of that name.
pub(crate) fn table(aws: &Aws, name: &TableName) -> Table {
    aws.connection.table(name.table(), name.region())
}
