//! `rotakey rotate apply`: begins the rotations of the plan, and does what can be done at once.

use clap::Args;
use rotakey_engine::journal::JournalError;
use rotakey_engine::store::StoreError;

use super::control::Situation;
use super::drive::{report_on, tick, with_engine};
use super::plan::PlanData;
use super::selection::{Fallback, Selection};
use crate::assembly::Outside;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::explain::journal_error;
use crate::printer::Printer;
use crate::quantity::count;

/// Begin the planned rotations and do what can be done at once
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey rotate plan                      look first: the same keys, nothing done
  rotakey rotate apply
  rotakey rotate apply --user ci-deploy
  rotakey rotate apply --wait              stay until all are done

What limits, canaries, windows, freezes or a halt hold back does not begin; run
it again, such as from cron. Of what lacks an approval nothing is done, and it
exits with 1: `rotakey rotate approve` gives it.

Without --wait, `rotakey rotate tick` goes on with the rotations later: most of
their time they wait. Can be interrupted at any moment (also by a crash) and
run again: it goes on where it stopped.

",
    exit_codes!()
))]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    selection: Selection,
    /// Stay until every rotation has ended or waits for a person
    #[arg(long)]
    wait: bool,
}

/// Runs the command.
pub(crate) async fn run(
    args: &ApplyArgs,
    outside: &Outside,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let mut data = planned(args, outside, printer).await?;
    data.tell_gaps(printer);
    let verdict = data.verdict();
    let driven = with_engine(outside, printer, async |engine| {
        let mut begun = 0;
        for rotation in std::mem::take(&mut data.rotations) {
            if !rotation.may_begin() {
                rotation.tell_why_not(printer);
                continue;
            }
            match engine.begin(rotation.plan).await {
                Ok(_) => begun += 1,
                // Somebody else began it since the account was read.
                Err(JournalError::Store(StoreError::SubjectBusy { rotation })) => {
                    printer.detail(&format!("{rotation} is at work on that user already"));
                }
                Err(error) => return Err(journal_error(error)),
            }
        }
        printer.note(&format!("{} begun.", count(begun, "rotation")));
        tick(engine, printer, args.wait).await
    })
    .await?;
    if !data.left_for_a_person.is_empty() {
        let users = count(data.left_for_a_person.len(), "user");
        printer
            .warning(&format!("{users} left for a person; `rotakey rotate plan` says why, and what to do."));
    }
    let driven = report_on(driven, outside, printer)?;
    Ok(driven.or(verdict))
}

/// The plan. If a key goes to a file of rotakey's own, the identity that reads it exists after this.
async fn planned(args: &ApplyArgs, outside: &Outside, printer: &Printer) -> Result<PlanData, CommandError> {
    let mut fallback = Fallback::find()?;
    let (config, store, now) = (outside.config(), outside.ports().store, outside.now());
    let chosen = {
        let place = |user: &_| fallback.destination(user);
        let planner = outside.planner(&place, printer);
        planner.choose(outside.accounts().read(printer).await?, &args.selection).await?
    };
    let active = chosen.active.clone();
    let mut data = PlanData::new(chosen, config, now);
    for destination in data.rotations.iter_mut().flat_map(|rotation| &mut rotation.plan.destinations) {
        fallback.address(destination, printer)?;
    }
    data.know_places();
    let controls = &config.rotate.controls;
    let plans = data.rotations.iter().map(|rotation| &rotation.plan);
    let situation = Situation::read(controls, &active, plans, store).await?;
    data.hold(controls, &situation, now);
    Ok(data)
}
