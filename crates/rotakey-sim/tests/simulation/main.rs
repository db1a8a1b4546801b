//! Deterministic simulation of the whole engine: real machine, real driver, simulated AWS, injected faults,
//! workers that die at any call and race each other. Everything comes from one seed.
//!
//! `ROTAKEY_SEED=N cargo test -p rotakey-sim --test simulation replay_of_one_seed -- --nocapture` replays one seed and prints
//! its transcript; `ROTAKEY_SEEDS=N` says how many seeds the storm runs through.

mod chaos;
mod monthly;
mod own_key;
mod scene;
mod witness;

use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

use jiff::SignedDuration;
use rotakey_core::fact::KeyStatus;
use rotakey_core::id::AccessKeyId;
use rotakey_core::rotate::{Entry, Event, Rotation};
use rotakey_engine::driver::{Engine, Ports, Standing, Tick, Undriven};
use rotakey_engine::memory_store::MemoryStore;
use rotakey_engine::port::{Account, Clock, Destinations, Kept, NoChecks, OneAccount, Slots, UsageSource};
use rotakey_engine::store::{Store, StoreError};
use rotakey_sim::random::Random;

use chaos::{Fate, Unsteady, Weather, at_once, run_together};
use scene::{Mood, Scene};
use witness::Witness;

/// How many seeds the storm runs through unless told otherwise.
const SEEDS: u64 = 100;

/// By when every rotation has ended or asks, once the faults have stopped.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24 * 150);

#[test]
fn in_calm_weather_every_key_is_rotated_or_waits_for_its_stubborn_application() {
    for seed in 0..10 {
        let end = simulate(seed, Mood::Calm);
        for (rotation, standing) in &end.standings {
            let stubborn = end
                .scene
                .stubborn
                .iter()
                .any(|name| name.starts_with(&format!("{}/", rotation.plan().subject.user_name)));
            let rotated = matches!(standing, Standing::Ended(rotakey_core::rotate::Ending::Rotated { .. }));
            assert!(rotated != stubborn, "seed {seed}: {standing:?}\n{}", end.transcript);
        }
    }
}

#[test]
fn in_any_storm_no_application_is_without_a_working_key_and_no_secret_is_lost() {
    let seeds = std::env::var("ROTAKEY_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    for seed in 1000..1000 + seeds {
        simulate(seed, Mood::Storm);
    }
}

#[test]
fn the_same_seed_tells_the_same_story_twice() {
    for seed in [7, 1003] {
        assert_eq!(simulate(seed, Mood::Storm).transcript, simulate(seed, Mood::Storm).transcript);
    }
}

#[test]
fn replay_of_one_seed() {
    let wanted = std::env::var("ROTAKEY_SEED").ok().and_then(|seed| seed.parse().ok());
    let end = simulate(wanted.unwrap_or(1000), Mood::Storm);
    assert!(!end.transcript.is_empty());
    if wanted.is_some() {
        use std::io::Write as _;
        writeln!(std::io::stderr(), "{}", end.transcript).unwrap();
    }
}

/// How a simulation ended.
struct End {
    scene: Scene,
    standings: Vec<(Rotation, Standing)>,
    transcript: String,
}

/// One run: workers come and go (every tick is a process of its own), people ask for roll-backs, and in the end
/// everything that must hold is checked.
fn simulate(seed: u64, mood: Mood) -> End {
    let scene = Scene::set(seed, mood);
    let mut random = Random::new(seed ^ 0x5eed);
    let witness = Witness::new(scene.operator.clone(), scene.account);
    let store = MemoryStore::default();
    let clock = scene.simulation.clock();
    let transcript = Mutex::new(String::new());
    let listener = |rotation: &Rotation, event: &Event| {
        let mut transcript = transcript.lock().unwrap();
        writeln!(
            transcript,
            "{} {} {} {event:?}",
            clock.now(),
            rotation.plan().subject.user_name,
            rotation.state().name()
        )
        .unwrap();
    };
    let mut workers = 0;
    let sees = scene.can_see_usage;
    let mut tick = |count: usize, weather: Weather, seed: u64| -> Vec<Option<Result<Tick, StoreError>>> {
        let mut fates = Vec::new();
        let mut ports = Vec::new();
        for number in 0..count {
            let fate = Fate::new(seed.wrapping_add(number as u64), weather);
            ports.push((
                Unsteady { port: &witness, fate: fate.clone() },
                Unsteady { port: scene.operator.clone(), fate: fate.clone() },
                Unsteady { port: &store, fate: fate.clone() },
            ));
            fates.push(fate);
        }
        let accounts: Vec<_> = ports
            .iter()
            .map(|(iam, client, _)| OneAccount {
                id: scene.account,
                account: Account { iam, probe: client, usage: sees.then_some(client as &dyn UsageSource) },
            })
            .collect();
        let engines: Vec<_> = ports
            .iter()
            .zip(&accounts)
            .map(|((_, client, store), account)| {
                workers += 1;
                let ports = Ports {
                    accounts: account,
                    destinations: client,
                    checks: &NoChecks,
                    store,
                    clock: &clock,
                };
                Engine::new(ports, format!("worker-{workers}").parse().unwrap(), &listener)
            })
            .collect();
        let futures = fates.into_iter().zip(&engines).enumerate().map(|(number, (fate, engine))| {
            // Leases keep workers apart, and nothing may depend on them.
            let heeds_leases = number == 0 || seed.is_multiple_of(2);
            let future: Pin<Box<dyn Future<Output = _> + '_>> = match heeds_leases {
                true => Box::pin(engine.tick()),
                false => Box::pin(drive_all(engine, &store)),
            };
            (fate, future)
        });
        run_together(futures.collect(), seed)
    };

    begin(&scene, &store, &clock, &listener);
    let give_up = scene.storm_ends + PATIENCE;
    let calm = Weather { death: 0, delay: scene.weather.delay, store_failure: 0 };
    let mut due = clock.now();
    let mut foreign = Vec::new();
    let standings = loop {
        let weather = if clock.now() < scene.storm_ends { scene.weather } else { calm };
        let count = if random.chance(0.3) { 2 } else { 1 };
        let ticks = tick(count, weather, random.number());
        let last = ticks.into_iter().flatten().flatten().last();
        if mood == Mood::Storm && clock.now() < scene.storm_ends && random.chance(0.03) {
            ask_for_the_old_state(&scene, &store, &clock, &listener, &mut random);
        }
        if scene.meddlers && clock.now() < scene.storm_ends && random.chance(0.02) {
            foreign.push(scene.meddle(&mut random));
        }
        let settled =
            last.as_ref().is_some_and(|tick| tick.undriven.is_empty() && tick.outlook.next.is_none());
        if settled && (clock.now() >= scene.storm_ends || mood == Mood::Calm) {
            break all_standings(&scene, &store, &clock, &listener);
        }
        assert!(clock.now() < give_up, "seed {seed}: not settled\n{}", transcript.lock().unwrap());
        let wanted = last.and_then(|tick| tick.outlook.next).unwrap_or(due);
        let jitter = SignedDuration::from_mins(i64::try_from(random.below(600)).unwrap());
        due = wanted.min(clock.now() + SignedDuration::from_hours(12)).max(clock.now()) + jitter;
        scene.simulation.advance_to(due);
    };
    // The consequences of the last steps come late, too.
    scene.simulation.advance_to(clock.now() + SignedDuration::from_hours(24 * 40));
    let transcript = transcript.into_inner().unwrap();
    check(seed, &scene, &witness, &store, &standings, &foreign, &transcript);
    End { scene, standings, transcript }
}

type Listener<'a> = &'a (dyn Fn(&Rotation, &Event) + Send + Sync);

/// An engine that nothing befalls.
fn steady<'a>(
    scene: &'a Scene,
    store: &'a MemoryStore,
    clock: &'a dyn Clock,
    listener: Listener<'a>,
) -> Engine<'a> {
    let ports = Ports { accounts: scene, destinations: &scene.operator, checks: &NoChecks, store, clock };
    Engine::new(ports, "steady".parse().unwrap(), listener)
}

/// Drives what is open, whoever has claimed it and whenever it is due.
async fn drive_all(engine: &Engine<'_>, store: &MemoryStore) -> Result<Tick, StoreError> {
    let mut tick = Tick::default();
    for rotation in store.open_rotations().await? {
        match engine.drive(&rotation.id).await {
            Ok(report) => tick.reports.push(report),
            Err(error) => tick.undriven.push(Undriven { rotation: rotation.id, error }),
        }
    }
    let accounts: Vec<_> =
        tick.reports.iter().map(|report| report.rotation.plan().subject.account_id).collect();
    tick.outlook = store.outlook(&accounts).await?;
    Ok(tick)
}

fn begin(scene: &Scene, store: &MemoryStore, clock: &dyn Clock, listener: Listener<'_>) {
    let engine = steady(scene, store, clock, listener);
    for plan in &scene.plans {
        at_once(engine.begin(plan.clone())).unwrap();
        let again = at_once(engine.begin(plan.clone()));
        assert!(again.is_err(), "a user is rotated twice at once");
    }
}

fn ask_for_the_old_state(
    scene: &Scene,
    store: &MemoryStore,
    clock: &dyn Clock,
    listener: Listener<'_>,
    random: &mut Random,
) {
    let engine = steady(scene, store, clock, listener);
    let rotations = at_once(store.rotations()).unwrap();
    let rotation = random.pick(&rotations);
    // It may be too late, which is an answer as well.
    let _told = at_once(engine.roll_back(&rotation.id, "somebody", "it looked wrong"));
}

fn all_standings(
    scene: &Scene,
    store: &MemoryStore,
    clock: &dyn Clock,
    listener: Listener<'_>,
) -> Vec<(Rotation, Standing)> {
    let engine = steady(scene, store, clock, listener);
    let rotations = at_once(store.rotations()).unwrap();
    let drive = |id| at_once(engine.drive(&id)).map(|report| (report.rotation, report.standing));
    rotations.into_iter().map(|rotation| drive(rotation.id).unwrap()).collect()
}

fn check(
    seed: u64,
    scene: &Scene,
    witness: &Witness,
    store: &MemoryStore,
    standings: &[(Rotation, Standing)],
    foreign: &[AccessKeyId],
    transcript: &str,
) {
    for (name, record) in scene.simulation.records() {
        assert_eq!(
            record.failed_for_credentials,
            0,
            "seed {seed}: {name} {:?}\n{transcript}",
            record.failures.first()
        );
    }
    let secrets = witness.secrets();
    for (rotation, standing) in standings {
        assert!(!matches!(standing, Standing::Waits { .. }), "seed {seed}: {standing:?}\n{transcript}");
        let records = at_once(store.load(rotation.id())).unwrap();
        Entry::open_all(rotation.id(), &records).unwrap();
        for secret in
            secrets.iter().map(String::as_str).chain(scene.old_pairs.iter().map(|pair| pair.secret.expose()))
        {
            assert!(
                records.iter().all(|record| !record.body.contains(secret)),
                "seed {seed}: a secret is in the log"
            );
        }
    }
    let places = |rotation: &Rotation| -> Vec<Slots> {
        let read = |spec| at_once(async { scene.operator.open(spec).unwrap().read().await.unwrap() });
        rotation.plan().destinations.iter().map(read).collect()
    };
    let keys = witness.true_keys();
    for foreign in foreign {
        let untouched = keys.iter().any(|key| key.id == *foreign && key.status == KeyStatus::Active);
        assert!(untouched, "seed {seed}: {foreign} of somebody else was touched\n{transcript}");
    }
    for key in keys.into_iter().filter(|key| !foreign.contains(&key.id)) {
        let Some((user, _)) = key.user.filter(|(user, _)| user.as_str() != "operator") else { continue };
        let (rotation, standing) =
            standings.iter().find(|(rotation, _)| rotation.plan().subject.user_name == user).unwrap();
        let places = places(rotation);
        let old = scene.old_pairs.iter().any(|pair| pair.id == key.id);
        let kept = places.iter().any(|slots| slots.find(&key.id).is_some());
        assert!(
            key.status == KeyStatus::Inactive || old || kept,
            "seed {seed}: the secret of {} is lost and the key active: {standing:?}\n{transcript}",
            key.id
        );
        if let Standing::Ended(_) = standing {
            let served =
                places.iter().all(|slots| slots.current.as_ref().is_some_and(|kept| *kept.id() == key.id));
            assert!(served, "seed {seed}: an orphan is left: {standing:?}\n{transcript}");
        }
    }
    for slots in standings.iter().flat_map(|(rotation, _)| places(rotation)) {
        let works = slots.current.as_ref().and_then(Kept::pair).is_some_and(|pair| {
            scene.simulation.with_world(|world| world.accepts(pair, rotakey_sim::api::Service::S3))
        });
        assert!(works, "seed {seed}: a destination serves a key that does not work\n{transcript}");
    }
}
