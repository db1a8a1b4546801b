//! `rotakey rotate simulate`: what the policy will do in the days to come.

mod human;
mod tally;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::{SignedDuration, Timestamp, Unit};
use rotakey_core::destination::{DestinationSpec, SecretsManager};
use rotakey_core::policy::{Config, Period, UserSubject};
use rotakey_core::report::{ReportError, ReportReader};
use rotakey_core::rotate::forecast::{Assumptions, Forecast, synthetic};
use rotakey_engine::inventory::Progress as _;
use serde::Serialize;

use super::selection::Fallback;
use crate::accounts::AccountArgs;
use crate::assembly::{self, Aws};
use crate::cli::{Format, GlobalArgs};
use crate::commands::audit::gap_in_words;
use crate::configuration;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::{Printer, cannot_write};
use crate::progress::Progress;
use tally::Tally;

/// Show the next days: what rotates when, who is asked, what gets too old
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey rotate simulate                  the keys of the account, 90 days
  rotakey rotate simulate --days 365 --report report.csv
  rotakey rotate simulate --synthetic-keys 100000 --config draft.toml
  rotakey rotate simulate --format json --output forecast.json

The policy, the rotation machine and the waiting are the real ones, on a virtual
clock; nothing is changed. What applications will do is assumed: they use a new
key --adoption after it was published, and a key is used again after as long as
it has been idle by now. Exits with 1 if somebody will be asked or a key will
get too old.

",
    exit_codes!()
))]
pub(crate) struct SimulateArgs {
    /// How many days to look ahead
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3660))]
    days: u16,
    /// The keys in a saved credential report (- for standard input), without AWS
    #[arg(long, value_name = "FILE", conflicts_with = "synthetic_keys")]
    report: Option<PathBuf>,
    /// So many made-up keys, of ages from 0 to 200 days, without AWS
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    synthetic_keys: Option<u32>,
    /// Begin at this instant, such as 2026-11-01T00:00:00Z [default: now]
    #[arg(long, value_name = "INSTANT")]
    at: Option<Timestamp>,
    /// How long after it was published applications use a new key
    #[arg(long, value_name = "TIME", default_value = "1h")]
    adoption: Period,
    /// How often `rotakey rotate apply` and `tick` run
    #[arg(long, value_name = "TIME", default_value = "10m")]
    tick: Period,
}

/// What `--format json` writes.
#[derive(Debug, Serialize)]
struct Document<'a> {
    from: Timestamp,
    until: Timestamp,
    users: usize,
    assumptions: AssumptionsData,
    #[serde(flatten)]
    tally: &'a Tally,
}

/// After how many days the progress is shown. Many, since a forecast gets on faster with one user at a time.
const STRIDE: u16 = 30;

#[derive(Debug, Serialize)]
struct AssumptionsData {
    adoption_seconds: i64,
    tick_seconds: i64,
}

/// Runs the command.
pub(crate) async fn run(
    args: &SimulateArgs,
    globals: &GlobalArgs,
    which: &AccountArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let (users, mut config, now) = inventory(args, globals, which, printer).await?;
    let fallback = Fallback::find()?;
    let place = |user: &UserSubject| fallback.destination(user);
    let nowhere = |user: &UserSubject| {
        DestinationSpec::SecretsManager(SecretsManager::named(user.principal.to_string(), None))
    };
    // A report and made-up users have no tags that could say where a key goes, and it does not matter here.
    let live = args.report.is_none() && args.synthetic_keys.is_none();
    if !live {
        config.rotate.destinations.clear();
    }
    let place: &dyn Fn(&UserSubject) -> DestinationSpec = if live { &place } else { &nowhere };
    let assumptions =
        Assumptions { adoption: args.adoption.into(), tick: args.tick.into(), ..Assumptions::default() };
    let until =
        now.saturating_add(SignedDuration::from_hours(24 * i64::from(args.days))).unwrap_or(Timestamp::MAX);
    let mut forecast = Forecast::new(users, &config, place, assumptions.clone(), now);
    let mut tally = Tally::new(now, args.days);
    let progress = Progress::new(printer);
    let mut day = 0;
    while day < args.days {
        day = day.saturating_add(STRIDE).min(args.days);
        let end = now.saturating_add(SignedDuration::from_hours(24 * i64::from(day))).unwrap_or(until);
        forecast.run_until(end, &mut |happening| tally.take(&happening));
        progress.step(usize::from(day), Some(usize::from(args.days)), "simulating days");
    }
    let tally = tally.finish();
    drop(progress);
    let users = forecast.users().count();
    match printer.format() {
        Format::Json => {
            let assumptions = AssumptionsData {
                adoption_seconds: assumptions.adoption.as_secs(),
                tick_seconds: assumptions.tick.as_secs(),
            };
            printer.json(&Document { from: now, until, users, assumptions, tally: &tally })?;
        }
        Format::Csv => write_csv(&tally, printer)?,
        Format::Human => human::print(&tally, users, now, until, args.adoption, printer)?,
    }
    Ok(if tally.is_smooth() { Verdict::Clean } else { Verdict::Findings })
}

/// Whose keys, by which policy, from when on.
async fn inventory(
    args: &SimulateArgs,
    globals: &GlobalArgs,
    which: &AccountArgs,
    printer: &Printer,
) -> Result<(Vec<UserSubject>, Config, Timestamp), CommandError> {
    if args.report.is_none() && args.synthetic_keys.is_none() {
        let aws = Aws::connect(globals).await?;
        let now = whole_seconds(args.at.unwrap_or(aws.clock.now()));
        let config = configuration::load(globals, printer, now)?;
        let read = aws.accounts(globals, which, &config, printer).await?.read(printer).await?;
        for gap in &read.not_read {
            printer.warning(&format!("Not read: {}", gap_in_words(gap)));
        }
        let users = read.accounts.into_iter().flat_map(|account| account.subjects).collect();
        return Ok((users, config, now));
    }
    let now = whole_seconds(args.at.unwrap_or(assembly::clock(globals)?.now()));
    let config = configuration::load(globals, printer, now)?;
    let users = match (&args.report, args.synthetic_keys) {
        (Some(path), _) => read_report(path)?,
        (None, number) => synthetic::users(number.unwrap_or_default(), now).collect(),
    };
    Ok((users, config, now))
}

/// Fractions of seconds would be in every instant that is told.
fn whole_seconds(at: Timestamp) -> Timestamp {
    at.round(Unit::Second).unwrap_or(at)
}

fn read_report(path: &Path) -> Result<Vec<UserSubject>, CommandError> {
    let unreadable = |error: ReportError| {
        CommandError::usage(format!("{}: {error}", path.display())).hint(
            "It should be what `aws iam get-credential-report` answers, or the CSV in it; - reads standard input.",
        )
    };
    let input: Box<dyn BufRead + Send> = if path == Path::new("-") {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::new(File::open(path).map_err(|error| unreadable(error.into()))?))
    };
    let mut sections = ReportReader::new(input).map_err(unreadable)?.into_sections();
    let mut users = Vec::new();
    while let Some(section) = sections.next_section().map_err(unreadable)? {
        let mut rows = section.reader();
        while let Some(row) = rows.next_row().map_err(unreadable)? {
            if row.holds_keys() {
                users.push(row.to_subject(section.generated_at()));
            }
        }
    }
    Ok(users)
}

fn write_csv(tally: &Tally, printer: &Printer) -> Result<(), CommandError> {
    let mut rows = csv::Writer::from_writer(printer.data());
    for day in tally.days() {
        rows.serialize(day).map_err(|error| cannot_write(error.into()))?;
    }
    rows.flush().map_err(cannot_write)
}
