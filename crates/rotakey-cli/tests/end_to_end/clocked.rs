//! Stands before moto's server and has the clock that moto lacks, on the control path that a sandbox has: what waits
//! moves it, and nobody waits in real time. Everything else is passed on as it is.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::proxy::read_message;

/// A server on a free port, for as long as the test process lives. Its clock runs as the real one does, by which moto
/// dates what is made, and is ahead of it by as much as was waited.
pub(crate) struct Clocked {
    address: SocketAddr,
    ahead: Arc<Mutex<SignedDuration>>,
}

impl Clocked {
    /// Begins to listen.
    pub(crate) fn before(url: &str) -> Self {
        let upstream = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let ahead = Arc::new(Mutex::new(SignedDuration::ZERO));
        let shared = ahead.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, upstream, ahead) = (client.unwrap(), upstream.clone(), shared.clone());
                // Whoever hung up misses nothing.
                thread::spawn(move || serve(client, &upstream, &ahead));
            }
        });
        Self { address, ahead }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets so many hours pass.
    pub(crate) fn pass(&self, hours: i64) {
        *self.ahead.lock().unwrap() += SignedDuration::from_hours(hours);
    }
}

/// One request, and the end of the connection.
fn serve(mut client: TcpStream, upstream: &str, ahead: &Mutex<SignedDuration>) -> io::Result<()> {
    let Some(request) = read_message(&mut BufReader::new(client.try_clone()?))? else { return Ok(()) };
    let end =
        request.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole request has a head");
    let head = String::from_utf8_lossy(&request[..end]).into_owned();
    if head.contains(" /_sandbox/") {
        let mut ahead = ahead.lock().unwrap();
        if let Ok(body) = serde_json::from_slice::<Value>(&request[end + 4..])
            && let Some(at) = body["set"].as_str()
        {
            let at: Timestamp = at.parse().expect("the binary writes an instant");
            *ahead = at.duration_since(real_time()).max(*ahead);
        }
        let body = json!({ "now": real_time() + *ahead }).to_string();
        return write!(client, "HTTP/1.0 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    }
    let is_kept = |line: &&str| !line.to_ascii_lowercase().starts_with("connection:");
    let lines: Vec<&str> = head.lines().filter(is_kept).chain(["connection: close"]).collect();
    let mut server = TcpStream::connect(upstream)?;
    server.write_all(lines.join("\r\n").as_bytes())?;
    server.write_all(&request[end..])?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    client.write_all(&answer)
}

#[expect(clippy::disallowed_methods, reason = "moto dates by the real time")]
fn real_time() -> Timestamp {
    Timestamp::now()
}
