//! The simulated cloud itself: accounts, services, credentials, faults, and the virtual clock.
//!
//! Every call goes through [`World::handle`]. [`World::create_account`] and the other planting functions of
//! [`plant`] change the world behind AWS's back, to set a scene.

mod account;
mod authorization;
mod cloudtrail;
mod cloudwatch;
mod iam;
mod keyring;
mod organizations;
mod paging;
mod parameters;
pub mod plant;
mod secrets_manager;
mod ssm;
mod sts;
mod workload;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rotakey_core::id::AccountId;
use rotakey_core::secret::Secret;

use crate::api::{Credentials, Fault, Request, Service, Tree};
use crate::consistency::Consistency;
use crate::faults::{Effect, FaultPlan, InjectedFault};
use crate::random::Random;
use account::{Account, Call, Caller};
use cloudtrail::Trail;
use keyring::Keyring;
use organizations::Organization;
use parameters::Parameters;

/// All accounts and all services, at one virtual instant.
#[derive(Debug)]
pub struct World {
    seed: u64,
    now: Timestamp,
    random: Random,
    consistency: Consistency,
    faults: FaultPlan,
    organization: Organization,
    accounts: BTreeMap<AccountId, Account>,
    keyring: Keyring,
    trail: Trail,
}

impl World {
    /// A world without accounts that starts at `now`; everything random in it comes from `seed`.
    pub fn new(seed: u64, now: Timestamp) -> Self {
        let mut random = Random::new(seed);
        Self {
            seed,
            now,
            consistency: Consistency::default(),
            faults: FaultPlan::default(),
            organization: Organization::new(&mut random),
            accounts: BTreeMap::new(),
            keyring: Keyring::default(),
            trail: Trail::default(),
            random,
        }
    }

    /// The virtual instant.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves the clock to `at`; never back.
    pub fn advance_to(&mut self, at: Timestamp) {
        self.now = self.now.max(at);
    }

    /// How late changes become true and visible from now on.
    pub fn set_consistency(&mut self, consistency: Consistency) {
        self.consistency = consistency;
    }

    /// How late changes become true and visible.
    pub fn consistency(&self) -> &Consistency {
        &self.consistency
    }

    /// Adds a fault. Of several that match a call, the one added first hits it.
    pub fn inject(&mut self, fault: InjectedFault) {
        self.faults.add(fault);
    }

    /// Ends all injected faults.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// The faults that are injected, with the number of calls that each still hits.
    pub fn faults(&self) -> &[InjectedFault] {
        self.faults.all()
    }

    /// The seed that the world was made from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The secrets of all access keys and temporary credentials that were ever issued, in no particular
    /// order: none of them may ever be found in a log, an error or an output.
    pub fn secrets_issued(&self) -> impl Iterator<Item = &Secret> {
        self.keyring.secrets()
    }

    /// How many access keys were ever issued, by calls or by planting.
    pub fn access_keys_issued(&self) -> usize {
        self.keyring.long_term_keys()
    }

    /// The accounts, in the order of their numbers.
    pub fn account_ids(&self) -> Vec<AccountId> {
        self.accounts.keys().copied().collect()
    }

    /// A new id for a call, in the form of a UUID.
    pub fn new_request_id(&mut self) -> String {
        self.random.uuid()
    }

    /// The secret that the holder of these credentials must have signed with. Refused, in the words of
    /// `service`, if they are unknown, inactive, deleted, expired or not yet propagated.
    pub fn authenticate(&self, credentials: &Credentials, service: Service) -> Result<&Secret, Fault> {
        self.keyring.accept(credentials, service, self.now).map(keyring::Credential::secret)
    }

    /// Does one call. It takes some time: the clock moves on by the call's latency first.
    pub fn handle(&mut self, request: &Request) -> Result<Tree, Fault> {
        let latency = self.draw_latency();
        self.advance_to(self.now + latency);
        self.handle_now(request)
    }

    /// Does one call of whoever holds this secret, without moving the clock.
    pub(crate) fn handle_signed_now(&mut self, secret: &Secret, request: &Request) -> Result<Tree, Fault> {
        match self.authenticate(&request.credentials, request.service) {
            Ok(right) if right != secret => Err(Fault::signature_mismatch(request.service)),
            Ok(_) | Err(_) => self.handle_now(request),
        }
    }

    /// Whether the caller's policies allow the call. It is not made, and leaves no trace.
    pub fn may(&self, request: &Request) -> Result<(), Fault> {
        authorization::authorize(self, &self.admit(request)?)
    }

    /// How long the next call takes.
    pub(crate) fn draw_latency(&mut self) -> Duration {
        self.consistency.latency.at(self.random.number())
    }

    /// Does one call without moving the clock: the calls of others that happen meanwhile.
    ///
    /// A call that is not authentic leaves no trace: neither its last use nor CloudTrail tells of it.
    pub(crate) fn handle_now(&mut self, request: &Request) -> Result<Tree, Fault> {
        let hit = self.strike(request);
        match hit {
            Some(Effect::Throttle) => return Err(Fault::throttled(request.service)),
            Some(Effect::Outage) => return Err(Fault::outage(request.service)),
            Some(Effect::NoAnswer { happened: false }) => return Err(Fault::NoAnswer { happened: false }),
            Some(Effect::NoAnswer { happened: true } | Effect::AccessDenied) | None => {}
        }
        let call = self.admit(request)?;
        let lag = self.consistency.last_used_lag;
        let Request { service, region, credentials, .. } = request;
        self.keyring.record_use(&credentials.access_key_id, *service, region, self.now, lag);
        let outcome = if hit == Some(Effect::AccessDenied) {
            Err(authorization::denied(&call, &authorization::resource(self, &call)))
        } else {
            authorization::authorize(self, &call).and_then(|()| self.dispatch(&call))
        };
        self.trail.record(&mut self.random, self.now, &call, &outcome);
        match hit {
            Some(Effect::NoAnswer { .. }) => Err(Fault::NoAnswer { happened: outcome.is_ok() }),
            _ => outcome,
        }
    }

    /// The fault that hits the call, if any.
    fn strike(&mut self, request: &Request) -> Option<Effect> {
        let account = self.keyring.get(&request.credentials.access_key_id).map(|key| key.account_id);
        self.faults.strike(request.service, &request.action, account, self.now, &mut self.random)
    }

    /// Finds out who calls.
    fn admit<'a>(&self, request: &'a Request) -> Result<Call<'a>, Fault> {
        let credential = self.keyring.accept(&request.credentials, request.service, self.now)?;
        let account = self.accounts.get(&credential.account_id).filter(|account| !account.suspended);
        let caller = account
            .and_then(|account| Caller::of(credential, account, request))
            .filter(|caller| request.service != Service::Iam || caller.may_call_iam())
            .ok_or_else(|| Fault::unknown_key(request.service))?;
        Ok(Call {
            caller,
            parameters: Parameters { tree: &request.parameters, service: request.service },
            request,
            now: self.now,
        })
    }

    fn dispatch(&mut self, call: &Call<'_>) -> Result<Tree, Fault> {
        match call.request.service {
            Service::Iam => iam::handle(self, call),
            Service::Sts => sts::handle(self, call),
            Service::SecretsManager => secrets_manager::handle(self, call),
            Service::Ssm => ssm::handle(self, call),
            Service::Organizations => organizations::handle(self, call),
            Service::CloudTrail => cloudtrail::handle(self, call),
            Service::CloudWatch => cloudwatch::handle(self, call),
            Service::S3 | Service::DynamoDb | Service::Sqs | Service::Ec2 => workload::handle(self, call),
        }
    }

    /// The caller's account, which exists: its credentials do.
    fn account(&self, call: &Call<'_>) -> &Account {
        &self.accounts[&call.caller.account_id]
    }

    fn account_mut(&mut self, call: &Call<'_>) -> &mut Account {
        self.accounts
            .get_mut(&call.caller.account_id)
            .expect("a caller was admitted from an existing account")
    }
}
