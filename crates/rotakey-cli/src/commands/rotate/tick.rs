//! `rotakey rotate tick`: does what is due, for cron.

use clap::Args;

use super::drive::{report_on, tick, with_engine};
use crate::assembly::Outside;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;

/// Go on with all rotations: do what is due, then end
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey rotate tick
  */10 * * * *  rotakey rotate tick -q     in a crontab: every ten minutes
  rotakey rotate tick --wait               stay until all are done

Begins no rotation; `rotakey rotate apply` does. Any number of ticks may run at
the same time, on any number of machines: each works on what no other one works
on, and takes over what another one left when it crashed. Only what is due is
read. Exits with 1 also if a rotation that is not due waits for a person. Those
whom [[notify]] in rotakey.toml names are told of what happened.

",
    exit_codes!()
))]
pub(crate) struct TickArgs {
    /// Stay until every rotation has ended or waits for a person
    #[arg(long)]
    wait: bool,
}

/// Runs the command.
pub(crate) async fn run(
    args: &TickArgs,
    outside: &Outside,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let driven = with_engine(outside, printer, async |engine| tick(engine, printer, args.wait).await).await?;
    match () {
        () if driven.is_over() => printer.note("No rotation is under way."),
        () if driven.is_nothing() => printer.note("Nothing is due."),
        () => {}
    }
    report_on(driven, outside, printer)
}
