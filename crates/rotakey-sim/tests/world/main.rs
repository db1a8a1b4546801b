//! Stories about the simulated AWS: one file per behaviour, told through the in-process face.

mod alarms;
mod applications;
mod authorization;
mod consistency;
mod credential_report;
mod destination;
mod determinism;
mod faults;
mod fleet;
mod iam;
mod keys;
mod organizations;
mod paging;
mod secrets_manager;
mod secrets_manager_sharing;
mod ssm;
mod sts;
mod trail;

use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use rotakey_core::fact::KeyStatus;
use rotakey_core::id::{AccountId, UserName};
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::port::PortError;
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::consistency::Consistency;
use rotakey_sim::ports::Client;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::world::World;
use rotakey_sim::world::plant::{NewKey, NewUser};

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// An account with an administrator, at a fixed instant.
struct Scene {
    simulation: Simulation,
    account: AccountId,
    admin: Client,
}

impl Scene {
    /// A world in which every change is true and visible at once.
    fn immediate() -> Self {
        Self::with(Consistency::immediate())
    }

    fn with(consistency: Consistency) -> Self {
        let now = at("2026-03-01T00:00:00Z");
        let mut world = World::new(1, now);
        world.set_consistency(consistency);
        let account = world.create_account("main", at("2020-01-02T03:04:05Z"));
        let mut admin = NewUser::new(user("admin"), at("2021-01-01T00:00:00Z"));
        admin.attached.push(ADMINISTRATOR.to_owned());
        world.plant_user(account, admin);
        let pair = world.plant_key(account, &user("admin"), key("2026-02-01T00:00:00Z"));
        let simulation = Simulation::new(world);
        let admin = Client::new(simulation.clone(), pair);
        Self { simulation, account, admin }
    }

    /// Plants a user with that inline policy (none if empty) and one key.
    fn user_with_policy(&self, name: &str, document: &str) -> (Client, AccessKeyPair) {
        let pair = self.simulation.with_world(|world| {
            let mut new = NewUser::new(user(name), at("2021-01-01T00:00:00Z"));
            if !document.is_empty() {
                new.inline.push(("test".to_owned(), document.to_owned()));
            }
            world.plant_user(self.account, new);
            world.plant_key(self.account, &user(name), key("2026-02-01T00:00:00Z"))
        });
        (Client::new(self.simulation.clone(), pair.duplicate()), pair)
    }

    fn wait(&self, span: Duration) {
        self.simulation.advance_to(self.simulation.now() + span);
    }

    fn iam<const N: usize>(&self, action: &str, parameters: [(&str, Tree); N]) -> Result<Tree, PortError> {
        self.admin.call(Service::Iam, action, Tree::map(parameters))
    }

    fn secrets<const N: usize>(
        &self,
        action: &str,
        parameters: [(&str, Tree); N],
    ) -> Result<Tree, PortError> {
        self.admin.call(Service::SecretsManager, action, Tree::map(parameters))
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn user(name: &str) -> UserName {
    name.parse().unwrap()
}

fn key(created_at: &str) -> NewKey {
    NewKey { created_at: at(created_at), status: KeyStatus::Active, last_used: None }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The value of a future that is finished when it is first polled, as all of the simulation's are.
fn done<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the simulation's futures never wait")
}

/// The message of a refusal: code and words.
#[track_caller]
fn refusal<T: std::fmt::Debug>(outcome: Result<T, PortError>) -> String {
    outcome.unwrap_err().message
}
