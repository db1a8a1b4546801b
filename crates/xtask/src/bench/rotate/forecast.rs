//! A year of many keys on the virtual clock.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Section, example};
use crate::bench::page::{Aims, grouped};
use crate::failure::{Failure, While as _};
use crate::process;
use crate::repository::Repository;

/// How many keys; each number is twice the one before.
const KEYS: [u64; 5] = [6_250, 12_500, 25_000, 50_000, 100_000];

const DAYS: u64 = 365;

/// The best of so many runs counts: what else the machine does only makes a run longer.
const RUNS: usize = 3;

const AIM_SECONDS: f64 = 60.0;
const AIM_GROWTH: f64 = 2.2;

/// Measures.
pub(super) fn measure(repository: &Repository, is_quick: bool, aims: &mut Aims) -> Result<Section, Failure> {
    let program = example(repository, "rotakey-core", "forecast")?;
    let sizes = if is_quick { &KEYS[..2] } else { &KEYS[..] };
    let rows = sizes.iter().map(|keys| best(&program, *keys, None)).collect::<Result<Vec<_>, _>>()?;
    let aim = "100,000 keys through 365 days on one core: under 60 s";
    match rows.iter().find(|row| row.keys == 100_000) {
        Some(row) => aims.aim(aim, format!("{:.1} s", row.seconds), row.seconds < AIM_SECONDS),
        None => aims.unmeasured(aim),
    }
    let growth = growth(&rows);
    let aim = "growth for each doubling of the keys: at most 2.2 times";
    aims.aim(aim, format!("{growth:.2} times at most"), growth <= AIM_GROWTH);
    let most = sizes[sizes.len() - 1];
    // It holds nothing back, but nobody's turn is independent of the others' any more.
    let limited = best(&program, most, Some(most))?;
    Ok(Section { text: write(&rows, limited), versions: Vec::new() })
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    keys: u64,
    seconds: f64,
    rotations: u64,
    effects: u64,
}

fn best(program: &Path, keys: u64, limit: Option<u64>) -> Result<Row, Failure> {
    println!("{} keys, {DAYS} days.", grouped(keys));
    let mut best: Option<Row> = None;
    for _ in 0..RUNS {
        let numbers = [Some(keys), Some(DAYS), limit].into_iter().flatten();
        let report = process::capture(Command::new(program).args(numbers.map(|number| number.to_string())))?;
        let report: Value = serde_json::from_str(&report).could_not("read what was measured")?;
        let row = from_report(&report)
            .ok_or_else(|| Failure::new("the report of a run has another form than expected"))?;
        best = Some(best.filter(|best| best.seconds <= row.seconds).unwrap_or(row));
    }
    best.ok_or_else(|| Failure::new("nothing was run"))
}

fn from_report(report: &Value) -> Option<Row> {
    Some(Row {
        keys: report["keys"].as_u64()?,
        seconds: report["seconds"].as_f64()?,
        rotations: report["rotations"].as_u64()?,
        effects: report["effects"].as_u64()?,
    })
}

/// The largest factor between the times of a size and the one half as large.
fn growth(rows: &[Row]) -> f64 {
    rows.windows(2).map(|pair| pair[1].seconds / pair[0].seconds).fold(0.0, f64::max)
}

fn write(rows: &[Row], limited: Row) -> String {
    let mut text = "### A year in advance\n\n\
        What `rotakey rotate simulate --synthetic-keys NUMBER --days 365` does, without the listing: every decision is made \
        by the chooser and the machine that rotate real keys, on a virtual clock, on one core. The best of three runs.\n\n\
        | keys | rotations ended | effects | s | effects/s | times the half |\n\
        |--:|--:|--:|--:|--:|--:|\n"
        .to_owned();
    let mut before: Option<f64> = None;
    for Row { keys, seconds, rotations, effects } in rows {
        let factor = before.map_or_else(String::new, |before| format!("{:.2}", seconds / before));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {seconds:.2} | {} | {factor} |",
            grouped(*keys),
            grouped(*rotations),
            grouped(*effects),
            grouped((*effects as f64 / seconds) as u64),
        );
        before = Some(*seconds);
    }
    let _ = writeln!(
        text,
        "\nWhere limits or canaries make users wait for one another, all of them are simulated in the order of time and not one \
         after another: {} keys with a limit that holds nothing back take {:.1} s.",
        grouped(limited.keys),
        limited.seconds,
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_row_of_the_page_and_growth_is_the_worst() {
        let row = |keys: u64, seconds: f64| {
            let report = serde_json::json!({
                "keys": keys, "days": 365, "seconds": seconds, "rotations": 5, "effects": 50, "asked": 1,
            });
            from_report(&report).unwrap()
        };
        let rows = [row(1000, 1.0), row(2000, 2.5), row(4000, 5.0)];
        assert!((growth(&rows) - 2.5).abs() < 1e-9);
        let text = write(&rows, rows[2]);
        assert!(text.contains("| 4,000 | 5 | 50 | 5.00 | 10 | 2.00 |\n"), "{text}");
        assert!(text.ends_with("4,000 keys with a limit that holds nothing back take 5.0 s.\n"), "{text}");
    }
}
