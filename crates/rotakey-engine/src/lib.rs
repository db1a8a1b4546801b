//! The driver of rotations: load the log, observe the world, let `rotakey-core` decide, do one effect,
//! append what happened. It names no adapter: everything outside is reached through the traits of [`port`].

pub mod conformance;
pub mod control;
pub mod driver;
pub mod herald;
pub mod inventory;
pub mod journal;
pub mod left;
mod memory;
pub mod memory_outbox;
pub mod memory_store;
mod observe;
pub mod outbox;
mod permits;
pub mod port;
pub mod store;
pub mod transfer;
