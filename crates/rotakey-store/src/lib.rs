//! What rotakey keeps: the rotation log, in an SQLite file; and the index of the use of keys and the cache of scans, each
//! in an SQLite file or in PostgreSQL. Several processes may use any of them at a time.
//!
//! This crate keeps records and hands them back; it never reads what they say. Whether a log is whole is
//! judged over its hash chain, by whoever loads it. It holds no secret.

mod error;
mod location;
mod postgres;
pub mod scan_cache;
mod schema;
mod sqlite;
mod sqlite_file;
pub mod usage_index;

pub use sqlite::SqliteStore;
