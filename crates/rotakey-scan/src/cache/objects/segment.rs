//! What one object has: units that were scanned by the same rules, and last used in the same time.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::cache::id_set::IdSet;
use crate::cache::{CachedFinding, Entry, Outcome, RulesVersion, Unit};
use crate::object_id::ObjectId;

/// How a segment begins. The last byte is the version of the form.
const MAGIC: &[u8; 8] = b"RTSCAN\0\x01";

/// The beginning, the rules, the period, and how many ids there are of each length.
const HEADER: usize = 8 + 32 + 4 + 8 + 8;

/// Units and what came of them. Clean blobs, which almost all are, are ids and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) clean: IdSet,
    pub(super) others: BTreeMap<Unit, Outcome>,
}

/// A segment that is being filled.
#[derive(Debug, Default)]
pub(super) struct Pending {
    clean: BTreeSet<ObjectId>,
    others: BTreeMap<Unit, Outcome>,
}

/// A unit that is no clean blob.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    pack: bool,
    id: ObjectId,
    blobs: u64,
    findings: Vec<CachedFinding>,
}

impl Segment {
    /// The bytes of the object.
    ///
    /// All numbers have their low byte first; ids are sorted and without a second one; then JSON until the end.
    pub(super) fn encode(&self, rules: RulesVersion, period: u32) -> Vec<u8> {
        let (short, long) = self.clean.parts();
        let mut bytes = Vec::with_capacity(HEADER + short.len() * 20 + long.len() * 32 + 2);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(rules.as_bytes());
        bytes.extend_from_slice(&period.to_le_bytes());
        bytes.extend_from_slice(&(short.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&(long.len() as u64).to_le_bytes());
        bytes.extend_from_slice(short.as_flattened());
        bytes.extend_from_slice(long.as_flattened());
        let others: Vec<Other> = self
            .others
            .iter()
            .map(|(unit, outcome)| Other {
                pack: matches!(unit, Unit::Pack(_)),
                id: *unit.id(),
                blobs: outcome.blobs,
                findings: outcome.findings.clone(),
            })
            .collect();
        serde_json::to_writer(&mut bytes, &others).expect("findings are JSON, and memory takes all");
        bytes
    }

    /// Reads an object that is said to have these rules and that period. `None` if it is not one, whole and as
    /// [`encode`](Self::encode) writes it.
    pub(super) fn decode(bytes: &[u8], rules: RulesVersion, period: u32) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (own_rules, rest) = rest.split_first_chunk::<32>()?;
        let (own_period, rest) = rest.split_first_chunk::<4>()?;
        if magic != MAGIC || own_rules != rules.as_bytes() || u32::from_le_bytes(*own_period) != period {
            return None;
        }
        let (short, rest) = rest.split_first_chunk::<8>()?;
        let (long, rest) = rest.split_first_chunk::<8>()?;
        let length = |count: &[u8; 8], each: usize| {
            usize::try_from(u64::from_le_bytes(*count)).ok()?.checked_mul(each)
        };
        let (short, rest) = rest.split_at_checked(length(short, 20)?)?;
        let (long, rest) = rest.split_at_checked(length(long, 32)?)?;
        let clean = IdSet::from_parts(short.as_chunks().0.to_vec(), long.as_chunks().0.to_vec())?;
        let mut others = BTreeMap::new();
        for Other { pack, id, blobs, findings } in serde_json::from_slice::<Vec<Other>>(rest).ok()? {
            let unit = if pack { Unit::Pack(id) } else { Unit::Blob(id) };
            if others.insert(unit, Outcome { blobs, findings }).is_some() {
                return None;
            }
        }
        Some(Self { clean, others })
    }

    /// Takes over what another one has. Of a unit that both have, what was here stays.
    pub(super) fn add(&mut self, other: Self) {
        self.clean.extend(other.clean.iter());
        for (unit, outcome) in other.others {
            self.others.entry(unit).or_insert(outcome);
        }
    }
}

impl Pending {
    /// Puts a unit in. One that is there already stays.
    pub(super) fn insert(&mut self, unit: Unit, outcome: &Outcome) {
        match unit {
            Unit::Blob(id) if is_clean(outcome) => {
                if !self.others.contains_key(&unit) {
                    self.clean.insert(id);
                }
            }
            _ if matches!(unit, Unit::Blob(id) if self.clean.contains(&id)) => {}
            _ => {
                self.others.entry(unit).or_insert_with(|| outcome.clone());
            }
        }
    }

    /// What it has of a unit.
    pub(super) fn get(&self, unit: &Unit) -> Option<Outcome> {
        match unit {
            Unit::Blob(id) if self.clean.contains(id) => Some(clean()),
            _ => self.others.get(unit).cloned(),
        }
    }

    /// How many units it has.
    pub(super) fn len(&self) -> usize {
        self.clean.len() + self.others.len()
    }

    /// The segment of all this.
    pub(super) fn segment(&self) -> Segment {
        Segment { clean: self.clean.iter().copied().collect(), others: self.others.clone() }
    }
}

impl Extend<Entry> for Pending {
    fn extend<T: IntoIterator<Item = Entry>>(&mut self, entries: T) {
        entries.into_iter().for_each(|Entry { unit, outcome }| self.insert(unit, &outcome));
    }
}

/// What came of a clean blob.
pub(super) fn clean() -> Outcome {
    Outcome { blobs: 1, findings: Vec::new() }
}

fn is_clean(outcome: &Outcome) -> bool {
    outcome.blobs == 1 && outcome.findings.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cache::conformance::found;

    fn rules() -> RulesVersion {
        RulesVersion::from_bytes([3; 32])
    }

    fn segment() -> Segment {
        let id = |byte: u8, length: usize| ObjectId::from_bytes(&vec![byte; length]).unwrap();
        let mut pending = Pending::default();
        for (byte, length) in [(9, 20), (1, 20), (4, 32)] {
            pending.insert(Unit::Blob(id(byte, length)), &clean());
        }
        pending.insert(Unit::Pack(id(1, 20)), &Outcome { blobs: 77, findings: Vec::new() });
        let findings = vec![found(id(5, 20), 1), found(id(5, 20), 2)];
        pending.insert(Unit::Blob(id(5, 20)), &Outcome { blobs: 1, findings });
        pending.segment()
    }

    #[test]
    fn a_segment_comes_back_as_it_was() {
        for segment in [Segment::default(), segment()] {
            let bytes = segment.encode(rules(), 625);
            assert_eq!(Segment::decode(&bytes, rules(), 625).as_ref(), Some(&segment));
            assert_eq!(Segment::decode(&bytes, rules(), 626), None);
            assert_eq!(Segment::decode(&bytes, RulesVersion::from_bytes([4; 32]), 625), None);
        }
    }

    #[test]
    fn a_clean_blob_costs_its_id() {
        let mut pending = Pending::default();
        for byte in 0..200 {
            pending.insert(Unit::Blob(ObjectId::from_bytes(&[byte; 20]).unwrap()), &clean());
        }
        assert_eq!(pending.segment().encode(rules(), 1).len(), HEADER + 200 * 20 + 2);
    }

    #[test]
    fn what_is_cut_off_or_lengthened_is_no_segment() {
        let bytes = segment().encode(rules(), 625);
        for end in 0..bytes.len() {
            assert_eq!(Segment::decode(&bytes[..end], rules(), 625), None, "{end} bytes");
        }
        assert_eq!(Segment::decode(&[&bytes[..], b"x"].concat(), rules(), 625), None);
    }

    #[test]
    fn ids_out_of_order_are_no_segment() {
        let mut bytes = segment().encode(rules(), 625);
        bytes[HEADER..HEADER + 40].rotate_left(20);
        assert_eq!(Segment::decode(&bytes, rules(), 625), None);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200), keep in 0..400_usize) {
            let _ = Segment::decode(&bytes, rules(), 625);
            // And with a true beginning.
            let mut whole = segment().encode(rules(), 625);
            whole.truncate(keep);
            whole.extend(&bytes);
            let _ = Segment::decode(&whole, rules(), 625);
        }
    }
}
