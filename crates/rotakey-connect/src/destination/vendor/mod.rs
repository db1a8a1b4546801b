//! For tests: a server that stands for a vendor, and the suite over it.
//!
//! It is stricter than the vendor: every request is held against a description of the vendor's API before it is answered
//! (see [`description`]), and one that does not fit fails the test. What is answered is the business of a [`Vendor`], one
//! for each adapter, which keeps what it is given in clear, so that applications can be played.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use self::description::Description;
use rotakey_engine::conformance::destination::Break;

pub(super) mod description;
pub(super) mod suite;

/// The vendor's side of the API.
pub(super) trait Vendor: Send + 'static {
    /// `now` counts seconds, one for each request.
    fn answer(&mut self, request: &Request, now: i64) -> Response;

    /// The value that applications find under that name.
    fn value(&self, name: &str) -> Option<String>;

    /// All that is kept.
    fn contents(&self) -> Vec<u8>;
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// As sent, without the query.
    pub(super) raw_path: String,
    pub(super) query: Vec<(String, String)>,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

pub(super) struct Response {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
}

impl Request {
    /// The segments of the path, decoded, without the base path.
    pub(super) fn segments(&self, base: &str) -> Vec<String> {
        let path = self.raw_path.strip_prefix(base).unwrap_or_default();
        path.split('/').skip(1).map(decoded).collect()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// Refuses who has no token, or one that only reads and wants to write.
    pub(super) fn refusal(&self, token: Option<&str>) -> Option<Response> {
        match token {
            Some("writer") => None,
            Some("reader") if self.method == "GET" => None,
            Some("reader") => Some(Response::new(403, json!({ "message": "insufficient_scope" }))),
            _ => Some(Response::new(401, json!({ "message": "Bad credentials" }))),
        }
    }
}

impl Response {
    pub(super) fn new(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Some(body) }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, json!({ "message": "Not Found" }))
    }

    pub(super) fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }
}

/// A vendor that listens.
pub(super) struct Server<V> {
    address: String,
    shared: Arc<Mutex<Shared<V>>>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Shared<V> {
    vendor: V,
    now: i64,
    /// Stands still while a test looks at what happens within one second.
    clock_stands: bool,
    calls: usize,
    death: Option<Death>,
    /// What was wrong with requests.
    violations: Vec<String>,
}

/// The server dies at a call.
struct Death {
    calls_left: usize,
    how: Break,
    happened: bool,
}

impl<V: Vendor> Server<V> {
    pub(super) fn start(description: &'static Description, vendor: V) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Shared {
            vendor,
            now: 1_700_000_000,
            clock_stands: false,
            calls: 0,
            death: None,
            violations: Vec::new(),
        };
        let shared = Arc::new(Mutex::new(shared));
        let stopped = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (shared, stopped) = (shared.clone(), stopped.clone());
            move || {
                for stream in listener.incoming() {
                    if stopped.load(Ordering::Acquire) {
                        break;
                    }
                    serve(stream.unwrap(), &shared, description);
                }
            }
        });
        Self { address, shared, stopped, thread: Some(thread) }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The vendor, between two requests.
    pub(super) fn vendor<T>(&self, look: impl FnOnce(&mut V) -> T) -> T {
        look(&mut lock(&self.shared).vendor)
    }

    pub(super) fn stop_the_clock(&self, stopped: bool) {
        lock(&self.shared).clock_stands = stopped;
    }

    pub(super) fn die_at(&self, call: usize, how: Break) {
        lock(&self.shared).death = Some(Death { calls_left: call, how, happened: false });
    }

    pub(super) fn live_again(&self) -> bool {
        lock(&self.shared).death.take().is_some_and(|death| death.happened)
    }

    /// How many calls were answered.
    pub(super) fn calls(&self) -> usize {
        lock(&self.shared).calls
    }

    /// What was wrong with requests so far.
    pub(super) fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.shared).violations)
    }
}

impl<V> Drop for Server<V> {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        // Wakes the thread up.
        let _ = TcpStream::connect(&self.address);
        let _ = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            let violations = &lock(&self.shared).violations;
            assert!(violations.is_empty(), "requests that the vendor would refuse: {violations:#?}");
        }
    }
}

fn lock<V>(shared: &Mutex<Shared<V>>) -> MutexGuard<'_, Shared<V>> {
    shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Answers one request.
fn serve<V: Vendor>(mut stream: TcpStream, shared: &Mutex<Shared<V>>, description: &Description) {
    let Some(request) = read(&stream) else { return };
    let mut shared = lock(shared);
    let mut answered = true;
    if let Some(death) = &mut shared.death {
        if death.happened {
            return;
        }
        if death.calls_left == 0 {
            death.happened = true;
            if death.how == Break::Unheard {
                return;
            }
            answered = false;
        } else {
            death.calls_left -= 1;
        }
    }
    let violations = description.violations(&request);
    if !violations.is_empty() {
        shared.violations.push(format!("{} {}: {violations:?}", request.method, request.raw_path));
        respond(&mut stream, &Response::new(400, json!({ "message": violations })), 0);
        return;
    }
    shared.now += i64::from(!shared.clock_stands);
    let now = shared.now;
    shared.calls += 1;
    let response = shared.vendor.answer(&request, now);
    if answered {
        respond(&mut stream, &response, now);
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    };
    Some(Request {
        method,
        raw_path: path.to_owned(),
        query: query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect(),
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}

fn respond(stream: &mut TcpStream, response: &Response, now: i64) {
    let date = jiff::Timestamp::from_second(now).unwrap();
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).unwrap();
    let body = response.body.as_ref().map_or_else(String::new, Value::to_string);
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\ndate: {date}\r\n", response.status);
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if response.body.is_some() {
        head.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
    }
    // The client may have gone.
    let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes());
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        match byte {
            b'%' => bytes.push(u8::try_from(digit().unwrap() * 16 + digit().unwrap()).unwrap()),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}
