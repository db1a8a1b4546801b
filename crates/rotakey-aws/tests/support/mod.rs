//! A server on the loopback that answers by a script, and a clock that waits by moving its hands.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rotakey_aws::{Connection, ConnectionOptions};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::Clock;
use serde_json::Value;

/// A request: the operation that its head names, and its body.
pub(crate) type Request = (String, Value);

/// Answers each request with the next status and body of its script. Listens for as long as the test process lives.
pub(crate) struct Replay {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Replay {
    pub(crate) fn start(script: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (requests, mut script) =
            (Arc::new(Mutex::new(Vec::new())), script.into_iter().collect::<VecDeque<_>>());
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read_request(&mut stream) else { continue };
                seen.lock().unwrap().push(request);
                let end = (500, Value::from("the script has ended"));
                let (status, body) = script.pop_front().unwrap_or(end);
                let (body, kind) = (body.to_string(), "application/x-amz-json-1.1");
                let length = body.len();
                let head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-type: {kind}");
                stream
                    .write_all(format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes())
                    .unwrap();
            }
        });
        Self { url, requests }
    }

    pub(crate) async fn connect(&self) -> Connection {
        let options = ConnectionOptions {
            region: Some("eu-west-1".to_owned()),
            endpoint_url: Some(self.url.clone()),
            credentials: Some(AccessKeyPair {
                id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
                secret: Secret::new("secret".to_owned()),
            }),
            ..ConnectionOptions::default()
        };
        Connection::open(options).await.unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The names of the operations that were called, in order.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.requests().into_iter().map(|(operation, _)| operation).collect()
    }
}

/// One request; `None` if the client hung up before it was whole.
fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut request = String::new();
    let mut chunk = [0; 4096];
    loop {
        let length = stream.read(&mut chunk).ok().filter(|length| *length > 0)?;
        request.push_str(&String::from_utf8_lossy(&chunk[..length]));
        let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
        let header = |wanted: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(':'));
            lines.filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim()).next()
        };
        if body.len() >= header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0) {
            let operation = header("x-amz-target")?.rsplit('.').next()?.to_owned();
            return Some((operation, serde_json::from_str(body).unwrap()));
        }
    }
}

/// Waits by moving its hands.
pub(crate) struct VirtualClock(Mutex<Timestamp>);

impl VirtualClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Timestamp::UNIX_EPOCH)))
    }

    /// How long was waited.
    pub(crate) fn waited(&self) -> SignedDuration {
        self.now().duration_since(Timestamp::UNIX_EPOCH)
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut now = self.0.lock().unwrap();
        *now = at.max(*now);
    }
}
