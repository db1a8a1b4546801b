//! `rotakey rotate approve`: a person agrees to a plan, or to a step of a rotation under way.

use std::collections::BTreeSet;

use clap::Args;
use rotakey_core::id::RotationId;
use rotakey_core::rotate::{Approval, ApprovedStep, Plan, PlanHash, Rotation, hash_of_all};
use rotakey_engine::control;
use rotakey_engine::store::Store;

use super::drive::with_engine;
use super::logbook::{Logbook, list};
use super::plan::PlanData;
use super::selection::{Fallback, Selection};
use crate::assembly::Outside;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::explain::{journal_error, store_error};
use crate::printer::Printer;

/// Agree to a plan, or to a step of a rotation under way
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey rotate plan                           shows the hashes
  rotakey rotate approve 3eeee3aa13de           one key, or the whole plan
  rotakey rotate approve 3eeee3aa13de --user ci-deploy    if it is not due yet
  rotakey rotate approve r-4gq2w6xk7d2m5n3a --step delete

Whose approval is needed is said by [[rotate.approval]] in rotakey.toml. An
approval is of one plan: if that changes, it needs another one. It is given by
whoever AWS takes you for (the ARN that STS says), is written to the log, and
expires. Nothing is begun or deleted by this command.

",
    exit_codes!()
))]
pub(crate) struct ApproveArgs {
    /// The hash of a plan (its first 12 digits are enough), or a rotation
    #[arg(value_name = "HASH|ROTATION")]
    what: String,
    /// The step agreed to [default: begin for a plan, delete for a rotation]
    #[arg(long, value_name = "begin|delete")]
    step: Option<ApprovedStep>,
    #[command(flatten)]
    selection: Selection,
}

const NEEDS: &str = "[[rotate.approval]] in rotakey.toml says what needs approval.";

/// Runs the command.
pub(crate) async fn run(
    args: &ApproveArgs,
    outside: &Outside,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let store = outside.ports().store;
    let by = outside.caller_arn().await?;
    let under_way = meant_rotations(&args.what, store).await?;
    if !under_way.is_empty() {
        let step = args.step.unwrap_or(ApprovedStep::Delete);
        return with_engine(outside, printer, async |engine| {
            for rotation in under_way {
                check(rotation.plan(), step, &by)?;
                let plan = rotation.plan().hash();
                let approval = Approval { step, plan, by: by.clone(), at: outside.now() };
                let after = engine.approve(rotation.id(), approval).await.map_err(journal_error)?;
                tell(after.plan(), step, after.approvals(), outside, printer);
            }
            Ok(Verdict::Clean)
        })
        .await;
    }
    if args.what.parse::<RotationId>().is_ok() {
        return Err(CommandError::usage(format!("no rotation under way is {}", args.what))
            .hint("`rotakey rotate status` lists them."));
    }
    let step = args.step.unwrap_or(ApprovedStep::Begin);
    let plans = planned(&args.selection, outside, printer).await?;
    let meant = meant_plans(&args.what, &plans);
    if meant.is_empty() {
        return Err(CommandError::usage(format!("no plan has the hash {}", args.what)).hint(format!(
            "The plan has changed, or its first {} digits were not all given: `rotakey rotate plan` shows it.",
            PlanHash::SHORTEST
        )));
    }
    let needing: Vec<_> = meant.iter().filter(|plan| plan.needs_approval(step)).collect();
    if needing.is_empty() {
        return Err(CommandError::usage(format!("nobody's approval is needed to {step}")).hint(NEEDS));
    }
    for plan in needing {
        check(plan, step, &by)?;
        let approval = Approval { step, plan: plan.hash(), by: by.clone(), at: outside.now() };
        control::approve(store, &approval).await.map_err(store_error)?;
        let given = control::approvals(store, &approval.plan).await.map_err(store_error)?;
        tell(plan, step, &given, outside, printer);
    }
    printer.hint("`rotakey rotate apply` begins what has all its approvals.");
    Ok(Verdict::Clean)
}

/// Whether that person's approval would count.
fn check(plan: &Plan, step: ApprovedStep, by: &str) -> Result<(), CommandError> {
    if !plan.needs_approval(step) {
        return Err(CommandError::usage(format!(
            "nobody's approval is needed to {step} for {}",
            plan.subject.user_name
        ))
        .hint(NEEDS));
    }
    if !plan.may_approve(step, by) {
        return Err(CommandError::usage(format!("{by} is not among those who may approve this"))
            .hint("`by` in [[rotate.approval]] says who may; sign in as one of them."));
    }
    Ok(())
}

fn tell(plan: &Plan, step: ApprovedStep, given: &[Approval], outside: &Outside, printer: &Printer) {
    let user = &plan.subject.user_name;
    let rest = match plan.approved(step, given, outside.now()) {
        Ok(_) => "it has all its approvals".to_owned(),
        Err(missing) => missing.to_string(),
    };
    printer.note(&format!("Approved for {user} ({}): {rest}.", plan.hash().short()));
}

/// The rotations under way that are meant: by their id, or by the hash of their plan.
async fn meant_rotations(what: &str, store: &dyn Store) -> Result<Vec<Rotation>, CommandError> {
    let mut meant = Vec::new();
    for summary in list(store, false).await? {
        let by_id = summary.id.as_str() == what;
        if by_id || what.parse::<RotationId>().is_err() {
            let rotation = Logbook::open(store, &summary.id).await?.rotation;
            if by_id || rotation.plan().hash().is_meant_by(what) {
                meant.push(rotation);
            }
        }
    }
    Ok(meant)
}

/// The plans that are meant: one by its own hash, or all by the hash of the whole.
fn meant_plans<'p>(what: &str, plans: &'p [Plan]) -> Vec<&'p Plan> {
    if hash_of_all(plans).is_meant_by(what) {
        return plans.iter().collect();
    }
    let meant: Vec<_> = plans.iter().filter(|plan| plan.hash().is_meant_by(what)).collect();
    let different: BTreeSet<_> = meant.iter().map(|plan| plan.hash()).collect();
    if different.len() > 1 { Vec::new() } else { meant }
}

/// The plans as `rotate plan` shows them.
async fn planned(
    selection: &Selection,
    outside: &Outside,
    printer: &Printer,
) -> Result<Vec<Plan>, CommandError> {
    let fallback = Fallback::find()?;
    let place = |user: &_| fallback.destination(user);
    let planner = outside.planner(&place, printer);
    let chosen = planner.choose(outside.accounts().read(printer).await?, selection).await?;
    let data = PlanData::new(chosen, planner.config, planner.now);
    Ok(data.rotations.into_iter().map(|rotation| rotation.plan).collect())
}
