//! The in-process face: the ports of the engine, on the simulated AWS. Their futures are finished when they
//! are first polled; they need no particular runtime.

mod client;
mod destination;
mod iam;
mod inventory;
mod usage;

pub use client::Client;
