//! The use of keys as Parquet: nested as [`KeyUsage`] is, for whoever asks millions of rows with a query engine.
//!
//! What does not fit into rows is in the metadata of the file: whether all could be read, and the summary.

mod columns;
mod schema;

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use rotakey_trail::summary::Summary;

use self::columns::Columns;
use super::rows::Rows;
use crate::error::CommandError;
use crate::printer::{Printer, cannot_write};

#[cfg(doc)]
use rotakey_trail::usage::schema::KeyUsage;

/// How many rows are made at a time.
const PORTION: usize = 512;

/// A row group is written when it has about so many bytes; until then it is in memory, and so is what is read of it.
const ROW_GROUP: usize = 32 << 20;

/// The names in the metadata of the file.
const COMPLETE: &str = "rotakey.complete";
const SUMMARY: &str = "rotakey.summary";

/// Prints all rows.
pub(super) fn print(rows: &Rows, summary: &Summary, printer: &Printer) -> Result<(), CommandError> {
    write(rows, summary, ROW_GROUP, printer.sink()).map_err(|error| cannot_write(io_error(error)))
}

fn write(
    rows: &Rows,
    summary: &Summary,
    row_group: usize,
    out: impl Write + Send,
) -> Result<(), ParquetError> {
    let schema = Arc::new(schema::key_usage());
    let mut columns = Columns::new(&schema);
    let properties = WriterProperties::builder()
        .set_created_by(concat!("rotakey version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build();
    let mut file = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
    for begin in (0..rows.len()).step_by(PORTION) {
        let mut written = Ok(());
        rows.each_row(begin..rows.len().min(begin + PORTION), |row| {
            columns.push(&serde_json::to_value(row).expect("rows hold what JSON has"));
            if columns.bytes() >= row_group && written.is_ok() {
                written = columns.write(&mut file);
            }
        });
        written?;
    }
    if !columns.is_empty() {
        columns.write(&mut file)?;
    }
    let summary_text =
        serde_json::to_string(summary).map_err(|error| ParquetError::External(error.into()))?;
    file.append_key_value_metadata(KeyValue::new(COMPLETE.to_owned(), summary.is_complete().to_string()));
    file.append_key_value_metadata(KeyValue::new(SUMMARY.to_owned(), summary_text));
    file.close().map(drop)
}

/// The error of the sink, if it was the sink that failed.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests;
