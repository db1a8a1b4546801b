//! AWS Secrets Manager as a destination, held to the contract of destinations.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use rotakey_aws::Connection;
use rotakey_aws::secrets_manager::SecretsManager;
use rotakey_core::destination as specs;
use rotakey_engine::conformance::destination::{
    Application, Break, Broken, Foreign, Harness, Place, check_all,
};
use rotakey_engine::conformance::server::Server;
use rotakey_engine::port::{Destination, Kept, PortErrorKind};
use serde_json::Value;

use crate::clouds::{Cloud, ELSEWHERE, EXTERNAL_ID, REGION, ask, number, pair, read};

#[tokio::test]
async fn secrets_manager_keeps_the_contract_of_destinations_on_moto() {
    check_all(&Secrets::plain(Cloud::moto().await)).await;
}

#[tokio::test]
async fn secrets_manager_keeps_the_contract_of_destinations_on_the_simulated_aws() {
    check_all(&Secrets::plain(Cloud::sandbox().await)).await;
}

#[tokio::test]
async fn a_secret_that_is_replicated_and_shared_keeps_the_contract_on_moto() {
    check_all(&Secrets::shared(Cloud::moto().await)).await;
}

#[tokio::test]
async fn a_secret_that_is_replicated_and_shared_keeps_the_contract_on_the_simulated_aws() {
    check_all(&Secrets::shared(Cloud::sandbox().await)).await;
}

#[tokio::test]
async fn a_secret_in_another_account_keeps_the_contract() {
    let cloud = Cloud::sandbox().await;
    let sandbox = cloud.sandbox.as_ref().unwrap();
    let place = specs::SecretsManager {
        role_arn: Some(sandbox.role_arn.clone()),
        external_id: Some(EXTERNAL_ID.to_owned()),
        ..specs::SecretsManager::named("", None)
    };
    let client = cloud.secrets_of(&sandbox.resident, REGION);
    check_all(&Secrets { place, client, cloud }).await;
}

#[tokio::test]
async fn staging_twice_makes_one_version() {
    let secrets = Secrets::plain(Cloud::moto().await);
    let secret = secrets.secret();
    let destination = secret.destination();
    for _ in 0..3 {
        destination.stage(&pair("one")).await.unwrap();
    }
    let listed = secret.client.list_secret_version_ids().secret_id(&secret.place.name);
    let versions = listed.include_deprecated(true).send().await.unwrap().versions.unwrap_or_default();
    assert_eq!(versions.len(), 2, "the one that holds no key, and the staged one");
}

#[tokio::test]
async fn a_secret_that_somebody_made_without_a_value_can_be_used() {
    let secrets = Secrets::plain(Cloud::moto().await);
    let secret = secrets.secret();
    secret.client.create_secret().name(&secret.place.name).send().await.unwrap();
    let destination = secret.destination();
    destination.preflight().await.unwrap();
    destination.stage(&pair("one")).await.unwrap();
    assert_eq!(destination.read().await.unwrap().current, None);
    destination.publish(&pair("one")).await.unwrap();
    assert_eq!(destination.read().await.unwrap().current, Some(Kept::Pair(pair("one"))));
}

#[tokio::test]
async fn fields_that_changed_after_staging_are_published() {
    let secrets = Secrets::plain(Cloud::moto().await);
    let secret = secrets.secret();
    secret.create(r#"{"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "old"}"#).await;
    let destination = secret.destination();
    destination.stage(&pair("new")).await.unwrap();
    let edited = r#"{"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "old", "note": "x"}"#;
    secret
        .client
        .put_secret_value()
        .secret_id(&secret.place.name)
        .secret_string(edited)
        .send()
        .await
        .unwrap();
    destination.publish(&pair("new")).await.unwrap();
    let text = secret.labels().await.remove("AWSCURRENT").unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["note"], "x");
    assert_eq!(value["SecretAccessKey"], "new");
}

/// Secrets of one kind, on one cloud.
struct Secrets {
    /// All but the name.
    place: specs::SecretsManager,
    /// Of those that the secrets are for.
    client: Client,
    cloud: Cloud,
}

/// A secret that may exist or not.
struct SecretInCloud {
    place: specs::SecretsManager,
    connection: Connection,
    proxy: Option<Server>,
    client: Client,
}

impl Secrets {
    fn plain(cloud: Cloud) -> Self {
        Self { place: specs::SecretsManager::named("", None), client: cloud.secrets(REGION), cloud }
    }

    fn shared(cloud: Cloud) -> Self {
        let policy = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*",
            "Principal": {"AWS": "012345678901"}, "Action": "secretsmanager:GetSecretValue"}]}"#;
        let place = specs::SecretsManager {
            replicate_to: vec![ELSEWHERE.to_owned(), "us-east-1".to_owned()],
            resource_policy: Some(policy.to_owned()),
            values: Some(
                serde_json::from_str(r#"{"SmtpPassword": "{ses_smtp_password:eu-west-1}"}"#).unwrap(),
            ),
            ..specs::SecretsManager::named("", None)
        };
        Self { place, client: cloud.secrets(REGION), cloud }
    }

    /// A secret that does not exist yet.
    fn secret(&self) -> SecretInCloud {
        self.secret_for(&self.cloud.connection)
    }

    fn secret_for(&self, connection: &Connection) -> SecretInCloud {
        SecretInCloud {
            place: specs::SecretsManager { name: format!("conformance/{}", number()), ..self.place.clone() },
            connection: connection.clone(),
            proxy: self.cloud.proxy.clone(),
            client: self.client.clone(),
        }
    }

    async fn secret_with(&self, value: &str) -> SecretInCloud {
        let secret = self.secret();
        secret.create(value).await;
        secret
    }
}

impl SecretInCloud {
    async fn create(&self, value: &str) {
        self.client.create_secret().name(&self.place.name).secret_string(value).send().await.unwrap();
    }

    fn destination(&self) -> SecretsManager {
        self.connection.secret(&self.place)
    }

    /// The text under each label.
    async fn labels(&self) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        let Ok(secret) = self.client.describe_secret().secret_id(&self.place.name).send().await else {
            return texts;
        };
        for (version, labels) in secret.version_ids_to_stages.unwrap_or_default() {
            let get = self.client.get_secret_value().secret_id(&self.place.name).version_id(&version);
            let text = get.send().await.ok().and_then(|answer| answer.secret_string).unwrap_or_default();
            texts.extend(labels.into_iter().map(|label| (label, text.clone())));
        }
        texts
    }
}

#[async_trait]
impl Harness for Secrets {
    /// moto lets everybody do everything; the sandbox does not.
    fn enforces_permissions(&self) -> bool {
        self.cloud.sandbox.is_some()
    }

    async fn empty(&self) -> Box<dyn Place> {
        Box::new(self.secret())
    }

    async fn foreign(&self) -> Vec<Foreign> {
        let further = r#"{"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "foreign-secret-1",
            "Region": "eu-west-1", "Contact": {"Team": "data"}}"#;
        let rotating = self.secret_with("{}").await;
        let put =
            rotating.client.put_secret_value().secret_id(&rotating.place.name).version_stages("AWSPENDING");
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
        deleted.client.delete_secret().secret_id(&deleted.place.name).send().await.unwrap();
        let mut unnameable = self.secret();
        unnameable.place.name.push_str(",comma");
        let denied = match &self.cloud.sandbox {
            Some(sandbox) => {
                let nobody = self.cloud.seen_by(&sandbox.nobody).await;
                Some(Broken {
                    name: "a secret that others may use",
                    place: Box::new(self.secret_for(&nobody)),
                    kind: PortErrorKind::Denied,
                })
            }
            None => None,
        };
        let broken = [
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
        ];
        broken.into_iter().chain(denied).collect()
    }
}

#[async_trait]
impl Place for SecretInCloud {
    fn open(&self) -> Box<dyn Destination> {
        Box::new(self.destination())
    }

    async fn contents(&self) -> Vec<u8> {
        let labels = self.labels().await;
        labels.into_iter().flat_map(|(label, text)| format!("{label}={text}\n").into_bytes()).collect()
    }

    fn break_at(&self, call: usize, how: Break) -> bool {
        self.proxy.as_ref().is_some_and(|proxy| proxy.break_at(call, how))
    }

    fn mend(&self) -> bool {
        self.proxy.as_ref().is_some_and(Server::mend)
    }

    /// As applications read a secret. They need not name `AWSCURRENT`, but where it is left out moto goes on
    /// answering with the version that was current before `UpdateSecretVersionStage`.
    fn application(&self) -> Option<Application> {
        let (client, name) = (self.client.clone(), self.place.name.clone());
        Some(Box::new(move || {
            let call = client.get_secret_value().secret_id(&name).version_stage("AWSCURRENT");
            ask(async {
                match call.send().await {
                    Ok(answer) => read(&answer.secret_string.ok_or("no text")?),
                    Err(error) => match error.into_service_error() {
                        error if error.is_resource_not_found_exception() => Ok(None),
                        error => Err(error.to_string()),
                    },
                }
            })
        }))
    }
}
