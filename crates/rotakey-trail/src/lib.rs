//! Reads AWS CloudTrail at the speed of decompression and says who uses each access key, from where, what
//! was done with it, and what came of it.
//!
//! One way for all questions: a *source* yields [`record::Record`]s, duplicates are removed, and an
//! [`answer::Answer`] takes what is left. An answer depends on the set of records only, never on their order
//! or on how they were spread over files, threads or machines.
//!
//! This crate names no AWS SDK: whoever calls AWS hands over bytes. It never follows what a record says
//! (no URL, no path in it is opened), and it never writes to where it reads from.

pub mod after;
pub mod anomaly;
pub mod answer;
mod bounded;
pub mod cadence;
pub mod consumer;
pub mod consumers;
pub mod engine;
pub mod event_time;
pub mod fingerprint;
pub mod key_use;
pub mod keys;
pub mod lineage;
pub mod minted;
pub mod network;
mod newest;
#[cfg(any(test, feature = "oracle"))]
pub mod oracle;
pub mod outcome;
pub mod partial;
pub mod policy;
pub mod read;
pub mod record;
pub mod rollup;
pub mod scan;
pub mod seen;
pub mod selection;
pub mod source;
pub mod summary;
pub mod timeline;
pub mod usage;
pub mod user_agent;
pub mod verify;
