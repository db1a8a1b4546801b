//! Reads rows of either database, and says how values are bound.

use std::str::FromStr;

use jiff::Timestamp;
use rotakey_core::id::{AccountId, InvalidId};
use rotakey_core::rotate::{ChainHash, Record, Subject};
use rotakey_engine::store::{Outlook, RotationSummary, Turn};
use sqlx::{ColumnIndex, Database, Decode, Row, Type};

/// A row of a database that has the types that we use.
pub(super) trait Columns {
    fn text(&self, column: &str) -> Result<String, sqlx::Error>;
    fn number(&self, column: &str) -> Result<Option<i64>, sqlx::Error>;
    fn flag(&self, column: &str) -> Result<bool, sqlx::Error>;
}

impl<R> Columns for R
where
    R: Row,
    for<'c> &'c str: ColumnIndex<R>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> bool: Decode<'r, R::Database> + Type<R::Database>,
    R::Database: Database,
{
    fn text(&self, column: &str) -> Result<String, sqlx::Error> {
        self.try_get(column)
    }

    fn number(&self, column: &str) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(column)
    }

    fn flag(&self, column: &str) -> Result<bool, sqlx::Error> {
        self.try_get(column)
    }
}

pub(super) fn record(row: &impl Columns) -> Result<Record, sqlx::Error> {
    Ok(Record {
        version: version(row)?,
        body: row.text("body")?,
        hash: ChainHash::from_stored(row.text("hash")?),
    })
}

pub(super) fn summary(row: &impl Columns) -> Result<RotationSummary, sqlx::Error> {
    Ok(RotationSummary {
        id: parsed(row, "id")?,
        subject: Subject {
            account_id: parsed(row, "account_id")?,
            user_name: parsed(row, "user_name")?,
            user_id: parsed(row, "user_id")?,
        },
        turn: Turn::from_parts(instant(row, "due")?, row.flag("asks")?),
        version: version(row)?,
    })
}

pub(super) fn outlook(row: &impl Columns) -> Result<Outlook, sqlx::Error> {
    Ok(Outlook { next: instant(row, "next")?, asks: row.flag("asks")? })
}

pub(super) fn parsed<T>(row: &impl Columns, column: &str) -> Result<T, sqlx::Error>
where
    T: FromStr<Err = InvalidId>,
{
    row.text(column)?.parse().map_err(decode)
}

/// The number of records that was read, as databases keep it.
pub(super) fn bound_version(version: u64) -> Result<i64, sqlx::Error> {
    i64::try_from(version).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

/// How many rows at most.
pub(super) fn bound_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn texts(accounts: &[AccountId]) -> Vec<String> {
    accounts.iter().map(AccountId::to_string).collect()
}

fn version(row: &impl Columns) -> Result<u64, sqlx::Error> {
    u64::try_from(row.number("version")?.unwrap_or_default()).map_err(decode)
}

fn instant(row: &impl Columns, column: &str) -> Result<Option<Timestamp>, sqlx::Error> {
    row.number(column)?.map(Timestamp::from_microsecond).transpose().map_err(decode)
}

pub(super) fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
