//! The simulated cloud itself.

use jiff::Timestamp;
use rotakey_core::secret::Secret;

use crate::api::{Credentials, Fault, Request, Service, Tree};
use crate::faults::InjectedFault;

/// All accounts and all services, at one virtual instant.
#[derive(Debug)]
pub struct World {
    now: Timestamp,
    random: fastrand::Rng,
    faults: Vec<InjectedFault>,
}

impl World {
    /// An empty world that starts at `now`; everything random in it comes from `seed`.
    pub fn new(seed: u64, now: Timestamp) -> Self {
        Self { now, random: fastrand::Rng::with_seed(seed), faults: Vec::new() }
    }

    /// The virtual instant.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves the clock to `at`; never back.
    pub fn advance_to(&mut self, at: Timestamp) {
        self.now = self.now.max(at);
    }

    /// Adds a fault.
    pub fn inject(&mut self, fault: InjectedFault) {
        self.faults.push(fault);
    }

    /// Ends all injected faults.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// A new id for a call, in the form of a UUID.
    pub fn new_request_id(&mut self) -> String {
        format!("{:032x}", self.random.u128(..))
    }

    /// The secret that the holder of these credentials must have signed with. Refused, in the words of `service`,
    /// if they are unknown, inactive, deleted, expired or not yet propagated.
    pub fn authenticate(&self, credentials: &Credentials, service: Service) -> Result<&Secret, Fault> {
        let _ = credentials;
        Err(Fault::unknown_key(service))
    }

    /// Does one call.
    pub fn handle(&mut self, request: &Request) -> Result<Tree, Fault> {
        Err(Fault::unknown_operation(request.service, &request.action))
    }
}
