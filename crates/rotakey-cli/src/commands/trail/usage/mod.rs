//! `rotakey trail usage`: who uses each key, since when, for what and from where.

use clap::{Args, ValueEnum};
use rotakey_core::id::AccessKeyId;
use rotakey_store::usage_index::Question;
use rotakey_trail::event_time::EventTime;
use rotakey_trail::summary::Summary;
use rotakey_trail::usage::{GroupBy, Usage};

use self::rows::Rows;
use super::index::{IndexArgs, index_error};
use super::input::{InputArgs, Times};
use super::tell::tell;
use crate::cli::{Format, GlobalArgs};
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;

mod csv;
mod human;
mod json;
#[cfg(feature = "parquet")]
mod parquet;
mod rows;

/// Say who uses each key: first and last use, calls, sources, clients
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Calls count for the key that signed them; those by sessions minted from it are
told beside. A call with any error code failed; throttling is told apart. Use is
what the trail recorded: data events only if they were logged, and nothing of
the last 15 minutes or so, which is how long delivery takes. An index tells whole
days: --from and --until are rounded down to theirs.

Examples:
  rotakey trail usage logs/
  rotakey trail usage --key AKIA... logs/  all that is known of one key
  rotakey trail usage --by day --key AKIA... --from 2026-11-01 logs/
  rotakey trail usage --format csv --output keys.csv s3://trail-bucket/
  rotakey trail usage --format parquet --output keys.parquet logs/
  rotakey trail usage --live --from 2026-11-20
  rotakey trail usage --index sqlite:usage.db --key AKIA...

Next:
  rotakey trail consumers AKIA... logs/    who must move when it is rotated
  rotakey trail timeline AKIA... logs/     what was done with it

",
    exit_codes!()
))]
pub(crate) struct UsageArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Only this key; can be given several times
    #[arg(long = "key", value_name = "ID")]
    keys: Vec<AccessKeyId>,
    /// What a row is about, beside the key
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = By::Key)]
    by: By,
    /// Show all keys to people, session keys too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    index: IndexArgs,
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Key,
    Principal,
    Consumer,
    Service,
    Day,
}

impl From<By> for GroupBy {
    fn from(by: By) -> Self {
        match by {
            By::Key => Self::Key,
            By::Principal => Self::Principal,
            By::Consumer => Self::Consumer,
            By::Service => Self::Service,
            By::Day => Self::Day,
        }
    }
}

/// Runs the command.
pub(super) async fn run(
    args: &UsageArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    if args.input.names_nothing() && args.index.is_named() {
        return of_index(args, printer).await;
    }
    let input = args.input.open(Times::Once, globals, printer).await?.of_use();
    if let Some(verdict) = input.partial(printer)? {
        return Ok(verdict);
    }
    let keys = args.keys.iter().map(AccessKeyId::to_string).collect();
    let usage = Usage::of_keys(args.by.into(), keys);
    let (answer, summary) = input.answer(printer, || usage.answer());
    drop(answer);
    let rows = Rows::Counted(usage.finish());
    print(args, &rows, &summary, printer)?;
    Ok(tell(&summary, Verdict::Clean, printer))
}

/// The same of what was ingested earlier.
async fn of_index(args: &UsageArgs, printer: &Printer) -> Result<Verdict, CommandError> {
    let index = args.index.open().await?;
    let selection = args.input.selection()?;
    if !selection.accounts.is_empty() || !selection.regions.is_empty() {
        return Err(CommandError::usage("an index cannot be asked for one account or region")
            .hint("Leave --account and --in-region out, or read the log files themselves."));
    }
    let question = Question {
        keys: args.keys.iter().map(AccessKeyId::to_string).collect(),
        from: selection.from.map(EventTime::day),
        until: selection.until.map(EventTime::day),
        by: args.by.into(),
    };
    let rows = index.usage(&question).await.map_err(index_error)?;
    index.close().await;
    print(args, &Rows::Told(rows, args.by.into()), &Summary::default(), printer)?;
    Ok(Verdict::Clean)
}

fn print(args: &UsageArgs, rows: &Rows, summary: &Summary, printer: &Printer) -> Result<(), CommandError> {
    match printer.format() {
        #[cfg(feature = "parquet")]
        Format::Csv if printer.writes_parquet() => parquet::print(rows, summary, printer)?,
        Format::Human => human::print(rows, !args.keys.is_empty(), args.all, printer)?,
        Format::Json => json::print(rows, summary, printer)?,
        Format::Csv => csv::print(rows, printer)?,
    }
    for key in &args.keys {
        let mut is_used = false;
        rows.each_sum(|_, row| is_used |= row.access_key_id == Some(key.as_str()));
        if !is_used && args.by != By::Principal {
            printer.note(&format!("{key}: no use was recorded in what was read."));
        }
    }
    Ok(())
}
