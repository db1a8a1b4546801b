//! Who uses each access key, since when, for what and from where.

pub mod schema;

use crate::answer::Answer;
use crate::record::Record;

/// Sums up the use of every key.
#[derive(Debug, Default)]
pub struct UsageAnswer {}

impl Answer for UsageAnswer {
    fn take(&mut self, _records: &[Record<'_>]) {}

    fn merge(&mut self, _other: Self) {}
}
