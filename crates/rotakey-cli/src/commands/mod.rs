//! The verbs: one file each.

use std::io::{self, IsTerminal as _};

use clap::Subcommand;
use rotakey_engine::port::Clock as _;

use crate::cli::GlobalArgs;
use crate::clock::SystemClock;
use crate::error::{CommandError, Verdict};
use crate::printer::Printer;

mod audit;
mod config;
mod notify;
pub(crate) mod rotate;
mod sandbox;
mod scan;
mod store;
mod trail;
mod r#try;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Try(r#try::TryArgs),
    Sandbox(sandbox::SandboxArgs),
    Audit(audit::AuditArgs),
    Rotate(rotate::RotateArgs),
    Trail(trail::TrailArgs),
    Scan(scan::ScanArgs),
    Notify(notify::NotifyArgs),
    Store(store::StoreCommandArgs),
    Config(config::ConfigArgs),
}

/// Does it.
pub(crate) async fn run(
    command: Command,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    if globals.format.is_parquet() {
        allow_parquet(&command, globals)?;
    }
    match command {
        Command::Try(args) => r#try::run(&args, printer).await,
        Command::Sandbox(args) => sandbox::run(&args, globals, printer).await,
        Command::Audit(args) => audit::run(&args, globals, printer).await,
        Command::Rotate(args) => rotate::run(args, globals, printer).await,
        Command::Trail(args) => trail::run(args, globals, printer).await,
        Command::Scan(args) => scan::run(args, globals, printer).await,
        Command::Notify(args) => notify::run(&args, globals, printer).await,
        Command::Store(args) => store::run(args, globals, printer).await,
        Command::Config(args) => config::run(&args, globals, printer, SystemClock.now()),
    }
}

/// Refuses Parquet before anything is done, where it cannot be written or would end on a terminal.
fn allow_parquet(command: &Command, globals: &GlobalArgs) -> Result<(), CommandError> {
    if !matches!(command, Command::Trail(args) if args.has_parquet()) {
        return Err(CommandError::usage("this command has no Parquet form")
            .hint("`rotakey trail usage` has one; use --format json or --format csv here."));
    }
    if globals.output.is_none() && io::stdout().is_terminal() {
        return Err(CommandError::usage("Parquet is nothing for a terminal")
            .hint("Name a file with --output, or pipe the data somewhere."));
    }
    Ok(())
}
