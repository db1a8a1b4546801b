//! `rotakey trail usage`: who uses each key, since when, for what and from where.

use clap::Args;
use rotakey_trail::usage::UsageAnswer;

use super::input::InputArgs;
use super::tell::tell;
use crate::cli::GlobalArgs;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;

/// Say who uses each key: first and last use, calls, sources, clients
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey trail usage logs/
  rotakey trail usage --format json s3://trail-bucket/AWSLogs/

",
    exit_codes!()
))]
pub(crate) struct UsageArgs {
    #[command(flatten)]
    input: InputArgs,
}

/// Runs the command.
pub(super) async fn run(
    args: &UsageArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let input = args.input.open(globals, printer).await?;
    let (_answer, summary) = input.answer(printer, UsageAnswer::default);
    Ok(tell(&summary, Verdict::Clean, printer))
}
