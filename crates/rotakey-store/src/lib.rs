//! The rotation log on SQLite: one file, which several processes may use at a time.
//!
//! This crate keeps records and hands them back; it never reads what they say. Whether a log is whole is
//! judged over its hash chain, by whoever loads it.

mod error;
mod schema;
mod sqlite;

pub use sqlite::SqliteStore;
