//! Which events there were before: duplicates are removed over a whole run, in bounded memory.
//!
//! Two records are the same event if they have the same `eventID`; they then also have the same `eventTime`. So the ids are
//! kept by the day of the event, as numbers of 64 bits ([`fingerprint`](crate::fingerprint)). Files are read in the order
//! of their days, so that old days are asked for seldom: when the memory is used up, the oldest days go to a temporary
//! file, sorted, and are searched there from then on. What is kept in memory of them is one number in 512.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use hashbrown::HashTable;

/// The locks that threads spread over.
const SHARDS: usize = 64;

/// One number of so many in the file is also kept in memory.
const STRIDE: usize = 512;

/// Of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventMark {
    /// The fingerprint of its id.
    pub id: u64,
    /// Its day.
    pub day: i64,
}

/// All events that were seen. Shared by all threads.
#[derive(Debug)]
pub struct Seen {
    shards: Vec<Mutex<Shard>>,
    file: Overflow,
}

/// A temporary file without a name, made when it is first needed, that all runs are written to.
#[derive(Debug, Default)]
struct Overflow {
    file: OnceLock<File>,
    length: AtomicU64,
}

#[derive(Debug)]
struct Shard {
    days: BTreeMap<i64, Day>,
    /// How many numbers are in memory, and how many may be.
    count: usize,
    most: usize,
}

/// The events of a day.
#[derive(Debug, Default)]
struct Day {
    ids: HashTable<u64>,
    runs: Vec<Run>,
}

/// Sorted numbers in the file.
#[derive(Debug)]
struct Run {
    /// Where they begin.
    offset: u64,
    count: usize,
    /// Every number of which the place is a multiple of [`STRIDE`].
    fence: Vec<u64>,
}

impl Seen {
    /// None yet. So many bytes of memory are used at the most, roughly.
    pub fn new(most_bytes: usize) -> Self {
        // A table is at least 7/16 full, and each place has one byte beside the number.
        let most = (most_bytes / SHARDS * 7 / 16 / 9).max(STRIDE);
        let shard = || Mutex::new(Shard { days: BTreeMap::new(), count: 0, most });
        Self { shards: (0..SHARDS).map(|_| shard()).collect(), file: Overflow::default() }
    }

    /// Notes events, and sets each mark of `is_new` to whether its event was not seen before. Of the same event twice
    /// in one call, the first is new.
    ///
    /// # Errors
    /// The temporary file cannot be written or read.
    pub fn note(&self, marks: &[EventMark], is_new: &mut Vec<bool>) -> io::Result<()> {
        is_new.clear();
        is_new.resize(marks.len(), true);
        // By shard, so that each lock is taken once.
        let mut order: Vec<(u8, u32)> =
            marks.iter().enumerate().map(|(place, mark)| (shard_of(mark.id), place as u32)).collect();
        order.sort_unstable();
        for group in order.chunk_by(|left, right| left.0 == right.0) {
            let mut shard =
                self.shards[usize::from(group[0].0)].lock().unwrap_or_else(PoisonError::into_inner);
            for &(_, place) in group {
                is_new[place as usize] = shard.note(marks[place as usize], &self.file)?;
            }
        }
        Ok(())
    }
}

impl Shard {
    fn note(&mut self, mark: EventMark, file: &Overflow) -> io::Result<bool> {
        let day = self.days.entry(mark.day).or_default();
        match day.ids.entry(table_hash(mark.id), |id| *id == mark.id, |id| table_hash(*id)) {
            hashbrown::hash_table::Entry::Occupied(_) => return Ok(false),
            hashbrown::hash_table::Entry::Vacant(place) => {
                for run in &day.runs {
                    if run.has(mark.id, file)? {
                        return Ok(false);
                    }
                }
                place.insert(mark.id);
            }
        }
        self.count += 1;
        if self.count > self.most {
            self.put_away(file)?;
        }
        Ok(true)
    }

    /// Puts the oldest days into a file, until half of the memory is free.
    #[cold]
    fn put_away(&mut self, file: &Overflow) -> io::Result<()> {
        for day in self.days.values_mut().filter(|day| !day.ids.is_empty()) {
            if self.count <= self.most / 2 {
                break;
            }
            self.count -= day.ids.len();
            day.runs.push(Run::write(std::mem::take(&mut day.ids), file)?);
        }
        Ok(())
    }
}

impl Overflow {
    /// Appends, and says where.
    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        let file = match self.file.get() {
            Some(file) => file,
            None => {
                let file = tempfile::tempfile()?;
                self.file.get_or_init(|| file)
            }
        };
        let offset = self.length.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        file.write_all_at(bytes, offset)?;
        Ok(offset)
    }

    fn read(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let file = self.file.get().ok_or(io::ErrorKind::NotFound)?;
        file.read_exact_at(bytes, offset)
    }
}

impl Run {
    fn write(ids: HashTable<u64>, file: &Overflow) -> io::Result<Self> {
        let mut ids: Vec<u64> = ids.into_iter().collect();
        ids.sort_unstable();
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        let offset = file.append(&bytes)?;
        Ok(Self { offset, count: ids.len(), fence: ids.iter().copied().step_by(STRIDE).collect() })
    }

    fn has(&self, id: u64, file: &Overflow) -> io::Result<bool> {
        let Some(stretch) = self.fence.partition_point(|first| *first <= id).checked_sub(1) else {
            return Ok(false);
        };
        let begin = stretch * STRIDE;
        let mut bytes = [0; STRIDE * 8];
        let bytes = &mut bytes[..(self.count - begin).min(STRIDE) * 8];
        file.read(bytes, self.offset + begin as u64 * 8)?;
        let (ids, _) = bytes.as_chunks::<8>();
        Ok(ids.binary_search_by_key(&id, |bytes| u64::from_le_bytes(*bytes)).is_ok())
    }
}

/// The upper bits choose the shard, the others the place in the table.
fn shard_of(id: u64) -> u8 {
    (id >> 58) as u8
}

/// The table takes its seven bits from the top, where those of one shard are all alike.
fn table_hash(id: u64) -> u64 {
    id.rotate_left(6)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::fingerprint::fingerprint;

    fn news(seen: &Seen, marks: &[EventMark]) -> Vec<bool> {
        let mut is_new = Vec::new();
        seen.note(marks, &mut is_new).unwrap();
        is_new
    }

    proptest! {
        #[test]
        fn an_event_is_new_once_however_little_memory_there_is(
            events in prop::collection::vec((0_u16..5_000, 0_i64..6), 0..6_000), batch in 1_usize..700
        ) {
            // A shard has room for 512 numbers at the least; all go into one.
            let mark = |&(id, day): &(u16, i64)| EventMark { id: fingerprint(&id.to_le_bytes()) >> 6, day };
            let marks: Vec<EventMark> = events.iter().map(mark).collect();
            let seen = Seen::new(0);
            let found: Vec<bool> = marks.chunks(batch).flat_map(|marks| news(&seen, marks)).collect();
            let mut before = BTreeSet::new();
            let expected: Vec<bool> = events.iter().map(|event| before.insert(*event)).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn memory_stays_bounded() {
        let seen = Seen::new(0);
        for number in 0..200_000_u32 {
            let id = fingerprint(&number.to_le_bytes());
            assert_eq!(news(&seen, &[EventMark { id, day: i64::from(number / 1_000) }]), [true]);
        }
        let in_memory: usize = seen
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap().days.values().map(|day| day.ids.len()).sum::<usize>())
            .sum();
        assert!(in_memory <= SHARDS * STRIDE, "{in_memory}");
        for number in 0..200_000_u32 {
            let id = fingerprint(&number.to_le_bytes());
            assert_eq!(news(&seen, &[EventMark { id, day: i64::from(number / 1_000) }]), [false]);
        }
    }
}
