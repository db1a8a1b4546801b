//! The use of keys as JSON: `{"complete", "keys": [...], "summary": {...}}`, a line for each row.

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::thread;

use rotakey_trail::summary::Summary;

use super::rows::Rows;

use crate::error::CommandError;
use crate::harmless_json::HarmlessJson;
use crate::printer::{Printer, cannot_write};

/// How many rows a thread writes at a time.
const PORTION: usize = 512;

/// Prints all rows.
pub(super) fn print(table: &Rows, summary: &Summary, printer: &Printer) -> Result<(), CommandError> {
    let mut out = HarmlessJson::new(printer.data());
    write!(out, "{{\"complete\":{},\"keys\":[", summary.is_complete()).map_err(cannot_write)?;
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    for begin in (0..table.len()).step_by(PORTION * threads) {
        let portions = in_threads(table, begin, threads);
        for (number, portion) in portions.iter().enumerate() {
            let separator = if begin == 0 && number == 0 { "\n" } else { ",\n" };
            if !portion.is_empty() {
                out.write_all(separator.as_bytes()).map_err(cannot_write)?;
                out.write_all(portion).map_err(cannot_write)?;
            }
        }
    }
    let summary = serde_json::to_string(summary).map_err(|error| cannot_write(error.into()))?;
    writeln!(out, "\n],\"summary\":{summary}}}").map_err(cannot_write)
}

/// A portion of rows from each thread, in order.
fn in_threads(table: &Rows, begin: usize, threads: usize) -> Vec<Vec<u8>> {
    thread::scope(|scope| {
        let portions: Vec<_> = (0..threads)
            .map(|number| {
                let from = (begin + number * PORTION).min(table.len());
                let until = (from + PORTION).min(table.len());
                scope.spawn(move || portion(table, from, until))
            })
            .collect();
        portions
            .into_iter()
            .map(|portion| portion.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn portion(table: &Rows, from: usize, until: usize) -> Vec<u8> {
    let mut text = Vec::new();
    table.each_row(from..until, |row| {
        if !text.is_empty() {
            text.extend_from_slice(b",\n");
        }
        serde_json::to_writer(&mut text, row).expect("rows hold what JSON has, and memory takes it");
    });
    text
}
