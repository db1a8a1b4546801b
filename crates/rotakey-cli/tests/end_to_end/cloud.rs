//! A simulated AWS in this process: one account with its administrator, and the user `billing`, whose one key is
//! too old.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rotakey_core::fact::KeyStatus;
use rotakey_core::id::{AccountId, UserName};
use rotakey_core::secret::AccessKeyPair;
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::application::{Application, CredentialSource, CurrentSecret};
use rotakey_sim::ports::Client;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::wire::{Running, Server};
use rotakey_sim::world::World;
use rotakey_sim::world::plant::{NewKey, NewUser, TrueKey};
use tokio::runtime::Runtime;

use crate::support::Desk;

/// The user whose key is rotated.
pub(crate) const USER: &str = "billing";
/// The region of everything.
pub(crate) const REGION: &str = "us-east-1";
/// The name of the user's secret in Secrets Manager.
pub(crate) const SECRET: &str = "iam/access-keys/billing";

/// The account. Its clock stands until it is moved.
pub(crate) struct Cloud {
    /// All that is true of it.
    pub(crate) simulation: Simulation,
    /// The account.
    pub(crate) account_id: AccountId,
    /// The key of the administrator, whom rotakey runs as.
    pub(crate) operator: AccessKeyPair,
    /// The key that is too old.
    pub(crate) old: AccessKeyPair,
    running: Running,
    // Dropped last: the server lives in it.
    runtime: Runtime,
}

impl Cloud {
    /// Makes it, and listens on a free port.
    pub(crate) fn new() -> Self {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let days = |days: i64| now - SignedDuration::from_hours(24 * days);
        let mut world = World::new(5, now);
        let account_id = world.create_account("production", days(900));
        let everything = "arn:aws:iam::aws:policy/AdministratorAccess";
        let reading = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
        let mut operator = NewUser::new("operator".parse().unwrap(), days(400));
        operator.attached.push(everything.to_owned());
        let mut billing = NewUser::new(USER.parse().unwrap(), days(400));
        billing.inline.push(("read".to_owned(), reading.to_owned()));
        let (administrator, user): (UserName, UserName) = (operator.name.clone(), billing.name.clone());
        world.plant_user(account_id, operator);
        world.plant_user(account_id, billing);
        let mut key = |user: &UserName, age: i64, last_used: Option<(Timestamp, Service, String)>| {
            let status = KeyStatus::Active;
            world.plant_key(account_id, user, NewKey { created_at: days(age), status, last_used })
        };
        let operator = key(&administrator, 10, None);
        let used = now - SignedDuration::from_mins(10);
        let old = key(&user, 120, Some((used, Service::S3, "eu-central-1".to_owned())));

        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let simulation = Simulation::new(world);
        let server = Server::new(simulation.clone(), Arc::new(real_time));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let running = runtime.block_on(server.start(address)).unwrap();
        Self { simulation, account_id, operator, old, running, runtime }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address()
    }

    /// Waits for something that is not in a task of its own.
    pub(crate) fn wait_for<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The user's secret, for applications to read.
    pub(crate) fn secret(&self) -> CurrentSecret {
        CurrentSecret { account: self.account_id, region: REGION.to_owned(), name: SECRET.to_owned() }
    }

    /// Puts the old key into Secrets Manager.
    pub(crate) fn keep_old_key_in_secrets_manager(&self) {
        let value = serde_json::json!({
            "AccessKeyId": self.old.id, "SecretAccessKey": self.old.secret.expose(), "Contact": "billing@example.com",
        });
        let parameters = Tree::map([
            ("Name", SECRET.into()),
            ("SecretString", value.to_string().as_str().into()),
            ("ClientRequestToken", "00000000-0000-0000-0000-000000000000".into()),
        ]);
        let operator = Client::new(self.simulation.clone(), self.operator.duplicate());
        operator.call(Service::SecretsManager, "CreateSecret", parameters).unwrap();
    }

    /// A desk whose commands call this account.
    pub(crate) fn desk(&self) -> Desk {
        let mut desk = Desk::new();
        self.export_to(&mut desk, self.address());
        desk
    }

    /// Lets the commands of a desk call this account at that address: its own, or that of something in between.
    pub(crate) fn export_to(&self, desk: &mut Desk, address: SocketAddr) {
        let url = format!("http://{address}");
        desk.export("AWS_ENDPOINT_URL", &url);
        desk.export("ROTAKEY_SANDBOX_CLOCK", &url);
        desk.export("AWS_REGION", REGION);
        desk.export("AWS_ACCESS_KEY_ID", self.operator.id.as_str());
        desk.export("AWS_SECRET_ACCESS_KEY", self.operator.secret.expose());
    }

    /// Starts an application that gets an object from S3 now and then, and looks for its key where the source does.
    pub(crate) fn start_application(
        &self,
        name: &str,
        source: impl CredentialSource + 'static,
        every: Duration,
        cache_for: Duration,
    ) {
        self.simulation.start(Application::new(name, source).every(every).caching_for(cache_for));
    }

    /// The keys of the user as they are, whatever IAM shows yet.
    pub(crate) fn keys(&self) -> Vec<TrueKey> {
        let all = self.simulation.with_world(|world| world.true_keys(self.account_id));
        let is_users = |key: &TrueKey| key.user.as_ref().is_some_and(|(name, _)| name.as_str() == USER);
        all.into_iter().filter(is_users).collect()
    }

    /// Every secret that was ever issued.
    pub(crate) fn secrets_issued(&self) -> Vec<String> {
        self.simulation
            .with_world(|world| world.secrets_issued().map(|secret| secret.expose().to_owned()).collect())
    }
}

#[expect(clippy::disallowed_methods, reason = "the SDK in the binary signs with the real time")]
fn real_time() -> Timestamp {
    Timestamp::now()
}
