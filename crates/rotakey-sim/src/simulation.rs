//! The world, shared, with the applications that live in it: what both faces hold.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_core::secret::Secret;
use rotakey_engine::port::Clock;

use crate::api::{Credentials, Fault, Request, Service, Tree};
use crate::application::{Application, Record};
use crate::world::World;

/// A handle to one simulated cloud and the applications that use it. Clones are handles to the same one.
///
/// Whenever the clock moves, be it because somebody waits or because a call takes its time, the
/// applications make the calls that are due until then, in time order.
#[derive(Debug, Clone)]
pub struct Simulation(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    world: World,
    applications: Vec<Application>,
    /// When each application calls next. The index breaks ties, so that the order is always the same.
    due: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

impl Simulation {
    /// Shares the world.
    pub fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(State { world, applications: Vec::new(), due: BinaryHeap::new() })))
    }

    /// Starts an application.
    pub fn start(&self, application: Application) {
        let mut state = self.lock();
        let first = application.first_call(state.world.now());
        let index = state.applications.len();
        state.due.push(Reverse((first, index)));
        state.applications.push(application);
    }

    /// What became of the calls of each application so far, by name, in the order in which they were started.
    pub fn records(&self) -> Vec<(String, Record)> {
        let named = |application: &Application| (application.name().to_owned(), application.record().clone());
        self.lock().applications.iter().map(named).collect()
    }

    /// The virtual instant.
    pub fn now(&self) -> Timestamp {
        self.lock().world.now()
    }

    /// The virtual clock, as the engine's port.
    pub fn clock(&self) -> SimClock {
        SimClock(self.clone())
    }

    /// A new id for a call, in the form of a UUID.
    pub fn new_request_id(&self) -> String {
        self.lock().world.new_request_id()
    }

    /// [`World::authenticate`], with a copy of the secret.
    pub fn authenticate(&self, credentials: &Credentials, service: Service) -> Result<Secret, Fault> {
        self.lock().world.authenticate(credentials, service).map(Secret::duplicate)
    }

    /// Does one call whose signature was verified. It takes some time, in which the applications go on.
    pub fn call(&self, request: &Request) -> Result<Tree, Fault> {
        let mut state = self.lock();
        state.pass_latency();
        state.world.handle_now(request)
    }

    /// Does one call of whoever holds this secret: refused if it does not belong to the request's key.
    pub fn call_signed(&self, secret: &Secret, request: &Request) -> Result<Tree, Fault> {
        let mut state = self.lock();
        state.pass_latency();
        state.world.handle_signed_now(secret, request)
    }

    /// Moves the clock to `at` (never back), and lets everything happen that is due until then, in time
    /// order.
    pub fn advance_to(&self, at: Timestamp) {
        self.lock().advance_to(at);
    }

    /// Looks into the world, or changes it behind AWS's back.
    pub fn with_world<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        look(&mut self.lock().world)
    }

    /// A panic in a look leaves a world that is whole: every change of it is finished before anything can
    /// panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pass_latency(&mut self) {
        let latency = self.world.draw_latency();
        self.advance_to(self.world.now() + latency);
    }

    fn advance_to(&mut self, at: Timestamp) {
        while let Some(Reverse((due, index))) =
            self.due.peek().copied().filter(|Reverse((due, _))| *due <= at)
        {
            self.due.pop();
            self.world.advance_to(due);
            let next = self.applications[index].call(&mut self.world);
            self.due.push(Reverse((next, index)));
        }
        self.world.advance_to(at);
    }
}

/// The clock of a simulation. Waiting costs nothing: the clock jumps, and whatever is due until then happens.
#[derive(Debug, Clone)]
pub struct SimClock(Simulation);

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.0.advance_to(at);
    }
}
