//! The verbs: one file each.

use clap::Subcommand;
use rotakey_engine::port::Clock as _;

use crate::cli::GlobalArgs;
use crate::clock::SystemClock;
use crate::error::{CommandError, Verdict};
use crate::printer::Printer;

mod config;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Config(config::ConfigArgs),
}

/// Does it.
pub(crate) async fn run(
    command: Command,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    match command {
        Command::Config(args) => config::run(&args, globals, printer, SystemClock.now()),
    }
}
