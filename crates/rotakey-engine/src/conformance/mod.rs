//! The contracts of the ports as code: every adapter's tests call the suite of the port that it serves, so
//! that all adapters of a port mean the same. A suite needs no particular async runtime, and panics with a
//! sentence that says which promise was broken.

pub mod destination;
pub mod notifier;
pub mod outbox;
pub mod server;
pub mod store;
