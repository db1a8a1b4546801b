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
use crate::consistency::{Consistency, DelayRange};
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
    /// If `follows`, the virtual clock runs as the real one does; else it stands until it is moved. With a running
    /// clock, calls take the real time that they take, and not the simulated latency on top.
    pub(super) fn new(simulation: Simulation, real_time: RealTime, follows: bool) -> Self {
        let followed = follows.then(|| Mutex::new(real_time()));
        if follows {
            simulation.with_world(|world| {
                let consistency = Consistency { latency: DelayRange::NONE, ..world.consistency().clone() };
                world.set_consistency(consistency);
            });
        }
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
            region: region_of(service, signature.region),
            source_ip: client.to_string(),
            user_agent: user_agent.unwrap_or_default().to_owned(),
            request_id: request_id.to_owned(),
        })
    }
}

/// The region in which the call is taken to be made. The global services live in one region, which AWS wants calls to
/// be signed for; but SDKs that are given an endpoint sign for the region that they are configured for, so that must
/// do here.
fn region_of(service: Service, signed_for: String) -> String {
    match service {
        Service::Iam | Service::Organizations => "us-east-1".to_owned(),
        _ => signed_for,
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::world::World;

    /// Pieces of requests, right and wrong.
    const PIECES: &[&str] = &[
        "",
        " ",
        "\t",
        ",",
        "=",
        "/",
        "%",
        "%2",
        "%zz",
        ".",
        "&",
        ";",
        "AWS4-HMAC-SHA256",
        " Credential=",
        "Signature=",
        ", SignedHeaders=",
        "host;x-amz-date",
        "AKIAIOSFODNN7EXAMPLE",
        "/20261123/us-east-1/iam/aws4_request",
        "00ff",
        "20261123T100000Z",
        "99999999T999999Z",
        "Action=",
        "ListUsers",
        "&Version=2010-05-08",
        ".member.",
        "1",
        "-1",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "&X-Amz-Expires=",
        "&X-Amz-Credential=",
        "secretsmanager.",
        "AmazonSSM.",
        "{",
        "}",
        "[",
        "\"a\":",
        "1e999",
        "null",
        "\u{e9}",
        "_sandbox",
        "/clock",
        "/state",
        "9999999999999999999",
    ];

    fn endpoint() -> Endpoint {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        Endpoint::new(Simulation::new(World::new(3, now)), Arc::new(move || now), true)
    }

    #[test]
    fn whatever_is_sent_without_credentials_is_refused_and_never_a_panic() {
        let endpoint = endpoint();
        let mut random = fastrand::Rng::with_seed(5);
        let mut text = |longest: usize| -> String {
            (0..random.usize(..=longest)).map(|_| PIECES[random.usize(..PIECES.len())]).collect()
        };
        let mut built = 0;
        for _ in 0..20_000 {
            let uri = format!("/{}?{}", text(3), text(12));
            let request = Request::builder()
                .method(["GET", "POST", "PUT", "HEAD"][uri.len() % 4])
                .uri(&uri)
                .header("content-type", "application/x-www-form-urlencoded")
                .header("authorization", text(14))
                .header("x-amz-date", text(2))
                .header(["x-amz-target", "x-amz-security-token", "x-other"][uri.len() % 3], text(3));
            // Not every mixture is a request that the HTTP library would pass on.
            let Ok(request) = request.body(Bytes::from(text(12))) else { continue };
            built += 1;
            let is_control = request.uri().path().starts_with(control::PREFIX);
            let response = endpoint.answer(&request, Ipv4Addr::LOCALHOST.into()).expect("there is an answer");
            let status = response.status().as_u16();
            assert!((400..500).contains(&status) || status == 501 || is_control, "{status}: {request:?}");
        }
        assert!(built > 5_000, "{built}");
    }
}
