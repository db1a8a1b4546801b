//! The real binary on bad days: killed at any instant, on a machine or in an account where something is wrong, and
//! against the other double of AWS.

mod bad_input;
mod clocked;
mod cloud;
mod killed;
mod moto;
mod proxy;
mod queue;
mod scan;
mod stores;
#[path = "../cli/support.rs"]
mod support;
mod trail;
