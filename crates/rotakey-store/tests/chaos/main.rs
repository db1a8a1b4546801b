//! Four workers, each a process of its own, move a thousand rotations on over one PostgreSQL, while they are killed,
//! stopped for longer than their leases, and cut off from the database. The AWS is simulated, in the process of the test;
//! workers call it over a wire of this test, and it watches what they do to keys. Applications go on all the time.
//!
//! What befalls whom comes from a seed, which is printed; when it befalls them depends on the machine. `ROTAKEY_SEED=N`
//! chooses another one, `ROTAKEY_CHAOS_ROTATIONS=N` another number of rotations.

mod call;
mod database;
mod proxy;
mod remote;
mod scene;
mod witness;
mod worker;

use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rotakey_core::rotate::{Ending, Entry, Rotation};
use rotakey_engine::store::{Outlook, Store};
use rotakey_sim::random::Random;
use rotakey_store::PostgresStore;

use database::Database;
use scene::Scene;
use worker::Crew;

const WORKERS: usize = 4;

/// How fast the virtual clock runs while somebody is at work. A step takes some milliseconds, and may take two minutes.
const VIRTUAL_PER_REAL: u32 = 600;

/// How often the clock is moved.
const BEAT: Duration = Duration::from_millis(2);

/// By when all is over, in real time: on two cores of its own it takes less than three minutes.
const PATIENCE: Duration = Duration::from_secs(570);

/// How many calls of AWS the workers make between two blows, at the least and at the most. Not a time: how much befalls
/// them must not depend on how slow the machine is.
const CALLS_BETWEEN_BLOWS: (u64, u64) = (150, 450);

/// So many rotations begin at a time, so that there is something to do at every instant.
const WAVES: usize = 10;
const BETWEEN_WAVES: SignedDuration = SignedDuration::from_hours(1);

#[test]
fn killed_stopped_and_cut_off_workers_lose_no_rotation_double_none_and_break_no_application() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = number("ROTAKEY_SEED").unwrap_or(1);
    let rotations = usize::try_from(number("ROTAKEY_CHAOS_ROTATIONS").unwrap_or(1000)).unwrap();
    say(&format!("seed {seed}, {rotations} rotations"));

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let database = runtime.block_on(Database::new());
    let store = runtime.block_on(database.open());
    let scene = Scene::set(seed, rotations);
    let mut crew = Crew::hire(&scene, &database, WORKERS);
    let mut random = Random::new(seed);
    let began = Instant::now();
    let first = scene.now();
    let mut left: Vec<_> = scene.plans().collect();
    let mut waves = 0;
    let mut next_blow = 0;
    let mut beats = 0_u32;
    loop {
        let due = first + BETWEEN_WAVES * waves;
        if !left.is_empty() && scene.now() >= due {
            let wave: Vec<_> = left.split_off(left.len().saturating_sub(rotations.div_ceil(WAVES)));
            runtime.block_on(scene.begin(&store, wave));
            waves += 1;
        }
        let next_wave = (!left.is_empty()).then_some(first + BETWEEN_WAVES * waves);
        crew.pass_time(next_wave);
        // Real time: the workers are other processes.
        thread::sleep(BEAT);
        if scene.calls_answered() >= next_blow {
            crew.do_mischief(&mut random);
            let (least, most) = CALLS_BETWEEN_BLOWS;
            next_blow = scene.calls_answered() + least + random.below(most - least);
        }
        beats += 1;
        if beats.is_multiple_of(100) {
            let outlook = runtime.block_on(store.outlook(&[scene.account])).unwrap();
            if left.is_empty() && outlook.next.is_none() {
                break;
            }
        }
        assert!(began.elapsed() < PATIENCE, "not over: {}", runtime.block_on(standing(&store, scene.now())));
    }
    let mischief = crew.dismiss();
    let virtual_hours = scene.now().duration_since(first).as_hours();
    say(&format!("{mischief}; over after {virtual_hours} virtual hours and {:?}", began.elapsed()));
    assert!(mischief.is_of_every_kind(), "{mischief}");
    runtime.block_on(check(&scene, &store, rotations));
}

#[test]
#[ignore = "the child of killed_stopped_and_cut_off_workers_lose_no_rotation_double_none_and_break_no_application"]
fn work_as_a_process_of_its_own() {
    worker::work();
}

/// Every rotation has ended well, every user has the one new key and no other, and no call of an application failed.
async fn check(scene: &Scene, store: &PostgresStore, rotations: usize) {
    let listed = store.rotations().await.unwrap();
    assert_eq!(listed.len(), rotations, "a rotation was lost, or began twice");
    assert_eq!(store.outlook(&[scene.account]).await.unwrap(), Outlook::default(), "somebody is asked");
    let mut keys = scene.keys_by_user();
    for summary in listed {
        let records = store.load(&summary.id).await.unwrap();
        let log = Entry::open_all(&summary.id, &records).unwrap();
        let rotation = Rotation::replay(&summary.id, &log).unwrap();
        let user = &rotation.plan().subject.user_name;
        let Some(Ending::Rotated { new_key }) = rotation.ending() else {
            panic!("{user} ended as {:?}", rotation.ending());
        };
        let keys = keys.remove(user).unwrap_or_default();
        let active: Vec<_> = keys.iter().map(|key| &key.id).collect();
        assert_eq!(active, [new_key], "{user} has other keys than the new one: {keys:?}");
        assert_eq!(scene.served(user).as_ref(), Some(new_key), "applications of {user} read another key");
    }
    let offences = scene.witness().offences();
    assert!(offences.is_empty(), "{offences:#?}");
    let (mut calls, users) = (0, scene.plans().count());
    for (application, record) in scene.records() {
        assert_eq!(record.failed, 0, "{application}: {:?}", record.failures.first());
        calls += record.calls;
    }
    assert!(calls > 20 * users as u64, "the applications made only {calls} calls");
    let created = scene.witness().created();
    assert!(created >= rotations, "{created} keys were created for {rotations} rotations");
    say(&format!("{calls} calls of applications, none failed; {created} keys created, {rotations} kept"));
}

/// What is not over, for whoever reads that the test failed.
async fn standing(store: &PostgresStore, now: Timestamp) -> String {
    let mut text = format!("at {now}\n");
    for summary in store.open_rotations().await.unwrap().into_iter().take(10) {
        let records = store.load(&summary.id).await.unwrap();
        let last = records.last().map_or("", |record| record.body.as_str());
        text.push_str(&format!("{} {:?} {last}\n", summary.id, summary.turn));
    }
    text
}

#[expect(clippy::print_stderr, reason = "the seed is needed to run it again")]
fn say(text: &str) {
    eprintln!("chaos: {text}");
}
