//! Judges access keys by a policy.

mod code;

pub use code::{Code, Severity};
