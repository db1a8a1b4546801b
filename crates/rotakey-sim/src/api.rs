//! The contract between the simulated cloud and its faces: what a call is, what an answer is, and how a
//! call is refused. Nothing here knows a protocol: names are AWS's own member names, values are [`Tree`]s.

mod fault;
mod service;
mod tree;

pub use fault::{Fault, Refusal};
pub use service::{Protocol, Service};
pub use tree::Tree;

/// One call of an AWS API, after the face has parsed it (and, on the wire, verified its signature).
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The service called.
    pub service: Service,
    /// The operation, as AWS writes it: `CreateAccessKey`.
    pub action: String,
    /// The parameters: a [`Tree::Map`] of AWS's member names. Lists are [`Tree::List`]s, without the
    /// `member.1` of the query protocol. Numbers and booleans may be [`Tree::Text`] where the protocol has
    /// no types.
    pub parameters: Tree,
    /// What the call is signed with.
    pub credentials: Credentials,
    /// The region that was signed for (`us-east-1` for the global services).
    pub region: String,
    /// Where the call came from, for the CloudTrail record.
    pub source_ip: String,
    /// The caller's user agent, for the CloudTrail record.
    pub user_agent: String,
    /// The id of the call: [`World::new_request_id`](crate::world::World::new_request_id).
    pub request_id: String,
}

/// What names the caller. The secret is not here: whoever makes a [`Request`] has proved to hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id: `AKIA…`, or `ASIA…` for temporary credentials. Not yet known to be well-formed.
    pub access_key_id: String,
    /// The session token, which temporary credentials must come with.
    pub session_token: Option<String>,
}

impl Credentials {
    /// Long-term credentials: an access key without a session token.
    pub fn long_term(access_key_id: impl Into<String>) -> Self {
        Self { access_key_id: access_key_id.into(), session_token: None }
    }
}
