//! Measures what a tick asks of the rotation log: fills one with rotations that have ended and some that have not, and then
//! does again and again what a tick does with ten that are due. Prints one object of JSON.
//!
//!     cargo run --release -p rotakey-store --example rotation_tick_bench -- LOCATION [STORED]
//!
//! The place must be empty.
#![expect(clippy::print_stdout, reason = "it reports to whoever started it")]

use std::error::Error;
use std::time::Instant;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use rotakey_core::id::AccountId;
use rotakey_core::rotate::{ChainHash, Entry, Event, Record, Subject};
use rotakey_engine::store::{Append, Claim, RotationSummary, Store, Turn};
use rotakey_store::{Location, PostgresStore, SqliteStore};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

/// How many are due at a time.
const DUE: u64 = 10;
/// How often the tick is measured.
const TICKS: u64 = 100;
/// How many records each log has: about as many as one of a rotation with one destination.
const RECORDS: u64 = 20;
/// How often all is listed.
const LISTINGS: u64 = 10;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = arguments.first().ok_or("LOCATION is wanted")?;
    let stored: u64 = arguments.get(1).map_or(Ok(100_000), |text| text.parse())?;
    let open = DUE * TICKS;
    let closed = stored.checked_sub(open).ok_or_else(|| format!("at least {open} are stored"))?;

    let started = Instant::now();
    let store: Box<dyn Store> = match text.parse()? {
        Location::Sqlite(path) => {
            let store = SqliteStore::open(&path).await?;
            let mut connection = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await?;
            sqlx::raw_sql(AssertSqlSafe(fill_sqlite(closed))).execute(&mut connection).await?;
            connection.close().await?;
            Box::new(store)
        }
        Location::Postgres(server) => {
            let store = PostgresStore::open(&server).await?;
            let mut connection = PgConnection::connect(text).await?;
            for statement in fill_postgres(closed) {
                sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
            }
            Box::new(store)
        }
    };
    for number in 0..open {
        begin(&*store, number).await?;
    }
    let filled = started.elapsed().as_secs_f64();

    let account: AccountId = ACCOUNT.parse()?;
    let mut ticks = Vec::new();
    for tick in 0..TICKS {
        let started = Instant::now();
        let done = do_tick(&*store, account, due_at(tick * DUE)).await?;
        ticks.push(started.elapsed().as_secs_f64() * 1_000.0);
        assert_eq!(done, DUE, "as many are due as are wanted");
    }
    let (mut listings, mut listed) = (Vec::new(), 0);
    for _ in 0..LISTINGS {
        let started = Instant::now();
        listed = store.rotations().await?.len();
        listings.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    assert_eq!(listed as u64, stored, "all are listed");
    let summary = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        let at = |share: usize| times[(times.len() - 1) * share / 100];
        serde_json::json!({"median": at(50), "p95": at(95), "max": at(100)})
    };
    println!(
        "{}",
        serde_json::json!({
            "stored": stored,
            "open": open,
            "due": DUE,
            "records": RECORDS,
            "filled_seconds": filled,
            "tick_ms": summary(ticks),
            "listing_ms": summary(listings),
        })
    );
    Ok(())
}

const ACCOUNT: &str = "012345678901";

/// Claims what is due, and for each: reads its log, checks its hash chain, appends that a step was started and what came
/// of it, and says when it is due again. Then looks when there is something to do next.
async fn do_tick(store: &dyn Store, account: AccountId, now: Timestamp) -> Result<u64, Box<dyn Error>> {
    let accounts = [account];
    let until = now + SignedDuration::from_mins(3);
    let claimed = store.claim(Claim { accounts: &accounts, now, until, limit: 16 }).await?;
    // At the same time, as the engine drives them.
    for driven in join_all(claimed.iter().map(|rotation| drive(store, rotation, now))).await {
        driven?;
    }
    store.outlook(&accounts).await?;
    Ok(claimed.len() as u64)
}

async fn drive(store: &dyn Store, rotation: &RotationSummary, now: Timestamp) -> Result<(), Box<dyn Error>> {
    let records = store.load(&rotation.id).await?;
    Entry::open_all(&rotation.id, &records)?;
    let mut head = records.last().map(|record| record.hash.clone()).ok_or("a log without records")?;
    for version in rotation.version..rotation.version + 2 {
        let record = Record::seal(&rotation.id, version + 1, now, &event(), &head);
        head = record.hash.clone();
        let append = Append {
            rotation: &rotation.id,
            subject: &rotation.subject,
            expected_version: version,
            records: &[record],
            closes: false,
            turn: Turn::Worker { due: now + SignedDuration::from_mins(3) },
        };
        store.append(append).await?;
    }
    let later = Turn::Worker { due: now + SignedDuration::from_hours(24 * 365) };
    Ok(store.hand_over(&rotation.id, rotation.version + 2, later).await?)
}

/// Ten are due a day.
fn due_at(number: u64) -> Timestamp {
    let days = i64::try_from(number / DUE).expect("there are not so many");
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days)
}

async fn begin(store: &dyn Store, number: u64) -> Result<(), Box<dyn Error>> {
    let id = format!("r-open{number}").parse()?;
    let subject = Subject {
        account_id: ACCOUNT.parse()?,
        user_name: format!("open{number}").parse()?,
        user_id: format!("AIDACKCEVSQ6CX8{number:06}").parse()?,
    };
    let mut head = ChainHash::origin(&id);
    let records: Vec<_> = (1..=RECORDS)
        .map(|version| {
            let record = Record::seal(&id, version, Timestamp::UNIX_EPOCH, &event(), &head);
            head = record.hash.clone();
            record
        })
        .collect();
    let turn = Turn::Worker { due: due_at(number) };
    let append = Append {
        rotation: &id,
        subject: &subject,
        expected_version: 0,
        records: &records,
        closes: false,
        turn,
    };
    Ok(store.append(append).await?)
}

/// An event of the size of most.
fn event() -> Event {
    Event::RollbackRequested { by: "benchmark".to_owned(), why: "as long as a usual record is ".repeat(8) }
}

/// Rotations that have ended, whose logs nobody reads.
fn fill_sqlite(closed: u64) -> String {
    format!(
        "BEGIN IMMEDIATE;
        WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {closed})
        INSERT INTO rotation (id, account_id, user_name, user_id, open, due)
            SELECT 'r-closed' || n, '{ACCOUNT}', 'closed' || n, printf('AIDACKCEVSQ6CX9%06d', n), 1, 0 FROM number;
        WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {RECORDS})
        INSERT INTO record SELECT id, n, printf('%.*c', 300, 'x'), printf('%064d', n)
            FROM rotation CROSS JOIN number ORDER BY id, n;
        UPDATE rotation SET open = 0, due = NULL;
        COMMIT;
        PRAGMA wal_checkpoint(TRUNCATE);"
    )
}

fn fill_postgres(closed: u64) -> [String; 2] {
    let fill = format!(
        "BEGIN;
        SET LOCAL session_replication_role = replica;
        INSERT INTO rotakey_rotations.rotation (id, account_id, user_name, user_id, version, open, due, asks)
            SELECT 'r-closed' || n, '{ACCOUNT}', 'closed' || n, 'AIDACKCEVSQ6CX9' || lpad(n::text, 6, '0'),
                {RECORDS}, FALSE, NULL, FALSE FROM generate_series(1, {closed}) AS n;
        INSERT INTO rotakey_rotations.record SELECT id, n, repeat('x', 300), lpad(n::text, 64, '0')
            FROM rotakey_rotations.rotation CROSS JOIN generate_series(1, {RECORDS}) AS n;
        COMMIT;"
    );
    // As a server in service does by itself.
    [fill, "VACUUM ANALYZE".to_owned()]
}
