//! `rotakey trail merge`: one answer from what several machines read.

use clap::Args;

use super::usage::{self, UsageArgs};
use crate::cli::GlobalArgs;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;

/// Put partials of a trail together: into the use of keys, or one partial
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "A partial is a part of a trail, reduced to what a question needs. Any number of
machines make them with --partial, from any files in any split; where files
overlap, nothing counts twice. Every question of `rotakey trail` can be asked of
partials that were made with it; this one asks who uses which key.

Examples:
  rotakey trail usage --partial --output 1.part 2026/01/    on one machine
  rotakey trail usage --partial --output 2.part 2026/02/    on another
  rotakey trail merge --format json 1.part 2.part           the answer
  rotakey trail merge --partial --output all.part *.part    one for later
  rotakey trail timeline AKIA... --partial --output t.part logs/
  rotakey trail timeline AKIA... *.part                     of another question

",
    exit_codes!()
))]
pub(crate) struct MergeArgs {
    #[command(flatten)]
    usage: UsageArgs,
}

/// Runs the command.
pub(super) async fn run(
    args: &MergeArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    usage::run(&args.usage, globals, printer).await
}
