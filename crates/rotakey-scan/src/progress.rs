//! How far a long scan has come.

/// Whoever is told. Called from any thread, and often: it must be quick.
pub trait Progress: Sync {
    /// So many more contents were scanned, with so many bytes as they are stored.
    fn advanced(&self, contents: u64, bytes: u64);
}

/// Nobody is told.
impl Progress for () {
    fn advanced(&self, _contents: u64, _bytes: u64) {}
}
