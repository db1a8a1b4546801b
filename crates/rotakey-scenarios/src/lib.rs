//! Nothing but tests: one suite of scenarios over the AWS SDK, in `tests/scenarios/`.
//!
//! It is a crate of its own, because it needs more of the SDK than the product does, and nobody who tests another
//! crate should have to build that.
