//! Finds leaked AWS access keys: in bytes, work trees, staged changes, whole git histories, archives.
//!
//! One way for all sources: a source hands each content to [`scan::Scan::content`], which opens containers, asks
//! the [`detect::Detector`], and keeps a [`finding::Finding`] for each match, without the secret. What could not
//! be read is in the [`coverage::Coverage`]: nothing is skipped in silence.
//!
//! This crate opens no network connection but to an object store that it is told to read, runs no other program
//! (git included), never writes to where it reads from, and never keeps a found secret longer than it needs to
//! take its digests.

pub mod allow;
pub mod baseline;
pub mod cache;
pub mod container;
pub mod coverage;
pub mod detect;
mod excerpt;
pub mod finding;
pub mod git;
pub mod holder;
pub mod kind;
pub mod object_id;
#[cfg(feature = "objects")]
pub mod objects;
mod pieces;
pub mod place;
pub mod progress;
pub mod report;
pub mod scan;
#[cfg(any(test, feature = "specimen"))]
pub mod specimen;
pub mod tree;
