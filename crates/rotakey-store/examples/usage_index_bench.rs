//! Measures the index of the use of keys: fills one with a year of use, day by day as ingestion does, and asks for
//! single keys. Prints one object of JSON.
//!
//!     cargo run --release -p rotakey-store --example usage_index_bench -- LOCATION [KEYS] [DAYS]
//!
//! The place must be empty, or hold what an earlier run left there, which is then only asked.
#![expect(clippy::print_stdout, reason = "it reports to whoever started it")]

use std::error::Error;
use std::time::Instant;

use rotakey_store::usage_index::{self, Commit, IndexFile, Location, Question, UsageIndex};
use rotakey_trail::cadence::DayUse;
use rotakey_trail::event_time::{DAY, EventTime};
use rotakey_trail::rollup::{Batch, Client, Days, Operation, Place, Principal, Seen, Sighting, Use};

/// 1 January 2026.
const FIRST_DAY: i64 = 20_454;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: u32| arguments.get(index).map_or(Ok(default), |text| text.parse());
    let location: Location = arguments.first().ok_or("LOCATION is wanted")?.parse()?;
    let (keys, days) = (number(1, 100_000)?, number(2, 365)?);
    let mut index = usage_index::open(&location).await?;
    let started = Instant::now();
    let mut longest = 0.0_f64;
    if index.stats().await?.batches == 0 {
        for day in 0..days {
            let started = Instant::now();
            add(&*index, day, keys).await?;
            longest = longest.max(started.elapsed().as_secs_f64());
        }
    }
    let filled = started.elapsed().as_secs_f64();
    let stats = index.stats().await?;

    // Every question on a connection of its own, as the program asks it.
    let (mut with_open, mut alone) = (Vec::new(), Vec::new());
    let mut rows = 0;
    for number in 0..200_u32 {
        index.close().await;
        let key = key((number.wrapping_mul(2_654_435_761)) % keys);
        let question = Question { keys: vec![key], ..Question::default() };
        let started = Instant::now();
        index = usage_index::open(&location).await?;
        let opened = Instant::now();
        let usage = index.usage(&question).await?;
        alone.push(opened.elapsed().as_secs_f64() * 1_000.0);
        with_open.push(started.elapsed().as_secs_f64() * 1_000.0);
        rows += usage.first().map_or(0, |usage| usage.calls);
    }
    let started = Instant::now();
    let listed = index.keys().await?.len();
    let list = started.elapsed().as_secs_f64() * 1_000.0;
    let summary = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        let at = |share: usize| times[(times.len() - 1) * share / 100];
        serde_json::json!({"median": at(50), "p99": at(99), "max": at(100)})
    };
    let report = serde_json::json!({
        "location": location.to_string(), "keys": keys, "days": days, "rows": stats.rows,
        "bytes": stats.bytes, "bytes_per_row": stats.bytes as f64 / stats.rows.max(1) as f64,
        "fill_seconds": filled, "longest_day_seconds": longest,
        "usage_of_one_key_ms": summary(alone), "with_open_ms": summary(with_open),
        "calls_told": rows, "list_of_keys_ms": list, "listed": listed,
    });
    println!("{report:#}");
    index.close().await;
    Ok(())
}

fn key(number: u32) -> String {
    format!("AKIA{number:016}")
}

/// One day of a fleet: each key is used by one of some clients, for one to three actions, some with an error.
async fn add(index: &dyn UsageIndex, day: u32, keys: u32) -> Result<(), Box<dyn Error>> {
    const NETWORKS: u32 = 200;
    let date = FIRST_DAY as u32 + day;
    let mut batch = Batch { keys: (0..keys).map(key).collect(), ..Batch::default() };
    let mut names = vec![String::new()];
    let mut name = |text: String| {
        names.push(text);
        names.len() as u32 - 1
    };
    let (kind, account, region, service) =
        (name("IAMUser".into()), name("012345678901".into()), name("eu-central-1".into()), name("s3".into()));
    let agent = name(r#"{"family":"Boto3"}"#.into());
    let errors = [0, name("AccessDenied".into())];
    for number in 0..20 {
        let action = name(format!("Action{number}"));
        batch.operations.extend(errors.map(|error| Operation { region, service, action, error }));
    }
    for number in 0..NETWORKS {
        let (consumer, network) = (name(format!("{number:016x}")), name(format!("10.0.{number}.0/24")));
        batch.clients.push(Client {
            consumer,
            description: consumer,
            network,
            agent,
            vpc_endpoint: 0,
            invoked_by: 0,
        });
    }
    for number in 0..keys {
        let user = name(format!("user{number}"));
        let arn = name(format!("arn:aws:iam::012345678901:user/user{number}"));
        batch.principals.push(Principal { arn, kind, account_id: account, user_name: user });
        let chance = fingerprint(number, day);
        for action in 0..1 + number % 3 {
            let operation = (number + action) % 20 * 2 + u32::from(chance.is_multiple_of(17));
            let place =
                Place { key: number, day: date, operation, client: number % NETWORKS, principal: number };
            let first = (chance % 40_000) as u32;
            let day_use =
                DayUse { day: date, hours: 0b1111 << (chance % 20), first, last: first + 9_000, calls: 20 };
            batch.uses.push(Use { place, day_use });
        }
        let of = batch.clients[(number % NETWORKS) as usize].network;
        let days = Days { first: date, last: date };
        batch.addresses.push(Sighting { key: number, of, fingerprint: number.into(), days });
        batch.user_agents.push(Sighting { key: number, of: agent, fingerprint: 7, days });
    }
    batch.names = names;
    let files = [IndexFile { name: format!("/bench/{day}"), ..IndexFile::default() }];
    let begun = index.begin(&files).await?;
    let now = EventTime::from_seconds((FIRST_DAY + i64::from(day) + 1) * DAY).unwrap_or_default();
    let seen = Seen::new();
    let commit = Commit { begun: &begun, files: &files, batch: &batch, seen: &seen, seen_days: 7, now };
    Ok(index.commit(commit).await?)
}

fn fingerprint(number: u32, day: u32) -> u64 {
    rotakey_trail::fingerprint::fingerprint(format!("{number} {day}").as_bytes())
}
