//! The world, shared: what both faces hold.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rotakey_core::secret::Secret;

use crate::api::{Credentials, Fault, Request, Service, Tree};
use crate::world::World;

/// A handle to one simulated cloud. Clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Simulation {
    world: Arc<Mutex<World>>,
}

impl Simulation {
    /// Shares the world.
    pub fn new(world: World) -> Self {
        Self { world: Arc::new(Mutex::new(world)) }
    }

    /// The virtual instant.
    pub fn now(&self) -> Timestamp {
        self.lock().now()
    }

    /// A new id for a call, in the form of a UUID.
    pub fn new_request_id(&self) -> String {
        self.lock().new_request_id()
    }

    /// [`World::authenticate`], with a copy of the secret.
    pub fn authenticate(&self, credentials: &Credentials, service: Service) -> Result<Secret, Fault> {
        self.lock().authenticate(credentials, service).map(Secret::duplicate)
    }

    /// [`World::handle`].
    pub fn call(&self, request: &Request) -> Result<Tree, Fault> {
        self.lock().handle(request)
    }

    /// Moves the clock to `at` (never back), and lets everything happen that is due until then, in time order.
    pub fn advance_to(&self, at: Timestamp) {
        self.lock().advance_to(at);
    }

    /// Looks into the world, or changes it behind AWS's back.
    pub fn with_world<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        look(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
