//! What an engine answered, told in the flat columns of `trail usage --format csv`.

use rotakey_aws::athena::QueryResult;
use rotakey_trail::engine::rows::{ConsumerRow, UsageRow};
use serde::Serialize;

use crate::cli::Format;
use crate::commands::trail::words::{csv_cell, second, short_arn};
use crate::error::CommandError;
use crate::printer::{Printer, cannot_write};
use crate::quantity::grouped;
use crate::table::{Cell, Fit, Table};

/// An answer in `--format json`.
#[derive(Debug, Serialize)]
struct Document<'a, R> {
    /// Whether all rows are here. That all files were read is for the engine to know.
    complete: bool,
    keys: &'a [R],
    execution_id: &'a str,
    bytes_scanned: Option<u64>,
}

/// Tells who uses each key.
pub(super) fn usage(rows: &[UsageRow], result: &QueryResult, printer: &Printer) -> Result<(), CommandError> {
    match printer.format() {
        Format::Json => json(rows, result, printer),
        Format::Csv => csv(
            rows.iter().map(|row| {
                let mut row = row.clone();
                [&mut row.principal_arn, &mut row.account_id, &mut row.user_name]
                    .into_iter()
                    .for_each(harmless);
                row.access_key_id = csv_cell(&row.access_key_id).into_owned();
                row
            }),
            printer,
        ),
        Format::Human => {
            let mut table = Table::new([Fit::Whole, Fit::Elide, Fit::Whole, Fit::Whole, Fit::Whole]);
            head(&mut table, ["KEY", "WHO", "CALLS", "FAILED", "LAST USE (UTC)"], printer);
            for row in rows {
                let who = row.user_name.as_deref().or(row.principal_arn.as_deref().map(short_arn));
                table.row([
                    Cell::new(&row.access_key_id),
                    Cell::new(who.unwrap_or_default()),
                    number(row.calls),
                    number(row.failed_calls),
                    Cell::new(row.last_at.map(second).unwrap_or_default()),
                ]);
            }
            printer.table(&table)
        }
    }
}

/// Tells from where and by what each key is used.
pub(super) fn consumers(
    rows: &[ConsumerRow],
    result: &QueryResult,
    printer: &Printer,
) -> Result<(), CommandError> {
    match printer.format() {
        Format::Json => json(rows, result, printer),
        Format::Csv => csv(
            rows.iter().map(|row| {
                let mut row = row.clone();
                let ConsumerRow {
                    source_ip, user_agent, vpc_endpoint, invoked_by, services, regions, ..
                } = &mut row;
                [source_ip, user_agent, vpc_endpoint, invoked_by, services, regions]
                    .into_iter()
                    .for_each(harmless);
                row.access_key_id = csv_cell(&row.access_key_id).into_owned();
                row
            }),
            printer,
        ),
        Format::Human => {
            let mut table = Table::new([Fit::Whole, Fit::Elide, Fit::Elide, Fit::Whole, Fit::Whole]);
            head(&mut table, ["KEY", "FROM", "CLIENT", "CALLS", "LAST USE (UTC)"], printer);
            for row in rows {
                let from = row.invoked_by.as_deref().or(row.source_ip.as_deref());
                table.row([
                    Cell::new(&row.access_key_id),
                    Cell::new(from.unwrap_or_default()),
                    Cell::new(row.user_agent.as_deref().unwrap_or_default()),
                    number(row.calls),
                    Cell::new(row.last_at.map(second).unwrap_or_default()),
                ]);
            }
            printer.table(&table)
        }
    }
}

fn head(table: &mut Table, names: [&'static str; 5], printer: &Printer) {
    table.row(names.map(|name| Cell::new(name).style(printer.palette().heading)));
}

fn number(number: u64) -> Cell {
    Cell::new(grouped(usize::try_from(number).unwrap_or(usize::MAX)))
}

fn harmless(cell: &mut Option<String>) {
    if let Some(text) = cell {
        *text = csv_cell(text).into_owned();
    }
}

fn json<R: Serialize>(rows: &[R], result: &QueryResult, printer: &Printer) -> Result<(), CommandError> {
    let (execution_id, bytes_scanned) = (result.execution_id.as_str(), result.bytes_scanned);
    printer.json(&Document { complete: true, keys: rows, execution_id, bytes_scanned })
}

fn csv<R: Serialize>(rows: impl Iterator<Item = R>, printer: &Printer) -> Result<(), CommandError> {
    let mut out = csv::Writer::from_writer(printer.data());
    for row in rows {
        out.serialize(row).map_err(|error| cannot_write(error.into()))?;
    }
    out.flush().map_err(cannot_write)
}
