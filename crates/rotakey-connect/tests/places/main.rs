//! Destinations against servers: the real one where it can be installed, and else one that is as strict as the
//! vendor's own description of its API. `cargo xtask test` installs and names what they need.

mod hook;
mod kubernetes;
mod openbao;
mod schema;
mod tls;

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_connect::OutsideDestinations;
use rotakey_core::destination::Values;
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::conformance::destination::a_silent_place_is_given_up;
use rotakey_engine::port::{Clock, Destination};

/// A clock that stands still.
struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        "2026-11-26T10:00:00Z".parse().unwrap()
    }

    async fn sleep_until(&self, _: Timestamp) {}
}

fn destinations() -> OutsideDestinations {
    OutsideDestinations { clock: Arc::new(Still) }
}

/// How long a request to a server may take, as the documentation says.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that lets everybody in and never answers, while the second of them lives.
fn silent() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    (format!("http://{}", listener.local_addr().unwrap()), listener)
}

/// On tokio's paused clock, which jumps as soon as everybody waits.
async fn expect_given_up(destination: &dyn Destination, patience: Duration) {
    let begun = tokio::time::Instant::now();
    a_silent_place_is_given_up(destination, patience, || begun.elapsed()).await;
}

fn variable(name: &str) -> PathBuf {
    let value = std::env::var_os(name);
    PathBuf::from(value.unwrap_or_else(|| panic!("{name} is not set: run the tests by `cargo xtask test`")))
}

/// A file of a Python package: some of what the tests need is published so.
fn packages(file: &str) -> PathBuf {
    let libraries = variable("ROTAKEY_TEST_PLACES").join("lib");
    let python =
        std::fs::read_dir(&libraries).unwrap().next().expect("an environment has an interpreter").unwrap();
    python.path().join("site-packages").join(file)
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn pair(number: u8) -> AccessKeyPair {
    AccessKeyPair {
        id: format!("AKIAIOSFODNN7EXAM{number:03}").parse().unwrap(),
        secret: Secret::new(format!("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE{number:03}")),
    }
}

fn values(entries: &[(&str, &str)]) -> Values {
    let entries: std::collections::BTreeMap<_, _> = entries.iter().copied().collect();
    serde_json::from_value(serde_json::json!(entries)).unwrap()
}
