//! A simulated AWS that is stricter than AWS.
//!
//! One [`world::World`] holds the accounts of an organization, their IAM users and access keys, and the
//! services that rotakey talks to. It has a virtual clock, is deterministic from one seed, and misbehaves
//! on request the way the cloud does: it throttles, loses answers, shows stale data and lets changes
//! propagate slowly.
//!
//! It has two faces, which both end in [`world::World::handle`]: in process, the ports of the engine; on
//! the wire, an HTTP endpoint that real SDKs can call.
//!
//! This crate never reads the machine's clock or its randomness, and never calls a real cloud.

pub mod api;
pub mod application;
pub mod consistency;
pub mod faults;
pub mod fleet;
pub mod ports;
pub mod random;
pub mod simulation;
pub mod wire;
pub mod world;
