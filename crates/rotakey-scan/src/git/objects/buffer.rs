//! Memory that is used again.

use std::ops::Range;

/// How many bytes behind the content may be read and written, so that short copies are made whole vectors at a time.
pub(super) const SLACK: usize = 128;

/// Bytes with some slack behind them. What was written once is not cleared when the buffer is used again.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    length: usize,
}

impl Buffer {
    /// Makes it so long. What it holds then is anything.
    pub(super) fn reset(&mut self, length: usize) {
        let needed = length + SLACK;
        if self.bytes.len() < needed {
            // The old content need not be copied, and a large allocation comes cleared from the system. Some more than is
            // needed, since the versions of a file grow.
            self.bytes = Vec::new();
            self.bytes = vec![0; needed + needed / 8];
        }
        self.length = length;
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    /// Forgets its content, and its memory if that is large.
    pub(super) fn recycle(mut self, most: usize) -> Self {
        self.length = 0;
        if self.capacity() > most { Self::default() } else { self }
    }

    pub(super) fn capacity(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn content(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    pub(super) fn content_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }

    /// The content and, behind it, [`SLACK`] bytes or more of anything.
    pub(super) fn with_slack(&self) -> &[u8] {
        if self.bytes.is_empty() { &[0; SLACK] } else { &self.bytes }
    }

    /// As [`Buffer::with_slack`], to write.
    pub(super) fn with_slack_mut(&mut self) -> &mut [u8] {
        if self.bytes.is_empty() {
            self.bytes = vec![0; SLACK];
        }
        &mut self.bytes
    }

    /// Adds bytes at the end.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let length = self.length + bytes.len();
        if self.bytes.len() < length + SLACK {
            self.bytes.resize((length + SLACK).next_power_of_two(), 0);
        }
        self.bytes[self.length..length].copy_from_slice(bytes);
        self.length = length;
    }
}

impl Buffer {
    /// Puts other bytes in the place of some.
    pub(super) fn splice(&mut self, range: Range<usize>, bytes: &[u8]) {
        let (behind, length) = (range.start + bytes.len(), self.length + bytes.len() - range.len());
        if self.bytes.len() < length + SLACK {
            self.bytes.resize(length + SLACK + length / 8, 0);
        }
        if behind != range.end {
            self.bytes.copy_within(range.end..self.length, behind);
        }
        self.bytes[range.start..behind].copy_from_slice(bytes);
        self.length = length;
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut copy = Self::default();
        copy.reset(self.length);
        copy.content_mut().copy_from_slice(self.content());
        copy
    }
}
