//! A double of AWS with an account of one's own in it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_iam::config::{Credentials, SharedCredentialsProvider};
use jiff::Timestamp;
use rotakey_core::fact::KeyStatus;
use rotakey_core::id::{AccountId, UserName};
use rotakey_sim::faults::InjectedFault;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::wire::{Running, Server};
use rotakey_sim::world::World;
use rotakey_sim::world::plant::{NewKey, NewUser};

use crate::outcome::outcome;

/// What a check shows that would need time to pass, on a double that has no clock to move.
pub(crate) const NO_CLOCK: &str = "no clock to move";

const MOTO_URL: &str = "ROTAKEY_TEST_MOTO_URL";

/// One account of a double of AWS, and its administrator. Every scenario has one of its own, so that scenarios run
/// side by side.
pub(crate) struct Cloud {
    double: Double,
    url: String,
    /// The account.
    pub(crate) account_id: AccountId,
    operator: Keys,
}

enum Double {
    Sandbox { simulation: Simulation, _running: Running },
    Moto,
}

/// What a caller signs with.
#[derive(Clone)]
pub(crate) struct Keys {
    /// The access key id.
    pub(crate) id: String,
    /// The secret access key.
    pub(crate) secret: String,
    /// The session token of temporary credentials.
    pub(crate) token: Option<String>,
}

impl Cloud {
    /// A sandbox of its own, on a free port, with a standing clock.
    pub(crate) async fn sandbox() -> Self {
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut world = World::new(7, start);
        let accounts =
            ["management", "audit", "data", "network", "web"].map(|name| world.create_account(name, start));
        let account_id = accounts[0];
        let name: UserName = "operator".parse().unwrap();
        let administrator = "arn:aws:iam::aws:policy/AdministratorAccess".to_owned();
        world.plant_user(
            account_id,
            NewUser { attached: vec![administrator], ..NewUser::new(name.clone(), start) },
        );
        let key = NewKey { created_at: start, status: KeyStatus::Active, last_used: None };
        let pair = world.plant_key(account_id, &name, key);
        let operator = Keys { id: pair.id.to_string(), secret: pair.secret.expose().to_owned(), token: None };

        let simulation = Simulation::new(world);
        let server = Server::new(simulation.clone(), Arc::new(real_time));
        let running = server.start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let url = running.url();
        Self { double: Double::Sandbox { simulation, _running: running }, url, account_id, operator }
    }

    /// An account of its own in moto's server.
    pub(crate) async fn moto() -> Self {
        let url = std::env::var(MOTO_URL).unwrap_or_else(|_| {
            panic!("{MOTO_URL} is not set: run `cargo xtask test`, or set it to the URL of a server of moto")
        });
        let account_id = AccountId::new(fastrand::u64(100_000_000_000..1_000_000_000_000)).unwrap();
        let stranger = Keys { id: "AKIAIOSFODNN7EXAMPLE".to_owned(), secret: "any".to_owned(), token: None };
        let mut cloud = Self { double: Double::Moto, url, account_id, operator: stranger };

        // moto makes an account when a role in it is assumed, and the role need not exist.
        let role = format!("arn:aws:iam::{account_id}:role/setup");
        let session =
            cloud.sts().assume_role().role_arn(role).role_session_name("setup").send().await.unwrap();
        let session = session.credentials.unwrap();
        cloud.operator = Keys {
            id: session.access_key_id,
            secret: session.secret_access_key,
            token: Some(session.session_token),
        };
        cloud.iam().create_user().user_name("operator").send().await.unwrap();
        cloud.operator = cloud.create_key("operator").await;
        cloud
    }

    /// Makes the account manage an organization of five accounts. In the sandbox it does from the start.
    pub(crate) async fn have_five_accounts(&self) {
        if let Double::Moto = self.double {
            let organizations = self.organizations();
            organizations.create_organization().send().await.unwrap();
            for name in ["audit", "data", "network", "web"] {
                let email = format!("{name}@example.com");
                organizations.create_account().account_name(name).email(email).send().await.unwrap();
            }
        }
    }

    /// Makes something go wrong. Only the sandbox can.
    pub(crate) fn inject(&self, fault: InjectedFault) {
        match &self.double {
            Double::Sandbox { simulation, .. } => simulation.with_world(|world| world.inject(fault)),
            Double::Moto => panic!("moto cannot be told to misbehave"),
        }
    }

    /// Lets time pass, where there is a clock to move. Propagation is immediate where there is none.
    pub(crate) fn pass(&self, span: Duration) {
        if let Double::Sandbox { simulation, .. } = &self.double {
            simulation.advance_to(simulation.now() + span);
        }
    }

    /// As `pass`, and then looks; [`NO_CLOCK`] where there is no clock to move.
    pub(crate) async fn after(&self, span: Duration, look: impl Future<Output = String>) -> String {
        match self.double {
            Double::Sandbox { .. } => {
                self.pass(span);
                look.await
            }
            Double::Moto => NO_CLOCK.to_owned(),
        }
    }

    /// The instant that the double takes for now.
    pub(crate) fn now(&self) -> Timestamp {
        match &self.double {
            Double::Sandbox { simulation, .. } => simulation.now(),
            Double::Moto => real_time(),
        }
    }

    /// Makes a user without anything.
    pub(crate) async fn create_user(&self, name: &str) {
        self.iam().create_user().user_name(name).send().await.unwrap();
    }

    /// Makes an access key and lets it propagate.
    pub(crate) async fn create_key(&self, user: &str) -> Keys {
        let keys = self.create_fresh_key(user).await;
        self.pass(Duration::from_secs(60));
        keys
    }

    /// Makes an access key.
    pub(crate) async fn create_fresh_key(&self, user: &str) -> Keys {
        let key = self.iam().create_access_key().user_name(user).send().await.unwrap().access_key.unwrap();
        Keys { id: key.access_key_id, secret: key.secret_access_key, token: None }
    }

    /// How `sts:GetCallerIdentity` ends with these keys: the last part of the ARN, such as `user/alice`, or the
    /// error.
    pub(crate) async fn whoami(&self, keys: &Keys) -> String {
        let identity = self.sts_as(keys).get_caller_identity().send().await;
        match &identity {
            Ok(identity) => {
                let arn = identity.arn().unwrap_or_default();
                arn.rsplit(':').next().unwrap_or_default().to_owned()
            }
            Err(_) => outcome(&identity),
        }
    }

    /// IAM, called by the administrator.
    pub(crate) fn iam(&self) -> aws_sdk_iam::Client {
        aws_sdk_iam::Client::new(&self.operator_config())
    }

    /// STS, called by the administrator.
    pub(crate) fn sts(&self) -> aws_sdk_sts::Client {
        self.sts_as(&self.operator)
    }

    /// STS, called with these keys.
    pub(crate) fn sts_as(&self, keys: &Keys) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&self.config(keys))
    }

    /// Secrets Manager, called by the administrator.
    pub(crate) fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        self.secrets_manager_as(&self.operator)
    }

    /// Secrets Manager, called with these keys.
    pub(crate) fn secrets_manager_as(&self, keys: &Keys) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.config(keys))
    }

    /// Systems Manager, called by the administrator.
    pub(crate) fn ssm(&self) -> aws_sdk_ssm::Client {
        aws_sdk_ssm::Client::new(&self.operator_config())
    }

    /// Organizations, called by the administrator.
    pub(crate) fn organizations(&self) -> aws_sdk_organizations::Client {
        aws_sdk_organizations::Client::new(&self.operator_config())
    }

    /// CloudTrail, called by the administrator.
    pub(crate) fn cloudtrail(&self) -> aws_sdk_cloudtrail::Client {
        aws_sdk_cloudtrail::Client::new(&self.operator_config())
    }

    /// What the clients of the administrator are made with.
    pub(crate) fn operator_config(&self) -> SdkConfig {
        self.config(&self.operator)
    }

    /// Every call is sent once: a retry would hide what the double answers.
    fn config(&self, keys: &Keys) -> SdkConfig {
        let credentials = Credentials::new(&keys.id, &keys.secret, keys.token.clone(), None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.url)
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }
}

#[expect(clippy::disallowed_methods, reason = "the SDK signs with the real time, and moto has no other")]
fn real_time() -> Timestamp {
    Timestamp::now()
}
