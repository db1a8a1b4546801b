//! Stands between the binary and the simulated AWS: sees every request, and kills the binary at the one it is told to.
//!
//! Requests are passed on as they are, with the host that was signed for. What goes by is plain HTTP/1 with a length,
//! and the binary has few connections, so each has a thread.

use std::fs;
use std::io::{self, BufRead, BufReader, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How a request for the time, or for time to pass, is called here. It is none of AWS.
pub(crate) const CLOCK: &str = "Clock";

/// A proxy on a free port. It accepts no more connections when it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// One request that went by.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The operation, such as `CreateAccessKey`, or [`CLOCK`].
    pub(crate) action: String,
    /// When the request was here.
    pub(crate) arrived: Instant,
    /// When the answer was given to the binary, if it was.
    pub(crate) answered: Option<Instant>,
    /// What the watched folder looked like when the request was here.
    pub(crate) folder: Vec<FileMark>,
}

/// What changes of a file when it is written or replaced: its name, inode, length and time.
pub(crate) type FileMark = (PathBuf, u64, u64, i64, i64);

/// Where to kill the binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trap {
    /// At which request, counted from 0 on, of this process.
    pub(crate) at: Count,
    /// The moment of that request.
    pub(crate) moment: Moment,
}

/// How requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// From the first of the process on.
    FromStart(usize),
    /// From its first `CreateAccessKey` on. Before it, requests are sent side by side, in any order.
    FromCreate(usize),
}

/// The moment in a request at which the binary is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It was sent, and reached nobody.
    Before,
    /// It was done, and nobody heard the answer.
    After,
    /// The answer was heard so long ago.
    Heard(Duration),
}

#[derive(Default)]
struct State {
    watched: PathBuf,
    calls: Vec<Call>,
    trap: Option<Trap>,
    victim: Option<Arc<Mutex<Child>>>,
    stopped: bool,
}

impl Proxy {
    /// Passes everything on to that address, and watches that folder.
    pub(crate) fn start(upstream: SocketAddr, watched: &Path) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { watched: watched.to_owned(), ..State::default() }));
        let shared = state.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                if lock(&shared).stopped {
                    return;
                }
                let (Ok(client), shared) = (client, shared.clone()) else { continue };
                // A connection that breaks is what this proxy is for.
                thread::spawn(move || serve(client, upstream, &shared));
            }
        });
        Self { address, state }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets `spawn` start the binary, and sets the trap for it. No request of it is passed on before both are done.
    pub(crate) fn set_trap(&self, trap: Option<Trap>, spawn: impl FnOnce() -> Child) -> Arc<Mutex<Child>> {
        let mut state = lock(&self.state);
        let child = Arc::new(Mutex::new(spawn()));
        state.calls.clear();
        (state.trap, state.victim) = (trap, Some(child.clone()));
        child
    }

    /// Lets everything pass from now on.
    pub(crate) fn disarm(&self) {
        lock(&self.state).trap = None;
    }

    /// The requests of the process that was started last.
    pub(crate) fn calls(&self) -> Vec<Call> {
        lock(&self.state).calls.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        lock(&self.state).stopped = true;
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    /// Notes a request, and says its number, and at which moment of it the binary is to be killed.
    fn meet(&mut self, action: &str) -> (usize, Option<Moment>) {
        let call = Call {
            action: action.to_owned(),
            arrived: Instant::now(),
            answered: None,
            folder: look_at(&self.watched),
        };
        self.calls.push(call);
        let number = self.calls.len() - 1;
        let sprung = self.trap.filter(|trap| match trap.at {
            Count::FromStart(wanted) => number == wanted,
            Count::FromCreate(wanted) => {
                let create = self.calls.iter().position(|call| call.action == "CreateAccessKey");
                create.is_some_and(|create| number == create + wanted)
            }
        });
        (number, sprung.map(|trap| trap.moment))
    }
}

fn serve(client: TcpStream, upstream: SocketAddr, state: &Mutex<State>) -> io::Result<()> {
    let mut server = TcpStream::connect(upstream)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let mut requests = BufReader::new(client.try_clone()?);
    let mut answers = BufReader::new(server.try_clone()?);
    let mut client = client;
    while let Some(request) = read_message(&mut requests)? {
        let action = action(&request);
        let (number, moment) = lock(state).meet(&action);
        if moment == Some(Moment::Before) {
            return kill(&victim(state));
        }
        server.write_all(&request)?;
        let Some(answer) = read_message(&mut answers)? else { return Ok(()) };
        if moment == Some(Moment::After) {
            return kill(&victim(state));
        }
        client.write_all(&answer)?;
        // Requests to the control path are made in HTTP/1.0: the answer ends where the connection does.
        let is_last = action == CLOCK;
        if is_last {
            client.shutdown(Shutdown::Write)?;
        }
        if let Some(call) = lock(state).calls.get_mut(number) {
            call.answered = Some(Instant::now());
        }
        if let Some(Moment::Heard(ago)) = moment {
            // It may have ended by itself until then, and the next one have been started.
            let victim = victim(state);
            // Real time: the binary is killed so long after it heard the answer.
            thread::sleep(ago);
            return kill(&victim);
        }
        if is_last {
            break;
        }
    }
    Ok(())
}

/// The process that the trap is set for.
fn victim(state: &Mutex<State>) -> Arc<Mutex<Child>> {
    lock(state).victim.clone().expect("a trap is set for a process")
}

fn kill(victim: &Mutex<Child>) -> io::Result<()> {
    // `kill` is SIGKILL, and does nothing to a process that has ended and was waited for.
    victim.lock().unwrap_or_else(PoisonError::into_inner).kill()
}

/// One request or answer as it is on the wire; `None` where the connection ends.
pub(crate) fn read_message(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let (mut message, mut length) = (Vec::new(), 0);
    loop {
        let start = message.len();
        if from.read_until(b'\n', &mut message)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&message[start..]).to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    message.append(&mut body);
    Ok(Some(message))
}

/// The operation of a request: in the query protocol a field of the body, in the JSON protocol a header. Of S3, which
/// has neither, rotakey calls one.
fn action(request: &[u8]) -> String {
    let text = String::from_utf8_lossy(request);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    if head.contains(" /_sandbox/") {
        return CLOCK.to_owned();
    }
    if head.starts_with("GET / ") && head.contains("/s3/aws4_request") {
        return "ListBuckets".to_owned();
    }
    let target = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("x-amz-target").then(|| value.rsplit('.').next().unwrap_or(value))
    });
    let action = target.or_else(|| body.split('&').find_map(|field| field.strip_prefix("Action=")));
    action.unwrap_or_else(|| panic!("a request that is no call: {head}")).trim().to_owned()
}

/// What is in a folder and below it.
pub(crate) fn look_at(folder: &Path) -> Vec<FileMark> {
    let mut marks = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        // A file may go between the two looks.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            marks.extend(look_at(&entry.path()));
        } else {
            let (modified, nanos) = (metadata.mtime(), metadata.mtime_nsec());
            marks.push((entry.path(), metadata.ino(), metadata.len(), modified, nanos));
        }
    }
    marks.sort();
    marks
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
