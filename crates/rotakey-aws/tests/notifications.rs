//! A queue on moto's server that is told about new objects.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName;
use rotakey_aws::sqs::NotificationQueue;
use rotakey_aws::{Connection, ConnectionOptions};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::PortErrorKind;
use serde_json::json;

#[tokio::test]
async fn new_objects_are_told_until_they_are_done_with() {
    let moto = Moto::new().await;
    moto.send(&created("a+b.json.gz")).await;
    let [first] = &moto.receive().await.notifications[..] else { panic!("one message was sent") };
    assert_eq!((first.objects[0].bucket.as_str(), first.objects[0].key.as_str()), ("logs", "a b.json.gz"));
    assert_eq!(first.receipt.times, 1);
    assert!(moto.receive().await.notifications.is_empty(), "nobody else gets it meanwhile");

    moto.queue.hold(&first.receipt, Duration::ZERO).await.unwrap();
    let [again] = &moto.receive().await.notifications[..] else { panic!("it was given back") };
    assert_eq!((&again.receipt.message_id, again.receipt.times), (&first.receipt.message_id, 2));

    moto.queue.hold(&again.receipt, Duration::from_secs(3_600)).await.unwrap();
    moto.queue.done(std::slice::from_ref(&again.receipt)).await.unwrap();
    assert_eq!(moto.left().await, (0, 0));
}

#[tokio::test]
async fn a_test_of_the_way_is_deleted_and_an_unknown_message_stays() {
    let moto = Moto::new().await;
    moto.send(r#"{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "logs"}"#).await;
    moto.send("{\"hello\": \"\u{7f}\"}").await;
    moto.send(&created("x")).await;
    let received = moto.receive().await;
    assert_eq!((received.notifications.len(), received.nothing_new, received.not_deleted), (1, 1, None));
    let [unknown] = &received.unknown[..] else { panic!("{:?}", received.unknown) };
    assert_eq!(unknown.reason, "neither of S3, nor of EventBridge for S3, nor of CloudTrail");
    assert_eq!(unknown.beginning, r#"{"hello": "\u{7f}"}"#);
    assert_eq!(moto.left().await, (0, 2), "it comes again, until a dead-letter queue takes it");
}

#[tokio::test]
async fn more_than_ten_messages_are_received_and_deleted_in_turns() {
    let moto = Moto::new().await;
    for number in 0..23 {
        moto.send(&created(&format!("{number}.json.gz"))).await;
    }
    let mut receipts = Vec::new();
    loop {
        let received = moto.receive().await;
        if received.notifications.is_empty() {
            break;
        }
        assert!(received.notifications.len() <= 10);
        receipts.extend(received.notifications.into_iter().map(|notification| notification.receipt));
    }
    assert_eq!((receipts.len(), moto.left().await), (23, (0, 23)));
    moto.queue.done(&receipts).await.unwrap();
    assert_eq!(moto.left().await, (0, 0));
}

#[tokio::test]
async fn a_queue_that_does_not_exist_is_an_error() {
    let moto = Moto::new().await;
    let url = format!("{}-gone", moto.queue_url);
    let gone = moto.connection.notifications(&url);
    let error = gone.receive(Duration::ZERO, None).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::NotFound, "{error}");
}

/// What S3 says of a new object.
fn created(key: &str) -> String {
    let object = json!({"bucket": {"name": "logs"}, "object": {"key": key, "eTag": "d41d8cd9"}});
    json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": object}]})
        .to_string()
}

/// A new queue on moto's server, as the test set-up started it.
struct Moto {
    connection: Connection,
    queue: NotificationQueue,
    client: Client,
    queue_url: String,
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
            credentials: Some(AccessKeyPair {
                id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
                secret: Secret::new("moto".to_owned()),
            }),
            ..ConnectionOptions::default()
        };
        let connection = Connection::open(options).await.unwrap();
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(url)
            .credentials_provider(Credentials::new("AKIAIOSFODNN7EXAMPLE", "moto", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let client = Client::from_conf(config);
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("trail-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let made = client.create_queue().queue_name(name).send().await.unwrap();
        let queue_url = made.queue_url.unwrap();
        Self { queue: connection.notifications(&queue_url), connection, client, queue_url }
    }

    async fn send(&self, body: &str) {
        self.client.send_message().queue_url(&self.queue_url).message_body(body).send().await.unwrap();
    }

    async fn receive(&self) -> rotakey_aws::sqs::Received {
        self.queue.receive(Duration::ZERO, Some(Duration::from_secs(600))).await.unwrap()
    }

    /// How many messages wait, and how many are with somebody.
    async fn left(&self) -> (u32, u32) {
        let (waiting, held) = (
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        );
        let look = self.client.get_queue_attributes().queue_url(&self.queue_url);
        let look = look.attribute_names(waiting.clone()).attribute_names(held.clone());
        let found = look.send().await.unwrap().attributes.unwrap();
        (found[&waiting].parse().unwrap(), found[&held].parse().unwrap())
    }
}
