//! HTTP/1.1 as far as harnesses need it: a server that hands whole requests to a function, or on to the real server, and
//! that dies when it is told to; and a client. One request for each connection. It trusts what it reads.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::conformance::destination::Break;

/// A whole request.
#[derive(Debug, Clone)]
pub struct Request {
    /// In capital letters.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// All of it.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of the first header of that name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// Names in lower case; none that frame the body.
    pub headers: Vec<(String, String)>,
    /// All of it.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer of JSON.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }
}

/// What a server does with a request.
type Handler = dyn Fn(&Request) -> Option<Response> + Send + Sync;

/// What a client is talked to over: TCP, or TLS over it.
pub trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// A server on a port of its own. Its threads end with the process.
#[derive(Clone)]
pub struct Server {
    address: SocketAddr,
    fault: Arc<Mutex<Option<Fault>>>,
}

/// When the server dies, for the conformance suite.
struct Fault {
    /// Calls until it dies.
    left: usize,
    how: Break,
    happened: bool,
}

impl Server {
    /// One that answers as the handler says. `None` closes the connection without an answer.
    pub fn start(handler: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static) -> Self {
        Self::over(|stream| Some(Box::new(stream)), handler)
    }

    /// The same over what `open` makes of a connection; `None` if nothing can be made of it.
    pub fn over(
        open: impl Fn(TcpStream) -> Option<Box<dyn Stream>> + Send + Sync + 'static,
        handler: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("this machine has a free port");
        let address = listener.local_addr().expect("it is bound");
        let fault = Arc::new(Mutex::new(None));
        let (shared, behind) = (Arc::clone(&fault), Arc::new((open, handler)));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (fault, behind) = (Arc::clone(&shared), Arc::clone(&behind));
                thread::spawn(move || {
                    let (open, handler) = &*behind;
                    open(stream).map(|stream| serve(stream, handler, &fault))
                });
            }
        });
        Self { address, fault }
    }

    /// One that hands every request on to another server.
    pub fn before(upstream: SocketAddr) -> Self {
        Self::start(move |request| Some(send(upstream, request)))
    }

    /// Its address, as that of an API.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As [`Place::break_at`](crate::conformance::destination::Place::break_at).
    pub fn break_at(&self, call: usize, how: Break) -> bool {
        *lock(&self.fault) = Some(Fault { left: call, how, happened: false });
        true
    }

    /// As [`Place::mend`](crate::conformance::destination::Place::mend).
    pub fn mend(&self) -> bool {
        lock(&self.fault).take().is_some_and(|fault| fault.happened)
    }
}

fn lock(fault: &Mutex<Option<Fault>>) -> MutexGuard<'_, Option<Fault>> {
    fault.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut stream: Box<dyn Stream>, handler: &Handler, fault: &Mutex<Option<Fault>>) {
    let Some(request) = read_request(&mut BufReader::new(&mut stream)) else { return };
    let fate = {
        let mut fault = lock(fault);
        fault.as_mut().and_then(|fault| match fault.left.checked_sub(1) {
            Some(left) => {
                fault.left = left;
                None
            }
            None if fault.happened => Some(Break::Unheard),
            None => {
                fault.happened = true;
                Some(fault.how)
            }
        })
    };
    if fate == Some(Break::Unheard) {
        return;
    }
    let response = handler(&request);
    if fate.is_some() {
        return;
    }
    let Some(response) = response else { return };
    let mut text = format!("HTTP/1.1 {} x\r\n", response.status);
    for (name, value) in &response.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", response.body.len()));
    let _gone = stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.write_all(&response.body))
        .and_then(|()| stream.flush());
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let (first, headers) = read_head(reader)?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let length = length(&headers).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, target, headers, body })
}

fn read_head(reader: &mut impl BufRead) -> Option<(String, Vec<(String, String)>)> {
    let mut line = || {
        let mut line = String::new();
        let read = reader.read_line(&mut line).ok()?;
        (read > 0).then(|| line.trim_end().to_owned())
    };
    let first = line()?;
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        if line.is_empty() {
            return Some((first, headers));
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn length(headers: &[(String, String)]) -> Option<usize> {
    headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()
}

/// Sends a request to a server on this machine, for the host that it names. The answer is a 502 if there is none.
pub fn send(address: SocketAddr, request: &Request) -> Response {
    try_send(address, request).unwrap_or(Response { status: 502, headers: Vec::new(), body: Vec::new() })
}

fn try_send(address: SocketAddr, request: &Request) -> Option<Response> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let mut text = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", request.method, request.target);
    if request.header("host").is_none() {
        text.push_str(&format!("host: {address}\r\n"));
    }
    for (name, value) in request.headers.iter().filter(|(name, _)| !frames(name)) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n", request.body.len()));
    stream.write_all(text.as_bytes()).ok()?;
    stream.write_all(&request.body).ok()?;
    let mut reader = BufReader::new(stream);
    let (first, headers) = read_head(&mut reader)?;
    let status = first.split(' ').nth(1)?.parse().ok()?;
    let mut body = Vec::new();
    match length(&headers) {
        Some(length) => {
            body.resize(length, 0);
            reader.read_exact(&mut body).ok()?;
        }
        None if headers.iter().any(|(name, _)| name == "transfer-encoding") => {
            body = read_chunks(&mut reader)?;
        }
        None => drop(reader.read_to_end(&mut body).ok()?),
    }
    let headers = headers.into_iter().filter(|(name, _)| !frames(name)).collect();
    Some(Response { status, headers, body })
}

/// Whether a header is about one connection and not about what goes over it.
fn frames(name: &str) -> bool {
    ["connection", "content-length", "keep-alive", "transfer-encoding"].contains(&name)
}

fn read_chunks(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.trim(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(&chunk[..size]);
    }
}
