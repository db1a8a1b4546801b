//! The rotation log on DynamoDB, held to the contract of stores on moto's server.

#[expect(dead_code, reason = "other suites also look at the requests and at the time")]
mod support;
#[path = "support/one_at_a_time.rs"]
mod turns;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use jiff::Timestamp;
use rotakey_aws::dynamodb::{Readiness, Table};
use rotakey_aws::{Connection, ConnectionOptions};
use rotakey_core::rotate::{ChainHash, Event, Note, Record, Subject};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::conformance::store::{Harness, Place, check_all};
use rotakey_engine::store::{Append, Store, StoreError, Turn};
use serde_json::json;

use support::{Replay, VirtualClock};

#[tokio::test]
async fn dynamodb_keeps_the_contract_of_stores() {
    check_all(&Moto::new().await).await;
}

#[tokio::test]
async fn a_table_is_made_when_that_is_asked_for_and_only_once() {
    let moto = Moto::new().await;
    let table = moto.table();
    let clock = VirtualClock::new();
    let missing = table.open().await.unwrap_err();
    assert!(matches!(missing, StoreError::Missing { .. }), "{missing:?}");
    assert!(missing.to_string().contains("there is no such table"), "{missing}");
    assert_eq!(table.readiness().await, Ok(Readiness::Absent));
    for _ in 0..2 {
        table.migrate(&*clock).await.unwrap();
        assert_eq!(table.readiness().await, Ok(Readiness::Ready));
    }
    assert_eq!(table.open().await.unwrap().rotations().await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_table_that_somebody_made_with_the_right_keys_is_set_up() {
    let moto = Moto::new().await;
    let (name, table) = moto.named_table();
    table.migrate(&*VirtualClock::new()).await.unwrap();
    let key = |text: &str| AttributeValue::S(text.to_owned());
    let delete = moto.client.delete_item().table_name(&name).key("pk", key("rotakey"));
    delete.key("sk", key("format")).send().await.unwrap();
    assert_eq!(table.readiness().await, Ok(Readiness::Bare));
    let missing = table.open().await.unwrap_err();
    assert!(matches!(missing, StoreError::Missing { .. }), "{missing:?}");
    table.migrate(&*VirtualClock::new()).await.unwrap();
    table.open().await.unwrap();
}

#[tokio::test]
async fn a_table_of_others_and_one_of_a_newer_rotakey_are_left_alone() {
    let moto = Moto::new().await;
    let (name, table) = moto.named_table();
    let attribute =
        AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash);
    let create = moto.client.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
    let create = create.attribute_definitions(attribute.build().unwrap()).key_schema(key.build().unwrap());
    create.send().await.unwrap();
    let foreign = table.migrate(&*VirtualClock::new()).await.unwrap_err();
    assert!(matches!(foreign, StoreError::Foreign { .. }), "{foreign:?}");

    let (name, table) = moto.named_table();
    table.migrate(&*VirtualClock::new()).await.unwrap();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = moto.client.put_item().table_name(&name).item("pk", text("rotakey")).item("sk", text("format"));
    let put = put.item("application", text("rotakey rotation log"));
    put.item("format", AttributeValue::N("7".to_owned())).send().await.unwrap();
    let newer = table.open().await.unwrap_err();
    assert!(matches!(newer, StoreError::Newer { found: 7, .. }), "{newer:?}");
}

#[tokio::test]
async fn a_long_log_is_appended_whole_in_one_transaction() {
    let moto = Moto::new().await;
    let table = moto.table();
    table.migrate(&*VirtualClock::new()).await.unwrap();
    let store = table.open().await.unwrap();
    let id = "r-abcdefgh".parse().unwrap();
    let mut before = ChainHash::origin(&id);
    let mut records = Vec::new();
    for version in 1..=3_000 {
        let event = Event::Noted { note: Note::Delivered };
        let record = Record::seal(&id, version, Timestamp::UNIX_EPOCH, &event, &before);
        before = record.hash.clone();
        records.push(record);
    }
    let subject = Subject {
        account_id: "012345678901".parse().unwrap(),
        user_name: "alice".parse().unwrap(),
        user_id: "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap(),
    };
    let before = moto.connection.calls_sent();
    let append = Append {
        rotation: &id,
        subject: &subject,
        expected_version: 0,
        records: &records,
        closes: true,
        turn: Turn::Person { due: None },
    };
    store.append(append).await.unwrap();
    // Whether there is the rotation, whether the user has another one, its number, and the transaction.
    assert_eq!(moto.connection.calls_sent() - before, 4);
    assert_eq!(store.load(&id).await.unwrap(), records);
}

#[tokio::test]
async fn refusals_of_aws_are_told_as_what_they_are() {
    let refused = |code: &str| {
        let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "no" });
        (400, body)
    };
    let error = async |code: &str| {
        let replay = Replay::start(std::iter::repeat_with(|| refused(code)).take(8));
        replay.connect().await.table("keys", Some("eu-west-1")).open().await.unwrap_err()
    };
    let denied = error("AccessDeniedException").await;
    assert!(
        matches!(&denied, StoreError::Denied { message, .. } if message.contains("dynamodb:GetItem")),
        "{denied:?}"
    );
    let throttled = error("ProvisionedThroughputExceededException").await;
    assert!(matches!(throttled, StoreError::Unavailable { .. }), "{throttled:?}");
    assert!(throttled.to_string().starts_with("dynamodb://keys?region=eu-west-1: "), "{throttled}");
    let missing = error("ResourceNotFoundException").await;
    assert!(matches!(missing, StoreError::Missing { .. }), "{missing:?}");
}

#[tokio::test]
async fn dynamodb_keeps_the_contract_of_outboxes() {
    let table = Moto::new().await.table();
    table.migrate(&*VirtualClock::new()).await.unwrap();
    rotakey_engine::conformance::outbox::check_all(&table.open().await.unwrap()).await;
}

/// moto's server, as the test set-up started it.
struct Moto {
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
            endpoint_url: Some(turns::one_at_a_time(&url)),
            credentials: Some(AccessKeyPair {
                id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
                secret: Secret::new("moto".to_owned()),
            }),
            ..ConnectionOptions::default()
        };
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(url)
            .credentials_provider(Credentials::new("AKIAIOSFODNN7EXAMPLE", "moto", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Self { connection: Connection::open(options).await.unwrap(), client: Client::from_conf(config) }
    }

    /// A table that does not exist yet.
    fn table(&self) -> Table {
        self.named_table().1
    }

    fn named_table(&self) -> (String, Table) {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("rotations-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let table = self.connection.table(&name, None);
        (name, table)
    }
}

#[async_trait]
impl Harness for Moto {
    async fn empty(&self) -> Box<dyn Place> {
        let table = self.table();
        table.migrate(&*VirtualClock::new()).await.unwrap();
        Box::new(OneTable(table))
    }
}

struct OneTable(Table);

#[async_trait]
impl Place for OneTable {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.0.open().await.unwrap())
    }
}
