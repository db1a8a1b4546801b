//! Everything outside AWS that rotakey writes to: destinations of keys, and ways to notify people.
//!
//! This crate knows no clock, and names nothing of AWS's SDK. Each adapter is held to its contract by the suite in
//! `rotakey_engine::conformance`. File work is done on the calling thread: the files are small, and a rotation has
//! nothing else to do until its key is safe on disk.

mod cause;
pub mod check;
pub mod credential;
pub mod destination;
mod http;
pub mod identity;
pub mod notifier;
mod signature;
#[cfg(test)]
mod still;

pub use destination::OutsideDestinations;
pub use notifier::OutsideNotifiers;
