//! The SSM Parameter Store as a destination, held to the contract of destinations.

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::ParameterType;
use rotakey_aws::Connection;
use rotakey_core::destination as specs;
use rotakey_core::id::AccessKeyId;
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::conformance::destination::{
    Application, Break, Broken, Foreign, Harness, Place, check_all,
};
use rotakey_engine::conformance::server::Server;
use rotakey_engine::port::{Destination, PortErrorKind};

use crate::clouds::{Cloud, ask, number, pair, read};

#[tokio::test]
async fn a_parameter_keeps_the_contract_of_destinations_on_moto() {
    check_all(&Parameters { cloud: Cloud::moto().await }).await;
}

#[tokio::test]
async fn a_parameter_keeps_the_contract_of_destinations_on_the_simulated_aws() {
    check_all(&Parameters { cloud: Cloud::sandbox().await }).await;
}

#[tokio::test]
async fn publishing_replaces_the_parameter_in_one_write() {
    let parameters = Parameters { cloud: Cloud::sandbox().await };
    let parameter = parameters.parameter();
    let destination = parameter.open();
    for number in 1..=3 {
        destination.stage(&key(number)).await.unwrap();
        destination.publish(&key(number)).await.unwrap();
        destination.publish(&key(number)).await.unwrap();
        let read = parameter.client.get_parameter().name(&parameter.place.name).send().await.unwrap();
        assert_eq!(read.parameter.unwrap().version, i64::from(number));
    }
}

#[tokio::test]
async fn nothing_is_left_beside_the_parameter_when_a_rotation_is_over() {
    let parameters = Parameters { cloud: Cloud::moto().await };
    let parameter = parameters.parameter();
    let destination = parameter.open();
    destination.publish(&key(1)).await.unwrap();
    destination.stage(&key(2)).await.unwrap();
    assert!(parameter.text(&parameter.kept_name()).await.is_some());
    destination.publish(&key(2)).await.unwrap();
    destination.forget(&key(1).id).await.unwrap();
    assert_eq!(parameter.text(&parameter.kept_name()).await, None);
}

#[tokio::test]
async fn a_parameter_stays_encrypted_with_the_kms_key_that_it_has() {
    for cloud in [Cloud::moto().await, Cloud::sandbox().await] {
        let parameters = Parameters { cloud };
        let parameter = parameters.parameter();
        let theirs = r#"{"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "theirs"}"#;
        let put = parameter.client.put_parameter().name(&parameter.place.name).value(theirs);
        put.r#type(ParameterType::SecureString).key_id("alias/ours").send().await.unwrap();
        let destination = parameter.open();
        destination.stage(&key(1)).await.unwrap();
        destination.publish(&key(1)).await.unwrap();
        let mut keys = Vec::new();
        for name in [parameter.place.name.clone(), parameter.kept_name()] {
            let filter = aws_sdk_ssm::types::ParameterStringFilter::builder().key("Name").values(name);
            let described = parameter.client.describe_parameters().parameter_filters(filter.build().unwrap());
            keys.push(described.send().await.unwrap().parameters()[0].key_id.clone().unwrap());
        }
        assert_eq!(keys, ["alias/ours", "alias/ours"]);
    }
}

/// Parameters on one cloud.
struct Parameters {
    cloud: Cloud,
}

/// A parameter that may exist or not.
struct ParameterInCloud {
    place: specs::SsmParameter,
    connection: Connection,
    proxy: Option<Server>,
    client: Client,
}

impl Parameters {
    /// A parameter that does not exist yet.
    fn parameter(&self) -> ParameterInCloud {
        self.parameter_for(&self.cloud.connection)
    }

    fn parameter_for(&self, connection: &Connection) -> ParameterInCloud {
        ParameterInCloud {
            place: specs::SsmParameter {
                name: format!("/conformance/{}", number()),
                region: None,
                role_arn: None,
                external_id: None,
                kms_key_id: None,
            },
            connection: connection.clone(),
            proxy: self.cloud.proxy.clone(),
            client: self.cloud.parameters(),
        }
    }

    async fn parameter_with(&self, value: &str, kind: ParameterType) -> ParameterInCloud {
        let parameter = self.parameter();
        let put = parameter.client.put_parameter().name(&parameter.place.name).value(value).r#type(kind);
        put.send().await.unwrap();
        parameter
    }
}

impl ParameterInCloud {
    fn kept_name(&self) -> String {
        format!("/rotakey/kept{}", self.place.name)
    }

    async fn text(&self, name: &str) -> Option<String> {
        let read = self.client.get_parameter().name(name).with_decryption(true).send().await;
        read.ok().and_then(|answer| answer.parameter?.value)
    }
}

#[async_trait]
impl Harness for Parameters {
    /// moto lets everybody do everything; the sandbox does not.
    fn enforces_permissions(&self) -> bool {
        self.cloud.sandbox.is_some()
    }

    async fn empty(&self) -> Box<dyn Place> {
        Box::new(self.parameter())
    }

    async fn foreign(&self) -> Vec<Foreign> {
        let further = r#"{"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "foreign-secret-1",
            "Region": "eu-west-1", "Contact": {"Team": "data"}}"#;
        let plain = r#"{"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "foreign-secret-3"}"#;
        let taken = self.parameter();
        let put = taken.client.put_parameter().name(taken.kept_name()).value("foreign-secret-4");
        put.r#type(ParameterType::SecureString).send().await.unwrap();
        let refused = |name, place: ParameterInCloud, secret: &str| Foreign {
            name,
            place: Box::new(place),
            kept: Vec::new(),
            secrets: vec![secret.to_owned()],
        };
        let secure = ParameterType::SecureString;
        vec![
            Foreign {
                name: "an access key with further fields",
                place: Box::new(self.parameter_with(further, secure.clone()).await),
                kept: vec![br#""Region":"eu-west-1""#.to_vec(), br#""Contact":{"Team":"data"}"#.to_vec()],
                secrets: vec!["foreign-secret-1".to_owned()],
            },
            refused(
                "a bare password",
                self.parameter_with("foreign-secret-2", secure).await,
                "foreign-secret-2",
            ),
            refused(
                "an access key in clear",
                self.parameter_with(plain, ParameterType::String).await,
                "foreign-secret-3",
            ),
            refused("something where rotakey keeps what is pending", taken, "foreign-secret-4"),
        ]
    }

    async fn broken(&self) -> Vec<Broken> {
        let named = |name: &str| {
            let mut parameter = self.parameter();
            parameter.place.name = name.to_owned();
            parameter
        };
        let mut broken: Vec<_> = ["/a,comma", "/aws/x", "a/b", "/a//b", "/a/", &"/a".repeat(14)]
            .into_iter()
            .map(|name| Broken {
                name: "a name that the Parameter Store does not take",
                place: Box::new(named(name)),
                kind: PortErrorKind::Invalid,
            })
            .collect();
        if let Some(sandbox) = &self.cloud.sandbox {
            let nobody = self.cloud.seen_by(&sandbox.nobody).await;
            broken.push(Broken {
                name: "a parameter that others may use",
                place: Box::new(self.parameter_for(&nobody)),
                kind: PortErrorKind::Denied,
            });
        }
        broken
    }
}

#[async_trait]
impl Place for ParameterInCloud {
    fn open(&self) -> Box<dyn Destination> {
        Box::new(self.connection.parameter(&self.place))
    }

    async fn contents(&self) -> Vec<u8> {
        let mut contents = Vec::new();
        for name in [self.place.name.clone(), self.kept_name()] {
            let text = self.text(&name).await.unwrap_or_default();
            contents.extend_from_slice(format!("{name}={text}\n").as_bytes());
        }
        contents
    }

    fn break_at(&self, call: usize, how: Break) -> bool {
        self.proxy.as_ref().is_some_and(|proxy| proxy.break_at(call, how))
    }

    fn mend(&self) -> bool {
        self.proxy.as_ref().is_some_and(Server::mend)
    }

    fn application(&self) -> Option<Application> {
        let (client, name) = (self.client.clone(), self.place.name.clone());
        Some(Box::new(move || {
            let call = client.get_parameter().name(&name).with_decryption(true);
            ask(async {
                match call.send().await {
                    Ok(answer) => {
                        let value = answer.parameter.and_then(|parameter| parameter.value);
                        read(&value.ok_or("no text")?)
                    }
                    Err(error) => match error.into_service_error() {
                        error if error.is_parameter_not_found() => Ok(None),
                        error => Err(error.to_string()),
                    },
                }
            })
        }))
    }
}

fn key(number: u8) -> AccessKeyPair {
    let id: AccessKeyId = format!("AKIAROTAKEYTEST0{number:04}").parse().unwrap();
    AccessKeyPair { id, ..pair(&format!("secret-{number}")) }
}
