//! The clock that all commands judge and wait by: the machine's, or on explicit request that of a sandbox.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_engine::port::Clock;
use serde::Deserialize;

use crate::error::CommandError;

/// Names the sandbox whose clock is to be used, by its URL. `rotakey sandbox` prints it. Never guessed from
/// the endpoint: a clock decides when a key is deleted.
pub(crate) const SANDBOX_CLOCK: &str = "ROTAKEY_SANDBOX_CLOCK";

/// `follow` waits until somebody else moves the sandbox's clock; by default waiting moves it.
pub(crate) const SANDBOX_CLOCK_MODE: &str = "ROTAKEY_SANDBOX_CLOCK_MODE";

/// The clock that the environment asks for.
///
/// `endpoint_url` is where AWS calls go. A sandbox's clock is refused for calls that go anywhere else: by a
/// virtual clock, a real key could be deleted in its first minute.
pub(crate) fn from_environment(endpoint_url: Option<&str>) -> Result<Arc<dyn Clock>, CommandError> {
    let Some(url) = std::env::var(SANDBOX_CLOCK).ok().filter(|url| !url.is_empty()) else {
        return Ok(Arc::new(SystemClock));
    };
    let waiting = match std::env::var(SANDBOX_CLOCK_MODE).as_deref() {
        Ok("follow") => Waiting::Follow,
        Ok("advance") | Err(_) => Waiting::Advance,
        Ok(other) => {
            let text = format!("{SANDBOX_CLOCK_MODE} is {other:?}, which is neither advance nor follow");
            return Err(CommandError::usage(text));
        }
    };
    let wrong = |text: String| {
        CommandError::usage(text)
            .hint(format!("For real AWS: `unset {SANDBOX_CLOCK}`."))
            .hint("For a sandbox: use all the exports that `rotakey sandbox` printed.")
    };
    let address = loopback_address(&url).ok_or_else(|| {
        wrong(format!("{SANDBOX_CLOCK} is {url:?}, which is no http:// URL of this machine"))
    })?;
    if endpoint_url.and_then(loopback_address) != Some(address) {
        return Err(wrong(format!(
            "{SANDBOX_CLOCK} names the sandbox at {address}, but AWS calls do not go there"
        )));
    }
    let clock = SandboxClock { address, waiting, latest: Mutex::new(Timestamp::UNIX_EPOCH) };
    let now = clock.ask().map_err(|error| wrong(format!("no sandbox answers at {address}: {error}")))?;
    clock.remember(now);
    Ok(Arc::new(clock))
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the real time enters the program")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Sleeps in slices: a timer does not run while the machine is suspended, and the clock may be set.
    async fn sleep_until(&self, at: Timestamp) {
        const SLICE: Duration = Duration::from_secs(30);
        loop {
            match Duration::try_from(at.duration_since(self.now())) {
                Ok(rest) if !rest.is_zero() => tokio::time::sleep(rest.min(SLICE)).await,
                _ => return,
            }
        }
    }
}

/// What waiting does to the virtual clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// Nothing: somebody else moves it.
    Follow,
    /// Moves it.
    Advance,
}

/// The virtual clock of a sandbox on this machine, over the sandbox's control path.
#[derive(Debug)]
struct SandboxClock {
    address: SocketAddr,
    waiting: Waiting,
    latest: Mutex<Timestamp>,
}

/// The part of the sandbox's answers that is of interest here.
#[derive(Debug, Deserialize)]
struct SandboxTime {
    now: Timestamp,
}

impl SandboxClock {
    fn ask(&self) -> io::Result<Timestamp> {
        let request = format!("GET /_sandbox/state HTTP/1.0\r\nhost: {}\r\n\r\n", self.address);
        self.send(&request)
    }

    fn advance(&self, at: Timestamp) -> io::Result<Timestamp> {
        let body = serde_json::json!({ "set": at }).to_string();
        let length = body.len();
        let head = format!("POST /_sandbox/clock HTTP/1.0\r\nhost: {}", self.address);
        self.send(&format!(
            "{head}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    }

    /// One request on a connection of its own: HTTP/1.0, so that the answer ends where the connection does.
    fn send(&self, request: &str) -> io::Result<Timestamp> {
        const PATIENCE: Duration = Duration::from_secs(5);
        let mut connection = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.write_all(request.as_bytes())?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok(serde_json::from_str::<SandboxTime>(body)?.now)
    }

    fn remember(&self, now: Timestamp) -> Timestamp {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = now.max(*latest);
        *latest
    }
}

#[async_trait]
impl Clock for SandboxClock {
    /// The latest known time if the sandbox does not answer: then nothing becomes due, which is safe.
    fn now(&self) -> Timestamp {
        self.remember(self.ask().unwrap_or(Timestamp::UNIX_EPOCH))
    }

    async fn sleep_until(&self, at: Timestamp) {
        const POLL: Duration = Duration::from_millis(50);
        while self.now() < at {
            match self.waiting {
                Waiting::Advance if self.advance(at).is_ok() => {}
                Waiting::Advance | Waiting::Follow => tokio::time::sleep(POLL).await,
            }
        }
    }
}

/// The address of an `http://` URL, if it is of this machine.
fn loopback_address(url: &str) -> Option<SocketAddr> {
    let authority = url.strip_prefix("http://")?.split(['/', '?', '#']).next()?;
    let authority = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    authority.to_socket_addrs().ok()?.find(|address| address.ip().is_loopback() && address.is_ipv4())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_this_machine_is_taken_for_a_sandbox() {
        assert_eq!(loopback_address("http://127.0.0.1:4599/"), Some(([127, 0, 0, 1], 4599).into()));
        assert_eq!(loopback_address("http://127.0.0.1"), Some(([127, 0, 0, 1], 80).into()));
        for foreign in ["https://127.0.0.1:4599", "http://192.0.2.1:4599", "127.0.0.1:4599", "http://"] {
            assert_eq!(loopback_address(foreign), None, "{foreign}");
        }
    }
}
