//! `rotakey trail policy`: a least-privilege policy from what a key was seen to do.

use clap::Args;
use rotakey_core::id::AccessKeyId;
use rotakey_trail::policy::{PolicyAnswer, PolicyReport};

use super::input::{InputArgs, Times};
use super::sessions::{tell_followed, with_sessions, worse};
use super::tell::tell;
use super::words::csv_cell;
use crate::cli::{Format, GlobalArgs};
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::{Printer, cannot_write};

mod human;

/// Write a least-privilege IAM policy from what a key was seen to do
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "The policy covers what was recorded, and nothing else: data events (S3 objects,
DynamoDB items, messages) are in a trail only if it was made to record them, and
what is done once a year is in no trail of a month. Read it before you use it.

Calls that were denied are listed, and are not granted. Resources are named
where the records make them certain; where not, it is all of them, and told.

Examples:
  rotakey trail policy AKIA... logs/
  rotakey trail policy AKIA... logs/ --with-sessions
  rotakey trail policy AKIA... logs/ --format json |
    jq -c '.subjects[0].policies[]'        the documents, one a line

",
    exit_codes!()
))]
pub(crate) struct PolicyArgs {
    /// The key
    #[arg(value_name = "KEY")]
    key: AccessKeyId,
    #[command(flatten)]
    input: InputArgs,
    /// Also write a policy for each role that was assumed with the key; the trail is then read twice
    #[arg(long)]
    with_sessions: bool,
    /// Also grant what was tried and denied
    #[arg(long)]
    include_denied: bool,
}

/// Runs the command.
pub(super) async fn run(
    args: &PolicyArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let follow = args.with_sessions;
    let (input, selection) = match follow {
        true => args.input.open_with_origins(globals, printer).await?,
        false => (args.input.open(Times::Once, globals, printer).await?, args.input.selection()?),
    };
    if let Some(verdict) = input.partial(printer)? {
        return Ok(verdict);
    }
    let (keys, first) = with_sessions(&input, &args.key, follow, printer);
    let fresh = || PolicyAnswer::new(keys.clone(), selection.clone());
    let (answer, second) = input.answer(printer, fresh);
    let summary = worse(first, second);
    let report = answer.into_report(args.include_denied, &summary);
    match printer.format() {
        Format::Json => printer.json(&report)?,
        Format::Csv => print_csv(&report, printer)?,
        Format::Human => human::print(&report, printer)?,
    }
    if report.subjects.is_empty() {
        printer.warning(&format!("No call of {} is among the records: there is nothing to grant.", args.key));
    }
    tell_followed(report.followed, printer);
    let verdict = if report.complete { Verdict::Clean } else { Verdict::Incomplete };
    Ok(tell(&summary, verdict, printer))
}

/// One row for each action, granted or denied.
fn print_csv(report: &PolicyReport, printer: &Printer) -> Result<(), CommandError> {
    let mut rows = csv::Writer::from_writer(printer.data());
    let mut write = |row: [&str; 8]| rows.write_record(row).map_err(|error| cannot_write(error.into()));
    write(["subject", "decision", "action", "resources", "calls", "succeeded", "denied", "last_at"])?;
    for subject in &report.subjects {
        let arn = csv_cell(subject.arn.as_deref().unwrap_or_default());
        let time = |at: Option<rotakey_trail::event_time::EventTime>| {
            at.map_or_else(String::new, |at| at.to_string())
        };
        for granted in &subject.granted {
            write([
                &arn,
                "granted",
                &granted.action,
                &granted.resources.join(" "),
                &granted.calls.to_string(),
                &granted.succeeded.to_string(),
                &granted.denied.to_string(),
                &time(granted.last_at),
            ])?;
        }
        for denied in &subject.denied {
            write([
                &arn,
                "denied",
                &denied.action,
                &denied.resources.join(" "),
                &denied.calls.to_string(),
                "0",
                &denied.calls.to_string(),
                &time(denied.last_at),
            ])?;
        }
    }
    rows.flush().map_err(cannot_write)
}
