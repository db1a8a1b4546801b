//! `rotakey trail lineage`: the sessions that come from a key.

use std::borrow::Cow;

use clap::Args;
use rotakey_core::id::AccessKeyId;
use rotakey_trail::lineage::{Lineage, LineageDocument, Node};
use serde::Serialize;

use super::input::InputArgs;
use super::sessions::{Document, ReachArgs, find_sessions, minute, tell_followed, worse};
use super::tell::tell;
use super::words::csv_cell;
use crate::cli::{Format, GlobalArgs};
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::{Printer, cannot_write};

mod drawing;

/// Draw the tree of sessions that come from a key: roles, accounts, and what each did
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Disabling a key does not end the sessions that were minted with it. This is the
tree of them, across roles and accounts, as far as their accounts' trails are
given. The trail is read twice.

Examples:
  rotakey trail lineage AKIA... logs/
  rotakey trail lineage --created-keys AKIA... logs/
  rotakey trail lineage --format json AKIA... s3://trail-bucket/AWSLogs/

",
    exit_codes!()
))]
pub(crate) struct LineageArgs {
    /// The key whose descendants to find
    #[arg(value_name = "KEY")]
    key: AccessKeyId,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    reach: ReachArgs,
    /// Tell at most so many keys one by one, the most recent first; all are counted
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    limit: usize,
    /// Draw each session to people, not many of the same role as one
    #[arg(long)]
    all: bool,
}

/// Runs the command.
pub(super) async fn run(
    args: &LineageArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let (input, selection) = args.input.open_with_origins(globals, printer).await?;
    let input = input.of_use();
    if let Some(verdict) = input.partial(printer)? {
        return Ok(verdict);
    }
    let (sets, first) = find_sessions(&input, [&args.key], (&args.reach).into(), printer);
    let lineage = Lineage::new(sets[0].clone(), selection, args.limit);
    let (lineage, second) = input.answer(printer, || lineage.fresh());
    let (document, summary) = (lineage.document(), worse(first, second));
    let complete = summary.is_complete() && document.followed;
    match printer.format() {
        Format::Json => printer.json(&Document { complete, answer: &document, summary: &summary })?,
        Format::Csv => print_csv(&document, printer)?,
        Format::Human => {
            printer.text(&drawing::draw(&document, args.all, printer.palette(), printer.width()))?;
        }
    }
    tell_followed(document.followed, printer);
    let verdict = if complete { Verdict::Clean } else { Verdict::Incomplete };
    Ok(tell(&summary, verdict, printer))
}

fn print_csv(document: &LineageDocument, printer: &Printer) -> Result<(), CommandError> {
    let mut rows = csv::Writer::from_writer(printer.data());
    for node in &document.nodes {
        rows.serialize(RowData::of(node)).map_err(|error| cannot_write(error.into()))?;
    }
    rows.flush().map_err(cannot_write)
}

/// One key in `--format csv`.
#[derive(Debug, Serialize)]
struct RowData<'a> {
    access_key_id: Cow<'a, str>,
    parent: Option<Cow<'a, str>>,
    depth: u32,
    kind: rotakey_trail::lineage::Kind,
    event_name: Option<Cow<'a, str>>,
    minted_at: Option<String>,
    expires_at: Option<String>,
    arn: Option<Cow<'a, str>>,
    role_arn: Option<Cow<'a, str>>,
    account_id: Option<Cow<'a, str>>,
    crosses_accounts: bool,
    session_name: Option<Cow<'a, str>>,
    user_name: Option<Cow<'a, str>>,
    source_identity: Option<Cow<'a, str>>,
    calls: u64,
    failed_calls: u64,
    first_at: Option<String>,
    last_at: Option<String>,
}

impl<'a> RowData<'a> {
    fn of(node: &'a Node) -> Self {
        Self {
            access_key_id: csv_cell(&node.access_key_id),
            parent: node.parent.as_deref().map(csv_cell),
            depth: node.depth,
            kind: node.kind,
            event_name: node.event_name.as_deref().map(csv_cell),
            minted_at: node.minted_at.map(|at| at.to_string()),
            expires_at: node.expires_at.map(|at| at.to_string()),
            arn: node.arn.as_deref().map(csv_cell),
            role_arn: node.role_arn.as_deref().map(csv_cell),
            account_id: node.account_id.as_deref().map(csv_cell),
            crosses_accounts: node.crosses_accounts,
            session_name: node.session_name.as_deref().map(csv_cell),
            user_name: node.user_name.as_deref().map(csv_cell),
            source_identity: node.source_identity.as_deref().map(csv_cell),
            calls: node.uses.calls,
            failed_calls: node.uses.failed_calls,
            first_at: node.uses.first_at.map(|at| at.to_string()),
            last_at: node.uses.last_at.map(|at| at.to_string()),
        }
    }
}

/// `1,204 calls (3 failed), 2026-11-01 10:00 to 2026-11-23 15:45`.
fn uses_in_words(uses: rotakey_trail::lineage::Uses) -> String {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let calls = crate::quantity::count(number(uses.calls), "call");
    let failed = match uses.failed_calls {
        0 => String::new(),
        failed => format!(" ({} failed)", crate::quantity::grouped(number(failed))),
    };
    match uses.first_at.zip(uses.last_at) {
        Some((first, last)) if first == last => format!("{calls}{failed}, {}", minute(first)),
        Some((first, last)) => format!("{calls}{failed}, {} to {}", minute(first), minute(last)),
        None => "no calls seen".to_owned(),
    }
}
