//! `rotakey trail`: what CloudTrail says about keys.

use clap::{Args, Subcommand};

use crate::cli::GlobalArgs;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;

mod after;
mod anomalies;
mod athena;
mod consumers;
mod index;
mod ingest;
mod input;
mod keys;
mod lineage;
mod live;
mod merge;
mod policy;
mod sessions;
#[cfg(test)]
mod story;
mod tell;
mod timeline;
mod usage;
mod verify;
mod words;

/// Say from CloudTrail who uses each key, from where, and what it did
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "PATH is a file, a folder, s3://BUCKET/PREFIX, or - for standard input: CloudTrail
log files as they are delivered, JSON lines, the output of
`aws cloudtrail lookup-events`, or EventBridge events; compressed or not. What
could not be read is told, and the exit code is 4. Nothing is changed anywhere.

Examples:
  rotakey trail usage logs/                every key: first and last use, calls
  rotakey trail usage --key AKIA... logs/  all that is known of one
  rotakey trail consumers AKIA... logs/    who uses it, and who has moved
  rotakey trail lineage AKIA... logs/      the sessions that come from it
  rotakey trail timeline AKIA... logs/     what it and they did
  rotakey trail keys logs/                 who created, disabled, deleted keys
  rotakey trail after AKIA... logs/        use after it was switched off
  rotakey trail policy AKIA... logs/       a least-privilege policy for it
  rotakey trail anomalies --baseline-until 2026-11-15 logs/

",
    exit_codes!()
))]
pub(crate) struct TrailArgs {
    #[command(subcommand)]
    command: TrailCommand,
}

#[derive(Debug, Subcommand)]
enum TrailCommand {
    Usage(usage::UsageArgs),
    Merge(merge::MergeArgs),
    Verify(verify::VerifyArgs),
    Consumers(consumers::ConsumersArgs),
    Lineage(lineage::LineageArgs),
    Timeline(timeline::TimelineArgs),
    Ingest(ingest::IngestArgs),
    Keys(keys::KeysArgs),
    After(after::AfterArgs),
    Policy(policy::PolicyArgs),
    Anomalies(anomalies::AnomaliesArgs),
    Athena(athena::AthenaArgs),
}

impl TrailArgs {
    /// Whether the verb can write Parquet.
    pub(super) fn has_parquet(&self) -> bool {
        matches!(self.command, TrailCommand::Usage(_) | TrailCommand::Merge(_))
    }
}

/// Runs the command.
pub(crate) async fn run(
    args: TrailArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    match args.command {
        TrailCommand::Usage(args) => usage::run(&args, globals, printer).await,
        TrailCommand::Merge(args) => merge::run(&args, globals, printer).await,
        TrailCommand::Verify(args) => verify::run(&args, globals, printer).await,
        TrailCommand::Consumers(args) => consumers::run(&args, globals, printer).await,
        TrailCommand::Lineage(args) => lineage::run(&args, globals, printer).await,
        TrailCommand::Timeline(args) => timeline::run(&args, globals, printer).await,
        TrailCommand::Ingest(args) => ingest::run(&args, globals, printer).await,
        TrailCommand::Keys(args) => keys::run(&args, globals, printer).await,
        TrailCommand::After(args) => after::run(&args, globals, printer).await,
        TrailCommand::Anomalies(args) => anomalies::run(&args, globals, printer).await,
        TrailCommand::Policy(args) => policy::run(&args, globals, printer).await,
        TrailCommand::Athena(args) => athena::run(&args, globals, printer).await,
    }
}
