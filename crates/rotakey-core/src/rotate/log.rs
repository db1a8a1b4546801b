//! The log as it is kept: each record is hash-chained to the one before.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::event::Event;
use crate::id::RotationId;

/// The hash of a record and all before it: SHA-256, 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainHash(String);

impl ChainHash {
    /// What the first record is chained to.
    pub fn origin(rotation: &RotationId) -> Self {
        Self::of(&[b"rotakey rotation log 1", rotation.as_str().as_bytes()])
    }

    /// A hash read back from a store. It is compared, never trusted.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(u64::try_from(part.len()).expect("a length fits").to_be_bytes());
            hasher.update(part);
        }
        Self(data_encoding::HEXLOWER.encode(&hasher.finalize()))
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One record, as a store keeps it: the exact text that was hashed, and the hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// 1 for the first record of a rotation, then one more each.
    pub version: u64,
    /// JSON: `{"rotation", "version", "at", "event", ...}`.
    pub body: String,
    /// Over the hash before and the body.
    pub hash: ChainHash,
}

#[derive(Serialize, Deserialize)]
struct Body<E> {
    rotation: RotationId,
    version: u64,
    at: Timestamp,
    #[serde(flatten)]
    event: E,
}

impl Record {
    /// The record of an event, chained to the hash of the record before it.
    pub fn seal(
        rotation: &RotationId,
        version: u64,
        at: Timestamp,
        event: &Event,
        before: &ChainHash,
    ) -> Self {
        let body = Body { rotation: rotation.clone(), version, at, event };
        let body = serde_json::to_string(&body).expect("events have only text keys");
        let hash = ChainHash::of(&[before.0.as_bytes(), body.as_bytes()]);
        Self { version, body, hash }
    }
}

/// One entry of a log that was found whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// 1 for the first entry of a rotation, then one more each.
    pub version: u64,
    /// When it was appended.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
    /// The hash of the record.
    pub hash: ChainHash,
}

impl Entry {
    /// Checks the chain over the records of one rotation, all of them and in order, and reads them.
    pub fn open_all(rotation: &RotationId, records: &[Record]) -> Result<Vec<Self>, BrokenLog> {
        let broken = |version, what| BrokenLog { rotation: rotation.clone(), version, what };
        let mut before = ChainHash::origin(rotation);
        let mut entries = Vec::with_capacity(records.len());
        for (expected, record) in (1..).zip(records) {
            if record.version != expected {
                return Err(broken(expected, "this entry is missing".to_owned()));
            }
            if record.hash != ChainHash::of(&[before.0.as_bytes(), record.body.as_bytes()]) {
                return Err(broken(expected, "this entry or the one before was changed".to_owned()));
            }
            let body: Body<Event> = serde_json::from_str(&record.body)
                .map_err(|error| broken(expected, format!("this entry cannot be read: {error}")))?;
            if body.rotation != *rotation || body.version != expected {
                return Err(broken(expected, "this entry belongs elsewhere".to_owned()));
            }
            before = record.hash.clone();
            entries.push(Self { version: expected, at: body.at, event: body.event, hash: before.clone() });
        }
        Ok(entries)
    }
}

/// A log whose hash chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the log of rotation {rotation} is broken at entry {version}: {what}")]
pub struct BrokenLog {
    /// The rotation.
    pub rotation: RotationId,
    /// The first entry that does not fit.
    pub version: u64,
    /// What is wrong with it.
    pub what: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotate::event::Note;

    fn rotation() -> RotationId {
        "r-abcdefgh".parse().unwrap()
    }

    fn records() -> Vec<Record> {
        let mut before = ChainHash::origin(&rotation());
        (1..=4)
            .map(|version| {
                let event = Event::Noted { note: Note::Delivered };
                let record = Record::seal(&rotation(), version, Timestamp::UNIX_EPOCH, &event, &before);
                before = record.hash.clone();
                record
            })
            .collect()
    }

    #[test]
    fn an_untouched_log_opens() {
        assert_eq!(Entry::open_all(&rotation(), &records()).unwrap().len(), 4);
    }

    #[test]
    fn a_broken_chain_says_where() {
        let change = |edit: fn(&mut Vec<Record>)| {
            let mut records = records();
            edit(&mut records);
            Entry::open_all(&rotation(), &records).unwrap_err().version
        };
        assert_eq!(change(|log| log[2].body = log[2].body.replace("delivered", "published")), 3);
        assert_eq!(change(|log| drop(log.remove(1))), 2, "an entry was taken out");
        assert_eq!(change(|log| drop(log.remove(0))), 1, "the first entry was taken out");
        assert_eq!(change(|log| log.swap(2, 3)), 3, "two entries were swapped");
    }

    #[test]
    fn a_log_does_not_open_as_that_of_another_rotation() {
        let other: RotationId = "r-zzzzzzzz".parse().unwrap();
        assert_eq!(Entry::open_all(&other, &records()).unwrap_err().version, 1);
    }
}
