//! The whole way on moto's server, looked at with the AWS SDK. moto has no clock to move, so that one stands before it.

use std::collections::BTreeMap;

use aws_sdk_iam::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_iam::types::StatusType;
use serde_json::Value;

use crate::clocked::Clocked;
use crate::support::{Desk, Ran};

const MOTO_URL: &str = "ROTAKEY_TEST_MOTO_URL";
const REGION: &str = "eu-west-1";
const USER: &str = "billing";
const SECRET: &str = "iam/access-keys/billing";

/// An account of its own in moto's server, so that tests run side by side.
struct Moto {
    url: String,
    clocked: Clocked,
    account_id: String,
    operator: Keys,
}

/// What a caller signs with.
#[derive(Debug, Clone)]
struct Keys {
    id: String,
    secret: String,
    token: Option<String>,
}

/// Builds the configuration of one of the SDK's clients.
macro_rules! client {
    ($sdk:ident, $url:expr, $keys:expr) => {{
        let Keys { id, secret, token } = $keys.clone();
        let config = $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(&$url)
            .credentials_provider(Credentials::new(id, secret, token, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        $sdk::Client::from_conf(config)
    }};
}

impl Moto {
    /// moto makes an account when a role in it is assumed, and the role need not exist.
    async fn new() -> Self {
        let url = std::env::var(MOTO_URL).unwrap_or_else(|_| {
            panic!(
                "{MOTO_URL} is not set: this test needs moto's server. \
                 Run `cargo xtask setup` once, and the tests by `cargo xtask test`."
            )
        });
        let account_id = fastrand::u64(100_000_000_000..1_000_000_000_000).to_string();
        let stranger = Keys { id: "AKIAIOSFODNN7EXAMPLE".to_owned(), secret: "any".to_owned(), token: None };
        let assume = client!(aws_sdk_sts, url, stranger).assume_role().role_session_name("setup");
        let role = format!("arn:aws:iam::{account_id}:role/setup");
        let session = assume.role_arn(role).send().await.unwrap().credentials.unwrap();
        let operator = Keys {
            id: session.access_key_id,
            secret: session.secret_access_key,
            token: Some(session.session_token),
        };
        let clocked = Clocked::before(&url);
        let mut moto = Self { url, clocked, account_id, operator };
        moto.operator = moto.user("operator").await;
        moto
    }

    /// A new user with one key.
    async fn user(&self, name: &str) -> Keys {
        let iam = self.iam();
        iam.create_user().user_name(name).send().await.unwrap();
        let key = iam.create_access_key().user_name(name).send().await.unwrap().access_key.unwrap();
        Keys { id: key.access_key_id, secret: key.secret_access_key, token: None }
    }

    /// The user, whose secret holds its one key and something else.
    async fn user_with_secret(&self) -> Keys {
        let keys = self.user(USER).await;
        let value = serde_json::json!({
            "AccessKeyId": keys.id, "SecretAccessKey": keys.secret, "Contact": "billing@example.com",
        });
        let create = self.secrets_manager().create_secret().name(SECRET).secret_string(value.to_string());
        create.send().await.unwrap();
        keys
    }

    fn iam(&self) -> aws_sdk_iam::Client {
        client!(aws_sdk_iam, self.url, self.operator)
    }

    fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        client!(aws_sdk_secretsmanager, self.url, self.operator)
    }

    /// The ARN that AWS takes the holder of these keys for.
    async fn arn_of(&self, keys: &Keys) -> String {
        let identity = client!(aws_sdk_sts, self.url, keys).get_caller_identity().send().await.unwrap();
        identity.arn.unwrap()
    }

    /// The keys of the user, and whether they are active.
    async fn keys(&self) -> BTreeMap<String, bool> {
        let listed = self.iam().list_access_keys().user_name(USER).send().await.unwrap();
        let keys = listed.access_key_metadata.into_iter();
        keys.map(|key| (key.access_key_id.unwrap(), key.status == Some(StatusType::Active))).collect()
    }

    /// What the user's secret holds under a label.
    async fn secret(&self, label: &str) -> Value {
        let get = self.secrets_manager().get_secret_value().secret_id(SECRET).version_stage(label);
        serde_json::from_str(&get.send().await.unwrap().secret_string.unwrap()).unwrap()
    }

    /// A desk whose commands call this account as its operator.
    fn desk(&self) -> Desk {
        let mut desk = Desk::new();
        desk.export("AWS_ENDPOINT_URL", &self.clocked.url());
        desk.export("ROTAKEY_SANDBOX_CLOCK", &self.clocked.url());
        desk.export("AWS_REGION", REGION);
        desk.export("AWS_ACCESS_KEY_ID", &self.operator.id);
        desk.export("AWS_SECRET_ACCESS_KEY", &self.operator.secret);
        desk.write(
            "rotakey.toml",
            "[[rotate.destination]]\ntype = \"secrets-manager\"\nname = \"iam/access-keys/{user}\"\n",
        );
        desk
    }
}

fn keys_in(secret: &Value) -> Keys {
    let text = |field: &str| secret[field].as_str().unwrap().to_owned();
    Keys { id: text("AccessKeyId"), secret: text("SecretAccessKey"), token: None }
}

#[tokio::test]
async fn a_key_is_audited_planned_rotated_and_taken_back() {
    let moto = Moto::new().await;
    let old = moto.user_with_secret().await;
    let desk = moto.desk();
    let mut said = String::new();
    let mut run = |arguments: &[&str]| {
        let ran = desk.run(arguments);
        said.push_str(&ran.stdout);
        said.push_str(&ran.stderr);
        ran
    };

    let audit = run(&["audit", "--format", "json"]).exits(1).json();
    assert_eq!(audit["complete"], true, "{audit:#}");
    let audited = audit["keys"].as_array().unwrap();
    let key = audited.iter().find(|key| key["access_key_id"] == old.id).expect("the key is audited");
    assert_eq!((&key["user_name"], &key["account_id"]), (&USER.into(), &moto.account_id.as_str().into()));
    assert_eq!(audited.len(), 2, "this one and the operator's: {audit:#}");

    let plan = run(&["rotate", "plan", "--user", USER, "--format", "json"]).exits(0).json();
    assert_eq!(plan["rotations"][0]["access_key_id"], old.id);
    assert_eq!(moto.keys().await, BTreeMap::from([(old.id.clone(), true)]), "a plan changes nothing");

    run(&["rotate", "apply", "--user", USER, "-v"]).exits(0);
    let status = only(&run(&["rotate", "status", "--format", "json"]).exits(0));
    assert_eq!(status["state"], "adopting", "{status:#}");
    let (current, previous) = (moto.secret("AWSCURRENT").await, moto.secret("AWSPREVIOUS").await);
    let new = keys_in(&current);
    assert_eq!(status["new_access_key_id"], new.id);
    assert_eq!(current["Contact"], "billing@example.com", "what else is in the secret is kept");
    assert_eq!(previous["AccessKeyId"], old.id);
    assert!(moto.arn_of(&new).await.ends_with(":user/billing"), "the new key is the user's");
    assert_eq!(moto.keys().await, BTreeMap::from([(old.id.clone(), true), (new.id.clone(), true)]));

    let rotation = status["rotation"].as_str().unwrap();
    let log = run(&["rotate", "log", rotation]).exits(0);
    assert!(log.stdout.contains("The hash chain holds"), "{}", log.stdout);
    let again = run(&["rotate", "apply", "--user", USER]).exits(0);
    assert!(again.stderr.contains("0 rotations begun"), "{}", again.stderr);

    run(&["rotate", "rollback", rotation, "--why", "for a test"]).exits(0);
    let current = moto.secret("AWSCURRENT").await;
    assert_eq!(current["AccessKeyId"], old.id, "applications read the old key again");
    assert_eq!(current["SecretAccessKey"], old.secret);
    assert_eq!(moto.keys().await.get(&old.id), Some(&true));
    let status = only(&run(&["rotate", "status", "--format", "json"]).exits(0));
    assert_eq!(
        status["state"], "rolling-back",
        "who has the new key may go on using it for a day: {status:#}"
    );
    let mut states = Vec::new();
    for _ in 0..2 {
        moto.clocked.pass(30);
        run(&["rotate", "tick"]).exits(0);
        states.push(only(&run(&["rotate", "status", "--all", "--format", "json"]).exits(0))["state"].take());
    }
    assert_eq!(states.last(), Some(&"rolled-back".into()), "{states:?}");
    assert_eq!(moto.keys().await, BTreeMap::from([(old.id.clone(), true)]), "the new key is deleted");

    for secret in [&old.secret, &new.secret, &moto.operator.secret] {
        assert!(!said.contains(secret.as_str()), "a secret was told");
    }
}

#[tokio::test]
async fn a_key_is_rotated_to_its_end() {
    let moto = Moto::new().await;
    let old = moto.user_with_secret().await;
    let desk = moto.desk();
    let state = || only(&desk.run(&["rotate", "status", "--all", "--format", "json"]).exits(0));
    desk.run(&["rotate", "apply", "--user", USER]).exits(0);
    let new = state()["new_access_key_id"].as_str().unwrap().to_owned();
    for (hours, expected, keys) in [
        (30, "disabled", BTreeMap::from([(old.id.clone(), false), (new.clone(), true)])),
        (8 * 24, "rotated", BTreeMap::from([(new.clone(), true)])),
    ] {
        moto.clocked.pass(hours);
        desk.run(&["rotate", "tick"]).exits(0);
        assert_eq!(state()["state"], expected);
        assert_eq!(moto.keys().await, keys);
    }
    assert_eq!(moto.secret("AWSCURRENT").await["AccessKeyId"], new);
}

/// The only rotation that is told of.
fn only(status: &Ran) -> Value {
    let rotations = status.json();
    let [rotation] = &rotations.as_array().unwrap()[..] else { panic!("one rotation: {rotations:#}") };
    rotation.clone()
}
