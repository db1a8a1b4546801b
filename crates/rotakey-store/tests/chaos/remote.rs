//! The engine's ports as a worker has them: everything is asked of the process of the test.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_core::destination::DestinationSpec;
use rotakey_core::fact::{KeyFacts, KeyStatus, LastUsed, UserFacts};
use rotakey_core::id::{AccessKeyId, AccountId, UserName};
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::port::{
    CallerIdentity, Clock, Destination, Destinations, Iam, KeyProbe, PortError, Slots,
};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::call::{Call, Pair, Refusal};

/// The other end of the wire. A worker whose test has ended ends as well.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) wire: Arc<Mutex<BufReader<TcpStream>>>,
    /// How late it is, as was heard last.
    pub(crate) heard: watch::Receiver<Timestamp>,
}

impl Remote {
    /// Says that there is nothing to do until then, and waits for it.
    pub(crate) async fn rest(&self, until: Timestamp) {
        self.ask::<()>(&Call::Idle(until));
        self.sleep_until(until).await;
    }

    fn ask<T: DeserializeOwned>(&self, call: &Call) -> T {
        let mut wire = self.wire.lock().unwrap();
        let mut line = serde_json::to_string(call).unwrap();
        line.push('\n');
        let mut answer = String::new();
        let asked = wire.get_mut().write_all(line.as_bytes());
        if asked.and_then(|()| wire.read_line(&mut answer)).unwrap_or(0) == 0 {
            std::process::exit(0);
        }
        serde_json::from_str(&answer).unwrap()
    }

    fn call<T: DeserializeOwned>(&self, call: &Call) -> Result<T, PortError> {
        self.ask::<Result<T, Refusal>>(call).map_err(PortError::from)
    }
}

#[async_trait]
impl Clock for Remote {
    /// Asked anew every time: a process that was stopped must not believe that it is still early.
    fn now(&self) -> Timestamp {
        self.ask(&Call::Now)
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut heard = self.heard.clone();
        let _ended = heard.wait_for(|now| *now >= at).await;
    }
}

#[async_trait]
impl Iam for Remote {
    async fn user(&self, name: &UserName) -> Result<UserFacts, PortError> {
        self.call(&Call::User(name.clone()))
    }

    async fn access_keys(&self, name: &UserName) -> Result<Vec<KeyFacts>, PortError> {
        self.call(&Call::AccessKeys(name.clone()))
    }

    async fn last_used(&self, key: &AccessKeyId) -> Result<LastUsed, PortError> {
        self.call(&Call::LastUsed(key.clone()))
    }

    async fn create_access_key(&self, name: &UserName) -> Result<AccessKeyPair, PortError> {
        self.call::<Pair>(&Call::Create(name.clone())).map(AccessKeyPair::from)
    }

    async fn set_status(
        &self,
        name: &UserName,
        key: &AccessKeyId,
        status: KeyStatus,
    ) -> Result<(), PortError> {
        self.call(&Call::SetStatus(name.clone(), key.clone(), status))
    }

    async fn delete_access_key(&self, name: &UserName, key: &AccessKeyId) -> Result<(), PortError> {
        self.call(&Call::Delete(name.clone(), key.clone()))
    }
}

#[async_trait]
impl KeyProbe for Remote {
    async fn identify(&self, pair: &AccessKeyPair) -> Result<CallerIdentity, PortError> {
        let (account_id, arn): (AccountId, String) = self.call(&Call::Identify(pair.into()))?;
        Ok(CallerIdentity { account_id, arn })
    }

    async fn knows(&self, pair: &AccessKeyPair, service: &str, region: &str) -> Result<(), PortError> {
        self.call(&Call::Knows(pair.into(), service.to_owned(), region.to_owned()))
    }
}

impl Destinations for Remote {
    fn open(&self, spec: &DestinationSpec) -> Result<Box<dyn Destination>, PortError> {
        Ok(Box::new(Secret { remote: self.clone(), spec: spec.clone() }))
    }
}

/// A secret in the simulated Secrets Manager.
struct Secret {
    remote: Remote,
    spec: DestinationSpec,
}

#[async_trait]
impl Destination for Secret {
    async fn preflight(&self) -> Result<(), PortError> {
        self.remote.call(&Call::Preflight(self.spec.clone()))
    }

    async fn read(&self) -> Result<Slots, PortError> {
        let [pending, current, previous]: [Option<Pair>; 3] =
            self.remote.call(&Call::Read(self.spec.clone()))?;
        Ok(Slots { pending, current, previous }.map(AccessKeyPair::from).into())
    }

    async fn stage(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        self.remote.call(&Call::Stage(self.spec.clone(), pair.into()))
    }

    async fn publish(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        self.remote.call(&Call::Publish(self.spec.clone(), pair.into()))
    }

    async fn restore(&self, id: &AccessKeyId) -> Result<(), PortError> {
        self.remote.call(&Call::Restore(self.spec.clone(), id.clone()))
    }

    async fn forget(&self, id: &AccessKeyId) -> Result<(), PortError> {
        self.remote.call(&Call::Forget(self.spec.clone(), id.clone()))
    }
}
