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
//! A second key for a user, while an application goes on calling with the first:
//!
//! ```
//! use std::time::Duration;
//! use futures::FutureExt;
//! use rotakey_engine::port::Iam;
//! use rotakey_sim::application::{Application, HardCoded};
//! use rotakey_sim::{fleet::FleetPlan, ports::Client, simulation::Simulation};
//!
//! let now = "2026-11-23T12:00:00Z".parse().unwrap();
//! let fleet = FleetPlan { seed: 1, accounts: 1, users: 40, now }.build();
//! let simulation = Simulation::new(fleet.world);
//! let operator = Client::new(simulation.clone(), fleet.operator);
//! let ((_, user), pairs) = fleet.keys.iter().find(|(_, pairs)| pairs.len() == 1).unwrap();
//! simulation.start(Application::new("nightly", HardCoded(pairs[0].duplicate())));
//!
//! let new = operator.create_access_key(user).now_or_never().unwrap().unwrap();
//! simulation.advance_to(simulation.now() + Duration::from_secs(7 * 24 * 3_600));
//! assert_eq!(simulation.records()[0].1.calls, 7 * 24 * 12);
//! assert_ne!(new.id, pairs[0].id);
//! ```
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
