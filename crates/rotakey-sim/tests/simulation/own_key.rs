//! The key that the worker itself signs with: it is rotated like others, but never taken away under the worker.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rotakey_core::destination::{DestinationSpec, SecretsManager};
use rotakey_core::id::{AccessKeyId, AccountId, RotationId};
use rotakey_core::rotate::controls::{Controls, Halt};
use rotakey_core::rotate::{Ending, Event, Plan, Rotation, Subject, Task, Timing};
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::driver::{Engine, Guard, Ports, Report, Standing};
use rotakey_engine::memory_store::MemoryStore;
use rotakey_engine::port::{Account, Iam as _, NoChecks, OneAccount};
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::application::{Application, CurrentSecret};
use rotakey_sim::consistency::Consistency;
use rotakey_sim::ports::Client;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::world::World;

use crate::chaos::at_once;
use crate::scene::{key, plant_user};

const SECRET: &str = "iam/access-keys/rotakey";

/// How many hours apart the ticks are. So far, and ever farther, that the key looks quiet: what the worker does shows
/// late.
const PAUSES: [i64; 2] = [30, 60];

/// rotakey's own user, whose key it runs on and an application reads too, and its rotation, just begun.
struct Own {
    simulation: Simulation,
    account: AccountId,
    old: AccessKeyPair,
    store: MemoryStore,
    rotation: RotationId,
}

impl Own {
    fn begun() -> Self {
        let now: Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
        let year_ago = now - SignedDuration::from_hours(24 * 365);
        let mut world = World::new(1, now);
        world.set_consistency(Consistency {
            last_used_lag: Duration::from_secs(3600 * 3),
            ..Consistency::default()
        });
        let account = world.create_account("production", year_ago);
        let user_name = plant_user(&mut world, account, "rotakey", year_ago);
        let old = world.plant_key(account, &user_name, key(year_ago, None));
        let planted = world.true_keys(account).into_iter().find(|key| key.id == old.id).unwrap();
        let user_id = planted.user.unwrap().1;
        let simulation = Simulation::new(world);
        let worker = Client::new(simulation.clone(), old.duplicate());
        let value = serde_json::json!({ "AccessKeyId": old.id, "SecretAccessKey": old.secret.expose() });
        let parameters = Tree::map([
            ("Name", SECRET.into()),
            ("SecretString", value.to_string().as_str().into()),
            ("ClientRequestToken", "00000000-0000-0000-0000-000000000000".into()),
        ]);
        worker.call(Service::SecretsManager, "CreateSecret", parameters).unwrap();
        let source = CurrentSecret { account, region: "us-east-1".into(), name: SECRET.into() };
        simulation.start(
            Application::new("report", source)
                .calling(Service::S3, "ListBuckets", Tree::map([]))
                .every(Duration::from_secs(3600)),
        );
        simulation.advance_to(now + SignedDuration::from_hours(12));
        let plan = Plan {
            subject: Subject { account_id: account, user_name, user_id },
            old_key: old.id.clone(),
            old_key_last_used: at_once(worker.last_used(&old.id)).unwrap(),
            destinations: vec![DestinationSpec::SecretsManager(SecretsManager::named(SECRET, None))],
            reason: "for the simulation".into(),
            timing: Timing::default(),
            checks: Vec::new(),
            task: Task::Replace,
            limit_at: None,
            own_key: true,
            traits: None,
            approvals: Vec::new(),
        };
        let store = MemoryStore::default();
        let mut own = Self { simulation, account, old, store, rotation: "r-notbegun".parse().unwrap() };
        own.rotation = own.with_engine(&worker, None, |engine| at_once(engine.begin(plan)).unwrap());
        own
    }

    /// Lends an engine whose calls that client signs; `guarded` is the key that it is told it runs on.
    fn with_engine<T>(
        &self,
        worker: &Client,
        guarded: Option<&AccessKeyId>,
        work: impl FnOnce(&Engine<'_>) -> T,
    ) -> T {
        let account = Account { iam: worker, probe: worker, usage: None };
        let accounts = OneAccount { id: self.account, account };
        let clock = self.simulation.clock();
        let ports = Ports {
            accounts: &accounts,
            destinations: worker,
            checks: &NoChecks,
            store: &self.store,
            clock: &clock,
        };
        let listener = |_: &Rotation, _: &Event| {};
        let (controls, no_switch) = (Controls::default(), || None::<Halt>);
        let guard = Guard { controls: &controls, switch: &no_switch, own_key: guarded };
        work(&Engine::new(ports, "worker".parse().unwrap(), &listener).under(guard))
    }

    /// Drives the rotation with that key after each pause of so many hours; the last report.
    fn driven(&self, pair: &AccessKeyPair, is_guarded: bool, pauses: &[i64]) -> Report {
        let worker = Client::new(self.simulation.clone(), pair.duplicate());
        let guarded = is_guarded.then_some(&pair.id);
        let mut last = None;
        for hours in pauses {
            self.simulation.advance_to(self.simulation.now() + SignedDuration::from_hours(*hours));
            last = Some(self.with_engine(&worker, guarded, |engine| at_once(engine.drive(&self.rotation))));
        }
        last.unwrap().unwrap()
    }

    fn served(&self) -> AccessKeyPair {
        self.simulation
            .with_world(|world| world.current_access_key(self.account, "us-east-1", SECRET))
            .unwrap()
    }

    /// Whether AWS accepts the key, once every service has heard of what was done to it.
    fn works(&self, pair: &AccessKeyPair) -> bool {
        self.simulation.advance_to(self.simulation.now() + SignedDuration::from_hours(1));
        self.simulation.with_world(|world| world.accepts(pair, Service::Iam))
    }
}

#[test]
fn a_worker_never_disables_the_key_that_it_signs_with_and_one_that_runs_on_the_new_key_does() {
    let own = Own::begun();
    let report = own.driven(&own.old, true, &PAUSES);
    let Standing::Waits { why, .. } = report.standing else { panic!("{:?}", report.standing) };
    assert!(why.contains("rotakey itself still runs on this key"), "{why}");
    assert_eq!(report.rotation.state().name(), "ready", "all but this key is ready for its end");
    assert!(own.works(&own.old));

    let new = own.served();
    assert_ne!(new.id, own.old.id, "the new key is where rotakey can be given it from");
    let report = own.driven(&new, true, &[60; 8]);
    assert!(matches!(report.standing, Standing::Ended(Ending::Rotated { .. })), "{:?}", report.standing);
    assert!(own.works(&new) && !own.works(&own.old));
    for (name, record) in own.simulation.records() {
        assert_eq!(record.failed, 0, "{name}: {:?}", record.failures.first());
    }
}

#[test]
fn a_worker_that_does_not_know_which_key_it_runs_on_takes_it_away() {
    let own = Own::begun();
    own.driven(&own.old, false, &PAUSES);
    assert!(!own.works(&own.old), "the test above would pass whatever the driver did");
}
