//! Which keys are sessions of the one that is asked about.

use std::collections::BTreeSet;
use std::fmt::Debug;

/// A set of key ids that can be asked for its members. One is shared by all threads.
pub trait Sessions: Debug + Send + Sync {
    /// Whether the key was minted from the one asked about, directly or not.
    fn contains(&self, access_key_id: &str) -> bool;
}

impl Sessions for BTreeSet<String> {
    fn contains(&self, access_key_id: &str) -> bool {
        Self::contains(self, access_key_id)
    }
}

/// No sessions are followed.
impl Sessions for () {
    fn contains(&self, _access_key_id: &str) -> bool {
        false
    }
}
