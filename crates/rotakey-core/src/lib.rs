//! The domain of rotakey: what an access key is, how it is judged, and how it is rotated.
//!
//! This crate decides; it never acts. It knows no AWS SDK, no async runtime, no clock, no file and no
//! randomness: time and facts are arguments, decisions are values. Everything that happens to a key is
//! decided here and done by `rotakey-engine`.

pub mod audit;
mod braces;
pub mod destination;
pub mod fact;
pub mod id;
pub mod notify;
pub mod organization;
pub mod policy;
pub mod report;
pub mod rotate;
pub mod secret;
pub mod text;
