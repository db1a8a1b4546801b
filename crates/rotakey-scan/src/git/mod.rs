//! What a git repository holds, read without git: where its parts are, the index, references, commits and trees, and
//! all objects.
//!
//! Nothing here runs a program or a hook, follows an `include` of a configuration file, or writes.

pub mod attribute;
pub mod change;
pub mod commit;
pub mod config;
pub mod environment;
pub mod gaps;
pub mod history;
pub mod index;
pub mod objects;
mod path;
pub mod read;
pub mod refs;
pub mod repository;
pub mod revision;
pub mod since;
pub mod staged;
#[cfg(test)]
mod testing;
pub mod tree;
pub mod walk;
