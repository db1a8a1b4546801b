//! A server in this process that takes one JSON document for each request, or refuses it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) path: String,
    /// By their names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) raw: String,
    pub(super) body: Value,
}

/// What it answers: a status and a body.
pub(super) type Answer = (u16, String);

/// The server. It ends with the runtime of the test.
pub(super) struct Server {
    pub(super) address: String,
    taken: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(super) async fn new(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let taken: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (all, answer) = (taken.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (all, answer) = (all.clone(), answer.clone());
                tokio::spawn(async move { serve(stream, &all, &*answer).await });
            }
        });
        Self { address, taken }
    }

    /// The requests that were not refused, since the last call.
    pub(super) fn taken(&self) -> Vec<Request> {
        std::mem::take(&mut *self.taken.lock().unwrap())
    }
}

/// An address at which nobody answers.
pub(super) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn serve(
    mut stream: TcpStream,
    all: &Mutex<Vec<Request>>,
    answer: &(dyn Fn(&Request) -> Answer + Sync),
) {
    let Some(request) = read(&mut stream).await else { return };
    let (status, body) = answer(&request);
    if status < 300 {
        all.lock().unwrap().push(request);
    }
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    // The client may have gone.
    let _gone = stream.write_all(format!("{head}{body}").as_bytes()).await;
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let headers: BTreeMap<_, _> =
            lines.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        let length: usize = headers.get("content-length")?.parse().ok()?;
        if bytes.len() < end + 4 + length {
            continue;
        }
        let raw = String::from_utf8(bytes[end + 4..].to_vec()).ok()?;
        let body = serde_json::from_str(&raw).unwrap_or(Value::Null);
        return Some(Request { path: head.split(' ').nth(1)?.to_owned(), headers, raw, body });
    }
}
