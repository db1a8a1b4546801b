//! `rotakey rotate`: replaces old keys with no downtime.

use clap::{Args, Subcommand};
use rotakey_core::policy::UserSubject;
use rotakey_engine::store::Store;

use crate::accounts::AccountArgs;
use crate::assembly::{self, Aws, Outside};
use crate::cli::GlobalArgs;
use crate::configuration;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::explain::port_error;
use crate::printer::Printer;
use crate::rotation_log::{Log, StoreArgs};

mod abort;
mod apply;
mod approve;
mod control;
mod drive;
mod halt;
mod held;
mod histories;
mod listen;
mod log;
mod logbook;
mod plan;
mod resume;
mod rollback;
mod selection;
mod signal;
mod simulate;
mod status;
mod tick;
mod usage;
mod words;

pub(crate) use drive::Driven;
pub(crate) use logbook::keys_of_all;
pub(crate) use plan::{PlanData, print as print_plan};
use selection::Fallback;
pub(crate) use selection::{Planner, Selection};
pub(crate) use usage::{Usage, UsageArgs};

/// Replace old access keys with no downtime
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = concat!(
        "A rotation creates a new key, brings it to where applications read it, proves
that it works, waits until the old key is quiet, disables it, waits again, and
only then deletes it. Every step is logged before it is done: it can be
interrupted at any moment, and goes on where it stopped.

Examples:
  rotakey rotate                           what would happen; changes nothing
  rotakey rotate apply                     begin what is due
  rotakey rotate tick                      go on; run it from cron every 10 min
  rotakey rotate status                    where every rotation stands
  rotakey rotate apply --all-accounts      in the whole organization

",
        exit_codes!()
    )
)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    accounts: AccountArgs,
    #[command(flatten)]
    usage: UsageArgs,
    #[command(subcommand)]
    command: Option<RotateCommand>,
    #[command(flatten)]
    plan: plan::PlanArgs,
}

#[derive(Debug, Subcommand)]
enum RotateCommand {
    Plan(plan::PlanArgs),
    Apply(apply::ApplyArgs),
    Status(status::StatusArgs),
    Tick(tick::TickArgs),
    Resume(resume::ResumeArgs),
    Rollback(rollback::RollbackArgs),
    Abort(abort::AbortArgs),
    Signal(signal::SignalArgs),
    Listen(listen::ListenArgs),
    Log(log::LogArgs),
    Simulate(simulate::SimulateArgs),
    Approve(approve::ApproveArgs),
    Halt(halt::HaltArgs),
    Unhalt(halt::UnhaltArgs),
}

/// Runs the command.
pub(crate) async fn run(
    args: RotateArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let named = &args.store;
    let which = &args.accounts;
    let usage = &args.usage;
    let with = (globals, named, which, usage, printer);
    match args.command.unwrap_or(RotateCommand::Plan(args.plan)) {
        RotateCommand::Plan(args) => {
            let aws = Aws::connect(globals).await?;
            let config = configuration::load(globals, printer, aws.clock.now())?;
            let usage = usage.open().await?;
            let accounts = aws.accounts(globals, which, &config, printer).await?.with_usage(usage);
            let own_key = aws.own_key().await.map_err(port_error)?;
            let (own_key, now) = (own_key.as_ref(), aws.clock.now());
            with_log(globals, named, async |store| {
                let fallback = Fallback::find()?;
                let fallback = &|user: &UserSubject| fallback.destination(user);
                let (config, accounts) = (&config, &accounts);
                let planner = Planner { config, accounts, store, fallback, own_key, printer, now };
                plan::run(&args, accounts, &planner).await
            })
            .await
        }
        RotateCommand::Status(args) => {
            let now = assembly::clock(globals)?.now();
            let config = configuration::load(globals, printer, now)?;
            let controls = &config.rotate.controls;
            with_log(globals, named, async |store| status::run(&args, controls, store, printer, now).await)
                .await
        }
        RotateCommand::Log(args) => {
            with_log(globals, named, async |store| log::run(&args, store, printer).await).await
        }
        RotateCommand::Simulate(args) => simulate::run(&args, globals, which, printer).await,
        RotateCommand::Apply(args) => {
            with_outside(with, async |outside| apply::run(&args, outside, printer).await).await
        }
        RotateCommand::Tick(args) => {
            with_outside(with, async |outside| tick::run(&args, outside, printer).await).await
        }
        RotateCommand::Resume(args) => {
            with_outside(with, async |outside| resume::run(&args, outside, printer).await).await
        }
        RotateCommand::Rollback(args) => {
            with_outside(with, async |outside| rollback::run(&args, outside, printer).await).await
        }
        RotateCommand::Signal(args) => {
            with_outside(with, async |outside| signal::run(&args, outside, printer).await).await
        }
        RotateCommand::Listen(args) => {
            with_outside(with, async |outside| listen::run(&args, outside, printer).await).await
        }
        RotateCommand::Abort(args) => {
            with_outside(with, async |outside| abort::run(&args, outside, printer).await).await
        }
        RotateCommand::Approve(args) => {
            with_outside(with, async |outside| approve::run(&args, outside, printer).await).await
        }
        RotateCommand::Halt(args) => {
            let now = assembly::clock(globals)?.now();
            with_log_to_write(globals, named, async |store| halt::halt(&args, store, printer, now).await)
                .await
        }
        RotateCommand::Unhalt(_) => {
            with_log_to_write(globals, named, async |store| halt::unhalt(store, printer).await).await
        }
    }
}

/// Lends the log of rotations for reading.
async fn with_log(
    globals: &GlobalArgs,
    named: &StoreArgs,
    work: impl AsyncFnOnce(&dyn Store) -> Result<Verdict, CommandError>,
) -> Result<Verdict, CommandError> {
    let log = Log::read(&named.location(globals)?, globals).await?;
    let verdict = work(log.store()).await;
    log.close().await;
    verdict
}

/// Lends the log of rotations for writing.
async fn with_log_to_write(
    globals: &GlobalArgs,
    named: &StoreArgs,
    work: impl AsyncFnOnce(&dyn Store) -> Result<Verdict, CommandError>,
) -> Result<Verdict, CommandError> {
    let log = Log::open(&named.location(globals)?, globals).await?;
    let verdict = work(log.store()).await;
    log.close().await;
    verdict
}

/// Lends everything that the engine needs.
async fn with_outside(
    (globals, named, which, usage, printer): (&GlobalArgs, &StoreArgs, &AccountArgs, &UsageArgs, &Printer),
    work: impl AsyncFnOnce(&Outside) -> Result<Verdict, CommandError>,
) -> Result<Verdict, CommandError> {
    let outside = Outside::connect(globals, named, which, usage, printer).await?;
    let verdict = work(&outside).await;
    outside.close().await;
    verdict
}

/// Who answers or demands something, for the log.
#[derive(Debug, Args)]
struct Person {
    /// Who says so, for the log [default: the name of the user who runs rotakey]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl Person {
    fn name(&self) -> String {
        let logged_in = || ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
        self.by
            .clone()
            .or_else(logged_in)
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| format!("user id {}", rustix::process::getuid().as_raw()))
    }
}
