//! Why a cache could not be read or written.

/// Why a cache could not be read or written. Nothing was added, and nothing is known: scan as if there were no cache.
///
/// `location` is for people: no password is in it, and no control character.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// It cannot be written to.
    #[error("{location} is read-only")]
    ReadOnly {
        /// Where the cache is kept.
        location: String,
    },
    /// There is no space left.
    #[error("no space left for {location}")]
    Full {
        /// Where the cache is kept.
        location: String,
    },
    /// A later version of rotakey has written here.
    #[error("{location} was written by a newer rotakey (its format is {found}, this program knows {known})")]
    Newer {
        /// Where the cache is kept.
        location: String,
        /// The format found.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// What is there is not a cache.
    #[error("{location} is not a cache of scans: {message}")]
    Foreign {
        /// Where the cache should be.
        location: String,
        /// What is there instead.
        message: String,
    },
    /// It is a cache, but not as it was written. It is not trusted in anything.
    #[error("{location} is damaged: {message}")]
    Damaged {
        /// What is damaged, as closely as can be told.
        location: String,
        /// What is wrong with it.
        message: String,
    },
    /// It did not answer, or answered with an error of its own.
    #[error("{location}: {message}")]
    Unavailable {
        /// Where the cache is kept.
        location: String,
        /// What it said.
        message: String,
    },
}
