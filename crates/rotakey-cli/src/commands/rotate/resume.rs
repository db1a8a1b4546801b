//! `rotakey rotate resume`: answers the question that a rotation asks.

use clap::Args;
use rotakey_core::id::RotationId;
use rotakey_core::rotate::Answer;

use super::Person;
use super::drive::{drive_one, with_engine};
use crate::assembly::Outside;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::explain::journal_error;
use crate::printer::Printer;

/// Go on with a rotation that waits for a person
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey rotate status                    says what is asked, and what to do
  rotakey rotate resume r-4gq2w6xk7d2m5n3a
  rotakey rotate resume r-4gq2w6xk7d2m5n3a --vouch --by ann

The rotation looks at everything again. What still stands in the way, it asks
again.

",
    exit_codes!()
))]
pub(crate) struct ResumeArgs {
    /// The rotation
    rotation: RotationId,
    /// Vouch that every application has the new key, though none was seen using it
    #[arg(long)]
    vouch: bool,
    #[command(flatten)]
    person: Person,
}

/// Runs the command.
pub(crate) async fn run(
    args: &ResumeArgs,
    outside: &Outside,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let answer = if args.vouch { Answer::Vouch } else { Answer::LookAgain };
    with_engine(outside, printer, async |engine| {
        engine.answer(&args.rotation, answer, &args.person.name()).await.map_err(journal_error)?;
        drive_one(engine, &args.rotation, outside, printer).await
    })
    .await
}
