//! The simulated Secrets Manager keeps the contract of a destination.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use rotakey_core::destination::{self as specs, DestinationSpec, SecretsManager};
use rotakey_engine::conformance::destination::{Application, Broken, Foreign, Harness, Place, check_all};
use rotakey_engine::port::{Destination, Destinations, PortErrorKind};
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::ports::Client;

use crate::{Scene, done};

const TOKEN: &str = "00000000-0000-4000-8000-000000000000";

struct Sandbox {
    scene: Arc<Scene>,
    made: AtomicUsize,
}

struct Secret {
    scene: Arc<Scene>,
    client: Client,
    name: String,
}

impl Sandbox {
    fn place(&self, client: &Client) -> Secret {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        Secret { scene: Arc::clone(&self.scene), client: client.clone(), name: format!("place/{number}") }
    }

    fn holding(&self, value: &str) -> Secret {
        let place = self.place(&self.scene.admin);
        let parameters = [
            ("Name", place.name.as_str().into()),
            ("SecretString", value.into()),
            ("ClientRequestToken", TOKEN.into()),
        ];
        self.scene.secrets("CreateSecret", parameters).unwrap();
        place
    }
}

#[async_trait]
impl Harness for Sandbox {
    async fn empty(&self) -> Box<dyn Place> {
        Box::new(self.place(&self.scene.admin))
    }

    async fn foreign(&self) -> Vec<Foreign> {
        let more = r#"{"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"foreign-secret","Region":"eu-west-1"}"#;
        vec![
            Foreign {
                name: "a value with a further field",
                place: Box::new(self.holding(more)),
                kept: vec![br#""Region":"eu-west-1""#.to_vec()],
                secrets: vec!["foreign-secret".to_owned()],
            },
            Foreign {
                name: "a value that is no access key",
                place: Box::new(self.holding("a database password")),
                kept: Vec::new(),
                secrets: vec!["a database password".to_owned()],
            },
        ]
    }

    async fn broken(&self) -> Vec<Broken> {
        let read_only = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["secretsmanager:Describe*","secretsmanager:Get*"],"Resource":"*"}]}"#;
        let (reader, _) =
            self.scene.user_with_policy(&format!("r{}", self.made.load(Ordering::Relaxed)), read_only);
        vec![Broken {
            name: "a secret that may not be written",
            place: Box::new(self.place(&reader)),
            kind: PortErrorKind::Denied,
        }]
    }
}

#[async_trait]
impl Place for Secret {
    fn open(&self) -> Box<dyn Destination> {
        let spec = DestinationSpec::SecretsManager(SecretsManager::named(self.name.clone(), None));
        self.client.open(&spec).unwrap()
    }

    /// The labelled versions. Secrets Manager keeps others for a while, but shows them to nobody who does not
    /// know their ids.
    async fn contents(&self) -> Vec<u8> {
        let id = [("SecretId", self.name.as_str().into())];
        let Ok(described) = self.scene.secrets("DescribeSecret", id) else { return Vec::new() };
        let mut contents = Vec::new();
        if let Some(Tree::Dictionary(versions)) = described.get("VersionIdsToStages") {
            for (version, stages) in versions {
                let id = Tree::map([("SecretId", self.name.as_str().into()), ("VersionId", version.into())]);
                let value = self.scene.admin.call(Service::SecretsManager, "GetSecretValue", id).unwrap();
                contents.extend(
                    format!("{version} {stages:?} {}\n", value.text("SecretString").unwrap()).bytes(),
                );
            }
        }
        contents
    }

    fn application(&self) -> Option<Application> {
        let (scene, name) = (Arc::clone(&self.scene), self.name.clone());
        Some(Box::new(move || {
            let look = |world: &mut rotakey_sim::world::World| {
                world.current_access_key(scene.account, "us-east-1", &name)
            };
            Ok(scene.simulation.with_world(look))
        }))
    }
}

#[test]
fn the_simulated_secrets_manager_keeps_the_contract_of_a_destination() {
    let sandbox = Sandbox { scene: Arc::new(Scene::immediate()), made: AtomicUsize::new(0) };
    done(check_all(&sandbox));
}

#[test]
fn other_destinations_are_not_simulated() {
    let scene = Scene::immediate();
    let spec = DestinationSpec::CredentialsFile(specs::CredentialsFile {
        path: "/x".into(),
        profile: "default".to_owned(),
    });
    assert_eq!(scene.admin.open(&spec).err().unwrap().kind, PortErrorKind::Invalid);
}
