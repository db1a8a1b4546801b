//! A part of a content with one encoding taken off.

use std::ops::Range;

/// Decoded bytes, each of which knows where it came from.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The decoded bytes.
    pub(super) bytes: Vec<u8>,
    /// Where the part begins in the content; what follows counts from there.
    base: usize,
    /// Where the encoded form of each byte begins. A part has less than 4 GiB.
    starts: Vec<u32>,
    /// Where it ends.
    ends: Vec<u32>,
}

impl View {
    /// An empty view of what begins there.
    pub(super) fn new(base: usize) -> Self {
        Self { base, ..Self::default() }
    }

    /// Appends a byte, and where its encoded form is in the content.
    pub(super) fn push(&mut self, byte: u8, encoded: Range<usize>) {
        self.bytes.push(byte);
        self.starts.push((encoded.start - self.base) as u32);
        self.ends.push((encoded.end - self.base) as u32);
    }

    /// Counts what follows the last byte's encoded form, which ends there, to it: padding.
    pub(super) fn extend_last(&mut self, end: usize, more: usize) {
        if let Some(last) = self.ends.last_mut() {
            *last = (end + more - self.base) as u32;
        }
    }

    /// Where the encoded form of some of its bytes, at least one, is in the content.
    pub(super) fn outer(&self, inner: &Range<usize>) -> Range<usize> {
        self.base + self.starts[inner.start] as usize..self.base + self.ends[inner.end - 1] as usize
    }
}
