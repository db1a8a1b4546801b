//! The account of the story: some forty users as one finds them, and applications that live on their keys.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rotakey_core::destination::{DestinationSpec, SecretsManager};
use rotakey_core::fact::KeyStatus;
use rotakey_core::id::{AccountId, UserName};
use rotakey_core::policy::{Config, check};
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::port::{Destinations as _, PortError};
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::application::{Application, CurrentSecret, HardCoded};
use rotakey_sim::ports::Client;
use rotakey_sim::random::Random;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::world::World;
use rotakey_sim::world::plant::{Console, NewKey, NewUser};

/// The policy of the story, as it would stand in `rotakey.toml`.
pub(super) const POLICY: &str = r#"[policy]
max_age = "90d"

[[policy.rule]]
name = "administrators"
match = { privilege = "administrator" }
max_age = "30d"

[[policy.rule]]
name = "production"
match = { environment = "production" }
max_age = "60d"

[[policy.exemption]]
match = { user = "mainframe-bridge" }
checks = ["key-too-old", "key-due-soon"]
owner = "core-banking"
reason = "the mainframe is replaced in spring"
expires = 2026-06-30

[[rotate.destination]]
type = "secrets-manager"
name = "iam/access-keys/{user}"
"#;

/// When the story begins.
const BEGINS: &str = "2026-01-12T09:00:00Z";

/// What the services are called. Each has a user in production and one in staging.
const SERVICES: [&str; 14] = [
    "billing", "catalog", "checkout", "exports", "ingest", "invoices", "mailer", "media", "payments",
    "reports", "search", "shipping", "sync", "webhooks",
];

/// People whose key nobody has ever used.
const NEVER_USED: [&str; 3] = ["carla.costa", "farid.haddad", "hana.ito"];

/// People who work with their key every day, the first two as administrators.
const BUSY: [&str; 4] = ["ada.berger", "ivan.jansen", "joana.garcia", "kofi.adeyemi"];

/// What services may do.
const WORKLOAD: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","dynamodb:GetItem","sqs:ReceiveMessage"],"Resource":"*"}]}"#;

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const REGION: &str = "us-east-1";
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The account, with its applications at work.
pub(super) struct Scene {
    pub(super) simulation: Simulation,
    pub(super) operator: Client,
    pub(super) account_id: AccountId,
    pub(super) config: Config,
}

impl Scene {
    /// Sets the scene. The same seed sets the same one.
    pub(super) async fn set(seed: u64) -> Result<Self, PortError> {
        let now: Timestamp = BEGINS.parse().expect("the beginning is an instant");
        let mut world = World::new(seed, now);
        let account_id = world.create_account("try", now - days(2_000));
        let mut cast = Cast {
            account_id,
            now,
            random: Random::new(seed ^ 0x0074_7279),
            world,
            applications: Vec::new(),
        };
        let operator = cast.operator();
        cast.services();
        cast.people();
        cast.hard_cases();
        let simulation = Simulation::new(cast.world);
        let operator = Client::new(simulation.clone(), operator);
        for Calling { user, source, every, cache_for, service } in cast.applications {
            let application = match source {
                KeyFrom::Code(pair) => Application::new(user.as_str(), HardCoded(pair)),
                KeyFrom::Secret(pair) => {
                    let name = format!("iam/access-keys/{user}");
                    let secret = DestinationSpec::SecretsManager(SecretsManager::named(name.clone(), None));
                    operator.open(&secret)?.publish(&pair).await?;
                    let current = CurrentSecret { account: account_id, region: REGION.to_owned(), name };
                    Application::new(user.as_str(), current)
                }
            };
            let (action, parameters) = usual_call(service);
            let application = application.every(every).caching_for(cache_for);
            simulation.start(application.calling(service, action, parameters));
        }
        let config = check(POLICY).expect("the policy of the story has no mistake");
        Ok(Self { simulation, operator, account_id, config })
    }
}

/// An application to start when the world is ready.
struct Calling {
    user: UserName,
    source: KeyFrom,
    every: Duration,
    cache_for: Duration,
    service: Service,
}

/// Where an application has its key from.
enum KeyFrom {
    /// The destination, which holds this one now.
    Secret(AccessKeyPair),
    /// Its own code.
    Code(AccessKeyPair),
}

/// The world while it is peopled.
struct Cast {
    account_id: AccountId,
    now: Timestamp,
    random: Random,
    world: World,
    applications: Vec<Calling>,
}

impl Cast {
    /// The administrator that runs rotakey.
    fn operator(&mut self) -> AccessKeyPair {
        let user = self.user("rotakey", "production", |user| user.attached.push(ADMINISTRATOR.to_owned()));
        self.key(&user, 5, Some(1))
    }

    /// The services: every one calls every few minutes, and looks for its key now and then.
    fn services(&mut self) {
        for service in SERVICES {
            for environment in ["production", "staging"] {
                let user = self.user(&format!("{service}-{environment}"), environment, allow_workload);
                let age = self.age();
                let pair = self.key(&user, age, Some(0));
                let calls = *self.random.pick(&[Service::S3, Service::DynamoDb, Service::Sqs]);
                let every = MINUTE * (3 + self.random.below(40));
                // Most ask for the key each time or keep it for an hour; some read it when they start.
                let cache_for = *self.random.pick(&[0, 0, HOUR, HOUR, 12 * HOUR]);
                self.application(&user, KeyFrom::Secret(pair), calls, every, cache_for);
            }
        }
    }

    /// The people, some of whom never used the key they were given.
    fn people(&mut self) {
        for (index, name) in BUSY.into_iter().enumerate() {
            let user = self.user(name, "corporate", |user| {
                let policy =
                    if index < 2 { ADMINISTRATOR } else { "arn:aws:iam::aws:policy/PowerUserAccess" };
                user.attached.push(policy.to_owned());
            });
            let age = self.age();
            let pair = self.key(&user, age, Some(0));
            self.application(&user, KeyFrom::Secret(pair), Service::S3, 5 * HOUR, 0);
        }
        let now = self.now;
        for name in NEVER_USED {
            let user = self.user(name, "corporate", |user| {
                user.console =
                    Some(Console { since: now - days(700), last_used: Some(now - days(2)), mfa: true });
            });
            let age = 100 + self.random.below(500);
            self.key(&user, age, None);
        }
    }

    /// What no program can decide alone, and what it must leave alone.
    fn hard_cases(&mut self) {
        let two_keys = self.user("legacy-etl", "production", allow_workload);
        for (age, calls) in [(640, Service::S3), (210, Service::Sqs)] {
            let pair = self.key(&two_keys, age, Some(0));
            self.application(&two_keys, KeyFrom::Code(pair), calls, 20 * MINUTE, 0);
        }
        let exempt = self.user("mainframe-bridge", "production", allow_workload);
        let pair = self.key(&exempt, 900, Some(0));
        self.application(&exempt, KeyFrom::Code(pair), Service::S3, HOUR, 0);
        let in_code = self.user("nightly-export", "production", allow_workload);
        let pair = self.key(&in_code, 380, Some(1));
        self.application(&in_code, KeyFrom::Code(pair), Service::S3, DAY, 0);
        let left_behind = self.user("old-intern", "corporate", |_| {});
        let key = NewKey { created_at: self.now - days(800), status: KeyStatus::Inactive, last_used: None };
        self.world.plant_key(self.account_id, &left_behind, key);
    }

    /// A user with the tags that the policy asks for.
    fn user(&mut self, name: &str, environment: &str, more: impl FnOnce(&mut NewUser)) -> UserName {
        let name: UserName = name.parse().expect("the names of the story are legal");
        let mut user = NewUser::new(name.clone(), self.now - days(1_000));
        let application = name.as_str().split(['-', '.']).next().unwrap_or_default();
        let tags =
            [("Owner", "platform@example.com"), ("Application", application), ("Environment", environment)];
        user.tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        more(&mut user);
        self.world.plant_user(self.account_id, user);
        name
    }

    /// A key that is so many days old and was last used so many days ago, if ever.
    fn key(&mut self, user: &UserName, age: u64, last_used: Option<u64>) -> AccessKeyPair {
        // A use shows some minutes late, so that the latest ones would not show at all.
        let minutes = SignedDuration::from_mins(i64::try_from(10 + self.random.below(600)).unwrap_or(10));
        let last_used =
            last_used.map(|days_ago| (self.now - days(days_ago) - minutes, Service::S3, REGION.to_owned()));
        let key =
            NewKey { created_at: self.now - days(age) - minutes * 2, status: KeyStatus::Active, last_used };
        self.world.plant_key(self.account_id, user, key)
    }

    /// An age in days: a third is young, the others are due or long overdue.
    fn age(&mut self) -> u64 {
        match self.random.below(3) {
            0 => 2 + self.random.below(25),
            1 => 80 + self.random.below(60),
            _ => 140 + self.random.below(700),
        }
    }

    fn application(
        &mut self,
        user: &UserName,
        source: KeyFrom,
        service: Service,
        every: u64,
        cache_for: u64,
    ) {
        let (every, cache_for) = (Duration::from_secs(every), Duration::from_secs(cache_for));
        self.applications.push(Calling { user: user.clone(), source, every, cache_for, service });
    }
}

fn allow_workload(user: &mut NewUser) {
    user.inline.push(("workload".to_owned(), WORKLOAD.to_owned()));
}

fn usual_call(service: Service) -> (&'static str, Tree) {
    match service {
        Service::DynamoDb => ("GetItem", Tree::map([("TableName", "orders".into())])),
        Service::Sqs => {
            ("ReceiveMessage", Tree::map([("QueueUrl", "https://sqs.us-east-1.amazonaws.com/jobs".into())]))
        }
        _ => ("GetObject", Tree::map([("Bucket", "data".into()), ("Key", "object".into())])),
    }
}

fn days(number: u64) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::try_from(number).unwrap_or(i64::MAX / 24))
}
