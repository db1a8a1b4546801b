//! Git's object store: packs, loose objects and what alternates lend.
//!
//! Two ways in: a [`Reader`] reads one object by its id, and a walk over every blob, reachable or not, rebuilds families of
//! deltas from their roots. Neither checks that an object has the id that it is stored under: that is the work of
//! `git fsck`, and would take longer than everything else.

mod buffer;
mod cache;
mod cached;
mod damage;
mod delta;
mod directories;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod index;
mod inflate;
mod kind;
mod loose;
pub(super) mod map;
mod pack;
mod reader;
mod seams;
mod store;
mod unindexed;
mod walk;

pub use error::{OpenError, ReadError};
pub use kind::{ObjectFormat, ObjectKind};
pub use pack::Pack;
pub use reader::{Object, Reader};
pub use store::{Directories, ObjectStore};
pub use walk::{
    Change, HEAD, Known, Named, Notes, NothingKnown, Search, Visit, Walked, walk, walk_commits_and_trees,
};

#[cfg(test)]
mod tests;
