//! `rotakey store migrate`: brings what a store is kept in up to date.

use clap::Args;
use rotakey_aws::dynamodb::Readiness;
use rotakey_store::{LogLocation, PostgresStore, SchemaVersion, SqliteStore};
use serde::Serialize;

use super::super::config::no_csv;
use crate::assembly::Aws;
use crate::cli::{Format, GlobalArgs};
use crate::error::{CommandError, Verdict, exit_codes};
use crate::explain::store_error;
use crate::printer::Printer;
use crate::rotation_log::{Log, table};

/// Make a store, or take it to the schema of this version; shows what it would do without --apply
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "A file and a schema of PostgreSQL are also made and taken further by the first
command that writes to them; a table of DynamoDB is made by this command only.
Exits with 1 if there is something to do and it was not done.

Examples:
  rotakey store migrate --store dynamodb://rotations?region=eu-west-1
  rotakey store migrate --store dynamodb://rotations?region=eu-west-1 --apply
  rotakey store migrate --store postgres://keeper@db.example.com/keys --apply

",
    exit_codes!()
))]
pub(super) struct MigrateArgs {
    /// Do it
    #[arg(long)]
    apply: bool,
}

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
enum Migration {
    /// Nothing.
    None,
    /// There is nothing yet.
    Make,
    /// There is a table, and nothing in it that says whose it is.
    SetUp,
    /// The schema is of an earlier version.
    Upgrade { from: i64, to: i64 },
}

#[derive(Serialize)]
struct Answer {
    schema_version: u32,
    store: String,
    #[serde(flatten)]
    migration: Migration,
    done: bool,
}

/// Runs the command.
pub(super) async fn run(
    args: &MigrateArgs,
    location: &LogLocation,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    if printer.format() == Format::Csv {
        return Err(no_csv("store migrate"));
    }
    let migration = look(location, globals).await?;
    let done = args.apply && migration != Migration::None;
    if done {
        migrate(location, globals).await?;
    }
    let store = location.to_string();
    match printer.format() {
        Format::Json => printer.json(&Answer { schema_version: 1, store, migration, done })?,
        _ => printer.text(&format!("{store}: {}\n", words(migration, location, done)))?,
    }
    if migration != Migration::None && !done {
        printer.hint("--apply does it.");
        return Ok(Verdict::Findings);
    }
    Ok(Verdict::Clean)
}

async fn look(location: &LogLocation, globals: &GlobalArgs) -> Result<Migration, CommandError> {
    match location {
        LogLocation::Sqlite(path) => SqliteStore::schema(path).await.map(of_schema).map_err(store_error),
        LogLocation::Postgres(server) => {
            PostgresStore::schema(server).await.map(of_schema).map_err(store_error)
        }
        LogLocation::DynamoDb(name) => {
            let aws = Aws::connect(globals).await?;
            match table(&aws, name).readiness().await.map_err(store_error)? {
                Readiness::Absent => Ok(Migration::Make),
                Readiness::Bare => Ok(Migration::SetUp),
                Readiness::Ready => Ok(Migration::None),
            }
        }
    }
}

fn of_schema(SchemaVersion { found, known }: SchemaVersion) -> Migration {
    match found {
        None => Migration::Make,
        Some(found) if found < known => Migration::Upgrade { from: found, to: known },
        Some(_) => Migration::None,
    }
}

/// Opening a file or a schema is what takes it further.
async fn migrate(location: &LogLocation, globals: &GlobalArgs) -> Result<(), CommandError> {
    match location {
        LogLocation::DynamoDb(name) => {
            let aws = Aws::connect(globals).await?;
            table(&aws, name).migrate(&*aws.clock).await.map_err(store_error)
        }
        LogLocation::Sqlite(_) | LogLocation::Postgres(_) => {
            Log::open(location, globals).await?.close().await;
            Ok(())
        }
    }
}

fn words(migration: Migration, location: &LogLocation, done: bool) -> String {
    let what = match location {
        LogLocation::Sqlite(_) => "the file",
        LogLocation::Postgres(_) => "the schema rotakey_rotations",
        LogLocation::DynamoDb(_) => "the table, paid for by request and protected from deletion",
    };
    match (migration, done) {
        (Migration::None, _) => "up to date".to_owned(),
        (Migration::Make, false) => format!("is not there yet; would make {what}"),
        (Migration::Make, true) => format!("made {what}"),
        (Migration::SetUp, false) => "has the right keys; would set it up for a log of rotations".to_owned(),
        (Migration::SetUp, true) => "set up for a log of rotations".to_owned(),
        (Migration::Upgrade { from, to }, false) => {
            format!("has version {from}; would take it to version {to}")
        }
        (Migration::Upgrade { from, to }, true) => format!("taken from version {from} to version {to}"),
    }
}
