//! What is sent, seen by a server on the loopback that answers every request alike.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_aws::{Connection, ConnectionOptions};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{Clock, Iam, KeyProbe, PortErrorKind};

/// A clock that stands, for what never waits.
struct StandingClock;

#[async_trait]
impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep_until(&self, at: Timestamp) {
        panic!("waits until {at}");
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(StandingClock)
}

#[tokio::test]
async fn a_key_is_asked_for_once_whatever_the_answer() {
    for (answer, kind) in [
        (Answer::Http(503, "<html>try later</html>"), PortErrorKind::Ambiguous),
        (Answer::Http(400, THROTTLED), PortErrorKind::Throttled),
        (Answer::HangUp, PortErrorKind::Ambiguous),
    ] {
        let server = Server::start(answer);
        let connection = server.connect().await;
        let error = connection.iam(clock()).create_access_key(&"alice".parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{answer:?}");
        assert_eq!(server.requests().len(), 1, "{answer:?}");
        assert_eq!(connection.calls_sent(), 1, "{answer:?}");
    }
}

#[tokio::test]
async fn a_successful_answer_that_cannot_be_read_may_have_made_a_key_and_is_not_quoted() {
    const SECRET: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";
    for body in [
        "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><SecretAccessKey>\
         wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY</SecretAccessKey>",
        "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><UserName>alice</UserName>\
         <AccessKeyId>short</AccessKeyId><Status>Active</Status><SecretAccessKey>\
         wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY</SecretAccessKey></AccessKey>\
         </CreateAccessKeyResult></CreateAccessKeyResponse>",
        "<CreateAccessKeyResponse><CreateAccessKeyResult/></CreateAccessKeyResponse>",
        "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
    ] {
        let server = Server::start(Answer::Http(200, body));
        let iam = server.connect().await.iam(clock());
        let error = iam.create_access_key(&"alice".parse().unwrap()).await.unwrap_err();
        assert!(error.may_have_happened(), "{error}");
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
    }
}

#[tokio::test]
async fn the_probe_signs_with_the_pair_alone_and_asks_once() {
    let server = Server::start(Answer::Http(403, REFUSED));
    let probe = server.connect().await.key_probe();
    let error = probe.identify(&pair("AKIAI44QH8DHBEXAMPLE")).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Credentials);
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].contains("Credential=AKIAI44QH8DHBEXAMPLE/"), "{}", requests[0]);
}

#[tokio::test]
async fn the_probe_tells_whose_the_pair_is() {
    let server = Server::start(Answer::Http(
        200,
        "<GetCallerIdentityResponse><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::012345678901:user/alice</Arn><UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>\
         <Account>012345678901</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
    ));
    let probe = server.connect().await.key_probe();
    let identity = probe.identify(&pair("AKIAI44QH8DHBEXAMPLE")).await.unwrap();
    assert_eq!(identity.account_id.to_string(), "012345678901");
    assert_eq!(identity.arn, "arn:aws:iam::012345678901:user/alice");
}

#[tokio::test]
async fn requests_say_which_program_sent_them() {
    let server = Server::start(Answer::Http(400, THROTTLED));
    let probe = server.connect().await.key_probe();
    probe.identify(&pair("AKIAI44QH8DHBEXAMPLE")).await.unwrap_err();
    let expected = format!("lib/rotakey/{}", env!("CARGO_PKG_VERSION"));
    assert!(server.requests()[0].contains(&expected), "{}", server.requests()[0]);
}

#[tokio::test]
async fn other_clients_get_the_credentials_of_the_connection() {
    let server = Server::start(Answer::HangUp);
    let now = "2026-11-23T12:00:00Z".parse().unwrap();
    let credentials = server.connect().await.credentials(now).await.unwrap();
    assert_eq!(credentials.access_key_id, "AKIAIOSFODNN7EXAMPLE");
    assert_eq!(credentials.secret_access_key.expose(), "secret");
    assert_eq!((credentials.session_token, credentials.expires_at), (None, None));
    assert!(server.requests().is_empty());
}

/// The answer to every request.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// That status and body.
    Http(u16, &'static str),
    /// None: the connection is closed once the request was read.
    HangUp,
}

const THROTTLED: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>\
     <Message>Rate exceeded</Message></Error><RequestId>1</RequestId></ErrorResponse>";

const REFUSED: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>\
     <Message>The security token included in the request is invalid.</Message></Error>\
     <RequestId>1</RequestId></ErrorResponse>";

/// Listens on the loopback for as long as the test process lives.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read_request(&mut stream) else { continue };
                seen.lock().unwrap().push(request);
                if let Answer::Http(status, body) = answer {
                    let length = body.len();
                    let head =
                        format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {length}");
                    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
                }
            }
        });
        Self { url, requests }
    }

    async fn connect(&self) -> Connection {
        let options = ConnectionOptions {
            region: Some("us-east-1".to_owned()),
            endpoint_url: Some(self.url.clone()),
            credentials: Some(pair("AKIAIOSFODNN7EXAMPLE")),
            ..ConnectionOptions::default()
        };
        Connection::open(options).await.unwrap()
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// The head and body of one request; `None` if the client hung up before it was whole.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = String::new();
    let mut chunk = [0; 4096];
    loop {
        let length = stream.read(&mut chunk).ok().filter(|length| *length > 0)?;
        request.push_str(&String::from_utf8_lossy(&chunk[..length]));
        if let Some((head, body)) = request.split_once("\r\n\r\n") {
            let expected = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                if name.eq_ignore_ascii_case("content-length") { value.trim().parse().ok() } else { None }
            });
            if body.len() >= expected.unwrap_or(0) {
                return Some(request);
            }
        }
    }
}

fn pair(id: &str) -> AccessKeyPair {
    AccessKeyPair { id: id.parse().unwrap(), secret: Secret::new("secret".to_owned()) }
}
