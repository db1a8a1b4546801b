//! The wire between a worker and the simulated AWS: a JSON text a line, an answer for each call.

use jiff::Timestamp;
use rotakey_core::destination::DestinationSpec;
use rotakey_core::fact::KeyStatus;
use rotakey_core::id::{AccessKeyId, UserName};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{PortError, PortErrorKind};
use serde::{Deserialize, Serialize};

/// What a worker asks for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Call {
    /// The clock.
    Now,
    /// Nothing: the worker has nothing to do until then.
    Idle(Timestamp),
    User(UserName),
    AccessKeys(UserName),
    LastUsed(AccessKeyId),
    Create(UserName),
    SetStatus(UserName, AccessKeyId, KeyStatus),
    Delete(UserName, AccessKeyId),
    Identify(Pair),
    Knows(Pair, String, String),
    Preflight(DestinationSpec),
    Read(DestinationSpec),
    Stage(DestinationSpec, Pair),
    Publish(DestinationSpec, Pair),
    Restore(DestinationSpec, AccessKeyId),
    Forget(DestinationSpec, AccessKeyId),
}

/// A key pair on the wire. All keys of this test are simulated.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pair {
    id: AccessKeyId,
    secret: String,
}

impl From<&AccessKeyPair> for Pair {
    fn from(pair: &AccessKeyPair) -> Self {
        Self { id: pair.id.clone(), secret: pair.secret.expose().to_owned() }
    }
}

impl From<Pair> for AccessKeyPair {
    fn from(Pair { id, secret }: Pair) -> Self {
        Self { id, secret: Secret::new(secret) }
    }
}

/// A [`PortError`] on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    kind: PortErrorKind,
    operation: String,
    message: String,
}

impl From<PortError> for Refusal {
    fn from(PortError { kind, operation, message }: PortError) -> Self {
        Self { kind, operation, message }
    }
}

impl From<Refusal> for PortError {
    fn from(Refusal { kind, operation, message }: Refusal) -> Self {
        Self { kind, operation, message }
    }
}
