//! Ports that die and dawdle: at every call, before it and after it, the worker may be killed or may have to
//! wait while another one goes on.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_core::destination::DestinationSpec;
use rotakey_core::fact::{KeyFacts, KeyStatus, LastUsed, UserFacts};
use rotakey_core::id::{AccessKeyId, AccountId, RotationId, UserName};
use rotakey_core::rotate::{KeyUsage, Record};
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::port::{
    CallerIdentity, Destination, Destinations, Iam, KeyProbe, PortError, Slots, UsageSource,
};
use rotakey_engine::store::{Append, Claim, Outlook, RotationSummary, Store, StoreError, Turn};
use rotakey_sim::random::Random;

/// How unsteady a worker is. Chances are per thousand, at every call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    /// To be killed.
    pub(crate) death: u64,
    /// To be held up while others go on.
    pub(crate) delay: u64,
    /// That the store fails, having appended or not.
    pub(crate) store_failure: u64,
}

/// The fate of one worker, shared by all its ports.
#[derive(Clone)]
pub(crate) struct Fate(Arc<Mutex<State>>);

struct State {
    random: Random,
    weather: Weather,
    dead: bool,
}

impl Fate {
    pub(crate) fn new(seed: u64, weather: Weather) -> Self {
        Self(Arc::new(Mutex::new(State { random: Random::new(seed), weather, dead: false })))
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.0.lock().unwrap().dead
    }

    fn draw(&self, per_thousand: impl Fn(&Weather) -> u64) -> bool {
        let mut state = self.0.lock().unwrap();
        let chance = per_thousand(&state.weather);
        state.random.below(1000) < chance
    }

    /// A place at which the worker may die or be held up.
    async fn befall(&self) {
        while self.draw(|weather| weather.delay) {
            Yield(false).await;
        }
        if self.draw(|weather| weather.death) {
            self.0.lock().unwrap().dead = true;
            std::future::pending::<()>().await;
        }
    }

    async fn around<T>(&self, call: impl Future<Output = T>) -> T {
        self.befall().await;
        let result = call.await;
        self.befall().await;
        result
    }
}

struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// A worker at work, with its fate.
pub(crate) type Worker<'a, T> = (Fate, Pin<Box<dyn Future<Output = T> + 'a>>);

/// Polls workers in a random order until each is finished or dead. What a dead one was doing is dropped where
/// it stood, and with it everything that it held in memory.
pub(crate) fn run_together<T>(workers: Vec<Worker<'_, T>>, seed: u64) -> Vec<Option<T>> {
    let mut random = Random::new(seed);
    let mut context = Context::from_waker(Waker::noop());
    let mut results: Vec<Option<T>> = workers.iter().map(|_| None).collect();
    let mut running: Vec<_> = workers.into_iter().enumerate().collect();
    let mut turns = 0_u64;
    while !running.is_empty() {
        turns += 1;
        assert!(turns < 10_000_000, "a worker neither finishes nor dies");
        let choice = random.below(running.len() as u64) as usize;
        let (index, (fate, future)) = &mut running[choice];
        match future.as_mut().poll(&mut context) {
            Poll::Ready(result) => {
                results[*index] = Some(result);
                drop(running.swap_remove(choice));
            }
            Poll::Pending if fate.is_dead() => drop(running.swap_remove(choice)),
            Poll::Pending => {}
        }
    }
    results
}

/// The result of a future that nothing holds up: the simulated AWS answers when it is polled.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("something waits that should not"),
    }
}

/// A port with a fate.
pub(crate) struct Unsteady<P> {
    pub(crate) port: P,
    pub(crate) fate: Fate,
}

#[async_trait]
impl<P: Iam> Iam for Unsteady<P> {
    async fn user(&self, name: &UserName) -> Result<UserFacts, PortError> {
        self.fate.around(self.port.user(name)).await
    }

    async fn access_keys(&self, name: &UserName) -> Result<Vec<KeyFacts>, PortError> {
        self.fate.around(self.port.access_keys(name)).await
    }

    async fn last_used(&self, key: &AccessKeyId) -> Result<LastUsed, PortError> {
        self.fate.around(self.port.last_used(key)).await
    }

    async fn create_access_key(&self, name: &UserName) -> Result<AccessKeyPair, PortError> {
        self.fate.around(self.port.create_access_key(name)).await
    }

    async fn set_status(
        &self,
        name: &UserName,
        key: &AccessKeyId,
        status: KeyStatus,
    ) -> Result<(), PortError> {
        self.fate.around(self.port.set_status(name, key, status)).await
    }

    async fn delete_access_key(&self, name: &UserName, key: &AccessKeyId) -> Result<(), PortError> {
        self.fate.around(self.port.delete_access_key(name, key)).await
    }
}

#[async_trait]
impl<P: KeyProbe> KeyProbe for Unsteady<P> {
    async fn identify(&self, pair: &AccessKeyPair) -> Result<CallerIdentity, PortError> {
        self.fate.around(self.port.identify(pair)).await
    }

    async fn knows(&self, pair: &AccessKeyPair, service: &str, region: &str) -> Result<(), PortError> {
        self.fate.around(self.port.knows(pair, service, region)).await
    }
}

#[async_trait]
impl<P: UsageSource> UsageSource for Unsteady<P> {
    async fn usage(&self, key: &AccessKeyId, since: Timestamp) -> Result<KeyUsage, PortError> {
        self.fate.around(self.port.usage(key, since)).await
    }
}

impl<P: Destinations> Destinations for Unsteady<P> {
    fn open(&self, spec: &DestinationSpec) -> Result<Box<dyn Destination>, PortError> {
        let port = self.port.open(spec)?;
        Ok(Box::new(Unsteady { port, fate: self.fate.clone() }))
    }
}

#[async_trait]
impl Destination for Unsteady<Box<dyn Destination>> {
    async fn preflight(&self) -> Result<(), PortError> {
        self.fate.around(self.port.preflight()).await
    }

    async fn read(&self) -> Result<Slots, PortError> {
        self.fate.around(self.port.read()).await
    }

    async fn stage(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        self.fate.around(self.port.stage(pair)).await
    }

    async fn publish(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        self.fate.around(self.port.publish(pair)).await
    }

    async fn restore(&self, id: &AccessKeyId) -> Result<(), PortError> {
        self.fate.around(self.port.restore(id)).await
    }

    async fn forget(&self, id: &AccessKeyId) -> Result<(), PortError> {
        self.fate.around(self.port.forget(id)).await
    }
}

#[async_trait]
impl<S: Store> Store for Unsteady<&S> {
    async fn append(&self, append: Append<'_>) -> Result<(), StoreError> {
        self.fate.befall().await;
        if self.fate.draw(|weather| weather.store_failure) {
            return Err(failure());
        }
        let result = self.port.append(append).await;
        if self.fate.draw(|weather| weather.store_failure) {
            return Err(failure());
        }
        self.fate.befall().await;
        result
    }

    async fn load(&self, rotation: &RotationId) -> Result<Vec<Record>, StoreError> {
        self.fate.around(self.port.load(rotation)).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<RotationSummary>, StoreError> {
        self.fate.around(self.port.claim(claim)).await
    }

    async fn hand_over(&self, rotation: &RotationId, version: u64, turn: Turn) -> Result<(), StoreError> {
        self.fate.befall().await;
        if self.fate.draw(|weather| weather.store_failure) {
            return Err(failure());
        }
        self.fate.around(self.port.hand_over(rotation, version, turn)).await
    }

    async fn outlook(&self, accounts: &[AccountId]) -> Result<Outlook, StoreError> {
        self.fate.around(self.port.outlook(accounts)).await
    }

    async fn open_rotations(&self) -> Result<Vec<RotationSummary>, StoreError> {
        self.fate.around(self.port.open_rotations()).await
    }

    async fn controls(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.fate.around(self.port.controls(prefix)).await
    }

    async fn set_control(&self, name: &str, body: Option<&str>) -> Result<(), StoreError> {
        self.fate.around(self.port.set_control(name, body)).await
    }

    async fn rotations(&self) -> Result<Vec<RotationSummary>, StoreError> {
        self.fate.around(self.port.rotations()).await
    }
}

fn failure() -> StoreError {
    StoreError::Unavailable { location: "store".into(), message: "no answer".into() }
}
