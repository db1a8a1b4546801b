//! `rotakey rotate signal`: says that applications miss the old key.

use clap::Args;
use rotakey_core::id::RotationId;

use super::Person;
use super::drive::{drive_one, with_engine};
use crate::assembly::Outside;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::explain::journal_error;
use crate::printer::Printer;

/// Say that something broke since the old key is disabled; it is enabled at once
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "The old key is enabled again, it is tried if its secret is at hand, and then the
rotation asks what to do: `rotakey rotate resume` goes on, `rotakey rotate
rollback` goes back. Means something only while the old key is disabled, or is
about to be. For people, and for the hooks of a monitoring system.

Examples:
  rotakey rotate signal r-abcdefgh --failed \"orders fail since 10:00\"

",
    exit_codes!()
))]
pub(crate) struct SignalArgs {
    /// The rotation
    #[arg(value_name = "ROTATION")]
    rotation: RotationId,
    /// What is broken, for the log
    #[arg(long, value_name = "WHAT")]
    failed: String,
    #[command(flatten)]
    person: Person,
}

/// Runs the command.
pub(crate) async fn run(
    args: &SignalArgs,
    outside: &Outside,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    with_engine(outside, printer, async |engine| {
        engine.signal(&args.rotation, &args.person.name(), &args.failed).await.map_err(journal_error)?;
        drive_one(engine, &args.rotation, outside, printer).await
    })
    .await
}
