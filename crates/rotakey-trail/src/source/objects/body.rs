//! Reads objects: small ones by one request, large ones by several at the same time.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, sync_channel};

use futures::future::try_join_all;
use object_store::{GetOptions, GetResult, ObjectStore};

use super::Object;

/// How much one request asks for. <https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html>
/// advises 8 to 16 MB.
const PART: u64 = 8 << 20;

/// How many parts of one large object are asked for ahead of whoever reads.
const PARTS_AHEAD: usize = 4;

/// A whole object that has arrived, or will not.
#[derive(Debug)]
pub(in crate::source) struct Arrival {
    /// The number that it was asked for with.
    pub(in crate::source) number: usize,
    pub(in crate::source) content: io::Result<Vec<u8>>,
}

impl Object {
    /// Asks for all of it, and does not wait. Exactly one arrival will be sent, whatever happens.
    pub(in crate::source) fn request(&self, number: usize, arrivals: Sender<Arrival>) {
        let reply = Reply { number, content: Err(interrupted()), arrivals };
        let object = self.clone();
        self.store.runtime.spawn(async move { reply.give(object.whole().await.map_err(io_error)) });
    }

    async fn whole(self) -> object_store::Result<Vec<u8>> {
        if self.bytes <= PART {
            return self.get(None).await;
        }
        let parts = parts(self.bytes).map(|range| self.get(Some(range)));
        Ok(try_join_all(parts).await?.concat())
    }

    /// All of it, or a part.
    async fn get(&self, range: Option<Range<u64>>) -> object_store::Result<Vec<u8>> {
        let expected = range.as_ref().map_or(self.bytes, |range| range.end - range.start);
        let options = GetOptions {
            // Parts of different contents must not be put together.
            if_match: range.is_some().then(|| self.etag.clone()).flatten(),
            range: range.map(Into::into),
            ..GetOptions::default()
        };
        let result: GetResult = self.store.store.get_opts(&self.key, options).await?;
        let promised = result.range.end - result.range.start;
        if promised != expected {
            // It was replaced; and what it is now may be of any size.
            return Err(object_store::Error::Precondition {
                path: self.key.to_string(),
                source: format!("it had {expected} bytes when it was listed, and now has {promised}").into(),
            });
        }
        Ok(result.bytes().await?.into())
    }
}

/// Sends what it holds when it ends: also if the task that holds it panics, or never runs.
struct Reply {
    number: usize,
    content: io::Result<Vec<u8>>,
    arrivals: Sender<Arrival>,
}

impl Reply {
    fn give(mut self, content: io::Result<Vec<u8>>) {
        self.content = content;
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        let content = std::mem::replace(&mut self.content, Ok(Vec::new()));
        // Nobody may be waiting any more.
        let _ = self.arrivals.send(Arrival { number: self.number, content });
    }
}

/// An object of any size, from its beginning to its end, in bounded memory.
#[derive(Debug)]
pub(in crate::source) struct Ranges {
    object: Object,
    /// Where the next part begins that was not asked for.
    next: u64,
    ahead: VecDeque<Receiver<io::Result<Vec<u8>>>>,
    part: io::Cursor<Vec<u8>>,
}

impl Ranges {
    pub(super) fn new(object: Object) -> Self {
        Self { object, next: 0, ahead: VecDeque::new(), part: io::Cursor::default() }
    }

    fn request_ahead(&mut self) {
        while self.ahead.len() < PARTS_AHEAD && self.next < self.object.bytes {
            let range = self.next..self.object.bytes.min(self.next + PART);
            self.next = range.end;
            let (sender, receiver) = sync_channel(1);
            let object = self.object.clone();
            self.object.store.runtime.spawn(async move {
                let _ = sender.send(object.get(Some(range)).await.map_err(io_error));
            });
            self.ahead.push_back(receiver);
        }
    }
}

impl Read for Ranges {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.request_ahead();
            let read = self.part.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Some(next) = self.ahead.pop_front() else { return Ok(0) };
            match next.recv().unwrap_or_else(|_| Err(interrupted())) {
                Ok(part) => self.part = io::Cursor::new(part),
                Err(error) => {
                    // What comes after a gap is not the object.
                    self.next = self.object.bytes;
                    self.ahead.clear();
                    return Err(error);
                }
            }
        }
    }
}

fn parts(bytes: u64) -> impl Iterator<Item = Range<u64>> {
    (0..bytes.div_ceil(PART)).map(move |part| part * PART..bytes.min((part + 1) * PART))
}

fn interrupted() -> io::Error {
    io::Error::other("the download was interrupted")
}

fn io_error(error: object_store::Error) -> io::Error {
    match error {
        object_store::Error::NotFound { .. } => {
            io::Error::new(io::ErrorKind::NotFound, "it was there when it was listed, and is gone")
        }
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            io::Error::new(io::ErrorKind::PermissionDenied, error)
        }
        error => io::Error::other(error),
    }
}
