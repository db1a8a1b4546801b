//! The trail that all engines read, and what we say about it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::support::Desk;

/// A desk with a trail on it.
pub(crate) struct Trail {
    pub(crate) desk: Desk,
    pub(crate) folder: PathBuf,
}

/// Rows by their keys; each has its cells by the names of their columns.
pub(crate) type Rows = BTreeMap<String, BTreeMap<String, String>>;

impl Trail {
    /// So many events, as CloudTrail delivers them: with duplicates, decoys and all that else is beside them.
    pub(crate) fn of(events: u64) -> Self {
        let desk = Desk::new();
        let mut options = rotakey_corpus::Options::new(events, 7);
        options.is_delivered = true;
        let place = desk.path("corpus");
        rotakey_corpus::make(&options, &place).expect("the folder can be written to");
        Self { desk, folder: place.join("trail") }
    }

    /// `rotakey trail usage --format csv`.
    pub(crate) fn usage(&self, arguments: &[&str]) -> Rows {
        let folder = self.folder.display().to_string();
        let all = [&["trail", "usage", "--format", "csv"], arguments, &[folder.as_str()]].concat();
        rows(&self.desk.run(&all).exits(0).stdout)
    }

    /// `rotakey trail athena`.
    pub(crate) fn statement(&self, arguments: &[&str]) -> String {
        self.desk.run(&[&["trail", "athena"], arguments].concat()).exits(0).stdout
    }
}

/// Reads CSV of which the first column is the key.
pub(crate) fn rows(text: &str) -> Rows {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns = reader.headers().expect("there is a header").clone();
    let row = |record: csv::StringRecord| {
        let cells = columns.iter().zip(&record).map(|(name, cell)| (name.to_owned(), cell.to_owned()));
        (record[0].to_owned(), cells.collect())
    };
    reader.records().map(|record| row(record.expect("it is CSV"))).collect()
}

/// The interpreter of an environment.
pub(crate) fn python(variable: &str) -> OsString {
    std::env::var_os(variable).unwrap_or_else(|| {
        panic!("{variable} is not set: run `cargo xtask setup` once, and the tests by `cargo xtask test`")
    })
}
