//! The cache of scans: the suite of its port, on SQLite and on PostgreSQL; and what names it.
//!
//! A server of PostgreSQL is found in the environment variable `ROTAKEY_TEST_POSTGRES_URL`; `cargo xtask test` starts
//! one and sets it. Each test has a database of its own there.

mod objects;
mod postgres;
mod sqlite;
