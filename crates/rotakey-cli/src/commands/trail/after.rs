//! `rotakey trail after`: use of a key after it was switched off.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;
use rotakey_core::id::AccessKeyId;
use rotakey_trail::after::{AfterAnswer, AfterDocument, Conclusion, PROPAGATION_SECONDS, S3AccessLogs};
use rotakey_trail::event_time::EventTime;
use rotakey_trail::summary::Summary;

use super::input::{InputArgs, Times, instant};
use super::sessions::{tell_followed, with_sessions, worse};
use super::tell::tell;
use super::words::csv_cell;
use crate::cli::{Format, GlobalArgs};
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::{Printer, cannot_write};

mod human;

/// Say whether a key was used after it was disabled or deleted
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "When the key was switched off is read from the trail (UpdateAccessKey and
DeleteAccessKey, in us-east-1) or told with --since. While it was on again, its
use does not count. An event within the propagation time is told apart, and is
no finding. Sessions that were minted with the key outlive it: their use is told
apart, too.

No event does not prove that there was no attempt: CloudTrail does not promise
events for calls whose authentication fails. S3 server access logs hold refused
requests; which key was refused, they tell of presigned URLs only.

Examples:
  rotakey trail after AKIA... logs/
  rotakey trail after AKIA... --since 2026-11-20T10:00:00Z logs/
  rotakey trail after AKIA... --s3-access-logs access-logs/ logs/

",
    exit_codes!()
))]
pub(crate) struct AfterArgs {
    /// The key
    #[arg(value_name = "KEY")]
    key: AccessKeyId,
    #[command(flatten)]
    input: InputArgs,
    /// The key is off since this instant or day, whatever the trail tells of it
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    since: Option<EventTime>,
    /// An event so many seconds after the key was switched off is no finding
    #[arg(long, value_name = "SECONDS", default_value_t = PROPAGATION_SECONDS)]
    propagation: u64,
    /// Do not follow the sessions that were minted with the key; the trail is then read once
    #[arg(long)]
    key_only: bool,
    /// S3 server access logs, or folders of them; can be given several times
    #[arg(long, value_name = "PATH")]
    s3_access_logs: Vec<PathBuf>,
}

/// Runs the command.
pub(super) async fn run(
    args: &AfterArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let follow = !args.key_only;
    let (input, selection) = match follow {
        true => args.input.open_with_origins(globals, printer).await?,
        false => (args.input.open(Times::Once, globals, printer).await?, args.input.selection()?),
    };
    if let Some(verdict) = input.partial(printer)? {
        return Ok(verdict);
    }
    let (keys, first) = with_sessions(&input, &args.key, follow, printer);
    let fresh = || AfterAnswer::new(keys.clone(), selection.clone(), args.since);
    let (answer, second) = input.answer(printer, fresh);
    let mut summary = worse(first, second);
    let logs = (!args.s3_access_logs.is_empty()).then(|| {
        let mut logs = S3AccessLogs::new(args.key.as_str(), &answer.unusable(), answer.addresses().clone());
        for path in &args.s3_access_logs {
            read_logs(path, &mut logs, &mut summary);
        }
        logs.into_document()
    });
    let document = answer.into_document(args.propagation, logs, &summary);
    match printer.format() {
        Format::Json => printer.json(&document)?,
        Format::Csv => print_csv(&document, printer)?,
        Format::Human => printer.table(&human::told(&document, printer.palette()))?,
    }
    tell_followed(document.followed, printer);
    if document.truncated {
        printer.warning("There were too many events of the key to keep them all: early ones are missing.");
        printer.hint("Ask about a shorter time with --from and --until.");
    }
    if document.conclusion == Conclusion::NotSwitchedOff {
        printer.hint("If you know when the key was switched off, say so with --since.");
    }
    if document.s3_access_logs.as_ref().is_some_and(|logs| logs.malformed_lines > 0) {
        printer.warning("Lines of the access logs are none of their format, and were passed over.");
    }
    let verdict = match document.conclusion {
        _ if !document.complete => Verdict::Incomplete,
        Conclusion::UsedAfter => Verdict::Findings,
        Conclusion::NothingSeen | Conclusion::NotSwitchedOff => Verdict::Clean,
    };
    Ok(tell(&summary, verdict, printer))
}

/// Reads a file, or all files of a folder, in the order of their names. What cannot be read is told in the summary.
fn read_logs(path: &Path, logs: &mut S3AccessLogs, summary: &mut Summary) {
    let mut read = || -> std::io::Result<Vec<PathBuf>> {
        if !fs::metadata(path)?.is_dir() {
            logs.read(BufReader::with_capacity(256 * 1024, File::open(path)?))?;
            return Ok(Vec::new());
        }
        let mut inner: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // A link to a folder above would never end.
            if !(entry.file_type()?.is_symlink() && entry.path().is_dir()) {
                inner.push(entry.path());
            }
        }
        inner.sort_unstable();
        Ok(inner)
    };
    match read() {
        Ok(inner) => inner.iter().for_each(|path| read_logs(path, logs, summary)),
        Err(error) => summary.problem(path.display().to_string(), error.to_string()),
    }
}

fn print_csv(document: &AfterDocument, printer: &Printer) -> Result<(), CommandError> {
    let mut rows = csv::Writer::from_writer(printer.data());
    let mut write = |row: [&str; 13]| rows.write_record(row).map_err(|error| cannot_write(error.into()));
    write([
        "at",
        "source",
        "access_key_id",
        "seconds_after",
        "within_propagation",
        "through_session",
        "service",
        "action",
        "error_code",
        "source_ip",
        "user_agent",
        "region_or_bucket",
        "event_id",
    ])?;
    let cell = |text: &Option<String>| csv_cell(text.as_deref().unwrap_or_default()).into_owned();
    let flag = |is: bool| if is { "true" } else { "false" };
    for told in &document.uses {
        let event = &told.event;
        write([
            &event.at.to_string(),
            "cloudtrail",
            &csv_cell(&event.access_key_id),
            &told.seconds_after.to_string(),
            flag(told.within_propagation),
            flag(told.through_session),
            &csv_cell(&event.service),
            &csv_cell(&event.action),
            &cell(&event.error_code),
            &cell(&event.source_ip),
            &cell(&event.user_agent),
            &cell(&event.region),
            &cell(&event.event_id),
        ])?;
    }
    for request in document.s3_access_logs.iter().flat_map(|logs| &logs.requests) {
        write([
            &request.at.to_string(),
            "s3-access-log",
            &document.access_key_id,
            "",
            "",
            "",
            "s3",
            &csv_cell(&request.operation),
            &cell(&request.error_code),
            &cell(&request.source_ip),
            &cell(&request.user_agent),
            &csv_cell(&request.bucket),
            "",
        ])?;
    }
    rows.flush().map_err(cannot_write)
}
