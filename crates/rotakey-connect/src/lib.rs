//! Everything outside AWS that rotakey writes to: today the destinations that are files on this machine.
//!
//! This crate opens no connection and knows no clock. Each adapter is held to its contract by the suite in
//! `rotakey_engine::conformance`. The calls do their file work on the calling thread: the files are small,
//! and a rotation has nothing else to do until its key is safe on disk.

pub mod destination;
pub mod identity;

pub use destination::LocalDestinations;
