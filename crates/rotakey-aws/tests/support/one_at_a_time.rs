//! A server before moto's, which lets one request pass at a time: moto answers many at once, and its transactions are not
//! kept apart.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Begins to listen, for as long as the test process lives, and says where.
pub(crate) fn one_at_a_time(url: &str) -> String {
    let behind = url.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let turn = Arc::new(Mutex::new(()));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (behind, turn) = (behind.clone(), Arc::clone(&turn));
            thread::spawn(move || pass(stream.unwrap(), &behind, &turn));
        }
    });
    format!("http://{address}")
}

fn pass(mut client: TcpStream, behind: &str, turn: &Mutex<()>) {
    let Some(request) = request(&mut client) else { return };
    let mut answer = Vec::new();
    {
        let _mine = turn.lock().unwrap();
        let mut server = TcpStream::connect(behind).unwrap();
        server.write_all(&request).unwrap();
        server.read_to_end(&mut answer).unwrap();
    }
    // The client may have lost its patience.
    let _ = client.write_all(&answer);
}

/// One whole request, which asks for the end of the connection; `None` if the client hung up before.
fn request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut request, mut chunk) = (Vec::new(), [0; 65_536]);
    loop {
        let length = client.read(&mut chunk).ok().filter(|length| *length > 0)?;
        request.extend_from_slice(&chunk[..length]);
        let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(request[..end].to_vec()).unwrap();
        let header = |wanted: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(':'));
            lines
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.trim().to_owned())
        };
        let body: usize = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        if request.len() >= end + 4 + body {
            let is_kept = |line: &&str| !line.to_ascii_lowercase().starts_with("connection:");
            let lines: Vec<_> = head.lines().filter(is_kept).chain(["connection: close"]).collect();
            return Some([lines.join("\r\n").as_bytes(), &request[end..]].concat());
        }
    }
}
