//! What rotakey keeps: the rotation log, the index of the use of keys and the cache of scans, each in an SQLite file or in
//! PostgreSQL. Several processes may use any of them at a time.
//!
//! This crate keeps records and hands them back; it never reads what they say. Whether a log is whole is
//! judged over its hash chain, by whoever loads it. It holds no secret.

mod error;
mod location;
mod postgres;
mod rotations;
pub mod scan_cache;
mod schema;
mod sqlite_file;
pub mod usage_index;

pub use location::{InvalidLocation, Location, Server};
pub use rotations::{LogLocation, PostgresStore, SqliteStore, TableName};
pub use schema::SchemaVersion;
