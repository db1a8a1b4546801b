//! What an engine answers, read into the columns that `trail usage` has.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use crate::answer::Answer as _;
use crate::event_time::EventTime;
use crate::keys::KeysAnswer;
use crate::record::{Identity, Record};

/// The cells of an answer: columns have names, and `None` is `NULL`.
#[derive(Debug, Clone, Copy)]
pub struct Cells<'a> {
    /// The names of the columns.
    pub columns: &'a [String],
    /// The rows, each as wide as the columns.
    pub rows: &'a [Vec<Option<String>>],
}

/// Why an answer is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowsError {
    /// A column is not there.
    #[error("the answer has no column {0:?}")]
    NoColumn(&'static str),
    /// A cell is not of its column's kind.
    #[error("row {row} has no {what} in column {column:?}")]
    Cell {
        /// Which row, from 1 on.
        row: usize,
        /// Its column.
        column: &'static str,
        /// What should be there.
        what: &'static str,
    },
}

/// The use of one key in the flat columns of `trail usage --format csv`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "as in `KeyUsage`; lists are told by their lengths")]
pub struct UsageRow {
    pub access_key_id: String,
    pub principal_arn: Option<String>,
    pub account_id: Option<String>,
    pub user_name: Option<String>,
    pub calls: u64,
    pub denied_calls: u64,
    pub failed_calls: u64,
    pub throttled_calls: u64,
    pub first_at: Option<EventTime>,
    pub last_at: Option<EventTime>,
    pub actions: u64,
    pub error_codes: u64,
    pub regions: u64,
    pub addresses: u64,
    pub user_agents: u64,
    pub active_days: u64,
    pub session_keys: u64,
    pub session_calls: u64,
    pub session_last_at: Option<EventTime>,
}

/// The use of one key from one source by one client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "as in `KeyUsage` and in the record")]
pub struct ConsumerRow {
    pub access_key_id: String,
    pub source_ip: Option<String>,
    pub user_agent: Option<String>,
    pub vpc_endpoint: Option<String>,
    pub invoked_by: Option<String>,
    pub calls: u64,
    pub denied_calls: u64,
    pub failed_calls: u64,
    pub throttled_calls: u64,
    pub first_at: Option<EventTime>,
    pub last_at: Option<EventTime>,
    pub active_days: u64,
    /// `eventSource`s, with spaces in between.
    pub services: Option<String>,
    /// `awsRegion`s, likewise.
    pub regions: Option<String>,
}

/// Reads the answer to [`super::Question::Usage`]. The use by sessions is told of all keys that they descend from, as far
/// as the answer holds both. A key that has sessions and no calls of its own has a row as well.
///
/// # Errors
/// If columns or cells are not as asked for.
pub fn usage(cells: Cells<'_>) -> Result<Vec<UsageRow>, RowsError> {
    let reader = Reader::new(cells);
    let mut rows = BTreeMap::new();
    let mut parents: HashMap<String, String> = HashMap::new();
    for row in 0..cells.rows.len() {
        let usage = UsageRow {
            access_key_id: reader.key(row)?,
            principal_arn: reader.text(row, "principal_arn")?.map(str::to_owned),
            account_id: reader.text(row, "account_id")?.map(str::to_owned),
            user_name: reader.text(row, "user_name")?.map(str::to_owned),
            calls: reader.number(row, "calls")?,
            denied_calls: reader.number(row, "denied_calls")?,
            failed_calls: reader.number(row, "failed_calls")?,
            throttled_calls: reader.number(row, "throttled_calls")?,
            first_at: reader.time(row, "first_at")?,
            last_at: reader.time(row, "last_at")?,
            actions: reader.number(row, "actions")?,
            error_codes: reader.number(row, "error_codes")?,
            regions: reader.number(row, "regions")?,
            addresses: reader.number(row, "addresses")?,
            user_agents: reader.number(row, "user_agents")?,
            active_days: reader.number(row, "active_days")?,
            ..UsageRow::default()
        };
        for child in reader.text(row, "minted_keys")?.unwrap_or_default().split_whitespace() {
            // Of several that are said to have minted it, the first by name.
            let parent = parents.entry(child.to_owned()).or_insert_with(|| usage.access_key_id.clone());
            if usage.access_key_id < *parent {
                parent.clone_from(&usage.access_key_id);
            }
        }
        rows.insert(usage.access_key_id.clone(), usage);
    }
    let mut sessions: HashMap<&str, (u64, u64, Option<EventTime>)> = HashMap::new();
    for child in parents.keys() {
        let (calls, last_at) = rows.get(child).map_or((0, None), |row| (row.calls, row.last_at));
        // Made up records may go round in circles.
        let mut seen = BTreeSet::from([child.as_str()]);
        let mut at = child;
        while let Some(parent) = parents.get(at).filter(|parent| seen.insert(parent)) {
            let all = sessions.entry(parent).or_default();
            *all = (all.0 + 1, all.1 + calls, all.2.max(last_at));
            at = parent;
        }
    }
    for (key, (keys, calls, last_at)) in sessions {
        let row = rows
            .entry(key.to_owned())
            .or_insert_with(|| UsageRow { access_key_id: key.to_owned(), ..UsageRow::default() });
        (row.session_keys, row.session_calls, row.session_last_at) = (keys, calls, last_at);
    }
    Ok(rows.into_values().collect())
}

/// Reads the answer to [`super::Question::Consumers`].
///
/// # Errors
/// If columns or cells are not as asked for.
pub fn consumers(cells: Cells<'_>) -> Result<Vec<ConsumerRow>, RowsError> {
    let reader = Reader::new(cells);
    let row = |row: usize| {
        Ok(ConsumerRow {
            access_key_id: reader.key(row)?,
            source_ip: reader.text(row, "source_ip")?.map(str::to_owned),
            user_agent: reader.text(row, "user_agent")?.map(str::to_owned),
            vpc_endpoint: reader.text(row, "vpc_endpoint")?.map(str::to_owned),
            invoked_by: reader.text(row, "invoked_by")?.map(str::to_owned),
            calls: reader.number(row, "calls")?,
            denied_calls: reader.number(row, "denied_calls")?,
            failed_calls: reader.number(row, "failed_calls")?,
            throttled_calls: reader.number(row, "throttled_calls")?,
            first_at: reader.time(row, "first_at")?,
            last_at: reader.time(row, "last_at")?,
            active_days: reader.number(row, "active_days")?,
            services: reader.text(row, "services")?.map(str::to_owned),
            regions: reader.text(row, "regions")?.map(str::to_owned),
        })
    };
    (0..cells.rows.len()).map(row).collect()
}

/// Reads the answer to [`super::Question::Keys`]: records, from which the same answer is made as from files. Sign-ins are
/// told of those users only whose keys are managed in the same time.
///
/// # Errors
/// If columns or cells are not as asked for.
pub fn keys(cells: Cells<'_>) -> Result<KeysAnswer, RowsError> {
    let reader = Reader::new(cells);
    let mut answer = KeysAnswer::default();
    for row in 0..cells.rows.len() {
        let text = |column| reader.text(row, column);
        let needed =
            |column| reader.text(row, column)?.ok_or(RowsError::Cell { row: row + 1, column, what: "text" });
        let record = Record {
            event_id: text("event_id")?,
            time: reader.time(row, "at")?.ok_or(RowsError::Cell {
                row: row + 1,
                column: "at",
                what: "time",
            })?,
            event_source: needed("event_source")?,
            event_name: needed("action")?,
            region: text("region")?,
            source_ip: text("source_ip")?,
            user_agent: text("user_agent")?,
            error_code: text("error")?,
            error_message: text("error_message")?,
            identity: Identity {
                kind: text("principal_type")?,
                principal_id: text("principal_id")?,
                arn: text("principal")?,
                account_id: text("account_id")?,
                access_key_id: text("signed_by")?,
                user_name: text("caller_name")?,
                invoked_by: text("invoked_by")?,
                session_context: None,
            },
            recipient_account_id: text("record_account")?,
            request: text("request_parameters")?,
            response: text("response_elements")?,
            additional: text("additional_event_data")?,
            ..Record::default()
        };
        answer.take(&[record]);
    }
    Ok(answer)
}

/// Finds cells by the names of their columns.
struct Reader<'a> {
    cells: Cells<'a>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Reader<'a> {
    fn new(cells: Cells<'a>) -> Self {
        let places = cells.columns.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
        Self { cells, places }
    }

    /// The text of a cell, unless it is `NULL` or empty.
    fn text(&self, row: usize, column: &'static str) -> Result<Option<&'a str>, RowsError> {
        let place = *self.places.get(column).ok_or(RowsError::NoColumn(column))?;
        let cell = self.cells.rows[row].get(place).and_then(Option::as_deref);
        Ok(cell.filter(|text| !text.is_empty()))
    }

    fn key(&self, row: usize) -> Result<String, RowsError> {
        let column = "access_key_id";
        let key = self.text(row, column)?.ok_or(RowsError::Cell { row: row + 1, column, what: "key" })?;
        Ok(key.to_owned())
    }

    fn number(&self, row: usize, column: &'static str) -> Result<u64, RowsError> {
        let number = self.text(row, column)?.and_then(|text| text.parse().ok());
        number.ok_or(RowsError::Cell { row: row + 1, column, what: "number" })
    }

    fn time(&self, row: usize, column: &'static str) -> Result<Option<EventTime>, RowsError> {
        let time =
            |text| EventTime::parse(text).ok_or(RowsError::Cell { row: row + 1, column, what: "time" });
        self.text(row, column)?.map(time).transpose()
    }
}
