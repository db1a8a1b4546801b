//! `rotakey audit`: every access key judged by policy.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use rotakey_core::audit::{Code, Severity};
use rotakey_core::id::UserName;

use crate::accounts::AccountArgs;
use crate::assembly;
use crate::cli::GlobalArgs;
use crate::configuration;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;

mod human;
mod live;
mod offline;
mod portion;
mod sink;
mod tally;

pub(crate) use human::{Header, Source, gap_in_words, print_audit};
pub(crate) use tally::{Tally, Worst};

/// Judge every access key by policy; changes nothing
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey audit                            the account of your credentials
  rotakey audit --all-accounts             the whole organization
  rotakey audit --format json --output audit.json
  rotakey audit --only key-too-old --only key-never-used
  rotakey audit --report report.csv        a saved credential report; no AWS
  aws iam get-credential-report | rotakey audit --report -

Next:
  rotakey rotate plan                      what rotating the old keys would do
  rotakey config check                     what rotakey.toml says wrongly

",
    exit_codes!()
))]
pub(crate) struct AuditArgs {
    /// Judge a saved credential report (CSV, or the API's JSON) instead of AWS; - is standard input
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Judge as the AWS Config rule ACCESS_KEYS_ROTATED does: age only, in whole days, one limit
    #[arg(long)]
    as_aws_config: bool,
    /// Judge at this instant, such as 2026-12-31T00:00:00Z [default: now]
    #[arg(long, value_name = "INSTANT")]
    at: Option<Timestamp>,
    /// Only findings with this code; can be given several times
    #[arg(long, value_name = "CODE", value_parser = code)]
    only: Vec<Code>,
    /// Only the keys of this user; can be given several times
    #[arg(long = "user", value_name = "NAME")]
    users: Vec<UserName>,
    /// Exit with 1 only for findings at least this bad: low, medium, high or critical
    #[arg(long, value_name = "SEVERITY", value_parser = severity, default_value = "low")]
    fail_on: Severity,
    /// Show all findings to people, not only the worst
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    accounts: AccountArgs,
}

/// Runs the command.
pub(crate) async fn run(
    args: &AuditArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let now = assembly::clock(globals)?.now();
    let config = configuration::load(globals, printer, now)?;
    match &args.report {
        Some(path) => offline::run(args, path, &config.policy, printer, now),
        None => live::run(args, &config, globals, printer).await,
    }
}

fn code(text: &str) -> Result<Code, String> {
    let known = || Code::ALL.map(Code::as_str).join(", ");
    Code::ALL
        .into_iter()
        .find(|code| code.as_str() == text)
        .ok_or_else(|| format!("the codes are {}", known()))
}

fn severity(text: &str) -> Result<Severity, String> {
    let all = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    let known = || all.map(Severity::as_str).join(", ");
    all.into_iter().find(|severity| severity.as_str() == text).ok_or_else(|| format!("there are {}", known()))
}
