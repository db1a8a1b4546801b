//! Zlib streams of known size.

use std::fmt;

use libdeflater::Decompressor;

use super::buffer::Buffer;
use super::damage::{Damage, LARGEST};

/// Inflates streams one after the other.
pub(super) struct Inflater(Decompressor);

impl Inflater {
    pub(super) fn new() -> Self {
        Self(Decompressor::new())
    }

    /// Inflates the stream that these bytes begin with; what follows it is not looked at. Nothing is allocated for a size
    /// that so few bytes cannot have.
    pub(super) fn inflate(&mut self, stream: &[u8], size: u64, into: &mut Buffer) -> Result<(), Damage> {
        if size > LARGEST {
            return Err(Damage::TooLarge(size));
        }
        // Deflate makes at most 258 bytes of two bits.
        if size / 1_032 > stream.len() as u64 {
            return Err(Damage::Broken("it says to be larger than it can be"));
        }
        let size = size as usize;
        into.reset(size);
        match self.0.zlib_decompress(stream, into.content_mut()) {
            Ok(inflated) if inflated == size => Ok(()),
            Ok(_) => Err(Damage::Broken("it is shorter than it says to be")),
            Err(libdeflater::DecompressionError::InsufficientSpace) => {
                Err(Damage::Broken("it is longer than it says to be"))
            }
            Err(libdeflater::DecompressionError::BadData) => {
                Err(Damage::Broken("its compressed data is damaged"))
            }
        }
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inflater")
    }
}
