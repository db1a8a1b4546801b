//! The calls that a new key is tried with, and alarms as checks, on moto's server. It makes no composite alarms.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use jiff::Timestamp;
use rotakey_aws::{Connection, ConnectionOptions};
use rotakey_core::rotate::PROBED_SERVICES;
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{KeyProbe, PortErrorKind};

const REGION: &str = "eu-west-1";

/// What moto does not have: `DescribeAccountLimits`.
const NOT_IN_MOTO: [&str; 1] = ["cloudformation"];

#[tokio::test]
async fn a_key_is_tried_in_each_service_by_a_call_that_the_service_knows() {
    let probe = Moto::new().connection().await.key_probe();
    let mut not_known = Vec::new();
    for service in PROBED_SERVICES {
        match probe.knows(&pair(), service, REGION).await {
            Ok(()) => {}
            Err(error) => {
                assert_eq!(error.kind, PortErrorKind::Ambiguous, "it says nothing of the key: {error}");
                not_known.push(service);
            }
        }
    }
    assert_eq!(not_known, NOT_IN_MOTO);
}

#[tokio::test]
async fn a_service_that_no_call_is_known_of_is_not_tried() {
    let connection = Moto::new().connection().await;
    let error = connection.key_probe().knows(&pair(), "quantum", REGION).await.unwrap_err();
    assert_eq!((error.kind, connection.calls_sent()), (PortErrorKind::Invalid, 0));
}

#[tokio::test]
async fn an_alarm_is_told_by_its_state_whatever_its_name() {
    let moto = Moto::new();
    let connection = moto.connection().await;
    // One region for each test: moto has one account.
    let region = "ap-southeast-4";
    let state = async |name: &str| {
        let found = connection.alarm(name, Some(region), Timestamp::UNIX_EPOCH).await;
        found.map_err(|error| error.kind)
    };
    let metric = "orders & more/5% = \u{e9}";
    let encoded = "orders+%26+more%2F5%25+%3D+%C3%A9";
    assert_eq!(state(metric).await, Err(PortErrorKind::NotFound));
    moto.cloudwatch(
        region,
        &format!(
            "Action=PutMetricAlarm&AlarmName={encoded}&MetricName=failures&Namespace=shop&Statistic=Sum&Period=60\
             &EvaluationPeriods=1&Threshold=1&ComparisonOperator=GreaterThanThreshold"
        ),
    );
    let set = |state: &str| {
        let set = format!("Action=SetAlarmState&AlarmName={encoded}&StateValue={state}&StateReason=a+test");
        moto.cloudwatch(region, &set);
    };
    for (value, told) in [
        ("ALARM", Ok(true)),
        ("OK", Ok(false)),
        ("INSUFFICIENT_DATA", Err(PortErrorKind::Ambiguous)),
        ("ALARM", Ok(true)),
    ] {
        set(value);
        assert_eq!(state(metric).await, told, "{value}");
    }
    // In another region nobody has heard of it.
    let elsewhere = connection.alarm(metric, Some("ap-southeast-3"), Timestamp::UNIX_EPOCH).await;
    assert_eq!(elsewhere.map_err(|error| error.kind), Err(PortErrorKind::NotFound));
}

/// moto's server, as the test set-up started it.
struct Moto(String);

impl Moto {
    fn new() -> Self {
        Self(std::env::var("ROTAKEY_TEST_MOTO_URL").unwrap_or_else(|_| {
            panic!(
                "ROTAKEY_TEST_MOTO_URL is not set: this test needs moto's server. \
                 Run `cargo xtask setup` once, and the tests by `cargo xtask test`."
            )
        }))
    }

    async fn connection(&self) -> Connection {
        let options = ConnectionOptions {
            region: Some(REGION.to_owned()),
            endpoint_url: Some(self.0.clone()),
            credentials: Some(pair()),
            ..ConnectionOptions::default()
        };
        Connection::open(options).await.unwrap()
    }

    /// A call of CloudWatch, for which there is no SDK crate here. moto looks at the scope of a signature, and not at the
    /// signature.
    fn cloudwatch(&self, region: &str, body: &str) {
        let host = self.0.trim_start_matches("http://");
        let body = format!("{body}&Version=2010-08-01");
        let mut connection = TcpStream::connect(host).unwrap();
        let scope = format!("AKIAIOSFODNN7EXAMPLE/20260101/{region}/monitoring/aws4_request");
        write!(
            connection,
            "POST / HTTP/1.0\r\nhost: {host}\r\nauthorization: AWS4-HMAC-SHA256 Credential={scope}, \
             SignedHeaders=host, Signature=00\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.lines().next().unwrap().contains(" 200 "), "{body}:\n{answer}");
    }
}

fn pair() -> AccessKeyPair {
    AccessKeyPair { id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(), secret: Secret::new("moto".to_owned()) }
}
