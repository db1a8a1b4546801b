//! `rotakey rotate halt` and `unhalt`: the kill switch.

use clap::Args;
use jiff::Timestamp;
use rotakey_core::rotate::controls::Halt;
use rotakey_engine::control;
use rotakey_engine::store::Store;

use super::Person;
use super::control::switch;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::explain::store_error;
use crate::printer::Printer;

/// Stop all workers at their next step
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey rotate halt 'incident 4711'
  rotakey rotate unhalt

Kept in the store: every worker on every machine sees it before its next step.
No rotation begins; no key is created, published, disabled or deleted. What
makes things safe again goes on: enabling a key, giving applications the old
key again, and disabling a key whose secret is lost. AWS is not called.

Where the store cannot be reached, ROTAKEY_HALT=WHY in the environment of a
worker, or the file rotakey/halt in its $XDG_STATE_HOME, stops that worker.

",
    exit_codes!()
))]
pub(crate) struct HaltArgs {
    /// Why, for whoever wonders
    #[arg(value_name = "WHY")]
    why: String,
    #[command(flatten)]
    person: Person,
}

/// Let all workers go on
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey rotate unhalt

Workers go on at their next tick, within five minutes if they wait for it.
Exits with 1 if a switch of this machine still holds it back.

",
    exit_codes!()
))]
pub(crate) struct UnhaltArgs {}

/// Runs `halt`.
pub(crate) async fn halt(
    args: &HaltArgs,
    store: &dyn Store,
    printer: &Printer,
    now: Timestamp,
) -> Result<Verdict, CommandError> {
    if args.why.trim().is_empty() {
        return Err(CommandError::usage("a halt needs a reason").hint("Say what others should know."));
    }
    let halt = Halt { by: args.person.name(), why: args.why.clone(), at: Some(now) };
    control::set_halt(store, Some(&halt)).await.map_err(store_error)?;
    printer.note("Halted: no worker changes anything any more, but to make things safe again.");
    printer.hint("`rotakey rotate unhalt` lets them go on.");
    Ok(Verdict::Clean)
}

/// Runs `unhalt`.
pub(crate) async fn unhalt(store: &dyn Store, printer: &Printer) -> Result<Verdict, CommandError> {
    let was = control::halt(store).await.map_err(store_error)?;
    control::set_halt(store, None).await.map_err(store_error)?;
    match was {
        Some(Halt { by, why, .. }) => printer.note(&format!("No longer halted (by {by}: {why}).")),
        None => printer.note("Nothing was halted."),
    }
    match switch() {
        Some(Halt { by, why, .. }) => {
            printer.warning(&format!("This machine is still halted by {by}: {why}"));
            Ok(Verdict::Findings)
        }
        None => Ok(Verdict::Clean),
    }
}
