//! Rows of the events that an index does not know yet.

use std::collections::BTreeMap;

use super::Rollup;
use crate::answer::Answer;
use crate::fingerprint::fingerprint;
use crate::record::Record;

/// Fingerprints of events, sorted, by the day of the event.
pub type Seen = BTreeMap<i64, Vec<u64>>;

/// Sums up those records that are not known already, and notes which they are. Whoever reads has removed the copies
/// within what is read; these are the copies of what was read before.
#[derive(Debug)]
pub struct Unseen<'a> {
    known: &'a Seen,
    rollup: Rollup,
    seen: Seen,
    repeated: u64,
}

impl<'a> Unseen<'a> {
    /// Nothing taken yet.
    pub fn new(known: &'a Seen) -> Self {
        Self { known, rollup: Rollup::default(), seen: Seen::new(), repeated: 0 }
    }

    /// The rows, the fingerprints of their events (in no order), and how many records were known before.
    pub fn into_parts(self) -> (Rollup, Seen, u64) {
        (self.rollup, self.seen, self.repeated)
    }

    /// Whether the event is new. One without an id always is.
    fn note(&mut self, record: &Record<'_>) -> bool {
        let Some(id) = record.event_id else { return true };
        let (day, fingerprint) = (record.time.day(), fingerprint(id.as_bytes()));
        if self.known.get(&day).is_some_and(|known| known.binary_search(&fingerprint).is_ok()) {
            self.repeated += 1;
            return false;
        }
        self.seen.entry(day).or_default().push(fingerprint);
        true
    }
}

impl Answer for Unseen<'_> {
    fn take(&mut self, records: &[Record<'_>]) {
        let new: Vec<Record<'_>> = records.iter().filter(|record| self.note(record)).copied().collect();
        self.rollup.take(&new);
    }

    fn merge(&mut self, other: Self) {
        self.rollup.merge(other.rollup);
        for (day, fingerprints) in other.seen {
            self.seen.entry(day).or_default().extend(fingerprints);
        }
        self.repeated += other.repeated;
    }
}

#[cfg(test)]
mod tests {
    use bumpalo::Bump;

    use super::*;
    use crate::oracle;

    #[test]
    fn what_is_known_is_not_counted_again() {
        let arena = Bump::new();
        let text = r#"[{"eventTime": "2026-11-23T15:45:00Z", "eventSource": "s3.amazonaws.com",
             "eventName": "GetObject", "eventID": "one", "userIdentity": {"accessKeyId": "AKIA"}},
            {"eventTime": "2026-11-23T15:46:00Z", "eventSource": "s3.amazonaws.com",
             "eventName": "GetObject", "eventID": "two", "userIdentity": {"accessKeyId": "AKIA"}},
            {"eventTime": "2026-11-23T15:47:00Z", "eventSource": "s3.amazonaws.com",
             "eventName": "GetObject", "userIdentity": {"accessKeyId": "AKIA"}}]"#;
        let records = oracle::records(text, &arena);
        let day = records[0].time.day();
        let known = Seen::from([(day, vec![fingerprint(b"one")]), (day + 1, vec![fingerprint(b"two")])]);
        let mut unseen = Unseen::new(&known);
        unseen.take(&records);
        let (rollup, seen, repeated) = unseen.into_parts();
        assert_eq!(rollup.into_batch().uses[0].day_use.calls, 2);
        assert_eq!((seen, repeated), (Seen::from([(day, vec![fingerprint(b"two")])]), 1));
    }
}
