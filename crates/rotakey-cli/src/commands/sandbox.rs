//! `rotakey sandbox`: a simulated AWS for any SDK or command line.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use rotakey_engine::port::Clock as _;
use rotakey_sim::fleet::FleetPlan;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::wire::Server;

use super::config::no_csv;
use crate::cli::{Format, GlobalArgs};
use crate::clock::{SANDBOX_CLOCK, SANDBOX_CLOCK_MODE, SystemClock};
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;
use crate::quantity::{count, instant};
use crate::signals::End;

/// Run a simulated AWS that any SDK and the aws CLI can use
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey sandbox                          prints the variables to export; runs
                                           until Ctrl-C
  rotakey sandbox --users 1000 --seed 7
  rotakey sandbox --output sandbox.env &   then: . ./sandbox.env

Next, in another terminal with the variables set:
  rotakey audit
  rotakey rotate apply --wait              waiting moves the virtual clock
  aws iam list-users
  curl $AWS_ENDPOINT_URL/_sandbox/state
  curl -d '{\"advance\": \"7d\"}' $AWS_ENDPOINT_URL/_sandbox/clock

The same seed makes the same accounts, users and keys. Nothing leaves this
machine, and nothing is kept.

",
    exit_codes!()
))]
pub(crate) struct SandboxArgs {
    /// How many accounts the organization has
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    accounts: u16,
    /// How many users there are in all accounts together
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    users: u32,
    /// Where everything random comes from
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// The port on 127.0.0.1; 0 is any that is free
    #[arg(long, value_name = "PORT", default_value_t = 4599)]
    port: u16,
    /// Begin at this instant, such as 2026-01-01T00:00:00Z [default: now]
    #[arg(long, value_name = "INSTANT")]
    at: Option<Timestamp>,
    /// Give every user one key that is half a year old and was never used
    #[arg(long)]
    due: bool,
    /// Let every call of AWS take so many milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    latency: u16,
    /// Let the virtual clock stand until it is moved, instead of running as the real one does
    #[arg(long)]
    standing_clock: bool,
}

/// The region that clients are told to use.
const REGION: &str = "us-east-1";

/// Runs the command.
pub(crate) async fn run(
    args: &SandboxArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let (accounts, users) = (usize::from(args.accounts), args.users as usize);
    let now = args.at.unwrap_or_else(|| SystemClock.now());
    let plan = FleetPlan { seed: args.seed, accounts, users, now };
    let fleet = if args.due { plan.build_due() } else { plan.build() };
    let server = Server::new(Simulation::new(fleet.world), Arc::new(|| SystemClock.now()));
    let server = server.answering_after(Duration::from_millis(args.latency.into()));
    let server = if args.standing_clock { server } else { server.following_real_time() };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let running = server.start(address).await.map_err(|error| {
        CommandError::failure(format!("cannot listen on {address}: {error}"))
            .hint("Another sandbox may be running there; --port 0 takes any free port.")
    })?;

    let mut variables = running.environment(&fleet.operator, globals.region.as_deref().unwrap_or(REGION));
    variables.push((SANDBOX_CLOCK, running.url()));
    match printer.format() {
        Format::Human => printer.text(&exports(&variables))?,
        Format::Json => {
            let object = variables.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
            printer.json(&object.collect::<serde_json::Map<_, _>>())?;
        }
        Format::Csv => return Err(no_csv("sandbox")),
    }
    printer.finish()?;
    printer.note(&format!(
        "\nA simulated AWS answers at {}: {}, {}, seed {}, clock at {}.\n\
         Export the lines above in another terminal; any AWS SDK and the aws CLI use it then.\n\
         With {SANDBOX_CLOCK} set, rotakey goes by its clock, and waiting moves it ({SANDBOX_CLOCK_MODE}=follow: \
         waits until you do).\n\
         Ctrl-C ends it.",
        running.url(),
        count(accounts, "account"),
        count(users, "user"),
        args.seed,
        instant(now),
    ));
    let mut end =
        End::listen().map_err(|error| CommandError::failure(format!("cannot wait for signals: {error}")))?;
    end.told().await;
    running.stop().await;
    Ok(Verdict::Clean)
}

/// Lines for a shell of the POSIX kind.
fn exports(variables: &[(&str, String)]) -> String {
    let mut lines = String::new();
    for (name, value) in variables {
        let quoted = value.replace('\'', r"'\''");
        writeln!(lines, "export {name}='{quoted}'").expect("a string takes all that is written");
    }
    lines
}
