//! What the destinations are tried on: moto's server, and the simulated AWS over the wire.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use jiff::Timestamp;
use rotakey_aws::{Connection, ConnectionOptions};
use rotakey_core::fact::KeyStatus;
use rotakey_core::id::{AccessKeyId, AccountId};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::conformance::server::Server;
use rotakey_sim::consistency::Consistency;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::wire::Server as Endpoint;
use rotakey_sim::world::World;
use rotakey_sim::world::plant::{NewKey, NewUser};
use serde_json::Value;

pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const ELSEWHERE: &str = "eu-west-2";
pub(crate) const EXTERNAL_ID: &str = "rotakey/7f3a";

/// One AWS.
pub(crate) struct Cloud {
    url: String,
    pair: AccessKeyPair,
    pub(crate) connection: Connection,
    /// What the connection to the simulated one goes through, so that it can be cut. The test's own clients do not.
    pub(crate) proxy: Option<Server>,
    pub(crate) sandbox: Option<Sandbox>,
}

/// What more there is of the simulated one.
pub(crate) struct Sandbox {
    pub(crate) simulation: Simulation,
    /// Somebody with a key and no permission.
    pub(crate) nobody: AccessKeyPair,
    /// A role in another account, which asks for [`EXTERNAL_ID`], and an administrator there.
    pub(crate) role_arn: String,
    pub(crate) resident: AccessKeyPair,
}

impl Cloud {
    pub(crate) async fn moto() -> Self {
        let url = std::env::var("ROTAKEY_TEST_MOTO_URL").unwrap_or_else(|_| {
            panic!(
                "ROTAKEY_TEST_MOTO_URL is not set: this test needs moto's server. \
                 Run `cargo xtask setup` once, and the tests by `cargo xtask test`."
            )
        });
        Self::at(url, pair("moto"), None).await
    }

    pub(crate) async fn sandbox() -> Self {
        let start: Timestamp = "2031-02-03T04:05:06Z".parse().unwrap();
        let mut world = World::new(11, start);
        world.set_consistency(Consistency::immediate());
        let (keys, other) = (world.create_account("keys", start), world.create_account("other", start));
        let operator = plant(&mut world, keys, "operator", &[ADMINISTRATOR]);
        let nobody = plant(&mut world, keys, "nobody", &[]);
        let resident = plant(&mut world, other, "resident", &[ADMINISTRATOR]);
        let trust = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {{"AWS": "arn:aws:iam::{keys}:root"}},
                "Condition": {{"StringEquals": {{"sts:ExternalId": "{EXTERNAL_ID}"}}}}}}]}}"#
        );
        let attached = vec![ADMINISTRATOR.to_owned()];
        let role_arn = world.plant_role(other, "rotakey-writer", &trust, attached, start);
        let simulation = Simulation::new(world);
        let url = serve(simulation.clone());
        Self::at(url, operator, Some(Sandbox { simulation, nobody, role_arn, resident })).await
    }

    async fn at(url: String, pair: AccessKeyPair, sandbox: Option<Sandbox>) -> Self {
        let before = || Server::before(url.trim_start_matches("http://").parse().unwrap());
        let proxy = sandbox.is_some().then(before);
        let way = proxy.as_ref().map_or_else(|| url.clone(), Server::url);
        let connection = connect(&way, pair.duplicate()).await;
        Self { url, pair, connection, proxy, sandbox }
    }

    /// The same cloud as somebody else sees it.
    pub(crate) async fn seen_by(&self, pair: &AccessKeyPair) -> Connection {
        connect(&self.url, pair.duplicate()).await
    }

    /// A client of our own, in that region.
    pub(crate) fn secrets(&self, region: &str) -> aws_sdk_secretsmanager::Client {
        self.secrets_of(&self.pair, region)
    }

    pub(crate) fn secrets_of(&self, pair: &AccessKeyPair, region: &str) -> aws_sdk_secretsmanager::Client {
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .endpoint_url(&self.url)
            .credentials_provider(credentials(pair))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        aws_sdk_secretsmanager::Client::from_conf(config)
    }

    pub(crate) fn parameters(&self) -> aws_sdk_ssm::Client {
        let config = aws_sdk_ssm::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(&self.url)
            .credentials_provider(credentials(&self.pair))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        aws_sdk_ssm::Client::from_conf(config)
    }
}

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// At a server that answers at once or never, so calls are tried again without a pause.
pub(crate) async fn connect(url: &str, pair: AccessKeyPair) -> Connection {
    let options = ConnectionOptions {
        region: Some(REGION.to_owned()),
        endpoint_url: Some(url.to_owned()),
        credentials: Some(pair),
        first_pause: Some(Duration::ZERO),
        ..ConnectionOptions::default()
    };
    Connection::open(options).await.unwrap()
}

fn plant(world: &mut World, account: AccountId, name: &str, policies: &[&str]) -> AccessKeyPair {
    let created_at = world.now();
    let mut user = NewUser::new(name.parse().unwrap(), created_at);
    user.attached.extend(policies.iter().map(|&policy| policy.to_owned()));
    world.plant_user(account, user);
    let key = NewKey { created_at, status: KeyStatus::Active, last_used: None };
    world.plant_key(account, &name.parse().unwrap(), key)
}

/// On a thread of its own, for as long as the test process lives: tests also ask while they block.
fn serve(simulation: Simulation) -> String {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let server = Endpoint::new(simulation, Arc::new(real_time));
            let running = server.start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
            tell.send(running.url()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    told.recv().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "signatures are dated by the real clock")]
fn real_time() -> Timestamp {
    Timestamp::now()
}

fn credentials(pair: &AccessKeyPair) -> Credentials {
    Credentials::new(pair.id.as_str(), pair.secret.expose(), None, None, "test")
}

/// A number that no other place of this process has.
pub(crate) fn number() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{}/{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// What an application makes of a value.
pub(crate) fn read(text: &str) -> Result<Option<AccessKeyPair>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match (value["AccessKeyId"].as_str(), value["SecretAccessKey"].as_str()) {
        (None, None) => Ok(None),
        (Some(id), Some(secret)) => {
            let id: AccessKeyId = id.parse().map_err(|_| "a torn id".to_owned())?;
            Ok(Some(AccessKeyPair { id, secret: Secret::new(secret.to_owned()) }))
        }
        _ => Err("a torn pair".to_owned()),
    }
}

/// Waits for an answer on a thread of its own: this one may be in the middle of another runtime.
pub(crate) fn ask<T: Send>(question: impl Future<Output = T> + Send) -> T {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    thread::scope(|scope| scope.spawn(|| runtime().block_on(question)).join().unwrap())
}

pub(crate) fn pair(secret: &str) -> AccessKeyPair {
    AccessKeyPair { id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(), secret: Secret::new(secret.to_owned()) }
}
