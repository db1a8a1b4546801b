//! IAM and STS as rotations and audits use them, on moto's server.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_sdk_iam::Client;
use aws_sdk_iam::config::{BehaviorVersion, Credentials, Region};
use jiff::Timestamp;
use rotakey_aws::{Connection, ConnectionOptions};
use rotakey_core::fact::{KeyStatus, LastUsed};
use rotakey_core::id::UserName;
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::inventory::{Inventory, NoProgress};
use rotakey_engine::port::{Clock, Iam, KeyProbe, PortErrorKind};

#[tokio::test]
async fn a_key_goes_from_its_creation_to_its_deletion() {
    let moto = Moto::new().await;
    let user = moto.user().await;
    let iam = moto.connection.iam(clock());

    let pair = iam.create_access_key(&user).await.unwrap();
    let [key] = &iam.access_keys(&user).await.unwrap()[..] else { panic!("one key was made") };
    assert_eq!((&key.id, key.status), (&pair.id, KeyStatus::Active));
    assert_eq!(iam.last_used(&pair.id).await.unwrap(), LastUsed::Never);

    let identity = moto.connection.key_probe().identify(&pair).await.unwrap();
    assert!(identity.arn.ends_with(&format!("user/apps/{user}")), "{}", identity.arn);
    let LastUsed::At { service, .. } = iam.last_used(&pair.id).await.unwrap() else { panic!("was used") };
    assert_eq!(service.as_deref(), Some("sts"));

    iam.set_status(&user, &pair.id, KeyStatus::Inactive).await.unwrap();
    assert_eq!(iam.access_keys(&user).await.unwrap()[0].status, KeyStatus::Inactive);

    iam.create_access_key(&user).await.unwrap();
    let third = iam.create_access_key(&user).await.unwrap_err();
    assert_eq!(third.kind, PortErrorKind::LimitExceeded, "{third}");

    iam.delete_access_key(&user, &pair.id).await.unwrap();
    let again = iam.delete_access_key(&user, &pair.id).await.unwrap_err();
    assert_eq!(again.kind, PortErrorKind::NotFound, "{again}");
}

#[tokio::test]
async fn a_user_is_told_with_its_id_path_and_tags() {
    let moto = Moto::new().await;
    let name = moto.user().await;
    let user = moto.connection.iam(clock()).user(&name).await.unwrap();
    assert_eq!(user.name, name);
    assert_eq!(user.path, "/apps/");
    assert_eq!(user.account_id.to_string(), "123456789012");
    assert_eq!(user.tags.get("Environment").map(String::as_str), Some("production"));

    let nobody: UserName = "nobody-of-that-name".parse().unwrap();
    let missing = moto.connection.iam(clock()).user(&nobody).await.unwrap_err();
    assert_eq!(missing.kind, PortErrorKind::NotFound);
}

#[tokio::test]
async fn an_inventory_has_users_policies_keys_and_the_report() {
    let moto = Moto::new().await;
    let name = moto.user().await;
    let document =
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
    let put = moto.iam.put_user_policy().user_name(name.as_str()).policy_name("ops");
    put.policy_document(document).send().await.unwrap();
    let policy = moto.iam.create_policy().policy_name(format!("policy-of-{name}")).policy_document(document);
    let arn = policy.send().await.unwrap().policy.unwrap().arn.unwrap();
    moto.iam.attach_user_policy().user_name(name.as_str()).policy_arn(&arn).send().await.unwrap();
    let pair = moto.connection.iam(clock()).create_access_key(&name).await.unwrap();

    let inventory = moto.connection.inventory(clock());
    assert_eq!(inventory.caller().await.unwrap().account_id.to_string(), "123456789012");

    let details = inventory.account_details(&NoProgress).await.unwrap();
    let user = details.users.iter().find(|user| user.name == name).unwrap();
    assert_eq!(user.tags.get("Environment").map(String::as_str), Some("production"));
    assert_eq!(user.policies.attached, std::slice::from_ref(&arn));
    let [inline] = &user.policies.inline[..] else { panic!("one inline policy") };
    assert_eq!((inline.name.as_str(), inline.document.as_str()), ("ops", document));
    let managed = details.managed_policies.iter().find(|policy| policy.arn == arn).unwrap();
    assert_eq!(managed.document, document);

    let keys = inventory.access_keys(&name).await.unwrap();
    assert_eq!(keys.iter().map(|key| &key.id).collect::<Vec<_>>(), [&pair.id]);

    let report = inventory.credential_report(&NoProgress).await.unwrap();
    let csv = String::from_utf8(report.csv).unwrap();
    assert!(csv.starts_with("user,arn,user_creation_time,"), "{csv}");
    assert!(csv.contains(&format!("\n{name},")), "{csv}");
}

/// moto's server, as the test set-up started it.
struct Moto {
    connection: Connection,
    iam: Client,
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
            region: Some("us-east-1".to_owned()),
            endpoint_url: Some(url.clone()),
            credentials: Some(AccessKeyPair {
                id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
                secret: Secret::new("moto".to_owned()),
            }),
            ..ConnectionOptions::default()
        };
        let connection = Connection::open(options).await.unwrap();
        let config = aws_sdk_iam::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(url)
            .credentials_provider(Credentials::new("AKIAIOSFODNN7EXAMPLE", "moto", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Self { connection, iam: Client::from_conf(config) }
    }

    /// A new user without keys.
    async fn user(&self) -> UserName {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("user+{}.{number}", std::process::id());
        let tag = aws_sdk_iam::types::Tag::builder().key("Environment").value("production").build().unwrap();
        self.iam.create_user().user_name(&name).path("/apps/").tags(tag).send().await.unwrap();
        name.parse().unwrap()
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(VirtualClock(Mutex::new(Timestamp::UNIX_EPOCH)))
}

/// Waits by moving its hands.
struct VirtualClock(Mutex<Timestamp>);

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep_until(&self, at: Timestamp) {
        *self.0.lock().unwrap() = at;
    }
}
