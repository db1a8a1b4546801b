//! The simulated AWS: one account whose users each have one old key, a secret in Secrets Manager that holds it, and an
//! application that reads the key there and calls S3 with it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rotakey_core::destination::{DestinationSpec, SecretsManager};
use rotakey_core::fact::{KeyStatus, LastUsed};
use rotakey_core::id::{AccessKeyId, AccountId, UserName};
use rotakey_core::rotate::{Plan, Subject, Task, Timing};
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::driver::{Engine, Ports};
use rotakey_engine::port::{
    Account, Destination, Destinations as _, Iam as _, Kept, KeyProbe as _, NoChecks, OneAccount, PortError,
};
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::application::{Application, CurrentSecret, Record};
use rotakey_sim::ports::Client;
use rotakey_sim::random::Random;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::world::World;
use rotakey_sim::world::plant::{NewKey, NewUser, TrueKey};
use rotakey_store::PostgresStore;
use serde::Serialize;

use crate::call::{Call, Pair, Refusal};
use crate::witness::Witness;

const REGION: &str = "us-east-1";

/// Clones are the same scene.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) account: AccountId,
    simulation: Simulation,
    operator: Client,
    plans: Arc<Vec<Plan>>,
    witness: Arc<Witness>,
    calls_answered: Arc<AtomicU64>,
}

impl Scene {
    pub(crate) fn set(seed: u64, users: usize) -> Self {
        let mut random = Random::new(seed);
        let now: Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
        let year_ago = now - SignedDuration::from_hours(24 * 365);
        let mut world = World::new(random.number(), now);
        let account = world.create_account("production", year_ago);
        let mut plant = |name: &str, used: Option<Timestamp>| {
            let mut user = NewUser::new(name.parse().unwrap(), year_ago);
            user.attached.push("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
            let name = user.name.clone();
            world.plant_user(account, user);
            let last_used = used.map(|at| (at, Service::S3, "eu-central-1".to_owned()));
            let key = NewKey { created_at: year_ago, status: KeyStatus::Active, last_used };
            let pair = world.plant_key(account, &name, key);
            (name, pair)
        };
        let (_, operator) = plant("operator", None);
        let used = now - SignedDuration::from_mins(30);
        let users: Vec<_> =
            (0..users).map(|number| plant(&format!("service-{number}"), Some(used))).collect();
        let ids: BTreeMap<AccessKeyId, _> =
            world.true_keys(account).into_iter().filter_map(|key| Some((key.id, key.user?.1))).collect();
        let simulation = Simulation::new(world);
        let operator = Client::new(simulation.clone(), operator);
        let plans = users.iter().map(|(name, pair)| {
            keep(&operator, name, pair);
            let caching = *random.pick(&[0, 300, 3600]);
            let source = CurrentSecret { account, region: REGION.to_owned(), name: secret_name(name) };
            let application = Application::new(name.to_string(), source);
            let application = application.every(Duration::from_secs(3600));
            let first = now + SignedDuration::from_mins(i64::try_from(random.below(60)).unwrap());
            simulation.start(application.caching_for(Duration::from_secs(caching)).first_calling_at(first));
            plan(account, name, ids[&pair.id].clone(), pair, used)
        });
        let plans = Arc::new(plans.collect());
        Self { account, simulation, operator, plans, witness: Arc::default(), calls_answered: Arc::default() }
    }

    pub(crate) fn plans(&self) -> impl Iterator<Item = Plan> {
        self.plans.iter().cloned()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.simulation.now()
    }

    pub(crate) fn advance_to(&self, at: Timestamp) {
        self.simulation.advance_to(at);
    }

    pub(crate) fn records(&self) -> Vec<(String, Record)> {
        self.simulation.records()
    }

    pub(crate) fn witness(&self) -> &Witness {
        &self.witness
    }

    /// How many calls of workers were answered.
    pub(crate) fn calls_answered(&self) -> u64 {
        self.calls_answered.load(Ordering::Relaxed)
    }

    /// Begins rotations. Workers do the rest.
    pub(crate) async fn begin(&self, store: &PostgresStore, plans: Vec<Plan>) {
        let account = Account { iam: &self.operator, probe: &self.operator, usage: None };
        let accounts = OneAccount { id: self.account, account };
        let clock = self.simulation.clock();
        let ports = Ports {
            accounts: &accounts,
            destinations: &self.operator,
            checks: &NoChecks,
            store,
            clock: &clock,
        };
        let engine = Engine::new(ports, "planner".parse().unwrap(), &|_, _| {});
        for plan in plans {
            engine.begin(plan).await.unwrap();
        }
    }

    /// All keys as they are, by the users that have them.
    pub(crate) fn keys_by_user(&self) -> BTreeMap<UserName, Vec<TrueKey>> {
        let mut users: BTreeMap<UserName, Vec<TrueKey>> = BTreeMap::new();
        for key in self.simulation.with_world(|world| world.true_keys(self.account)) {
            if let Some((user, _)) = &key.user {
                users.entry(user.clone()).or_default().push(key);
            }
        }
        users
    }

    /// The key that applications of that user read.
    pub(crate) fn served(&self, user: &UserName) -> Option<AccessKeyId> {
        let name = secret_name(user);
        let pair = self.simulation.with_world(|world| world.current_access_key(self.account, REGION, &name));
        pair.map(|pair| pair.id)
    }

    /// Does what a worker asks for, and gives the answer as JSON.
    pub(crate) fn answer(&self, call: Call) -> String {
        if !matches!(call, Call::Now | Call::Idle(_)) {
            self.calls_answered.fetch_add(1, Ordering::Relaxed);
        }
        let client = &self.operator;
        match call {
            Call::Now => json(&self.now()),
            Call::Idle(_) => json(&()),
            Call::User(name) => result(at_once(client.user(&name))),
            Call::AccessKeys(name) => result(at_once(client.access_keys(&name))),
            Call::LastUsed(key) => result(at_once(client.last_used(&key))),
            Call::Create(name) => {
                let created = at_once(client.create_access_key(&name));
                if created.is_ok() {
                    self.witness.saw_created();
                }
                result(created.map(|pair| Pair::from(&pair)))
            }
            Call::SetStatus(name, key, status) => {
                let set = at_once(client.set_status(&name, &key, status));
                if set.is_ok() {
                    self.witness.saw_status(&key, status, self.now());
                }
                result(set)
            }
            Call::Delete(name, key) => {
                let served = self.served(&name);
                let deleted = at_once(client.delete_access_key(&name, &key));
                if deleted.is_ok() {
                    self.witness.saw_deleted(&key, served.as_ref(), self.now());
                }
                result(deleted)
            }
            Call::Knows(pair, service, region) => {
                result(at_once(client.knows(&pair.into(), &service, &region)))
            }
            Call::Identify(pair) => {
                let identity = at_once(client.identify(&pair.into()));
                result(identity.map(|identity| (identity.account_id, identity.arn)))
            }
            Call::Preflight(spec) => result(at_once(self.place(&spec).preflight())),
            Call::Read(spec) => {
                let pair = |kept: Option<Kept>| kept.as_ref().and_then(Kept::pair).map(Pair::from);
                let read = at_once(self.place(&spec).read());
                result(read.map(|slots| [slots.pending, slots.current, slots.previous].map(pair)))
            }
            Call::Stage(spec, pair) => result(at_once(self.place(&spec).stage(&pair.into()))),
            Call::Publish(spec, pair) => result(at_once(self.place(&spec).publish(&pair.into()))),
            Call::Restore(spec, key) => result(at_once(self.place(&spec).restore(&key))),
            Call::Forget(spec, key) => result(at_once(self.place(&spec).forget(&key))),
        }
    }

    fn place(&self, spec: &DestinationSpec) -> Box<dyn Destination> {
        self.operator.open(spec).unwrap()
    }
}

fn result<T: Serialize>(result: Result<T, PortError>) -> String {
    json(&result.map_err(Refusal::from))
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

/// The result of a future that nothing holds up: the simulated AWS answers when it is polled.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("something waits that should not"),
    }
}

/// Puts the key where its application reads it.
fn keep(operator: &Client, name: &UserName, pair: &AccessKeyPair) {
    let value = serde_json::json!({ "AccessKeyId": pair.id, "SecretAccessKey": pair.secret.expose() });
    let parameters = Tree::map([
        ("Name", secret_name(name).as_str().into()),
        ("SecretString", value.to_string().as_str().into()),
        ("ClientRequestToken", "00000000-0000-0000-0000-000000000000".into()),
    ]);
    operator.call(Service::SecretsManager, "CreateSecret", parameters).unwrap();
}

fn plan(
    account_id: AccountId,
    name: &UserName,
    user_id: rotakey_core::id::UserId,
    pair: &AccessKeyPair,
    used: Timestamp,
) -> Plan {
    let place = SecretsManager::named(secret_name(name), None);
    Plan {
        subject: Subject { account_id, user_name: name.clone(), user_id },
        old_key: pair.id.clone(),
        old_key_last_used: LastUsed::At {
            at: used,
            region: Some("eu-central-1".to_owned()),
            service: Some("s3".to_owned()),
        },
        destinations: vec![DestinationSpec::SecretsManager(place)],
        reason: "for the test".to_owned(),
        // The shortest that are allowed.
        timing: Timing {
            quiet_for: SignedDuration::from_hours(5),
            delete_after: SignedDuration::from_hours(24),
            ..Timing::default()
        },
        checks: Vec::new(),
        task: Task::Replace,
        limit_at: None,
        own_key: false,
        traits: None,
        approvals: Vec::new(),
    }
}

fn secret_name(user: &UserName) -> String {
    format!("iam/access-keys/{user}")
}
