//! The same seed gives the same transcript, faults, weather and applications included.

use std::fmt::Write;

use rotakey_core::fact::KeyStatus;
use rotakey_engine::inventory::{Inventory, NoProgress};
use rotakey_engine::port::{Iam, KeyProbe};
use rotakey_sim::application::{Application, HardCoded};
use rotakey_sim::consistency::Consistency;
use rotakey_sim::faults::{Effect, InjectedFault};
use rotakey_sim::fleet::FleetPlan;
use rotakey_sim::ports::Client;
use rotakey_sim::simulation::Simulation;

use crate::{at, done, seconds};

fn transcript(seed: u64) -> String {
    let fleet = FleetPlan { seed, accounts: 2, users: 30, now: at("2026-03-01T00:00:00Z") }.build();
    let (account, keys) = (fleet.accounts[0], fleet.keys);
    let mut world = fleet.world;
    world.set_consistency(Consistency { stale_reads: seconds(30), ..Consistency::default() });
    for effect in
        [Effect::Throttle, Effect::NoAnswer { happened: true }, Effect::NoAnswer { happened: false }]
    {
        world.inject(InjectedFault::new(effect).with_chance(0.05));
    }
    let simulation = Simulation::new(world);
    let operator = Client::new(simulation.clone(), fleet.operator);
    for ((_, name), pairs) in &keys {
        for pair in pairs {
            simulation.start(Application::new(name.as_str(), HardCoded(pair.duplicate())).every(seconds(37)));
        }
    }
    let mut text = String::new();
    for (_, name) in keys.keys().filter(|(of, _)| *of == account) {
        let seen = done(Iam::access_keys(&operator, name));
        writeln!(text, "{} {name} {seen:?}", simulation.now()).unwrap();
        let Ok(pair) = done(operator.create_access_key(name)) else { continue };
        writeln!(text, "{} {pair:?} {:?}", simulation.now(), done(operator.identify(&pair))).unwrap();
        writeln!(text, "{:?}", done(operator.set_status(name, &pair.id, KeyStatus::Inactive))).unwrap();
        simulation.advance_to(simulation.now() + seconds(60));
    }
    let report = done(operator.credential_report(&NoProgress)).map(|report| String::from_utf8(report.csv));
    writeln!(text, "{report:?} {:?}", simulation.records()).unwrap();
    text
}

#[test]
fn the_same_seed_gives_the_same_transcript() {
    let once = transcript(7);
    assert!(
        once.len() > 5_000 && once.contains("SlowDown") && once.contains("NoAnswer"),
        "it is worth comparing"
    );
    assert!(once == transcript(7), "two runs of one seed differ");
    assert!(once != transcript(8), "two seeds do not");
}
