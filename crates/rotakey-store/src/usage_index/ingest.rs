//! From files to an index: what is new is read and added, some files at a time, until it is there.

use std::ops::RangeInclusive;

use rotakey_trail::event_time::EventTime;
use rotakey_trail::rollup::{Rollup, Seen};

use super::{Begun, Commit, FileState, IndexError, IndexFile, UsageIndex};

/// How often somebody else may be faster before that is an error.
const TRIES: usize = 20;

/// Adds files to an index. One value for a whole run: it remembers which events are known.
pub struct Ingest<'a> {
    index: &'a dyn UsageIndex,
    seen_days: u32,
    known: Option<Known>,
}

/// The events of some days that the index had when somebody began.
struct Known {
    begun: Begun,
    days: RangeInclusive<i64>,
    events: Seen,
}

/// What was read of some files.
#[derive(Debug, Default)]
pub struct Reading {
    /// The rows.
    pub rollup: Rollup,
    /// The events that they are from.
    pub seen: Seen,
    /// Those of the files, by their place in what was to be read, that could not be read to their end. If there
    /// are any, nothing of this reading is added: the others are read again without them.
    pub damaged: Vec<usize>,
}

/// What became of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ingested {
    /// How many were added.
    pub added: u64,
    /// How many were there already.
    pub known: u64,
    /// The names of those that are there with another content. They are not added.
    pub changed: Vec<String>,
    /// The names of those that could not be read to their end. They are not added, and are new the next time.
    pub damaged: Vec<String>,
    /// How many calls were added.
    pub calls: u64,
}

impl Ingested {
    /// Adds what became of others.
    pub fn merge(&mut self, other: Self) {
        self.added += other.added;
        self.known += other.known;
        self.changed.extend(other.changed);
        self.damaged.extend(other.damaged);
        self.calls += other.calls;
    }
}

impl<'a> Ingest<'a> {
    /// Begins a run. `seen_days` is that of [`Commit`].
    pub fn new(index: &'a dyn UsageIndex, seen_days: u32) -> Self {
        Self { index, seen_days, known: None }
    }

    /// Adds those of the files that are new. `read` is given their places in `files`, and the events that are not to
    /// be counted again; it is called again if somebody else adds the same in the meantime.
    ///
    /// # Errors
    /// Those of the index. Nothing was added then.
    pub async fn add(
        &mut self,
        files: &[IndexFile],
        now: EventTime,
        mut read: impl FnMut(&[usize], &Seen) -> Reading,
    ) -> Result<Ingested, IndexError> {
        let mut damaged = vec![false; files.len()];
        for _ in 0..TRIES {
            let begun = self.index.begin(files).await?;
            let new: Vec<usize> = (0..files.len())
                .filter(|place| begun.files[*place] == FileState::New && !damaged[*place])
                .collect();
            let named = |wanted: &dyn Fn(usize) -> bool| {
                (0..files.len())
                    .filter(|place| wanted(*place))
                    .map(|place| files[place].name.clone())
                    .collect()
            };
            let mut ingested = Ingested {
                known: begun.files.iter().filter(|state| **state == FileState::Known).count() as u64,
                changed: named(&|place| begun.files[place] == FileState::Changed),
                damaged: named(&|place| damaged[place]),
                ..Ingested::default()
            };
            if new.is_empty() {
                return Ok(ingested);
            }
            let days = days(new.iter().map(|place| files[*place].day), self.seen_days);
            let known = self.know(&begun, days).await?;
            let reading = read(&new, known);
            if !reading.damaged.is_empty() {
                for place in reading.damaged {
                    if let Some(damaged) = new.get(place).and_then(|place| damaged.get_mut(*place)) {
                        *damaged = true;
                    }
                }
                continue;
            }
            let names: Vec<IndexFile> = new.iter().map(|place| files[*place].clone()).collect();
            let batch = reading.rollup.into_batch();
            let commit = Commit {
                begun: &begun,
                files: &names,
                batch: &batch,
                seen: &reading.seen,
                seen_days: self.seen_days,
                now,
            };
            match self.index.commit(commit).await {
                Ok(()) => {
                    ingested.added = names.len() as u64;
                    ingested.calls = batch.uses.iter().map(|one| u64::from(one.day_use.calls)).sum();
                    return Ok(ingested);
                }
                Err(IndexError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(IndexError::Conflict)
    }

    /// The known events of those days. Of an index of a busy organization that is much, so what is there since the
    /// last time is asked for only.
    async fn know(&mut self, begun: &Begun, days: RangeInclusive<i64>) -> Result<&Seen, IndexError> {
        let known = match self.known.take() {
            Some(mut known) if known.days.contains(days.start()) && known.days.contains(days.end()) => {
                for (day, mut events) in self.index.seen(known.days.clone(), Some(&known.begun)).await? {
                    let all = known.events.entry(day).or_default();
                    all.append(&mut events);
                    all.sort_unstable();
                    all.dedup();
                }
                known.begun = begun.clone();
                known
            }
            _ => Known { begun: begun.clone(), events: self.index.seen(days.clone(), None).await?, days },
        };
        Ok(&self.known.insert(known).events)
    }
}

/// The days that the events of files of those days may be of: a file may come late, but not later than events are
/// remembered for.
fn days(files: impl Iterator<Item = Option<i64>>, seen_days: u32) -> RangeInclusive<i64> {
    let mut all: Option<(i64, i64)> = None;
    for day in files {
        let Some(day) = day else { return 0..=i64::from(i32::MAX) };
        let (first, last) = all.unwrap_or((day, day));
        all = Some((first.min(day), last.max(day)));
    }
    let (first, last) = all.unwrap_or_default();
    first - i64::from(seen_days)..=last + 1
}
