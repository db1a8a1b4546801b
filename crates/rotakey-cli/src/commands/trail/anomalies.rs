//! `rotakey trail anomalies`: what about the use of keys is not as it was.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use clap::Args;
use rotakey_core::audit::Severity;
use rotakey_trail::anomaly::{Anomalies, Anomaly, Baseline, find};
use rotakey_trail::event_time::EventTime;
use rotakey_trail::network::lists::{ListError, Lists};
use rotakey_trail::summary::Summary;
use rotakey_trail::usage::{GroupBy, Usage, UsageTable};
use serde::Serialize;

use super::input::{InputArgs, Times, instant};
use super::tell::tell;
use super::words::csv_cell;
use crate::cli::{Format, GlobalArgs};
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::{Printer, cannot_write};
use crate::quantity::{count, instant as instant_in_words};
use crate::table::{Cell, Fit, Table};

/// How many rows are examined at a time: all of them together may take much memory.
const PORTION: usize = 1_024;

/// Say what about the use of keys is not as it was, and why
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "What a key did before --baseline-until is the measure for what it did after: a
network, country, region or client that it was not seen with is told, with the
evidence. A key that was used on fewer than 5 days before, or less than 20 times,
has no such measure: nothing is called new for it, and it is counted. Listed
addresses, an instance's session outside of AWS, one session in several networks
and logging that was switched off are told for all of the time. An anomaly is a
reason to look, and no proof.

Examples:
  rotakey trail anomalies --baseline-until 2026-11-15 logs/
  rotakey trail anomalies --baseline-until 2026-11-15 --listed tor.txt \\
      --countries GeoLite2-Country.mmdb --aws-ranges ip-ranges.json logs/

",
    exit_codes!()
))]
pub(crate) struct AnomaliesArgs {
    #[command(flatten)]
    input: InputArgs,
    /// What came before this day or instant is the measure for what comes after
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    baseline_until: EventTime,
    /// Addresses or networks to tell of, one a line, such as the exits of Tor; can be given several times
    #[arg(long, value_name = "FILE")]
    listed: Vec<PathBuf>,
    /// Where addresses are: a GeoIP database (.mmdb), or CSV lines with a network and a country
    #[arg(long, value_name = "FILE")]
    countries: Option<PathBuf>,
    /// AWS's own addresses: https://ip-ranges.amazonaws.com/ip-ranges.json, saved
    #[arg(long, value_name = "FILE")]
    aws_ranges: Option<PathBuf>,
}

/// The answer in JSON.
#[derive(Serialize)]
struct Document<'a> {
    complete: bool,
    baseline_until: EventTime,
    #[serde(flatten)]
    anomalies: &'a Anomalies,
    summary: &'a Summary,
}

/// Runs the command.
pub(super) async fn run(
    args: &AnomaliesArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let lists = args.lists()?;
    let input = args.input.open(Times::Once, globals, printer).await?.of_use();
    if let Some(verdict) = input.partial(printer)? {
        return Ok(verdict);
    }
    let usage = Usage::new(GroupBy::Key);
    let (answer, summary) = input.answer(printer, || usage.answer());
    drop(answer);
    let anomalies = examine(&usage.finish(), args.baseline_until, &lists);
    match printer.format() {
        Format::Json => printer.json(&Document {
            complete: summary.is_complete(),
            baseline_until: args.baseline_until,
            anomalies: &anomalies,
            summary: &summary,
        })?,
        Format::Csv => print_csv(&anomalies, printer)?,
        Format::Human => print_human(&anomalies, printer)?,
    }
    let verdict = if anomalies.anomalies.is_empty() { Verdict::Clean } else { Verdict::Findings };
    Ok(tell(&summary, verdict, printer))
}

impl AnomaliesArgs {
    fn lists(&self) -> Result<Lists, CommandError> {
        let mut lists = Lists::default();
        for path in &self.listed {
            lists.add_addresses(&shown(path), &text(path)?).map_err(unreadable)?;
        }
        if let Some(path) = &self.countries {
            let is_database = path.extension().is_some_and(|extension| extension == "mmdb");
            match is_database {
                true => lists.add_country_database(&shown(path), bytes(path)?).map_err(unreadable)?,
                false => lists.add_countries(&shown(path), &text(path)?).map_err(unreadable)?,
            }
        }
        if let Some(path) = &self.aws_ranges {
            lists.set_aws_ranges(&shown(path), &text(path)?).map_err(unreadable)?;
        }
        Ok(lists)
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn bytes(path: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(path).map_err(|error| {
        CommandError::usage(format!("cannot read {}: {error}", path.display())).hint("Name an existing file.")
    })
}

fn text(path: &Path) -> Result<String, CommandError> {
    String::from_utf8(bytes(path)?).map_err(|_| {
        CommandError::usage(format!("{} is no text", path.display()))
            .hint("A database of countries is named with --countries and ends with .mmdb.")
    })
}

fn unreadable(error: ListError) -> CommandError {
    CommandError::usage(error).hint("Correct the line that is named, or leave the list out.")
}

/// The anomalies of all rows, the worst first.
fn examine(table: &UsageTable, until: EventTime, lists: &Lists) -> Anomalies {
    let baseline = Baseline::new(until);
    let mut all = Anomalies::default();
    for begin in (0..table.len()).step_by(PORTION) {
        let end = (begin + PORTION).min(table.len());
        let rows: Vec<_> = table.rows_to_examine(begin..end, until, lists).collect();
        let found = find(&rows, &baseline, lists);
        all.anomalies.extend(found.anomalies);
        all.keys_without_baseline += found.keys_without_baseline;
        all.session_keys += found.session_keys;
    }
    let order = |anomaly: &Anomaly| (Reverse(anomaly.severity), anomaly.at, anomaly.access_key_id.clone());
    all.anomalies.sort_by_cached_key(order);
    all
}

fn print_human(anomalies: &Anomalies, printer: &Printer) -> Result<(), CommandError> {
    let palette = printer.palette();
    let mut table = Table::new([Fit::Whole, Fit::Whole, Fit::Whole]);
    for anomaly in &anomalies.anomalies {
        let style = match anomaly.severity {
            Severity::Critical | Severity::High => palette.bad,
            Severity::Medium => palette.warning,
            Severity::Low => palette.quiet,
        };
        table.row([
            Cell::new(anomaly.code.as_str()).style(style),
            Cell::new(anomaly.access_key_id.as_deref().unwrap_or_default()),
            Cell::new(instant_in_words(anomaly.at.into())),
        ]);
        table.sentence(2, Cell::new(&anomaly.evidence.text));
        if let Some(baseline) = &anomaly.baseline {
            table.sentence(2, Cell::new(baseline).style(palette.quiet));
        }
    }
    printer.table(&table)?;
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let found = match anomalies.anomalies.len() {
        1 => "1 anomaly".to_owned(),
        more => format!("{} anomalies", crate::quantity::grouped(more)),
    };
    printer.text(&format!("{found}.\n"))?;
    if anomalies.keys_without_baseline > 0 {
        let keys = count(number(anomalies.keys_without_baseline), "key");
        printer.note(&format!("{keys} without a baseline: nothing is called new for them."));
    }
    Ok(())
}

fn print_csv(anomalies: &Anomalies, printer: &Printer) -> Result<(), CommandError> {
    let mut out = csv::Writer::from_writer(printer.data());
    let header = ["code", "severity", "access_key_id", "principal_arn", "at", "evidence", "baseline"];
    let mut result = out.write_record(header);
    for anomaly in &anomalies.anomalies {
        result = result.and_then(|()| {
            out.write_record([
                anomaly.code.as_str(),
                anomaly.severity.as_str(),
                &csv_cell(anomaly.access_key_id.as_deref().unwrap_or_default()),
                &csv_cell(anomaly.principal_arn.as_deref().unwrap_or_default()),
                &anomaly.at.to_string(),
                &csv_cell(&anomaly.evidence.text),
                &csv_cell(anomaly.baseline.as_deref().unwrap_or_default()),
            ])
        });
    }
    result.and_then(|()| Ok(out.flush()?)).map_err(|error| cannot_write(error.into()))
}
