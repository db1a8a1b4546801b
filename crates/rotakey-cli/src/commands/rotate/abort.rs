//! `rotakey rotate abort`: stops a rotation where it stands.

use clap::Args;
use rotakey_core::id::RotationId;

use super::Person;
use super::drive::with_engine;
use super::held::Holds;
use super::status;
use crate::assembly::Outside;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::explain::journal_error;
use crate::printer::Printer;

/// Stop a rotation and leave keys and destinations as they are
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey rotate abort r-4gq2w6xk7d2m5n3a --why 'the user is to be deleted'

Nothing is undone: both keys stay as they are, and so does what destinations
hold. To get the old key back, use `rotakey rotate rollback`.

",
    exit_codes!()
))]
pub(crate) struct AbortArgs {
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
    args: &AbortArgs,
    outside: &Outside,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    with_engine(outside, printer, async |engine| {
        let by = args.person.name();
        let rotation = engine.abort(&args.rotation, &by, &args.why).await.map_err(journal_error)?;
        status::print(&[rotation], &Holds::default(), printer, outside.now())?;
        printer.hint("`rotakey audit` shows which keys the user has now.");
        Ok(Verdict::Clean)
    })
    .await
}
