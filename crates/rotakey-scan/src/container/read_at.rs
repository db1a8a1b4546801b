//! Contents that can be read out of order.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use super::failure::Failure;
use crate::coverage::Reason;

/// Something that can be read from any place.
pub(super) trait ReadAt {
    /// How many bytes there are.
    fn length(&self) -> io::Result<u64>;

    /// Some bytes from an offset on; none at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// So many bytes from an offset on, or as many as there are.
    fn bytes_at(&self, offset: u64, bytes: usize) -> io::Result<Vec<u8>>
    where
        Self: Sized,
    {
        let mut read = Vec::new();
        Section::new(self, offset, offset.saturating_add(bytes as u64)).read_to_end(&mut read)?;
        Ok(read)
    }
}

impl ReadAt for [u8] {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }
}

impl ReadAt for &[u8] {
    fn length(&self) -> io::Result<u64> {
        (**self).length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buffer, offset)
    }
}

/// Its errors are those of the outermost content.
impl ReadAt for &File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata().map_err(failure)?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(*self, buffer, offset).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => failure(error),
        })
    }
}

fn failure(error: io::Error) -> io::Error {
    Failure { level: 0, reason: Reason::Io, detail: error.to_string() }.into()
}

/// A part of a content, from its beginning to its end.
pub(super) struct Section<'a, A> {
    content: &'a A,
    at: u64,
    end: u64,
}

impl<'a, A: ReadAt> Section<'a, A> {
    pub(super) fn new(content: &'a A, start: u64, end: u64) -> Self {
        Self { content, at: start, end }
    }
}

impl<A: ReadAt> Read for Section<'_, A> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let read = self.content.read_at(&mut buffer[..wanted], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
