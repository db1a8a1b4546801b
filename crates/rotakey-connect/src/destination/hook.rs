//! The protocol that programs and endpoints of the user's own are spoken to in: see `docs/destinations.md`.
//!
//! A hook keeps what it is given and understands little of it. rotakey reads the slots that the hook keeps, works out
//! what they are to be, and sends both. The secret is in `publish` alone.

use async_trait::async_trait;
use rotakey_core::id::AccessKeyId;
use rotakey_core::rotate::{Held, Refused};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{Destination, PortError, PortErrorKind, Slots};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::destination::pair_json::{self, PairJson};
use crate::destination::refused;

/// The version of the protocol.
pub(super) const VERSION: u32 = 1;

/// The longest answer, in bytes.
pub(super) const LONGEST_ANSWER: usize = 64 << 10;

/// The longest message that is repeated, in characters.
const LONGEST_MESSAGE: usize = 300;

/// The way that requests go.
#[async_trait]
pub(super) trait Transport: Send + Sync {
    /// The destination, in messages.
    fn name(&self) -> String;

    /// Sends one request and returns the answer, whatever it says. `secret` is the one in the request, which no error
    /// repeats.
    async fn send(
        &self,
        operation: Operation,
        body: &[u8],
        secret: Option<&Secret>,
    ) -> Result<Reply, PortError>;
}

/// What came back.
pub(super) struct Reply {
    pub(super) body: Vec<u8>,
    /// Why it is a failure, if it is one, whatever the body says.
    pub(super) failure: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Operation {
    Preflight,
    Read,
    Stage,
    Publish,
    Restore,
    Forget,
}

impl Operation {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Read => "read",
            Self::Stage => "stage",
            Self::Publish => "publish",
            Self::Restore => "restore",
            Self::Forget => "forget",
        }
    }

    fn changes(self) -> bool {
        !matches!(self, Self::Preflight | Self::Read)
    }
}

/// The operations of a destination over any transport.
pub(super) struct HookDestination<T> {
    pub(super) transport: T,
    /// What the place is called, for the hook.
    pub(super) place: String,
}

/// Three marks, as they are sent and kept.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marks {
    #[serde(default)]
    pending: Option<Held>,
    #[serde(default)]
    current: Option<Held>,
    #[serde(default)]
    previous: Option<Held>,
}

impl Marks {
    fn of(slots: Slots<Held>) -> Self {
        Self { pending: slots.pending, current: slots.current, previous: slots.previous }
    }

    fn into_slots(self) -> Slots<Held> {
        Slots { pending: self.pending, current: self.current, previous: self.previous }
    }
}

struct Request<'a> {
    operation: Operation,
    place: &'a str,
    key: Option<&'a AccessKeyId>,
    pair: Option<&'a AccessKeyPair>,
    /// What the hook keeps, and what it is to keep.
    change: Option<(&'a Marks, &'a Marks)>,
}

impl Serialize for Request<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", &VERSION)?;
        map.serialize_entry("operation", &self.operation)?;
        map.serialize_entry("place", self.place)?;
        if let Some(key) = self.key {
            map.serialize_entry("key", key)?;
        }
        if let Some(pair) = self.pair {
            map.serialize_entry("pair", &PairJson { pair, extra: None })?;
        }
        if let Some((before, slots)) = self.change {
            map.serialize_entry("before", before)?;
            map.serialize_entry("slots", slots)?;
        }
        map.end()
    }
}

#[derive(Deserialize)]
struct Answer {
    version: u32,
    #[serde(default)]
    slots: Option<Marks>,
    #[serde(default)]
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    kind: PortErrorKind,
    #[serde(default)]
    message: String,
}

impl<T: Transport> HookDestination<T> {
    async fn ask(&self, request: Request<'_>) -> Result<Option<Marks>, PortError> {
        let operation = request.operation;
        let body: Zeroizing<Vec<u8>> = pair_json::render(&request);
        let secret = request.pair.map(|pair| &pair.secret);
        let Reply { body, failure } = self.transport.send(operation, &body, secret).await?;
        let failed = |kind, message: &str| {
            let operation = format!("{} {}", operation.as_str(), self.transport.name());
            PortError::new(kind, operation, told(message, secret))
        };
        // What was asked for may have been done by a hook that does not say.
        let unclear = if operation.changes() { PortErrorKind::Ambiguous } else { PortErrorKind::Invalid };
        match (serde_json::from_slice::<Answer>(&body), failure) {
            (Ok(Answer { error: Some(Failure { kind, message }), .. }), _) => Err(failed(kind, &message)),
            (_, Some(failure)) => Err(failed(unclear, &failure)),
            (Ok(Answer { version, .. }), _) if version != VERSION => Err(failed(
                unclear,
                &format!("it speaks version {version} of the protocol, and rotakey version {VERSION}"),
            )),
            (Ok(answer), None) => Ok(answer.slots),
            // Not the text of the error: it repeats values.
            (Err(error), None) => Err(failed(
                unclear,
                &format!(
                    "its answer is not what is documented (line {}, {:?})",
                    error.line(),
                    error.classify()
                ),
            )),
        }
    }

    async fn slots(&self) -> Result<Slots<Held>, PortError> {
        let request =
            Request { operation: Operation::Read, place: &self.place, key: None, pair: None, change: None };
        Ok(self.ask(request).await?.unwrap_or_default().into_slots())
    }

    async fn change(
        &self,
        operation: Operation,
        key: &AccessKeyId,
        pair: Option<&AccessKeyPair>,
        change: impl FnOnce(&mut Slots<Held>) -> Result<(), Refused> + Send,
    ) -> Result<(), PortError> {
        let before = self.slots().await?;
        let mut after = before.clone();
        change(&mut after).map_err(|why| refused(&self.transport.name(), &why))?;
        let (before, after) = (Marks::of(before), Marks::of(after));
        if before == after {
            return Ok(());
        }
        let change = Some((&before, &after));
        self.ask(Request { operation, place: &self.place, key: Some(key), pair, change }).await.map(drop)
    }
}

#[async_trait]
impl<T: Transport> Destination for HookDestination<T> {
    async fn preflight(&self) -> Result<(), PortError> {
        self.slots().await?;
        let operation = Operation::Preflight;
        let request = Request { operation, place: &self.place, key: None, pair: None, change: None };
        self.ask(request).await.map(drop)
    }

    async fn read(&self) -> Result<Slots, PortError> {
        self.slots().await.map(Slots::from)
    }

    async fn stage(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        let change = |slots: &mut Slots<Held>| {
            slots.stage(Held::of(pair));
            Ok(())
        };
        self.change(Operation::Stage, &pair.id, None, change).await
    }

    async fn publish(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        let change = |slots: &mut Slots<Held>| {
            slots.publish(Held::of(pair));
            Ok(())
        };
        self.change(Operation::Publish, &pair.id, Some(pair), change).await
    }

    async fn restore(&self, id: &AccessKeyId) -> Result<(), PortError> {
        self.change(Operation::Restore, id, None, |slots| slots.restore(id)).await
    }

    async fn forget(&self, id: &AccessKeyId) -> Result<(), PortError> {
        self.change(Operation::Forget, id, None, |slots| slots.forget(id)).await
    }
}

/// What a hook said, on one line and without the secret.
pub(super) fn told(message: &str, secret: Option<&Secret>) -> String {
    let hidden = match secret.map(Secret::expose).filter(|secret| !secret.is_empty()) {
        // Also as it stands in JSON, whose `/` may be escaped.
        Some(secret) => message.replace(secret, "***").replace(&secret.replace('/', "\\/"), "***"),
        None => message.to_owned(),
    };
    hidden.trim().escape_debug().take(LONGEST_MESSAGE).collect()
}
