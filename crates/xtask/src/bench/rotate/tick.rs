//! What a tick asks of the rotation log, however many rotations it holds.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Section, example};
use crate::bench::measure;
use crate::bench::page::{Aims, grouped};
use crate::failure::{Failure, While as _};
use crate::repository::Repository;
use crate::{postgres, process};

/// By when a tick with ten that are due is to be over.
const AIM_MS: f64 = 50.0;

/// How many rotations are stored.
const STORED: [u64; 2] = [10_000, 100_000];

/// Measures.
pub(super) fn measure(repository: &Repository, is_quick: bool, aims: &mut Aims) -> Result<Section, Failure> {
    let program = example(repository, "rotakey-store", "rotation_tick_bench")?;
    let folder = repository.scratch().join("bench/rotate");
    measure::empty(&folder)?;
    let server = postgres::Server::start_durable(repository)?;
    let sizes = if is_quick { &STORED[..1] } else { &STORED };
    let mut rows = Vec::new();
    for &stored in sizes {
        let file = folder.join(format!("{stored}.db"));
        rows.push(("SQLite", ask(&program, &format!("sqlite:{}", file.display()), stored)?));
        let database = new_database(server.url(), stored)?;
        rows.push(("PostgreSQL", ask(&program, &database, stored)?));
    }
    for database in ["SQLite", "PostgreSQL"] {
        let aim = format!("a tick with 100,000 rotations stored and 10 due: under 50 ms on {database}");
        let largest = rows.iter().find(|(name, row)| *name == database && row.stored == STORED[1]);
        match largest {
            Some((_, row)) => aims.aim(&aim, format!("{:.1} ms", row.tick.p95), row.tick.p95 < AIM_MS),
            None => aims.unmeasured(&aim),
        }
    }
    let version = process::capture(Command::new(postgres::install()?.join("postgres")).arg("--version"))?;
    measure::empty(&folder)?;
    Ok(Section { text: write(&rows), versions: vec![version.trim().to_owned()] })
}

/// What one run of the program told.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    stored: u64,
    open: u64,
    tick: Times,
    listing: Times,
}

/// In milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Times {
    median: f64,
    p95: f64,
}

/// A database of its own, by its URL.
fn new_database(server: &str, stored: u64) -> Result<String, Failure> {
    let name = format!("tick_{stored}");
    let programs = postgres::install()?;
    let statement = format!("CREATE DATABASE {name}");
    process::capture(Command::new(programs.join("psql")).args(["-c", &statement, server]))?;
    let (server, _) =
        server.rsplit_once('/').ok_or_else(|| Failure::new("the server's URL names no database"))?;
    Ok(format!("{server}/{name}"))
}

fn ask(program: &Path, location: &str, stored: u64) -> Result<Row, Failure> {
    let kind = location.split(':').next().unwrap_or_default();
    println!("{kind}: {} rotations.", grouped(stored));
    let report = process::capture(Command::new(program).arg(location).arg(stored.to_string()))?;
    let report: Value = serde_json::from_str(&report).could_not("read what was measured")?;
    from_report(&report).ok_or_else(|| Failure::new("the report of a run has another form than expected"))
}

fn from_report(report: &Value) -> Option<Row> {
    let times = |name: &str| {
        Some(Times { median: report[name]["median"].as_f64()?, p95: report[name]["p95"].as_f64()? })
    };
    Some(Row {
        stored: report["stored"].as_u64()?,
        open: report["open"].as_u64()?,
        tick: times("tick_ms")?,
        listing: times("listing_ms")?,
    })
}

fn write(rows: &[(&str, Row)]) -> String {
    let mut text = "### A tick\n\n\
        What a tick asks of the log: ten rotations that are due are claimed; the log of each (20 records) is read and its \
        hash chain checked, the start of a step and its outcome are appended, each for itself and on disk, and it is said \
        when the rotation is due again; then it is asked when there is something to do next. 100 ticks. Beside it, \
        listing all that is stored, which a tick that does not know what is due would have to begin with. PostgreSQL runs \
        on the same machine, with its own settings.\n\n\
        | log | stored | of them open | tick, median, ms | tick, 95 %, ms | listing all, median, ms |\n\
        |---|--:|--:|--:|--:|--:|\n"
        .to_owned();
    for (database, Row { stored, open, tick, listing }) in rows {
        let (stored, open) = (grouped(*stored), grouped(*open));
        let Times { median, p95 } = tick;
        let _ = writeln!(
            text,
            "| {database} | {stored} | {open} | {median:.1} | {p95:.1} | {:.1} |",
            listing.median
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_row_of_the_page() {
        let report = serde_json::json!({
            "stored": 100_000, "open": 1000, "due": 10, "records": 20, "filled_seconds": 9.9,
            "tick_ms": {"median": 7.04, "p95": 9.96, "max": 20.0},
            "listing_ms": {"median": 123.4, "p95": 150.0, "max": 151.0},
        });
        let row = from_report(&report).unwrap();
        let text = write(&[("SQLite", row)]);
        assert!(text.ends_with("| SQLite | 100,000 | 1,000 | 7.0 | 10.0 | 123.4 |\n"), "{text}");
        assert_eq!(from_report(&serde_json::json!({"stored": 1})), None);
    }
}
