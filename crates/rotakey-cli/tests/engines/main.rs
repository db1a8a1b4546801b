//! The answers of engines beside our own: the same files, the same questions.
//!
//! They run in Python, found through `ROTAKEY_TEST_ENGINES_PYTHON` (chDB, DuckDB, sqlglot) and `ROTAKEY_TEST_SPARK_PYTHON`
//! (PySpark, which wants Java); `cargo xtask test` installs both and sets them.

#[path = "../cli/support.rs"]
#[expect(dead_code, reason = "other suites use the rest of it")]
mod support;

mod parquet;
mod spark;
mod sql;
mod trail;
