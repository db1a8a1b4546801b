//! Forecasts a year of synthetic keys and says how long that took, for `cargo xtask bench rotate`:
//! `forecast KEYS DAYS [LIMIT]` writes JSON. With a limit no more rotations than that are under way at a time.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports to whoever started it")]

use std::process::ExitCode;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use rotakey_core::destination::{DestinationSpec, SecretsManager};
use rotakey_core::policy::{Config, UserSubject};
use rotakey_core::rotate::controls::Share;
use rotakey_core::rotate::forecast::{Assumptions, Forecast, What, synthetic};

fn main() -> ExitCode {
    let numbers: Option<Vec<u32>> = std::env::args().skip(1).map(|text| text.parse().ok()).collect();
    let Some([keys, days, limit @ ..]) = numbers.as_deref() else {
        eprintln!("forecast KEYS DAYS [LIMIT]");
        return ExitCode::from(2);
    };
    let begun: Timestamp = "2026-01-01T00:00:00Z".parse().expect("an instant");
    let end = begun + SignedDuration::from_hours(24 * i64::from(*days));
    let mut config = Config::default();
    config.rotate.controls.limits.in_flight = limit.first().copied().map(Share::Number);
    let place = |user: &UserSubject| {
        let name = format!("iam/access-keys/{}", user.principal);
        DestinationSpec::SecretsManager(SecretsManager::named(name, None))
    };
    let started = Instant::now();
    let users = synthetic::users(*keys, begun);
    let mut forecast = Forecast::new(users, &config, &place, Assumptions::default(), begun);
    let (mut effects, mut rotations, mut asked) = (0_u64, 0_u64, 0_u64);
    forecast.run_until(end, &mut |happening| match happening.what {
        What::Does(_) => effects += 1,
        What::Ends(_) => rotations += 1,
        What::Asks { .. } => asked += 1,
        What::Begins(_) | What::IsOverdue { .. } => {}
    });
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{{\"keys\":{keys},\"days\":{days},\"seconds\":{seconds:.3},\"rotations\":{rotations},\"effects\":{effects},\
         \"asked\":{asked}}}"
    );
    ExitCode::SUCCESS
}
