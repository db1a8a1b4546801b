//! `rotakey trail consumers`: who uses a key, and who has moved to the new one.

use clap::Args;
use jiff::SignedDuration;
use rotakey_core::id::AccessKeyId;
use rotakey_trail::consumers::{self as trail, Consumers, ConsumersDocument, CutOver, KeyUse};
use rotakey_trail::lineage::Reach;
use serde::Serialize;

use super::input::InputArgs;
use super::sessions::{Document, find_sessions, tell_followed, worse};
use super::tell::tell;
use super::words::csv_cell;
use crate::cli::{Format, GlobalArgs};
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::{Printer, cannot_write};

mod human;

/// Say who uses a key, and at a cut-over who has moved to the new one
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "A consumer is told from others by its network, its client without versions, its
VPC endpoint and the AWS service that calls for it. Use by sessions that come
from the key counts. With --new-key the exit code is 0 only if every consumer of
the old key has moved, and 1 if one has not. Where the trail is incomplete, or
nobody was seen on the old key, nothing is claimed: exit code 4.

Examples:
  rotakey trail consumers AKIA... logs/
  rotakey trail consumers --new-key AKIA... --from 2026-11-01 AKIA... logs/
  rotakey trail consumers --new-key AKIA... --quiet-for 24h AKIA... logs/

",
    exit_codes!()
))]
pub(crate) struct ConsumersArgs {
    /// The key; with --new-key the old one
    #[arg(value_name = "KEY")]
    key: AccessKeyId,
    #[command(flatten)]
    input: InputArgs,
    /// The key that replaces it: say who has moved
    #[arg(long, value_name = "ID")]
    new_key: Option<AccessKeyId>,
    /// A consumer seen on both, as a fleet is, has moved if it left the old key alone for so long, such as 24h
    #[arg(long, value_name = "DURATION", requires = "new_key")]
    quiet_for: Option<SignedDuration>,
}

/// Runs the command.
pub(super) async fn run(
    args: &ConsumersArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    if args.new_key.as_ref() == Some(&args.key) {
        return Err(CommandError::usage("--new-key is the same key")
            .hint("Give the old key first, and behind --new-key the one that replaces it."));
    }
    let (input, selection) = args.input.open_with_origins(globals, printer).await?;
    let input = input.of_use();
    if let Some(verdict) = input.partial(printer)? {
        return Ok(verdict);
    }
    let keys: Vec<&AccessKeyId> = std::iter::once(&args.key).chain(&args.new_key).collect();
    let (sets, first) = find_sessions(&input, keys, Reach::Sessions, printer);
    let consumers = Consumers::new(sets[0].clone(), sets.get(1).cloned(), selection);
    let (consumers, second) = input.answer(printer, || consumers.fresh());
    let summary = worse(first, second);
    let quiet = args.quiet_for.map(|quiet| quiet.as_secs().unsigned_abs());
    let document = consumers.document(&CutOver { complete: summary.is_complete(), quiet_seconds: quiet });
    let complete = summary.is_complete() && document.followed && !document.consumers_cut;
    match printer.format() {
        Format::Json => printer.json(&Document { complete, answer: &document, summary: &summary })?,
        Format::Csv => print_csv(&document, printer)?,
        Format::Human => printer.text(&human::render(&document, printer.palette(), printer.width()))?,
    }
    tell_followed(document.followed, printer);
    let verdict = match document.verdict {
        _ if !complete => Verdict::Incomplete,
        None | Some(trail::Verdict::AllMoved) => Verdict::Clean,
        Some(trail::Verdict::NotAllMoved) => Verdict::Findings,
        Some(trail::Verdict::Unknown) => Verdict::Incomplete,
    };
    Ok(tell(&summary, verdict, printer))
}

fn print_csv(document: &ConsumersDocument, printer: &Printer) -> Result<(), CommandError> {
    let mut rows = csv::Writer::from_writer(printer.data());
    let sides = |consumer: &trail::ConsumerUse| {
        let new = document.new_access_key_id.clone().zip(consumer.new.clone());
        [consumer.old.clone().map(|old| (document.access_key_id.clone(), old)), new]
    };
    for consumer in &document.consumers {
        for (key, side) in sides(consumer).into_iter().flatten() {
            let row = RowData::of(consumer, &key, &side);
            rows.serialize(row).map_err(|error| cannot_write(error.into()))?;
        }
    }
    rows.flush().map_err(cannot_write)
}

/// The use of one key by one consumer in `--format csv`.
#[derive(Debug, Serialize)]
struct RowData<'a> {
    fingerprint: &'a str,
    consumer: String,
    moved: Option<&'static str>,
    access_key_id: &'a str,
    calls: u64,
    failed_calls: u64,
    session_calls: u64,
    first_at: Option<String>,
    last_at: Option<String>,
    active_days: u32,
    services: String,
    regions: String,
}

impl<'a> RowData<'a> {
    fn of(consumer: &'a trail::ConsumerUse, key: &'a str, side: &'a KeyUse) -> Self {
        let names = |names: &[rotakey_trail::usage::schema::NameUse]| {
            names.iter().map(|name| name.name.as_str()).collect::<Vec<_>>().join(" ")
        };
        Self {
            fingerprint: &consumer.fingerprint,
            consumer: consumer.consumer.to_string(),
            moved: consumer.moved.map(trail::Move::as_str),
            access_key_id: key,
            calls: side.uses.calls,
            failed_calls: side.uses.failed_calls,
            session_calls: side.session_calls,
            first_at: side.uses.first_at.map(|at| at.to_string()),
            last_at: side.uses.last_at.map(|at| at.to_string()),
            active_days: side.active_days,
            services: csv_cell(&names(&side.services)).into_owned(),
            regions: csv_cell(&names(&side.regions)).into_owned(),
        }
    }
}
