//! The tables, and how a file of an older version becomes one of this version.

use std::path::Path;

use rotakey_engine::store::StoreError;
use sqlx::{Connection, Row, SqliteConnection};

use crate::error::{of_sqlite, shown};

/// "RTKY", in the field of the file's header that SQLite leaves to applications.
const APPLICATION_ID: i64 = 0x5254_4b59;

/// Each entry takes the schema one version further; the first begins with nothing. Entries are only ever
/// added: a file in the field has been through those before.
const MIGRATIONS: [&str; 1] = [include_str!("schema/1.sql")];

/// The schema version that this program writes.
pub(crate) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Makes the tables in a new file.
pub(crate) async fn create(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    // Kept in the file: readers and the writer do not wait for each other from now on.
    sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(&mut *connection).await?;
    // A pragma takes no bound value, so the constant is written out; a test compares the two.
    sqlx::raw_sql("PRAGMA application_id = 0x52544b59").execute(&mut *connection).await?;
    migrate_from(connection, 0).await
}

/// Refuses a file that is not ours or too new for us, and takes one that is too old further. What is refused
/// is not written to.
pub(crate) async fn open(path: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let failed = |error: sqlx::Error| of_sqlite(path, &error);
    let application = pragma(connection, "PRAGMA application_id").await.map_err(failed)?;
    if application != APPLICATION_ID {
        let message = "it is the SQLite database of another program".to_owned();
        return Err(StoreError::Foreign { location: shown(path), message });
    }
    let found = pragma(connection, "PRAGMA user_version").await.map_err(failed)?;
    if found > VERSION {
        return Err(StoreError::Newer { location: shown(path), found, known: VERSION });
    }
    if found < VERSION {
        migrate_from(connection, found).await.map_err(failed)?;
    }
    Ok(())
}

/// Runs what is missing, all or nothing. Another process may have done so in the meantime.
async fn migrate_from(connection: &mut SqliteConnection, found: i64) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let found = pragma(&mut transaction, "PRAGMA user_version").await?.max(found);
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

async fn pragma(connection: &mut SqliteConnection, query: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query(query).fetch_one(connection).await?.try_get(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_new_file_says_whose_it_is_and_of_which_version() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        create(&mut connection).await.unwrap();
        assert_eq!(pragma(&mut connection, "PRAGMA application_id").await.unwrap(), APPLICATION_ID);
        assert_eq!(pragma(&mut connection, "PRAGMA user_version").await.unwrap(), VERSION);
    }
}
