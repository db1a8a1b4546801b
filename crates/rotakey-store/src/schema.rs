//! The tables of an SQLite file, and how a file of an older version becomes one of this version.

use std::path::Path;

use rotakey_engine::store::StoreError;
use sqlx::{Connection, Row, SqliteConnection};

use crate::error::{of_sqlite, shown};

/// The version of what a store is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaVersion {
    /// What is there; `None` if there is nothing yet.
    pub found: Option<i64>,
    /// What this program writes. Opening a store takes it there.
    pub known: i64,
}

/// The tables of one kind of file.
pub(crate) struct Schema {
    /// What is in the field of the file's header that SQLite leaves to applications.
    pub(crate) application_id: i64,
    /// Sets it. A pragma takes no bound value, so the constant is written out; a test compares the two.
    pub(crate) set_application_id: &'static str,
    /// Each entry takes the schema one version further; the first begins with nothing. Entries are only ever
    /// added: a file in the field has been through those before.
    pub(crate) migrations: &'static [&'static str],
}

impl Schema {
    /// The schema version that this program writes.
    pub(crate) const fn version(&self) -> i64 {
        self.migrations.len() as i64
    }

    /// Makes the tables in a new file.
    pub(crate) async fn create(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        // Kept in the file: readers and the writer do not wait for each other from now on.
        sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(&mut *connection).await?;
        sqlx::raw_sql(self.set_application_id).execute(&mut *connection).await?;
        self.migrate_from(connection, 0).await
    }

    /// Refuses a file that is not ours or too new for us, and takes one that is too old further. What is refused
    /// is not written to.
    pub(crate) async fn open(
        &self,
        path: &Path,
        connection: &mut SqliteConnection,
    ) -> Result<(), StoreError> {
        let found = self.found(path, connection).await?;
        if found < self.version() {
            let migrated = self.migrate_from(connection, found).await;
            migrated.map_err(|error| of_sqlite(path, &error))?;
        }
        Ok(())
    }

    /// The schema version of a file that is ours and not too new for us.
    pub(crate) async fn found(
        &self,
        path: &Path,
        connection: &mut SqliteConnection,
    ) -> Result<i64, StoreError> {
        let failed = |error: sqlx::Error| of_sqlite(path, &error);
        let application = pragma(connection, "PRAGMA application_id").await.map_err(failed)?;
        if application != self.application_id {
            let message = if application >> 16 == RT {
                "it is another file of rotakey's".to_owned()
            } else {
                "it is the SQLite database of another program".to_owned()
            };
            return Err(StoreError::Foreign { location: shown(path), message });
        }
        let found = pragma(connection, "PRAGMA user_version").await.map_err(failed)?;
        if found > self.version() {
            return Err(StoreError::Newer { location: shown(path), found, known: self.version() });
        }
        Ok(found)
    }

    /// Runs what is missing, all or nothing. Another process may have done so in the meantime.
    async fn migrate_from(&self, connection: &mut SqliteConnection, found: i64) -> Result<(), sqlx::Error> {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let found = pragma(&mut transaction, "PRAGMA user_version").await?.max(found);
        for migration in self.migrations.iter().skip(usize::try_from(found).unwrap_or(0)) {
            sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }
}

/// "RT": how the application ids of all of rotakey's files begin.
const RT: i64 = 0x5254;

async fn pragma(connection: &mut SqliteConnection, query: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query(query).fetch_one(connection).await?.try_get(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_new_file_says_whose_it_is_and_of_which_version() {
        let kinds = [
            &crate::rotations::sqlite::KIND,
            &crate::usage_index::sqlite::KIND,
            &crate::scan_cache::sqlite::KIND,
        ];
        for schema in kinds.map(|kind| &kind.schema) {
            let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
            schema.create(&mut connection).await.unwrap();
            let id = pragma(&mut connection, "PRAGMA application_id").await.unwrap();
            assert_eq!((id, id >> 16), (schema.application_id, RT));
            assert_eq!(pragma(&mut connection, "PRAGMA user_version").await.unwrap(), schema.version());
        }
    }
}
