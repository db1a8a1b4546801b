//! One thread that reads files.

use std::fs::File;
use std::io::{self, Read};

use bumpalo::Bump;

use super::ReadOptions;
use super::batch::{Batch, Scratch, Sink};
use super::inflate::Inflater;
use crate::answer::Answer;
use crate::scan::{Scanned, Scanner};
use crate::seen::Seen;
use crate::source::{Location, TrailFile};
use crate::summary::Summary;

/// Files of more bytes than this, as they are stored, are read as a stream.
const WHOLE: u64 = 64 << 20;

/// How much of a stream is looked at together, unless a record is longer.
const WINDOW: usize = 4 << 20;

/// Why reading cannot go on at all.
pub(super) type Lost = io::Error;

/// A thread, with the room that it uses again for each file.
pub(super) struct Worker<'r> {
    options: &'r ReadOptions,
    seen: &'r Seen,
    stored: Vec<u8>,
    inflater: Inflater,
    scanner: Scanner,
    arena: Bump,
    scratch: Scratch,
    pub(super) summary: Summary,
}

impl<'r> Worker<'r> {
    pub(super) fn new(options: &'r ReadOptions, seen: &'r Seen) -> Self {
        Self {
            options,
            seen,
            stored: Vec::new(),
            inflater: Inflater::new(),
            scanner: Scanner::default(),
            arena: Bump::new(),
            scratch: Scratch::default(),
            summary: Summary::default(),
        }
    }

    /// Reads a file. What is wrong with it is noted; an error is one of telling duplicates.
    pub(super) fn file<A: Answer>(&mut self, file: &TrailFile, answer: &mut A) -> Result<(), Lost> {
        self.summary.files += 1;
        self.scanner.reset();
        self.arena.reset();
        self.stored.clear();
        let Location::Path(path) = &file.location;
        let opened = File::open(path).and_then(|mut file| {
            let mut head = (&mut file).take(WHOLE);
            head.read_to_end(&mut self.stored)?;
            Ok(file)
        });
        if let Err(error) = opened {
            self.summary.problem(file.name.clone(), error.to_string());
            return Ok(());
        }
        self.summary.stored_bytes += self.stored.len() as u64;
        match self.inflater.inflate(&self.stored) {
            Some(bytes) => {
                self.summary.bytes += bytes.len() as u64;
                let text = match simdutf8::basic::from_utf8(bytes) {
                    Ok(text) => text,
                    Err(_) => {
                        self.summary.problem(file.name.clone(), "no UTF-8");
                        return Ok(());
                    }
                };
                let sink = Sink {
                    selection: &self.options.selection,
                    seen: self.seen,
                    scratch: &mut self.scratch,
                    summary: &mut self.summary,
                };
                let mut batch = Batch::new(sink, answer);
                let scanned = self.scanner.scan(text, true, &self.arena, &mut |record| batch.push(*record));
                batch.finish()?;
                note(&mut self.summary, file, &scanned);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn note(summary: &mut Summary, file: &TrailFile, scanned: &Scanned) {
    summary.malformed_records += scanned.others;
    if let Some(malformed) = scanned.malformed {
        summary.problem(file.name.clone(), malformed.to_string());
    }
}
