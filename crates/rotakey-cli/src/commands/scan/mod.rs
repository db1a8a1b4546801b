//! `rotakey scan`: leaked keys.

use clap::{Args, Subcommand};

use crate::cli::{FormatName, GlobalArgs};
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;

mod baseline;
mod hook;
mod human;
mod inventory;
mod known;
mod run;
mod source;
mod verify;
mod whose;

/// Find leaked AWS keys in files, staged changes and whole git histories
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = concat!(
        "PATH is a file, a folder, s3://BUCKET/PREFIX, or - for standard input. Archives,
container images and SQLite files are opened. Ids are always reported:
  high      an id together with its secret: all that is needed to use the key
  medium    a secret without its id, or a session token
  low       an id alone; it opens nothing, but says whose key is handled here
Secrets are shown by their first four characters, and never written to disk. No
key that is found is used, and nothing leaves this machine, but with --verify.

What is known already is not reported: what the baseline names, lines marked
`rotakey:allow`, `pragma: allowlist secret` or `gitleaks:allow`, and what
.gitleaksignore names. The summary counts it.

Examples:
  rotakey scan                             the folder that you are in
  rotakey scan --staged                    what the next commit would bring
  rotakey scan --history                   every blob of the repository
  rotakey scan --since origin/main         what this branch brings
  rotakey scan --history --org-dir /srv/git --cache sqlite:scan.db
  rotakey scan --inventory aws             and say whether the keys are live
  rotakey scan --format sarif --output rotakey.sarif
  docker save app | rotakey scan -

",
        exit_codes!()
    )
)]
pub(crate) struct ScanArgs {
    #[command(subcommand)]
    command: Option<ScanCommand>,
    #[command(flatten)]
    scan: run::RunArgs,
    /// The form of the data
    #[arg(
        id = "format",
        long,
        value_name = "FORMAT",
        global = true,
        default_value = "human",
        value_parser = FormatName::of_scan(),
        help_heading = "Global options"
    )]
    _format: FormatName,
}

#[derive(Debug, Subcommand)]
enum ScanCommand {
    Hook(hook::HookArgs),
    Baseline(baseline::BaselineArgs),
}

/// Runs the command.
pub(crate) async fn run(
    args: ScanArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    match args.command {
        Some(ScanCommand::Hook(args)) => hook::run(&args, printer),
        Some(ScanCommand::Baseline(args)) => baseline::run(&args, globals, printer).await,
        None => run::run(&args.scan, globals, printer).await,
    }
}
