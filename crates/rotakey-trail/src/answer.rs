//! What is asked of a trail.

use crate::record::Record;

/// A question while it is being answered. One value lives in each worker thread; at the end all are merged.
///
/// What comes out must be a function of the *set* of records taken: any order, any split over several values
/// and any order of [`merge`](Self::merge) gives the same. Duplicates have been removed before.
pub trait Answer: Send {
    /// Takes records, in no particular order. What is needed later must be copied: they live only as long as
    /// the file that they came from is in memory.
    fn take(&mut self, records: &[Record<'_>]);

    /// Takes over all that the other has.
    fn merge(&mut self, other: Self)
    where
        Self: Sized;
}
