//! From bytes to records, at the speed of decompression: the strict reader of JSON that knows what a CloudTrail record
//! looks like. Nothing is built in between: an index of the text's structure ([`index`]), and a walk over it ([`walk`])
//! that checks everything and keeps what a [`Record`] has.
//!
//! What is accepted and what it means is that of RFC 8259 and of `serde_json`; the oracle tests hold the two together.

mod document;
mod index;
mod record;
mod walk;

pub use document::{Malformed, Scanned, Scanner};

#[cfg(doc)]
use crate::record::Record;
