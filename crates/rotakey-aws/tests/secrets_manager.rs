//! AWS Secrets Manager as a destination, held to the contract of destinations on moto's server.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use rotakey_aws::secrets_manager::SecretsManager;
use rotakey_aws::{Connection, ConnectionOptions};
use rotakey_core::id::AccessKeyId;
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::conformance::destination::{Application, Broken, Foreign, Harness, Place, check_all};
use rotakey_engine::port::{Destination, Kept, PortErrorKind};
use serde_json::Value;

#[tokio::test]
async fn secrets_manager_keeps_the_contract_of_destinations() {
    check_all(&Moto::new().await).await;
}

#[tokio::test]
async fn staging_twice_makes_one_version() {
    let moto = Moto::new().await;
    let secret = moto.secret();
    let destination = secret.destination();
    for _ in 0..3 {
        destination.stage(&pair("one")).await.unwrap();
    }
    let listed = secret.client.list_secret_version_ids().secret_id(&secret.name);
    let versions = listed.include_deprecated(true).send().await.unwrap().versions.unwrap_or_default();
    assert_eq!(versions.len(), 2, "the one that holds no key, and the staged one");
}

#[tokio::test]
async fn a_secret_that_somebody_made_without_a_value_can_be_used() {
    let moto = Moto::new().await;
    let secret = moto.secret();
    secret.client.create_secret().name(&secret.name).send().await.unwrap();
    let destination = secret.destination();
    destination.preflight().await.unwrap();
    destination.stage(&pair("one")).await.unwrap();
    assert_eq!(destination.read().await.unwrap().current, None);
    destination.publish(&pair("one")).await.unwrap();
    assert_eq!(destination.read().await.unwrap().current, Some(Kept::Pair(pair("one"))));
}

#[tokio::test]
async fn fields_that_changed_after_staging_are_published() {
    let moto = Moto::new().await;
    let secret = moto.secret();
    secret.create(r#"{"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "old"}"#).await;
    let destination = secret.destination();
    destination.stage(&pair("new")).await.unwrap();
    let edited = r#"{"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "old", "note": "x"}"#;
    secret.client.put_secret_value().secret_id(&secret.name).secret_string(edited).send().await.unwrap();
    destination.publish(&pair("new")).await.unwrap();
    let text = secret.labels().await.remove("AWSCURRENT").unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["note"], "x");
    assert_eq!(value["SecretAccessKey"], "new");
}

/// moto's server, as the test set-up started it.
struct Moto {
    connection: Connection,
    client: Client,
}

/// A secret on it that may exist or not.
struct SecretOnMoto {
    name: String,
    connection: Connection,
    client: Client,
}

impl Moto {
    async fn new() -> Self {
        let url = std::env::var("ROTAKEY_TEST_MOTO_URL").unwrap_or_else(|_| {
            panic!(
                "ROTAKEY_TEST_MOTO_URL is not set: this test needs moto's server. \
                 Run `cargo xtask setup` once, and the tests by `cargo xtask test`."
            )
        });
        let options = ConnectionOptions {
            region: Some("eu-west-1".to_owned()),
            endpoint_url: Some(url.clone()),
            credentials: Some(pair("moto")),
            ..ConnectionOptions::default()
        };
        let connection = Connection::open(options).await.unwrap();
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(url)
            .credentials_provider(Credentials::new("AKIAIOSFODNN7EXAMPLE", "moto", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Self { connection, client: Client::from_conf(config) }
    }

    /// A secret that does not exist yet.
    fn secret(&self) -> SecretOnMoto {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        SecretOnMoto {
            name: format!("conformance/{}/{number}", std::process::id()),
            connection: self.connection.clone(),
            client: self.client.clone(),
        }
    }

    async fn secret_with(&self, value: &str) -> SecretOnMoto {
        let secret = self.secret();
        secret.create(value).await;
        secret
    }
}

impl SecretOnMoto {
    async fn create(&self, value: &str) {
        self.client.create_secret().name(&self.name).secret_string(value).send().await.unwrap();
    }

    fn destination(&self) -> SecretsManager {
        self.connection.secret(&self.name, None)
    }

    /// The text under each label.
    async fn labels(&self) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        let Ok(secret) = self.client.describe_secret().secret_id(&self.name).send().await else {
            return texts;
        };
        for (version, labels) in secret.version_ids_to_stages.unwrap_or_default() {
            let get = self.client.get_secret_value().secret_id(&self.name).version_id(&version);
            let text = get.send().await.ok().and_then(|answer| answer.secret_string).unwrap_or_default();
            texts.extend(labels.into_iter().map(|label| (label, text.clone())));
        }
        texts
    }
}

#[async_trait]
impl Harness for Moto {
    /// moto lets everybody do everything; the sandbox does not.
    fn enforces_permissions(&self) -> bool {
        false
    }

    async fn empty(&self) -> Box<dyn Place> {
        Box::new(self.secret())
    }

    async fn foreign(&self) -> Vec<Foreign> {
        let further = r#"{"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "foreign-secret-1",
            "Region": "eu-west-1", "Contact": {"Team": "data"}}"#;
        let rotating = self.secret_with("{}").await;
        let put = rotating.client.put_secret_value().secret_id(&rotating.name).version_stages("AWSPENDING");
        put.secret_string(r#"{"password": "foreign-secret-4"}"#).send().await.unwrap();
        vec![
            Foreign {
                name: "an access key with further fields",
                place: Box::new(self.secret_with(further).await),
                kept: vec![br#""Region":"eu-west-1""#.to_vec(), br#""Contact":{"Team":"data"}"#.to_vec()],
                secrets: vec!["foreign-secret-1".to_owned()],
            },
            Foreign {
                name: "a bare password",
                place: Box::new(self.secret_with("foreign-secret-2").await),
                kept: Vec::new(),
                secrets: vec!["foreign-secret-2".to_owned()],
            },
            Foreign {
                name: "the password of a database",
                place: Box::new(
                    self.secret_with(r#"{"username": "u", "password": "foreign-secret-3"}"#).await,
                ),
                kept: Vec::new(),
                secrets: vec!["foreign-secret-3".to_owned()],
            },
            Foreign {
                name: "another program's rotation under way",
                place: Box::new(rotating),
                kept: Vec::new(),
                secrets: vec!["foreign-secret-4".to_owned()],
            },
        ]
    }

    async fn broken(&self) -> Vec<Broken> {
        let deleted = self.secret_with("{}").await;
        deleted.client.delete_secret().secret_id(&deleted.name).send().await.unwrap();
        let mut unnameable = self.secret();
        unnameable.name.push_str(",comma");
        vec![
            Broken {
                name: "a secret that is scheduled for deletion",
                place: Box::new(deleted),
                kind: PortErrorKind::Conflict,
            },
            Broken {
                name: "a name that Secrets Manager does not take",
                place: Box::new(unnameable),
                kind: PortErrorKind::Invalid,
            },
        ]
    }
}

#[async_trait]
impl Place for SecretOnMoto {
    fn open(&self) -> Box<dyn Destination> {
        Box::new(self.destination())
    }

    async fn contents(&self) -> Vec<u8> {
        let labels = self.labels().await;
        labels.into_iter().flat_map(|(label, text)| format!("{label}={text}\n").into_bytes()).collect()
    }

    /// As applications read a secret. They need not name `AWSCURRENT`, but where it is left out moto goes on
    /// answering with the version that was current before `UpdateSecretVersionStage`.
    fn application(&self) -> Option<Application> {
        let (client, name) = (self.client.clone(), self.name.clone());
        Some(Box::new(move || {
            let call = client.get_secret_value().secret_id(&name).version_stage("AWSCURRENT");
            // On a thread of its own: this one may be in the middle of another runtime.
            let look = async {
                match call.send().await {
                    Ok(answer) => read(&answer.secret_string.ok_or("no text")?),
                    Err(error) => match error.into_service_error() {
                        error if error.is_resource_not_found_exception() => Ok(None),
                        error => Err(error.to_string()),
                    },
                }
            };
            let runtime = || tokio::runtime::Runtime::new().unwrap();
            thread::scope(|scope| scope.spawn(|| runtime().block_on(look)).join().unwrap())
        }))
    }
}

fn read(text: &str) -> Result<Option<AccessKeyPair>, String> {
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

fn pair(secret: &str) -> AccessKeyPair {
    AccessKeyPair { id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(), secret: Secret::new(secret.to_owned()) }
}
