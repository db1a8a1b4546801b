//! The face on the wire: an HTTP endpoint that real SDKs and the aws CLI use unchanged.
//!
//! All services share one address, as `AWS_ENDPOINT_URL` wants it. A request is read in the protocol of its service
//! (query, JSON or REST), its signature is verified, [`World::handle`](crate::world::World::handle) does the call,
//! and the answer goes back in the same protocol. Under `/_sandbox/` the simulation itself is controlled: see
//! [`control`].
//!
//! Only HTTP/1.1 is spoken, without TLS: the endpoint is meant for the loopback interface. Nothing here decides
//! what AWS would do; the only judgement made here is that of signatures.

pub mod control;

mod call;
mod endpoint;
mod json;
mod query;
mod response;
mod rest;
mod server;
mod sigv4;
mod xml;

pub use endpoint::RealTime;
pub use server::{Running, Server};
