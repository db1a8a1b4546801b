//! The aws CLI and boto3, unchanged, against the sandbox: all that they are given is environment variables.
//!
//! Both are found through `ROTAKEY_TEST_PYTHON`, an interpreter that has them installed; `cargo xtask test` installs
//! one and sets it.

mod aws_cli;
mod boto3;
mod scene;
