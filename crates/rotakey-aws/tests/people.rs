//! Telling people through SNS and SES, on moto's server.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName;
use rotakey_aws::{Connection, ConnectionOptions};
use rotakey_core::notify::{NotifierSpec, Ses, Sns};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::conformance::notifier::{self as conformance, Broken, Harness, message, notice};
use rotakey_engine::port::{Notifier, Notifiers, PortErrorKind};
use serde_json::{Value, json};

const REGION: &str = "eu-west-1";

fn url() -> String {
    std::env::var("ROTAKEY_TEST_MOTO_URL").unwrap_or_else(|_| {
        panic!(
            "ROTAKEY_TEST_MOTO_URL is not set: this test needs moto's server. \
             Run `cargo xtask setup` once, and the tests by `cargo xtask test`."
        )
    })
}

async fn connection(url: &str) -> Connection {
    let options = ConnectionOptions {
        // The topic names its own region.
        region: Some("us-east-2".to_owned()),
        endpoint_url: Some(url.to_owned()),
        credentials: Some(AccessKeyPair {
            id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
            secret: Secret::new("moto-secret".to_owned()),
        }),
        ..ConnectionOptions::default()
    };
    Connection::open(options).await.unwrap()
}

/// The clients of the test itself, which look at what arrived.
macro_rules! client {
    ($sdk:ident) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(REGION))
                .endpoint_url(url())
                .credentials_provider(Credentials::new("AKIAIOSFODNN7EXAMPLE", "moto", None, None, "test"))
                .http_client(aws_smithy_http_client::Builder::new().build_http())
                .build(),
        )
    };
}

fn fresh(name: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{name}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A topic with a queue that subscribes to it.
struct Topic {
    connection: Connection,
    nobody: Connection,
    arn: String,
    queue_url: String,
    queue: aws_sdk_sqs::Client,
}

impl Topic {
    async fn new() -> Self {
        let (sns, queue) = (client!(aws_sdk_sns), client!(aws_sdk_sqs));
        let name = fresh("keys");
        let arn = sns.create_topic().name(&name).send().await.unwrap().topic_arn.unwrap();
        let queue_url = queue.create_queue().queue_name(&name).send().await.unwrap().queue_url.unwrap();
        let look = queue.get_queue_attributes().queue_url(&queue_url);
        let found = look.attribute_names(QueueAttributeName::QueueArn).send().await.unwrap();
        let queue_arn = found.attributes.unwrap()[&QueueAttributeName::QueueArn].clone();
        sns.subscribe().topic_arn(&arn).protocol("sqs").endpoint(queue_arn).send().await.unwrap();
        let nobody = connection("http://127.0.0.1:1").await;
        Self { connection: connection(&url()).await, nobody, arn, queue_url, queue }
    }

    /// What SNS gave to the queue since the last call.
    async fn envelopes(&self) -> Vec<Value> {
        let mut envelopes = Vec::new();
        loop {
            let received = self.queue.receive_message().queue_url(&self.queue_url).send().await.unwrap();
            let messages = received.messages.unwrap_or_default();
            if messages.is_empty() {
                return envelopes;
            }
            for message in messages {
                let receipt = message.receipt_handle.unwrap();
                let delete = self.queue.delete_message().queue_url(&self.queue_url).receipt_handle(receipt);
                delete.send().await.unwrap();
                envelopes.push(serde_json::from_str(&message.body.unwrap()).unwrap());
            }
        }
    }
}

fn topic(connection: &Connection, arn: &str) -> Box<dyn Notifier> {
    Notifiers::open(connection, &NotifierSpec::Sns(Sns { topic_arn: arn.to_owned() })).unwrap()
}

#[async_trait]
impl Harness for Topic {
    fn open(&self) -> Box<dyn Notifier> {
        topic(&self.connection, &self.arn)
    }

    async fn shown(&self) -> Vec<String> {
        let envelopes = self.envelopes().await;
        envelopes
            .iter()
            .map(|envelope| {
                format!(
                    "{}\n{}",
                    envelope["Subject"].as_str().unwrap(),
                    envelope["Message"].as_str().unwrap()
                )
            })
            .collect()
    }

    /// Only a FIFO topic does.
    fn recognises_twice(&self) -> bool {
        false
    }

    async fn broken(&self) -> Vec<Broken> {
        let gone = format!("{}-gone", self.arn);
        vec![
            Broken { name: "gone", notifier: topic(&self.connection, &gone), kind: PortErrorKind::NotFound },
            Broken {
                name: "silent",
                notifier: topic(&self.nobody, &self.arn),
                kind: PortErrorKind::Ambiguous,
            },
        ]
    }

    fn secrets(&self) -> Vec<String> {
        vec!["moto-secret".to_owned()]
    }

    /// Nothing is: it shows texts as they are.
    fn forbidden(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_topic_keeps_the_contract() {
    conformance::check_all(&Topic::new().await).await;
}

#[tokio::test]
async fn subscribers_can_filter_by_kind_and_severity() {
    let topic = Topic::new().await;
    topic.open().send(&message(vec![notice(1)])).await.unwrap();
    topic.open().send(&message(vec![notice(2), notice(3)])).await.unwrap();
    let envelopes = topic.envelopes().await;
    let kinds: Vec<_> =
        envelopes.iter().map(|envelope| &envelope["MessageAttributes"]["kind"]["Value"]).collect();
    assert_eq!(kinds, [&json!("asks"), &json!("digest")]);
    assert_eq!(envelopes[0]["MessageAttributes"]["severity"], json!({ "Type": "String", "Value": "error" }));
}

#[tokio::test]
async fn a_fifo_topic_takes_a_message_with_its_id() {
    let sns = client!(aws_sdk_sns);
    let create = sns.create_topic().name(format!("{}.fifo", fresh("keys"))).attributes("FifoTopic", "true");
    let arn = create.send().await.unwrap().topic_arn.unwrap();
    // Without a group and an id to tell doubles by, moto refuses it as SNS does.
    topic(&connection(&url()).await, &arn).send(&message(vec![notice(1)])).await.unwrap();
}

/// A verified sender. moto tells what it sent of all senders, so each test has one of its own.
struct Sender {
    connection: Connection,
    nobody: Connection,
    from: String,
    seen: AtomicU32,
}

impl Sender {
    async fn new() -> Self {
        let from = format!("{}@example.com", fresh("rotakey"));
        client!(aws_sdk_sesv2).create_email_identity().email_identity(&from).send().await.unwrap();
        let nobody = connection("http://127.0.0.1:1").await;
        Self { connection: connection(&url()).await, nobody, from, seen: AtomicU32::new(0) }
    }
}

fn sender(connection: &Connection, from: &str) -> Box<dyn Notifier> {
    let spec = Ses {
        region: Some(REGION.to_owned()),
        from: from.to_owned(),
        to: vec!["security@example.com".to_owned()],
        owner_domains: Vec::new(),
    };
    Notifiers::open(connection, &NotifierSpec::Ses(spec)).unwrap()
}

#[async_trait]
impl Harness for Sender {
    fn open(&self) -> Box<dyn Notifier> {
        sender(&self.connection, &self.from)
    }

    async fn shown(&self) -> Vec<String> {
        let data = get(&format!("{}/moto-api/data.json", url()));
        let mails = data["ses"]["Message"].as_array().cloned().unwrap_or_default();
        let mine: Vec<_> = mails.into_iter().filter(|mail| mail["source"] == self.from.as_str()).collect();
        let seen = self.seen.swap(u32::try_from(mine.len()).unwrap(), Ordering::Relaxed) as usize;
        let told = mine[seen..].iter().map(|mail| {
            let to = mail["destinations"]["ToAddresses"].to_string();
            assert_eq!(to, r#"["security@example.com"]"#);
            format!("{}\n{}", mail["subject"].as_str().unwrap(), mail["body"].as_str().unwrap())
        });
        told.collect()
    }

    fn recognises_twice(&self) -> bool {
        false
    }

    async fn broken(&self) -> Vec<Broken> {
        vec![
            Broken {
                name: "not verified",
                notifier: sender(&self.connection, "stranger@example.org"),
                kind: PortErrorKind::Invalid,
            },
            Broken {
                name: "silent",
                notifier: sender(&self.nobody, &self.from),
                kind: PortErrorKind::Ambiguous,
            },
        ]
    }

    fn secrets(&self) -> Vec<String> {
        vec!["moto-secret".to_owned()]
    }

    /// Nothing is: a mail of plain text.
    fn forbidden(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// One document from moto's server.
fn get(url: &str) -> Value {
    use std::io::{Read as _, Write as _};
    let address = url.trim_start_matches("http://");
    let (host, path) = address.split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn a_sender_of_ses_keeps_the_contract() {
    conformance::check_all(&Sender::new().await).await;
}

/// On tokio's paused clock, which jumps as soon as everybody waits, and with the waits of the real program.
#[tokio::test(start_paused = true)]
async fn channels_of_an_aws_that_lets_everybody_in_and_never_answers_are_given_up_in_time() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = connection(&format!("http://{}", silent.local_addr().unwrap())).await;
    let topic = topic(&connection, "arn:aws:sns:eu-west-1:123456789012:keys");
    for notifier in [topic, sender(&connection, "rotakey@example.com")] {
        let begun = tokio::time::Instant::now();
        conformance::a_silent_channel_is_given_up(&*notifier, || begun.elapsed()).await;
    }
}
