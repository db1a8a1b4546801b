//! A call as read from a request, before anyone is authenticated.

use hyper::Request;
use hyper::body::Bytes;

use super::sigv4::Signature;
use super::{json, query, rest};
use crate::api::{Fault, Protocol, Service, Tree};

/// What a request asks for.
#[derive(Debug, PartialEq)]
pub(super) struct Call {
    pub(super) service: Service,
    pub(super) action: String,
    /// A [`Tree::Map`].
    pub(super) parameters: Tree,
}

/// A request that asks for nothing we know, and the protocol to say so in.
#[derive(Debug, PartialEq)]
pub(super) struct Unreadable {
    pub(super) protocol: Protocol,
    pub(super) fault: Fault,
}

impl Call {
    /// Reads the request in the protocol that it shows: a target header is JSON, an `Action` or a form is the query
    /// protocol. All else is S3, which alone knows its requests by method and path.
    pub(super) fn read(request: &Request<Bytes>, signature: Option<&Signature>) -> Result<Self, Unreadable> {
        let in_protocol = |protocol: Protocol| move |fault: Fault| Unreadable { protocol, fault };
        if json::is_spoken(request) {
            return json::read(request).map_err(in_protocol(Protocol::Json));
        }
        let signed_for = signature.and_then(|signature| Service::from_signing_name(&signature.service));
        match signed_for.map(Service::protocol) {
            Some(Protocol::RestXml) => Ok(rest::read(request)),
            Some(Protocol::Ec2Query) => query::read(request).map_err(in_protocol(Protocol::Ec2Query)),
            None if !query::is_spoken(request) => Ok(rest::read(request)),
            Some(Protocol::Query | Protocol::Json) | None => {
                query::read(request).map_err(in_protocol(Protocol::Query))
            }
        }
    }
}
