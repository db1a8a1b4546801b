//! The use of keys as CSV: a line for each row, with counts in place of lists.

use rotakey_trail::usage::{GroupBy, RowSums};

use super::rows::Rows;

use super::super::words::csv_cell;
use crate::error::CommandError;
use crate::printer::{Printer, cannot_write};

/// The columns of every grouping; that of the grouping itself comes behind the first.
const COLUMNS: [&str; 19] = [
    "access_key_id",
    "principal_arn",
    "account_id",
    "user_name",
    "calls",
    "denied_calls",
    "failed_calls",
    "throttled_calls",
    "first_at",
    "last_at",
    "actions",
    "error_codes",
    "regions",
    "addresses",
    "user_agents",
    "active_days",
    "session_keys",
    "session_calls",
    "session_last_at",
];

/// Prints all rows.
pub(super) fn print(table: &Rows, printer: &Printer) -> Result<(), CommandError> {
    let mut out = csv::Writer::from_writer(printer.data());
    let group = match table.group_by() {
        GroupBy::Key | GroupBy::Principal => None,
        GroupBy::Consumer => Some("consumer"),
        GroupBy::Service => Some("service"),
        GroupBy::Day => Some("day"),
    };
    let (first, others) = COLUMNS.split_at(1);
    let header: Vec<&str> = first.iter().copied().chain(group).chain(others.iter().copied()).collect();
    let mut result = out.write_record(header);
    table.each_sum(|_, row| {
        if result.is_ok() {
            result = write(&mut out, row, group.is_some());
        }
    });
    result.and_then(|()| Ok(out.flush()?)).map_err(|error| cannot_write(error.into()))
}

fn write(out: &mut csv::Writer<impl std::io::Write>, row: &RowSums<'_>, is_grouped: bool) -> csv::Result<()> {
    let time = |time: Option<rotakey_trail::event_time::EventTime>| {
        time.map(|time| time.to_string()).unwrap_or_default()
    };
    out.write_field(&*csv_cell(row.access_key_id.unwrap_or_default()))?;
    if is_grouped {
        out.write_field(&*csv_cell(row.group.unwrap_or_default()))?;
    }
    for text in [row.principal_arn, row.account_id, row.user_name] {
        out.write_field(&*csv_cell(text.unwrap_or_default()))?;
    }
    for number in [row.calls, row.denied_calls, row.failed_calls, row.throttled_calls] {
        out.write_field(number.to_string())?;
    }
    out.write_field(time(row.first_at))?;
    out.write_field(time(row.last_at))?;
    let sessions = row.sessions.cloned().unwrap_or_default();
    let numbers = [
        row.actions,
        row.error_codes,
        row.regions,
        row.addresses,
        row.user_agents,
        row.active_days,
        sessions.keys,
        sessions.calls,
    ];
    for number in numbers {
        out.write_field(number.to_string())?;
    }
    out.write_field(time(sessions.last_at))?;
    out.write_record(None::<&[u8]>)
}
