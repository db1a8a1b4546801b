//! The real binary, from outside: what a person types, and what comes back. One file for each verb.

mod audit;
mod config;
mod git;
mod help;
mod notify;
mod rotate;
mod rotate_controls;
mod rotate_listen;
mod rotate_simulate;
mod rotate_usage;
mod sandbox;
mod scan;
mod scan_git;
mod support;
mod trail_after;
mod trail_anomalies;
mod trail_ingest;
mod trail_input;
mod trail_key;
mod trail_keys;
mod trail_live;
mod trail_merge;
mod trail_policy;
mod trail_story;
mod trail_usage;
mod trail_verify;
#[expect(dead_code, reason = "the tests of the library use all of it")]
#[path = "../../../rotakey-trail/tests/verify/tree.rs"]
mod tree;
mod r#try;
