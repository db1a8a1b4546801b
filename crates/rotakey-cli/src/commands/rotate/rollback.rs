//! `rotakey rotate rollback`: back to the old key.

use clap::Args;
use rotakey_core::id::RotationId;

use super::Person;
use super::drive::{drive_one, with_engine};
use crate::assembly::Outside;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::explain::journal_error;
use crate::printer::Printer;

/// Go back to the old key of a rotation
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey rotate rollback r-4gq2w6xk7d2m5n3a --why 'billing cannot sign in'

The old key is enabled again if it was disabled, AWS is asked until it accepts
it, every destination serves it again, and only then the new key is disabled
and later deleted. Possible until the old key is deleted.

",
    exit_codes!()
))]
pub(crate) struct RollbackArgs {
    /// The rotation
    rotation: RotationId,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    why: String,
    #[command(flatten)]
    person: Person,
}

/// Runs the command.
pub(crate) async fn run(
    args: &RollbackArgs,
    outside: &Outside,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    with_engine(outside, printer, async |engine| {
        engine.roll_back(&args.rotation, &args.person.name(), &args.why).await.map_err(journal_error)?;
        drive_one(engine, &args.rotation, outside, printer).await
    })
    .await
}
