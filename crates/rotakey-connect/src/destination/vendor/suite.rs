//! The contract of destinations over any vendor.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use rotakey_core::destination::{CredentialSource, DestinationSpec, Values};
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::conformance::destination::{
    Application, Break, Broken, Foreign, Harness, Place, a_silent_place_is_given_up,
};
use rotakey_engine::port::{Destination, Destinations as _, PortErrorKind};
use tempfile::TempDir;

use super::description::Description;
use super::{Server, Vendor};
use crate::destination::tests::{destinations, pair};

/// The value that the suite writes.
pub(in crate::destination) const NAME: &str = "AWS_ACCESS_KEY";

/// One vendor and the adapter for it.
pub(in crate::destination) struct Suite<V: 'static> {
    pub(in crate::destination) description: &'static Description,
    pub(in crate::destination) vendor: fn() -> V,
    /// The destination at that address, with the token of that name.
    pub(in crate::destination) spec: fn(&str, &str) -> DestinationSpec,
    /// The same on a place that does not exist.
    pub(in crate::destination) nowhere: fn(&mut DestinationSpec),
    /// The same with the two values of the environment, which are written one by one.
    pub(in crate::destination) torn: fn(&mut DestinationSpec, Values),
    /// Content that rotakey did not write, by what is special about it, and what of it must be kept: nothing if the
    /// place must be refused.
    pub(in crate::destination) foreign: &'static [Content<V>],
    pub(in crate::destination) gives_secrets_back: bool,
}

/// What is special about the content, what puts it there, and what of it must be kept.
pub(in crate::destination) type Content<V> = (&'static str, fn(&mut V), &'static [&'static str]);

/// A place on a server of its own.
pub(in crate::destination) struct VendorPlace<V> {
    pub(in crate::destination) server: Arc<Server<V>>,
    pub(in crate::destination) spec: DestinationSpec,
}

impl<V: Vendor> Suite<V> {
    pub(in crate::destination) fn place(&self, token: &str) -> VendorPlace<V> {
        let server = Arc::new(Server::start(self.description, (self.vendor)()));
        let spec = (self.spec)(&server.url(), token);
        VendorPlace { server, spec }
    }
}

#[async_trait]
impl<V: Vendor> Harness for Suite<V> {
    async fn empty(&self) -> Box<dyn Place> {
        Box::new(self.place("writer"))
    }

    async fn foreign(&self) -> Vec<Foreign> {
        let foreign = self.foreign.iter().map(|&(name, fill, kept)| {
            let place = self.place("writer");
            place.server.vendor(fill);
            Foreign {
                name,
                place: Box::new(place),
                kept: kept.iter().map(|text| text.as_bytes().to_vec()).collect(),
                secrets: vec![SECRET_OF_OTHERS.to_owned()],
            }
        });
        foreign.collect()
    }

    async fn broken(&self) -> Vec<Broken> {
        let mut nowhere = self.place("writer");
        (self.nowhere)(&mut nowhere.spec);
        let mut torn = self.place("writer");
        (self.torn)(&mut torn.spec, Values::environment());
        let broken = [
            ("a token that only reads", self.place("reader"), PortErrorKind::Denied),
            ("a token that is none", self.place("nobody"), PortErrorKind::Credentials),
            ("a place that does not exist", nowhere, PortErrorKind::Invalid),
            ("several values without the user's word", torn, PortErrorKind::Invalid),
        ];
        broken.into_iter().map(|(name, place, kind)| Broken { name, place: Box::new(place), kind }).collect()
    }

    fn gives_secrets_back(&self) -> bool {
        self.gives_secrets_back
    }
}

#[async_trait]
impl<V: Vendor> Place for VendorPlace<V> {
    fn open(&self) -> Box<dyn Destination> {
        destinations().open(&self.spec).unwrap()
    }

    async fn contents(&self) -> Vec<u8> {
        self.server.vendor(|vendor| vendor.contents())
    }

    fn application(&self) -> Option<Application> {
        let server = self.server.clone();
        Some(Box::new(move || application(server.vendor(|vendor| vendor.value(NAME)))))
    }

    fn break_at(&self, call: usize, how: Break) -> bool {
        self.server.die_at(call, how);
        true
    }

    fn mend(&self) -> bool {
        self.server.live_again()
    }
}

/// A secret in content that rotakey did not write.
pub(in crate::destination) const SECRET_OF_OTHERS: &str = "the/secret+of+somebody+else/and+long";

/// What an application makes of a value with the pair as JSON. An empty one is as good as none.
fn application(value: Option<String>) -> Result<Option<AccessKeyPair>, String> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    match Values::json(NAME).read_back(|_| Some(&value)) {
        Some(pair) => Ok(Some(pair)),
        None if value == SECRET_OF_OTHERS => Ok(None),
        None => Err("the value is not an access key".to_owned()),
    }
}

/// Where the token of that name comes from.
pub(in crate::destination) fn token(name: &str) -> CredentialSource {
    static TOKENS: OnceLock<TempDir> = OnceLock::new();
    let folder = TOKENS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        for name in ["writer", "reader", "nobody"] {
            std::fs::write(folder.path().join(name), format!("{name}\n")).unwrap();
        }
        folder
    });
    let path: PathBuf = folder.path().join(name);
    CredentialSource::File(path)
}

/// A vendor that lets everybody in and never answers. On tokio's paused clock, which jumps as soon as everybody waits.
pub(in crate::destination) async fn expect_given_up<V: Vendor>(suite: &Suite<V>) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let spec = (suite.spec)(&format!("http://{}", silent.local_addr().unwrap()), "writer");
    let destination = destinations().open(&spec).unwrap();
    let begun = tokio::time::Instant::now();
    a_silent_place_is_given_up(&*destination, crate::http::PATIENCE, || begun.elapsed()).await;
}

/// Publishes two pairs as two values, cut off at each call, and finishes: what is read in between is never one of the
/// pairs while applications find a mixture.
pub(in crate::destination) async fn check_several_values<V: Vendor>(
    suite: &Suite<V>,
    allow: fn(&mut DestinationSpec),
) {
    for how in [Break::Unheard, Break::Unanswered] {
        for call in 0.. {
            let mut place = suite.place("writer");
            (suite.torn)(&mut place.spec, Values::environment());
            allow(&mut place.spec);
            place.open().publish(&pair(1)).await.unwrap();
            place.server.die_at(call, how);
            let result = place.open().publish(&pair(2)).await;
            if !place.server.live_again() {
                result.unwrap();
                break;
            }
            result.unwrap_err();
            let read = place.open().read().await.unwrap().current.unwrap().held();
            let found = place
                .server
                .vendor(|vendor| Values::environment().read_back(|name| vendor.value(name).map(leak)));
            let found = rotakey_core::rotate::Held::of(&found.unwrap());
            assert!(
                read == found
                    || read.fingerprint == rotakey_core::secret::Fingerprint::unknown()
                        && read.key == pair(2).id,
                "cut off at call {call} ({how:?}): {read:?} is read where {found:?} is"
            );
            place.open().publish(&pair(2)).await.unwrap();
            let slots = place.open().read().await.unwrap();
            assert_eq!(slots.current.unwrap().held(), rotakey_core::rotate::Held::of(&pair(2)));
            assert_eq!(slots.previous.unwrap().held(), rotakey_core::rotate::Held::of(&pair(1)));
        }
    }
}

/// A text of the test that lives as long as the test.
fn leak(text: String) -> &'static str {
    text.leak()
}
