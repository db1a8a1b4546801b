//! Calls to the simulated AWS by one holder of a key.

use std::fmt;
use std::sync::Arc;

use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{PortError, PortErrorKind};

use crate::api::{Credentials, Fault, Request, Service, Tree};
use crate::simulation::Simulation;

/// Someone who calls the simulated AWS: it implements the engine's ports
/// [`Iam`](rotakey_engine::port::Iam), [`KeyProbe`](rotakey_engine::port::KeyProbe),
/// [`Destinations`](rotakey_engine::port::Destinations) (Secrets Manager only) and
/// [`Inventory`](rotakey_engine::inventory::Inventory) with the rights of the key it holds, in the account
/// of that key. Clones hold the same key.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    simulation: Simulation,
    credentials: Credentials,
    secret: Secret,
    region: String,
    user_agent: String,
}

impl Client {
    /// Calls with this access key, in the region `us-east-1`.
    pub fn new(simulation: Simulation, pair: AccessKeyPair) -> Self {
        Self(Arc::new(Inner {
            simulation,
            credentials: Credentials::long_term(pair.id.as_str()),
            secret: pair.secret,
            region: "us-east-1".to_owned(),
            user_agent: "rotakey/simulation".to_owned(),
        }))
    }

    /// The same caller in another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self(Arc::new(Inner {
            simulation: self.0.simulation.clone(),
            credentials: self.0.credentials.clone(),
            secret: self.0.secret.duplicate(),
            region: region.to_owned(),
            user_agent: self.0.user_agent.clone(),
        }))
    }

    /// Assumes a role (`sts:AssumeRole`), in its account.
    pub fn assume_role(&self, role_arn: &str, external_id: Option<&str>) -> Result<Self, PortError> {
        let parameters = Tree::map([("RoleArn", role_arn.into()), ("RoleSessionName", "rotakey".into())]);
        let answer = self.call(Service::Sts, "AssumeRole", parameters.with("ExternalId", external_id))?;
        let credentials = answer.get("Credentials").unwrap_or(&answer);
        let text = |member| required(credentials, "sts:AssumeRole", member).map(str::to_owned);
        Ok(Self(Arc::new(Inner {
            simulation: self.0.simulation.clone(),
            credentials: Credentials {
                access_key_id: text("AccessKeyId")?,
                session_token: Some(text("SessionToken")?),
            },
            secret: Secret::new(text("SecretAccessKey")?),
            region: self.0.region.clone(),
            user_agent: self.0.user_agent.clone(),
        })))
    }

    /// The cloud that is called.
    pub fn simulation(&self) -> &Simulation {
        &self.0.simulation
    }

    /// Makes one call with any parameters: AWS's member names in, AWS's member names out.
    pub fn call(&self, service: Service, action: &str, parameters: Tree) -> Result<Tree, PortError> {
        let request = self.request(service, action, parameters);
        let outcome = self.0.simulation.call_signed(&self.0.secret, &request);
        outcome.map_err(|fault| port_error(service, action, &fault))
    }

    /// Whether the caller's policies allow the call. It is not made.
    pub(super) fn may(&self, service: Service, action: &str, parameters: Tree) -> Result<(), PortError> {
        let request = self.request(service, action, parameters);
        let allowed = self.0.simulation.with_world(|world| world.may(&request));
        allowed.map_err(|fault| port_error(service, action, &fault))
    }

    fn request(&self, service: Service, action: &str, parameters: Tree) -> Request {
        Request {
            service,
            action: action.to_owned(),
            parameters,
            credentials: self.0.credentials.clone(),
            region: self.0.region.clone(),
            source_ip: "203.0.113.20".to_owned(),
            user_agent: self.0.user_agent.clone(),
            request_id: self.0.simulation.new_request_id(),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.0.credentials.access_key_id).finish()
    }
}

/// The text of a member that AWS always sends.
pub(super) fn required<'a>(answer: &'a Tree, operation: &str, member: &str) -> Result<&'a str, PortError> {
    answer.text(member).ok_or_else(|| unreadable(operation, format!("the answer has no {member}")))
}

/// An answer that does not say what it should.
pub(super) fn unreadable(operation: &str, message: impl fmt::Display) -> PortError {
    PortError::new(PortErrorKind::Invalid, operation, message.to_string())
}

/// What a fault means for the engine's next step.
fn port_error(service: Service, action: &str, fault: &Fault) -> PortError {
    let kind = match fault {
        Fault::NoAnswer { .. } => PortErrorKind::Ambiguous,
        fault if fault.is_about_credentials() => PortErrorKind::Credentials,
        Fault::Refused(refusal) => match refusal.code.as_str() {
            "Throttling"
            | "ThrottlingException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "SlowDown" => PortErrorKind::Throttled,
            "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => PortErrorKind::Denied,
            "NoSuchEntity" | "ResourceNotFoundException" | "ParameterNotFound" => PortErrorKind::NotFound,
            "LimitExceeded" | "LimitExceededException" => PortErrorKind::LimitExceeded,
            "DeleteConflict"
            | "EntityAlreadyExists"
            | "ResourceExistsException"
            | "ParameterAlreadyExists" => PortErrorKind::Conflict,
            _ if refusal.is_receiver() => PortErrorKind::Ambiguous,
            _ => PortErrorKind::Invalid,
        },
    };
    PortError::new(kind, format!("{}:{action}", service.action_prefix()), fault.to_string())
}
