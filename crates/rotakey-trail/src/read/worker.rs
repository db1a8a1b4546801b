//! One thread that reads files.

use std::io::{self, Read};

use bumpalo::Bump;

use super::ReadOptions;
use super::batch::{Batch, Scratch, Sink};
use super::inflate::Inflater;
use crate::answer::Answer;
use crate::partial::{Holds, Marks};
use crate::scan::{Malformed, Scanned, Scanner};
use crate::seen::Seen;
use crate::source::TrailFile;
use crate::source::decoded::Decoded;
use crate::source::fetch::Body;
use crate::summary::Summary;

/// How much of a stream is looked at together, unless a record is longer.
const WINDOW: usize = 2 << 20;

/// A thread, with the room that it uses again for each file.
pub(super) struct Worker<'r> {
    options: &'r ReadOptions,
    seen: &'r Seen,
    inflater: Inflater,
    scanner: Scanner,
    arena: Bump,
    window: Vec<u8>,
    scratch: Scratch,
    pub(super) summary: Summary,
}

impl<'r> Worker<'r> {
    pub(super) fn new(options: &'r ReadOptions, seen: &'r Seen) -> Self {
        Self {
            options,
            seen,
            inflater: Inflater::new(),
            scanner: Scanner::default(),
            arena: Bump::new(),
            window: Vec::new(),
            scratch: Scratch::default(),
            summary: Summary::default(),
        }
    }

    /// Reads a file: what it holds is in `body`, or in `buffer`. What is wrong with it is noted; an error is one of
    /// telling duplicates.
    pub(super) fn file<A: Answer>(
        &mut self,
        file: &TrailFile,
        body: io::Result<Body>,
        buffer: &[u8],
        answer: &mut A,
    ) -> io::Result<()> {
        self.scanner.reset();
        self.summary.files += 1;
        match body {
            Err(error) => {
                self.summary.files -= 1;
                self.summary.problem(file.name.clone(), error.to_string());
                return Ok(());
            }
            Ok(Body::InBuffer) => self.whole(file, buffer, answer)?,
            Ok(Body::Whole(stored)) => self.whole(file, &stored, answer)?,
            Ok(Body::Stream(stream)) => {
                let mut counted = Counted { stream, bytes: 0 };
                self.stream(file, &mut counted, answer)?;
                self.summary.stored_bytes += counted.bytes;
            }
        }
        Ok(())
    }

    /// A file that is in memory.
    fn whole<A: Answer>(&mut self, file: &TrailFile, stored: &[u8], answer: &mut A) -> io::Result<()> {
        self.summary.stored_bytes += stored.len() as u64;
        let is_plain =
            stored.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| b"{[".contains(byte));
        let text = if is_plain { Some(stored) } else { self.inflater.inflate(stored) };
        // What is no UTF-8 may be so from some place on only, which the stream finds.
        let Some(text) = text.and_then(|bytes| simdutf8::basic::from_utf8(bytes).ok()) else {
            return self.stream(file, &mut { stored }, answer);
        };
        self.summary.bytes += text.len() as u64;
        self.arena.reset();
        let sink = Sink {
            selection: &self.options.selection,
            seen: self.seen,
            scratch: &mut self.scratch,
            summary: &mut self.summary,
        };
        let mut batch = Batch::new(sink, answer);
        let scanned = self.scanner.scan(text, true, &self.arena, &mut |record| batch.push(record));
        batch.finish()?;
        let mut wrong = Wrong { is_empty: text.trim_ascii_start().is_empty(), ..Wrong::default() };
        wrong.note(&mut self.summary, &scanned, self.options.needs);
        wrong.tell(&mut self.summary, file);
        Ok(())
    }

    /// A file that is read bit by bit: large, in an unusual form, or damaged.
    fn stream<A: Answer>(
        &mut self,
        file: &TrailFile,
        stored: &mut (dyn Read + Send),
        answer: &mut A,
    ) -> io::Result<()> {
        let mut plain = Decoded::new(Box::new(stored), self.options.most_bytes_per_file);
        let mut wrong = Wrong { is_empty: true, ..Wrong::default() };
        self.window.clear();
        let mut wanted = WINDOW;
        loop {
            let room = wanted.saturating_sub(self.window.len());
            let read = (&mut plain).take(room as u64).read_to_end(&mut self.window);
            let is_short = self.window.len() < wanted;
            let failure = read.err();
            let (text, is_utf8) = valid(&self.window, is_short || failure.is_some());
            // What was cut off ends with a record that is not whole, which is no second thing to tell.
            let is_last = is_short && failure.is_none() && is_utf8;
            self.arena.reset();
            let sink = Sink {
                selection: &self.options.selection,
                seen: self.seen,
                scratch: &mut self.scratch,
                summary: &mut self.summary,
            };
            let mut batch = Batch::new(sink, answer);
            let scanned = self.scanner.scan(text, is_last, &self.arena, &mut |record| batch.push(record));
            batch.finish()?;
            wrong.is_empty &= text.trim_ascii_start().is_empty();
            wrong.note(&mut self.summary, &scanned, self.options.needs);
            self.summary.bytes += scanned.consumed as u64;
            let end = if scanned.is_over || is_last {
                Some(None)
            } else if let Some(failure) = failure {
                Some(Some(failure.to_string()))
            } else if !is_utf8 {
                Some(Some("it is no UTF-8 from some place on".to_owned()))
            } else if scanned.consumed == 0 && self.window.len() > self.options.most_bytes_per_record {
                Some(Some(format!(
                    "it has a record of more than {} bytes",
                    self.options.most_bytes_per_record
                )))
            } else {
                None
            };
            if let Some(message) = end {
                if let Some(message) = message {
                    wrong.is_empty = false;
                    self.summary.problem(file.name.clone(), message);
                }
                wrong.tell(&mut self.summary, file);
                return Ok(());
            }
            self.window.drain(..scanned.consumed);
            // A record that is longer than the window gets one of twice the length.
            let longer = if scanned.consumed == 0 { wanted } else { self.window.len() } * 2;
            wanted = longer.min(self.options.most_bytes_per_record + 1).max(WINDOW);
        }
    }
}

/// The text in the bytes, but for a last character of which the end may still come; and whether that is all there is
/// to say against them.
fn valid(bytes: &[u8], is_end: bool) -> (&str, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text, true),
        Err(error) => {
            let text = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
            (text, error.error_len().is_none() && !is_end)
        }
    }
}

/// What is wrong with a file.
#[derive(Default)]
struct Wrong {
    /// Whether there is nothing in it, and no other reason is known for that.
    is_empty: bool,
    first: Option<Malformed>,
    count: u64,
    marks: Marks,
}

impl Wrong {
    fn note(&mut self, summary: &mut Summary, scanned: &Scanned, needs: Holds) {
        scanned.marks.iter().for_each(|mark| self.marks.take(mark, needs, summary));
        summary.malformed_records += scanned.others;
        self.first = self.first.or(scanned.malformed);
        self.count += scanned.malformed_count;
    }

    fn tell(self, summary: &mut Summary, file: &TrailFile) {
        if let Some(problem) = self.marks.problem() {
            summary.problem(file.name.clone(), problem);
        }
        if self.is_empty && is_document(&file.name) {
            summary.problem(file.name.clone(), "there is nothing in it");
        }
        let Some(first) = self.first else { return };
        let more = match self.count {
            1 => String::new(),
            count => format!(", and at {} more places", count - 1),
        };
        summary.problem(file.name.clone(), format!("{first}{more}"));
    }
}

/// Whether the file of that name is one document, which is never empty, as any number of lines may be.
fn is_document(name: &str) -> bool {
    let name = [".gz", ".zst"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
    name.ends_with(".json")
}

/// Counts what goes through it.
struct Counted {
    stream: Box<dyn Read + Send>,
    bytes: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}
