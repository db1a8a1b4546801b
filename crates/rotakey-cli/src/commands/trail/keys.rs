//! `rotakey trail keys`: the audit trail of key management.

use std::ffi::OsString;

use clap::Args;
use rotakey_core::id::{AccessKeyId, UserName};
use rotakey_store::LogLocation;
use rotakey_trail::keys::{KeysAnswer, KeysDocument, KeysFilter};

use super::input::{InputArgs, Times};
use super::tell::tell;
use super::words::csv_cell;
use crate::cli::{Format, GlobalArgs};
use crate::commands::rotate::keys_of_all;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::{Printer, cannot_write};
use crate::rotation_log::{self, Log};

mod human;

/// Say who created, disabled and deleted keys, and changed what their users may do
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Every access key has its life line, and every event is told with who did it,
from where, and whether by rotakey or around it:
  rotakey       the client says that it is rotakey, and its log knows the key
  says rotakey  the client says so; nothing was compared (see --store)
  not in log    the client says so, but rotakey's log does not know the key
  around it     the client does not say so
A user agent is what a client says of itself: a hint, never proof.

IAM writes its events to the trail of one region: us-east-1 (cn-north-1 in
China, us-gov-west-1 in GovCloud).

Examples:
  rotakey trail keys logs/
  rotakey trail keys --user backup --all logs/
  rotakey trail keys --store rotations.db --format csv logs/ > keys.csv

",
    exit_codes!()
))]
pub(crate) struct KeysArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Only what is about this key
    #[arg(long, value_name = "KEY")]
    key: Option<AccessKeyId>,
    /// Only what is about this user and its keys
    #[arg(long, value_name = "NAME")]
    user: Option<UserName>,
    /// Also tell the calls that only look at keys; tools that audit make very many
    #[arg(long)]
    looks: bool,
    /// Compare with this log of rotations, as `rotakey rotate` writes it
    #[arg(long, value_name = "STORE")]
    store: Option<OsString>,
    /// Show all events to people, not only the newest
    #[arg(long)]
    all: bool,
}

/// Runs the command.
pub(super) async fn run(
    args: &KeysArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let known = match &args.store {
        Some(named) => {
            let location = rotation_log::located(named)?;
            if matches!(&location, LogLocation::Sqlite(path) if !path.is_file()) {
                return Err(CommandError::usage(format!("there is no log of rotations at {location}"))
                    .hint("`rotakey rotate` writes it; without --store nothing is compared."));
            }
            let log = Log::read(&location, globals).await?;
            let keys = keys_of_all(log.store()).await;
            log.close().await;
            Some(keys?)
        }
        None => None,
    };
    let filter = KeysFilter {
        access_key_id: args.key.as_ref().map(ToString::to_string),
        user_name: args.user.as_ref().map(ToString::to_string),
        with_looks: args.looks,
    };
    let input = args.input.open(Times::Once, globals, printer).await?;
    if let Some(verdict) = input.partial(printer)? {
        return Ok(verdict);
    }
    let (answer, summary) = input.answer(printer, KeysAnswer::default);
    let document = answer.into_document(&filter, known.as_ref(), &summary);
    print(&document, args.all, printer)?;
    if document.iam_events == 0 {
        printer.warning(
            "There is no event of IAM among the records. IAM writes to the trail of us-east-1 (cn-north-1, us-gov-west-1).",
        );
    }
    if document.dropped > 0 {
        printer.warning(&format!("{} older events were too many to keep.", document.dropped));
        printer.hint("Ask about a shorter time with --from and --until.");
    }
    let verdict = if document.complete { Verdict::Clean } else { Verdict::Incomplete };
    Ok(tell(&summary, verdict, printer))
}

/// Prints the document. People see only the newest events unless they want all.
pub(super) fn print(document: &KeysDocument, all: bool, printer: &Printer) -> Result<(), CommandError> {
    match printer.format() {
        Format::Json => printer.json(document),
        Format::Csv => print_csv(document, printer),
        Format::Human => {
            printer.table(&human::keys(document, printer.palette()))?;
            printer.table(&human::events(document, all, printer.palette()))
        }
    }
}

fn print_csv(document: &KeysDocument, printer: &Printer) -> Result<(), CommandError> {
    let mut rows = csv::Writer::from_writer(printer.data());
    let mut write = |row: [&str; 17]| rows.write_record(row).map_err(|error| cannot_write(error.into()));
    write([
        "at",
        "action",
        "concern",
        "access_key_id",
        "user_name",
        "account_id",
        "detail",
        "principal",
        "principal_type",
        "signed_by",
        "source_ip",
        "user_agent",
        "region",
        "succeeded",
        "error",
        "provenance",
        "event_id",
    ])?;
    for event in &document.events {
        let cell = |text: &Option<String>| csv_cell(text.as_deref().unwrap_or_default()).into_owned();
        write([
            &event.at.to_string(),
            &event.action,
            event.concern.as_str(),
            &cell(&event.access_key_id),
            &cell(&event.user_name),
            &cell(&event.account_id),
            &cell(&event.detail),
            &cell(&event.principal),
            &cell(&event.principal_type),
            &cell(&event.signed_by),
            &cell(&event.source_ip),
            &cell(&event.user_agent),
            &cell(&event.region),
            if event.succeeded { "true" } else { "false" },
            &cell(&event.error),
            event.provenance.map_or("", |provenance| provenance.as_str()),
            &cell(&event.event_id),
        ])?;
    }
    rows.flush().map_err(cannot_write)
}
