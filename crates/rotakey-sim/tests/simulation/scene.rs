//! What a seed stands for: users, applications, weather.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rotakey_core::destination::{DestinationSpec, SecretsManager};
use rotakey_core::fact::{KeyStatus, LastUsed};
use rotakey_core::id::{AccessKeyId, AccountId, UserName};
use rotakey_core::rotate::{Plan, Subject, Task, Timing};
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::port::{Account, Accounts, UsageSource};
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::application::{Application, CurrentSecret, HardCoded};
use rotakey_sim::consistency::{Consistency, DelayRange};
use rotakey_sim::faults::{Effect, InjectedFault};
use rotakey_sim::ports::Client;
use rotakey_sim::random::Random;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::world::World;
use rotakey_sim::world::plant::{NewKey, NewUser};

use crate::chaos::Weather;

const REGION: &str = "us-east-1";
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const USERS: usize = 4;

/// How bad it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Nothing goes wrong.
    Calm,
    /// Everything goes wrong, until the storm is over.
    Storm,
}

pub(crate) struct Scene {
    pub(crate) simulation: Simulation,
    pub(crate) operator: Client,
    pub(crate) account: AccountId,
    pub(crate) plans: Vec<Plan>,
    pub(crate) weather: Weather,
    /// When all faults stop.
    pub(crate) storm_ends: Timestamp,
    /// Applications that never look for a new key, by name: they must hold a rotation up, not break.
    pub(crate) stubborn: Vec<String>,
    /// The keys from before, which are no secret to this test.
    pub(crate) old_pairs: Vec<AccessKeyPair>,
    /// Whether people who know nothing of the rotations make keys.
    pub(crate) meddlers: bool,
    /// Whether it can be seen who uses keys.
    pub(crate) can_see_usage: bool,
}

impl Accounts for Scene {
    fn ids(&self) -> Vec<AccountId> {
        vec![self.account]
    }

    fn get(&self, id: &AccountId) -> Option<Account<'_>> {
        (self.account == *id).then_some(Account {
            iam: &self.operator,
            probe: &self.operator,
            usage: self.can_see_usage.then_some(&self.operator as &dyn UsageSource),
        })
    }
}

impl Scene {
    pub(crate) fn set(seed: u64, mood: Mood) -> Self {
        let mut random = Random::new(seed);
        let now: Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
        let year_ago = now - SignedDuration::from_hours(24 * 365);
        let mut world = World::new(random.number(), now);
        let account = world.create_account("production", year_ago);
        let operator = plant_user(&mut world, account, "operator", year_ago);
        let operator = world.plant_key(account, &operator, key(year_ago, None));
        let users: Vec<_> = (0..USERS)
            .map(|number| {
                let name = plant_user(&mut world, account, &format!("service-{number}"), year_ago);
                let idle = *random.pick(&[0, 1, 30, 24 * 3, 24 * 20, 24 * 80, -1]);
                let used = (idle >= 0)
                    .then(|| now - SignedDuration::from_hours(idle) - SignedDuration::from_mins(1));
                let last_used = used.map(|at| (at, Service::S3, "eu-central-1".to_owned()));
                let pair = world.plant_key(account, &name, key(year_ago, last_used));
                (name, pair, used, idle)
            })
            .collect();
        let simulation = Simulation::new(world);
        let operator = Client::new(simulation.clone(), operator);
        let mut scene = Self {
            simulation,
            operator,
            account,
            plans: Vec::new(),
            weather: Weather { death: 0, delay: 0, store_failure: 0 },
            storm_ends: now,
            stubborn: Vec::new(),
            old_pairs: Vec::new(),
            meddlers: mood == Mood::Storm && random.chance(0.3),
            can_see_usage: random.chance(0.6),
        };
        let places = if random.chance(0.4) { 2 } else { 1 };
        for (name, pair, used, idle) in users {
            let secrets: Vec<_> = (0..places).map(|place| secret_name(&name, place)).collect();
            secrets.iter().for_each(|secret| scene.add_secret(secret, &pair));
            scene.plan(&name, &pair, used, &secrets, &mut random);
            scene.start_applications(&name, &pair, idle, &secrets, &mut random);
            scene.old_pairs.push(pair);
        }
        if mood == Mood::Storm {
            scene.storm(&mut random);
        }
        scene
    }

    /// Somebody makes a key for a user, and uses it.
    pub(crate) fn meddle(&self, random: &mut Random) -> AccessKeyId {
        let name = &random.pick(&self.plans).subject.user_name;
        let now = self.simulation.now();
        let new = key(now, Some((now, Service::S3, REGION.to_owned())));
        self.simulation.with_world(|world| world.plant_key(self.account, name, new).id)
    }

    fn add_secret(&self, secret: &str, pair: &AccessKeyPair) {
        let value = serde_json::json!({
            "AccessKeyId": pair.id, "SecretAccessKey": pair.secret.expose(), "Region": "eu-central-1",
        });
        let parameters = Tree::map([
            ("Name", secret.into()),
            ("SecretString", value.to_string().as_str().into()),
            ("ClientRequestToken", "00000000-0000-0000-0000-000000000000".into()),
        ]);
        self.operator.call(Service::SecretsManager, "CreateSecret", parameters).unwrap();
    }

    fn plan(
        &mut self,
        name: &UserName,
        pair: &AccessKeyPair,
        used: Option<Timestamp>,
        secrets: &[String],
        random: &mut Random,
    ) {
        let user_id = self.simulation.with_world(|world| {
            let keys = world.true_keys(self.account);
            keys.into_iter().find(|key| key.id == pair.id).and_then(|key| key.user).unwrap().1
        });
        let brown_out = random.chance(0.3).then_some(SignedDuration::from_mins(20));
        self.plans.push(Plan {
            subject: Subject { account_id: self.account, user_name: name.clone(), user_id },
            old_key: pair.id.clone(),
            old_key_last_used: used.map_or(LastUsed::Never, |at| LastUsed::At {
                at,
                region: Some("eu-central-1".into()),
                service: Some("s3".into()),
            }),
            destinations: secrets
                .iter()
                .map(|name| DestinationSpec::SecretsManager(SecretsManager::named(name.clone(), None)))
                .collect(),
            reason: "for the simulation".into(),
            timing: Timing { brown_out, ..Timing::default() },
            checks: Vec::new(),
            task: Task::Replace,
            limit_at: None,
            own_key: false,
            traits: None,
            approvals: Vec::new(),
        });
    }

    /// Applications as busy as the key's past: a key that was silent for days has no application that calls
    /// every minute. None keeps a key for longer than the old one stays enabled.
    fn start_applications(
        &mut self,
        name: &UserName,
        pair: &AccessKeyPair,
        idle: i64,
        secrets: &[String],
        random: &mut Random,
    ) {
        if !(0..=24 * 20).contains(&idle) {
            return;
        }
        let hours = |hours: u64| Duration::from_secs(3600 * hours);
        for number in 0..=random.below(3) {
            let interval = match idle {
                0 => *random.pick(&[Duration::from_secs(90), Duration::from_secs(600), hours(1)]),
                1 => *random.pick(&[hours(1), hours(2)]),
                idle => hours(u64::try_from(idle).unwrap()),
            };
            let caching = *random.pick(&[Duration::ZERO, Duration::from_secs(300), hours(1), hours(12)]);
            let (service, action) = *random.pick(&[
                (Service::S3, "ListBuckets"),
                (Service::DynamoDb, "ListTables"),
                (Service::Sqs, "ListQueues"),
            ]);
            let application = format!("{name}/{number}");
            let stubborn = idle <= 1 && random.chance(0.25);
            let secret = random.pick(secrets).clone();
            let source = CurrentSecret { account: self.account, region: REGION.into(), name: secret };
            let built = if stubborn {
                self.stubborn.push(application.clone());
                Application::new(application, HardCoded(pair.duplicate()))
            } else {
                Application::new(application, source)
            };
            self.simulation
                .start(built.calling(service, action, Tree::map([])).every(interval).caching_for(caching));
        }
    }

    fn storm(&mut self, random: &mut Random) {
        let now = self.simulation.now();
        let ends = now + SignedDuration::from_hours(24 * 25);
        self.storm_ends = ends;
        self.weather = Weather {
            death: *random.pick(&[0, 5, 20, 60]),
            delay: *random.pick(&[0, 100, 500]),
            store_failure: *random.pick(&[0, 10, 50]),
        };
        let seconds = |random: &mut Random, most: u64| DelayRange::milliseconds(0, random.below(most * 1000));
        let consistency = Consistency {
            new_key: seconds(random, 55),
            inactivated_key: seconds(random, 120),
            deleted_key: seconds(random, 120),
            stale_reads: Duration::from_secs(random.below(240)),
            last_used_lag: Duration::from_secs(random.below(3600 * 4 - 120)),
            ..Consistency::default()
        };
        let mut faults = Vec::new();
        for service in [Service::Iam, Service::Sts, Service::SecretsManager] {
            for effect in [
                Effect::Throttle,
                Effect::NoAnswer { happened: true },
                Effect::NoAnswer { happened: false },
                Effect::Outage,
            ] {
                let chance = *random.pick(&[0.0, 0.02, 0.1]);
                faults.push(
                    InjectedFault::new(effect).on_service(service).with_chance(chance).between(now, ends),
                );
            }
            let outage = now + SignedDuration::from_hours(i64::try_from(random.below(200)).unwrap());
            let over = outage + SignedDuration::from_hours(*random.pick(&[0, 1, 30]));
            faults.push(InjectedFault::new(Effect::Outage).on_service(service).between(outage, over));
        }
        if random.chance(0.5) {
            let lost = InjectedFault::new(Effect::NoAnswer { happened: true });
            faults.insert(0, lost.on(Service::Iam, "CreateAccessKey").times(2));
        }
        self.simulation.with_world(|world| {
            world.set_consistency(consistency);
            faults.into_iter().for_each(|fault| world.inject(fault));
        });
    }
}

fn secret_name(user: &UserName, place: usize) -> String {
    format!("iam/access-keys/{user}/{place}")
}

pub(crate) fn plant_user(
    world: &mut World,
    account: AccountId,
    name: &str,
    created_at: Timestamp,
) -> UserName {
    let name: UserName = name.parse().unwrap();
    let mut user = NewUser::new(name.clone(), created_at);
    user.attached.push(ADMINISTRATOR.to_owned());
    world.plant_user(account, user);
    name
}

pub(crate) fn key(created_at: Timestamp, last_used: Option<(Timestamp, Service, String)>) -> NewKey {
    NewKey { created_at, status: KeyStatus::Active, last_used }
}
