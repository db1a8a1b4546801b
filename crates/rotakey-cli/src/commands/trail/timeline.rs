//! `rotakey trail timeline`: what a key and its sessions did.

use std::borrow::Cow;

use clap::Args;
use rotakey_core::id::AccessKeyId;
use rotakey_trail::timeline::{Level, Risk, Row, Target, Timeline, TimelineDocument, TimelineOptions};
use serde::Serialize;

use super::input::InputArgs;
use super::sessions::{Document, ReachArgs, find_sessions, tell_followed, worse};
use super::tell::tell;
use super::words::csv_cell;
use crate::cli::{Format, GlobalArgs};
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::{Printer, cannot_write};

mod human;

/// Say what a key and the sessions that come from it did, with marks on what matters
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Calls that make credentials, widen rights, let others in, leave something
behind, blind the account, read secrets, destroy or cost are marked. Failed ones
are told as tries. People see the same call over and over as one line, programs
(--format json, csv) see each call. The trail is read twice.

Examples:
  rotakey trail timeline AKIA... logs/
  rotakey trail timeline --risk-only --from 2026-11-20 AKIA... logs/
  rotakey trail timeline --format csv --output calls.csv AKIA... logs/

",
    exit_codes!()
))]
pub(crate) struct TimelineArgs {
    /// The key
    #[arg(value_name = "KEY")]
    key: AccessKeyId,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    reach: ReachArgs,
    /// Only calls with a mark; the others are counted
    #[arg(long)]
    risk_only: bool,
    /// Show each call to people by itself
    #[arg(long)]
    all: bool,
    /// Tell at most so many calls, those with the worst marks first, then the latest; all are counted
    #[arg(long, value_name = "COUNT", default_value_t = 20_000)]
    limit: usize,
}

/// Runs the command.
pub(super) async fn run(
    args: &TimelineArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let (input, selection) = args.input.open_with_origins(globals, printer).await?;
    if let Some(verdict) = input.partial(printer)? {
        return Ok(verdict);
    }
    let (sets, first) = find_sessions(&input, [&args.key], (&args.reach).into(), printer);
    let options = TimelineOptions { selection, limit: args.limit, risk_only: args.risk_only };
    let timeline = Timeline::new(sets[0].clone(), options);
    let (timeline, second) = input.answer(printer, || timeline.fresh());
    let (document, summary) = (timeline.document(), worse(first, second));
    let complete = summary.is_complete() && document.followed;
    match printer.format() {
        Format::Json => printer.json(&Document { complete, answer: &document, summary: &summary })?,
        Format::Csv => print_csv(&document, printer)?,
        Format::Human => {
            let shown = human::Shown { all: args.all, risk_only: args.risk_only };
            printer.text(&human::render(&document, shown, printer.palette(), printer.width()))?;
        }
    }
    tell_followed(document.followed, printer);
    let verdict = if complete { Verdict::Clean } else { Verdict::Incomplete };
    Ok(tell(&summary, verdict, printer))
}

fn print_csv(document: &TimelineDocument, printer: &Printer) -> Result<(), CommandError> {
    let mut rows = csv::Writer::from_writer(printer.data());
    for row in &document.rows {
        rows.serialize(RowData::of(row)).map_err(|error| cannot_write(error.into()))?;
    }
    rows.flush().map_err(cannot_write)
}

/// One call in `--format csv`.
#[derive(Debug, Serialize)]
struct RowData<'a> {
    at: String,
    event_id: Option<Cow<'a, str>>,
    access_key_id: Cow<'a, str>,
    via: String,
    service: Cow<'a, str>,
    action: Cow<'a, str>,
    targets: String,
    level: Level,
    risks: String,
    attempt: bool,
    error_code: Option<Cow<'a, str>>,
    arn: Option<Cow<'a, str>>,
    account_id: Option<Cow<'a, str>>,
    region: Option<Cow<'a, str>>,
    source: Option<Cow<'a, str>>,
    agent: Option<Cow<'a, str>>,
}

impl<'a> RowData<'a> {
    fn of(row: &'a Row) -> Self {
        let call = &row.call;
        Self {
            at: call.at.to_string(),
            event_id: call.event_id.as_deref().map(csv_cell),
            access_key_id: csv_cell(&call.access_key_id),
            via: row.via.join(" "),
            service: csv_cell(&call.service),
            action: csv_cell(&call.action),
            targets: targets_in_words(&call.targets, str::to_owned),
            level: call.level,
            risks: call.risks.iter().map(|risk| Risk::as_str(*risk)).collect::<Vec<_>>().join(" "),
            attempt: row.attempt,
            error_code: call.error_code.as_deref().map(csv_cell),
            arn: call.arn.as_deref().map(csv_cell),
            account_id: call.account_id.as_deref().map(csv_cell),
            region: call.region.as_deref().map(csv_cell),
            source: call.source.as_deref().map(csv_cell),
            agent: call.agent.as_ref().map(|agent| agent.family.as_str()).map(csv_cell),
        }
    }
}

/// `user bob, policy AdministratorAccess`.
fn targets_in_words(targets: &[Target], name: impl Fn(&str) -> String) -> String {
    let words = |target: &Target| format!("{} {}", target.kind, name(&target.name));
    targets.iter().map(words).collect::<Vec<_>>().join(", ")
}
