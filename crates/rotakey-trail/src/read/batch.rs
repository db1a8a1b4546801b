//! Records on their way from a file to the answer.

use std::io;

use crate::answer::Answer;
use crate::fingerprint::fingerprint;
use crate::record::Record;
use crate::seen::{EventMark, Seen};
use crate::selection::Selection;
use crate::summary::Summary;

/// How many records are handed on together: enough that locks are taken seldom, few enough to stay in the cache.
const BATCH: usize = 256;

/// Collects records of one text, removes those not asked about and duplicates, and hands the rest on.
pub(super) struct Batch<'r, 't, A> {
    records: Vec<Record<'t>>,
    sink: Sink<'r>,
    answer: &'r mut A,
    /// Why duplicates can no longer be told.
    failed: Option<io::Error>,
}

/// What a batch needs of its thread.
pub(super) struct Sink<'r> {
    pub(super) selection: &'r Selection,
    pub(super) seen: &'r Seen,
    pub(super) scratch: &'r mut Scratch,
    pub(super) summary: &'r mut Summary,
}

/// Room that is used again for each batch.
#[derive(Default)]
pub(super) struct Scratch {
    marks: Vec<EventMark>,
    is_new: Vec<bool>,
}

impl<'r, 't, A: Answer> Batch<'r, 't, A> {
    pub(super) fn new(sink: Sink<'r>, answer: &'r mut A) -> Self {
        Self { records: Vec::with_capacity(BATCH), sink, answer, failed: None }
    }

    /// Takes one more.
    #[inline]
    pub(super) fn push(&mut self, record: &Record<'t>) {
        self.records.push(*record);
        if self.records.len() == BATCH {
            self.hand_on();
        }
    }

    /// Hands on what is left.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.hand_on();
        self.failed.map_or(Ok(()), Err)
    }

    fn hand_on(&mut self) {
        let Sink { selection, seen, scratch, summary } = &mut self.sink;
        let records = &mut self.records;
        summary.records += records.len() as u64;
        if **selection != Selection::default() {
            let all = records.len();
            records.retain(|record| selection.has(record));
            summary.outside += (all - records.len()) as u64;
        }
        if self.failed.is_none()
            && let Err(error) = remove_duplicates(records, seen, scratch, summary)
        {
            self.failed = Some(error);
        }
        if self.failed.is_none() {
            self.answer.take(records);
        }
        records.clear();
    }
}

fn remove_duplicates(
    records: &mut Vec<Record<'_>>,
    seen: &Seen,
    scratch: &mut Scratch,
    summary: &mut Summary,
) -> io::Result<()> {
    let Scratch { marks, is_new } = scratch;
    marks.clear();
    // Records without an id go to the end, where they are never compared.
    let with_id = partition(records);
    marks.extend(records[..with_id].iter().map(|record| EventMark {
        id: fingerprint(record.event_id.unwrap_or_default().as_bytes()),
        day: record.time.day(),
    }));
    seen.note(marks, is_new)?;
    let all = records.len();
    let mut news = is_new.iter();
    records.retain(|_| news.next().is_none_or(|is_new| *is_new));
    summary.duplicates += (all - records.len()) as u64;
    Ok(())
}

/// Brings the records with an id to the front, and says how many they are.
fn partition(records: &mut [Record<'_>]) -> usize {
    let mut with_id = 0;
    for place in 0..records.len() {
        if records[place].event_id.is_some() {
            if place != with_id {
                records.swap(place, with_id);
            }
            with_id += 1;
        }
    }
    with_id
}
