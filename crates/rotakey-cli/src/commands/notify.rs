//! `rotakey notify`: the ways to people, tried.

use clap::{Args, Subcommand};
use rotakey_core::policy::NotifyEntry;
use rotakey_engine::herald;
use rotakey_engine::port::{PortError, PortErrorKind};
use serde::Serialize;

use crate::assembly::{AllNotifiers, Aws};
use crate::cli::{Format, GlobalArgs};
use crate::configuration;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::{Printer, cannot_write};
use crate::quantity::count;
use crate::table::{Cell, Fit, Table};

/// Try the ways by which people are told
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "People are told of rotations by `rotakey rotate apply` and `rotakey rotate tick`,
as [[notify]] in rotakey.toml says. docs/notify.md has an example of each kind.

",
    exit_codes!()
))]
pub(crate) struct NotifyArgs {
    #[command(subcommand)]
    command: NotifyCommand,
}

#[derive(Debug, Subcommand)]
enum NotifyCommand {
    Test(TestArgs),
}

/// Send a test to every configured channel, and say what came of it
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey notify test
  rotakey notify test --to on-call         only this one; can be repeated
  rotakey notify test --format json

The test is about a user that does not exist, and asks for nothing. A mail goes
to the addresses in `to`. PagerDuty gets an incident that is resolved at once.
Exits with 1 if a channel could not be told.

",
    exit_codes!()
))]
struct TestArgs {
    /// Only the channel of that name; can be given several times
    #[arg(long, value_name = "NAME")]
    to: Vec<String>,
}

/// What came of one channel.
#[derive(Debug, Serialize)]
struct TestedData<'a> {
    name: &'a str,
    channel: String,
    sent: bool,
    error: Option<String>,
    hint: Option<&'static str>,
}

/// Runs the command.
pub(crate) async fn run(
    args: &NotifyArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let NotifyCommand::Test(args) = &args.command;
    let aws = Aws::connect(globals).await?;
    let config = configuration::load(globals, printer, aws.clock.now())?;
    let channels = chosen(&args.to, &config.notify)?;
    let notifiers = AllNotifiers::new(&aws);
    let mut tested = Vec::new();
    for channel in channels {
        let result = herald::test(channel, &notifiers, aws.clock.now()).await;
        tested.push(TestedData {
            name: &channel.name,
            channel: channel.spec.to_string(),
            sent: result.is_ok(),
            hint: result.as_ref().err().map(hint),
            error: result.err().map(|error| error.to_string()),
        });
    }
    print(&tested, printer)?;
    let failed = tested.iter().filter(|one| !one.sent).count();
    Ok(if failed == 0 { Verdict::Clean } else { Verdict::Findings })
}

fn chosen<'c>(names: &[String], channels: &'c [NotifyEntry]) -> Result<Vec<&'c NotifyEntry>, CommandError> {
    if channels.is_empty() {
        return Err(CommandError::usage("nobody is told of anything: the configuration has no [[notify]]")
            .hint(
                "docs/notify.md has an example of each kind; `rotakey config check` checks what you write.",
            ));
    }
    if let Some(unknown) = names.iter().find(|name| channels.iter().all(|channel| channel.name != **name)) {
        let known: Vec<_> = channels.iter().map(|channel| channel.name.as_str()).collect();
        return Err(CommandError::usage(format!("no [[notify]] is called {unknown}"))
            .hint(format!("There are: {}.", known.join(", "))));
    }
    Ok(channels.iter().filter(|channel| names.is_empty() || names.contains(&channel.name)).collect())
}

/// What a person can do about it.
fn hint(error: &PortError) -> &'static str {
    match error.kind {
        PortErrorKind::Credentials => {
            "the channel does not accept the credential, or there is none: renew it"
        }
        PortErrorKind::Denied => {
            "allow it to post there: invite the bot, verify the sender, grant the permission"
        }
        PortErrorKind::NotFound => "there is no such channel: check the name or the address",
        PortErrorKind::Throttled => "it was told too much: try again in some minutes",
        PortErrorKind::Ambiguous => "it did not answer: check the address and the network",
        PortErrorKind::Invalid | PortErrorKind::Conflict | PortErrorKind::LimitExceeded => {
            "correct what the message names in rotakey.toml"
        }
    }
}

fn print(tested: &[TestedData<'_>], printer: &Printer) -> Result<(), CommandError> {
    match printer.format() {
        Format::Json => printer.json(&tested),
        Format::Csv => {
            let mut rows = csv::Writer::from_writer(printer.data());
            for one in tested {
                rows.serialize(one).map_err(|error| cannot_write(error.into()))?;
            }
            rows.flush().map_err(cannot_write)
        }
        Format::Human => print_table(tested, printer),
    }
}

fn print_table(tested: &[TestedData<'_>], printer: &Printer) -> Result<(), CommandError> {
    let palette = printer.palette();
    let mut table = Table::new([Fit::Whole, Fit::Elide, Fit::Whole]);
    table.row(["NAME", "CHANNEL", "TEST"].map(|title| Cell::new(title).style(palette.heading)));
    for one in tested {
        let result = if one.sent { Cell::new("sent") } else { Cell::new("not sent").style(palette.bad) };
        table.row([Cell::new(one.name), Cell::new(&one.channel), result]);
        if let Some(error) = &one.error {
            table.sentence(2, Cell::new(error.as_str()).style(palette.warning));
        }
        if let Some(hint) = one.hint {
            table.sentence(2, Cell::new(format!("do: {hint}")).style(palette.command));
        }
    }
    printer.table(&table)?;
    let sent = tested.iter().filter(|one| one.sent).count();
    printer.text(&format!("\n{sent} of {} sent\n", count(tested.len(), "test")))
}
