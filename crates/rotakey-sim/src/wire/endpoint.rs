//! From a whole request to a whole answer; no sockets here.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;
use hyper::header::USER_AGENT;
use hyper::{Request, Response};
use jiff::Timestamp;

use super::call::{Call, Unreadable};
use super::control::{self, Counters};
use super::sigv4::{Rejection, Signature};
use super::{json, query, rest};
use crate::api::{self, Fault, Protocol, Service, Tree};
use crate::simulation::Simulation;

/// The real time. Signatures are dated by it, also while the virtual clock stands elsewhere.
pub type RealTime = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// One simulated cloud behind one address.
pub(super) struct Endpoint {
    pub(super) simulation: Simulation,
    counters: Mutex<Counters>,
    real_time: RealTime,
    /// The real instant up to which the virtual clock has followed; `None` if it stands until it is moved.
    followed: Option<Mutex<Timestamp>>,
}

impl Endpoint {
    /// If `follows`, the virtual clock runs as the real one does; else it stands until it is moved.
    pub(super) fn new(simulation: Simulation, real_time: RealTime, follows: bool) -> Self {
        let followed = follows.then(|| Mutex::new(real_time()));
        Self { simulation, counters: Mutex::default(), real_time, followed }
    }

    /// The answer to one request of a client at that address; `None` if it must be left without one.
    pub(super) fn answer(&self, request: &Request<Bytes>, client: IpAddr) -> Option<Response<Bytes>> {
        let real_now = (self.real_time)();
        self.follow(real_now);
        if let Some(resource) = request.uri().path().strip_prefix(control::PREFIX) {
            return Some(control::answer(self, request.method(), resource, request.body()));
        }
        let request_id = self.simulation.new_request_id();
        let signature = Signature::read(request);
        let call = match Call::read(request, signature.as_ref().ok().and_then(Option::as_ref)) {
            Ok(call) => call,
            Err(Unreadable { protocol, fault }) => return refusal(protocol, None, &fault, &request_id),
        };
        let protocol = call.service.protocol();
        let outcome = self.perform(request, signature, &call, client, real_now, &request_id);
        self.counters().count(&call, &outcome);
        match outcome {
            Ok(result) => Some(match protocol {
                Protocol::Query | Protocol::Ec2Query => query::result(&call, &result, &request_id),
                Protocol::Json => json::result(call.service, &result, &request_id),
                Protocol::RestXml => rest::result(&call, &result, &request_id),
            }),
            Err(fault) => refusal(protocol, Some(call.service), &fault, &request_id),
        }
    }

    /// Whether the virtual clock runs as the real one does.
    pub(super) fn follows_real_time(&self) -> bool {
        self.followed.is_some()
    }

    /// What was called so far.
    pub(super) fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(&self, real_now: Timestamp) {
        let Some(followed) = &self.followed else { return };
        let mut followed = followed.lock().unwrap_or_else(PoisonError::into_inner);
        // The real clock may be set back; the virtual one then waits.
        if real_now > *followed {
            let passed = real_now.duration_since(*followed);
            *followed = real_now;
            self.simulation.advance_to(self.simulation.now() + passed);
        }
    }

    fn perform(
        &self,
        request: &Request<Bytes>,
        signature: Result<Option<Signature>, Rejection>,
        call: &Call,
        client: IpAddr,
        real_now: Timestamp,
        request_id: &str,
    ) -> Result<Tree, Fault> {
        let service = call.service;
        let signature = signature
            .map_err(|rejection| rejection.into_fault(service))?
            .ok_or_else(|| Fault::missing_credentials(service))?;
        let secret = self.simulation.authenticate(&signature.credentials, service)?;
        signature
            .verify(request, service, &secret, real_now)
            .map_err(|rejection| rejection.into_fault(service))?;
        let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        self.simulation.call(&api::Request {
            service,
            action: call.action.clone(),
            parameters: call.parameters.clone(),
            credentials: signature.credentials,
            region: signature.region,
            source_ip: client.to_string(),
            user_agent: user_agent.unwrap_or_default().to_owned(),
            request_id: request_id.to_owned(),
        })
    }
}

fn refusal(
    protocol: Protocol,
    service: Option<Service>,
    fault: &Fault,
    request_id: &str,
) -> Option<Response<Bytes>> {
    let Fault::Refused(refusal) = fault else { return None };
    Some(match protocol {
        Protocol::Query => query::refusal(service, refusal, request_id),
        Protocol::Ec2Query => query::ec2_refusal(refusal, request_id),
        Protocol::Json => json::refusal(service, refusal, request_id),
        Protocol::RestXml => rest::refusal(refusal, request_id),
    })
}
