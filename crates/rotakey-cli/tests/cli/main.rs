//! The real binary, from outside: what a person types, and what comes back. One file for each verb.

mod audit;
mod config;
mod help;
mod rotate;
mod sandbox;
mod support;
mod r#try;
