//! Why a content ends before it should, and how far that reaches.

use std::io::{self, Read};

use super::Opener;
use crate::coverage::Reason;

/// How many containers a content is in. What fails at a level ends all that is read through it, and nothing else: a
/// damaged layer ends its files, and the image goes on. At level 0 the outermost content itself ends.
pub(super) type Level = usize;

/// A failure, as it goes through the readers inside of it.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub(super) struct Failure {
    pub(super) level: Level,
    pub(super) reason: Reason,
    pub(super) detail: String,
}

/// What was told as a failure of a level: all that is read through that level is at its end.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) level: Level,
}

pub(super) type Outcome = Result<(), Stop>;

impl Failure {
    pub(super) fn of(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(failure) => failure,
            Err(error) => Self { level: 0, reason: Reason::Io, detail: error.to_string() },
        }
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        Self::other(failure)
    }
}

impl Stop {
    /// Whoever opened a level goes on where that level ended.
    pub(super) fn caught_at(level: Level, outcome: Outcome) -> Outcome {
        match outcome {
            Err(stop) if stop.level >= level => Ok(()),
            outcome => outcome,
        }
    }
}

/// A reader whose own errors are failures of a level.
pub(super) struct Leveled<R> {
    reader: R,
    level: Level,
    reason: Reason,
}

impl<R> Leveled<R> {
    pub(super) fn new(reader: R, level: Level, reason: Reason) -> Self {
        Self { reader, level, reason }
    }
}

impl<R: Read> Read for Leveled<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted
                || error.get_ref().is_some_and(|inner| inner.is::<Failure>())
            {
                return error;
            }
            let detail = match (error.kind(), self.reason) {
                (io::ErrorKind::UnexpectedEof, Reason::Corrupt) => "it is cut off".to_owned(),
                _ => error.to_string(),
            };
            let reason = match error.kind() {
                io::ErrorKind::Unsupported => Reason::Unsupported,
                _ => self.reason,
            };
            Failure { level: self.level, reason, detail }.into()
        })
    }
}

/// A reader of what is unpacked, which may not become too much.
pub(super) struct Metered<'o, 'a, R> {
    pub(super) opener: &'o Opener<'a>,
    pub(super) reader: R,
}

impl<R: Read> Read for Metered<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.opener.spend(read as u64)?;
        Ok(read)
    }
}
