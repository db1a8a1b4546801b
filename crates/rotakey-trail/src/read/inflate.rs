//! Whole gzip files, inflated in one step by libdeflate: several times quicker than any stream.

use libdeflater::{DecompressionError, Decompressor};
use memchr::memmem;

/// What gzip begins with, and `deflate`, the only method there is.
const MAGIC: &[u8] = b"\x1f\x8b\x08";

/// The shortest gzip file: its header, an empty block, its trailer.
const SHORTEST: usize = 20;

/// Files that would inflate to more are read as a stream, so that no file can take all memory.
const MOST: usize = 192 << 20;

/// Inflates files, each into the room of the one before.
pub(super) struct Inflater {
    decompressor: Decompressor,
    /// Its length is that of the longest text so far, so that it is not cleared for each file.
    text: Vec<u8>,
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self { decompressor: Decompressor::new(), text: Vec::new() }
    }

    /// The text of a file that is one gzip member of moderate size. `None` for anything else: damaged, cut off, in
    /// several members, too large, or no gzip at all. That must be read as a stream.
    pub(super) fn inflate(&mut self, stored: &[u8]) -> Option<&[u8]> {
        if !stored.starts_with(MAGIC) || stored.len() < SHORTEST {
            return None;
        }
        let told = stored.last_chunk().map_or(0, |length| u32::from_le_bytes(*length) as usize);
        // Deflate makes nothing more than 1,032 times smaller.
        if told > MOST || told > stored.len().saturating_mul(1_032) {
            return None;
        }
        if self.text.len() < told {
            self.text.resize(told, 0);
        }
        let length = match self.decompressor.gzip_decompress(stored, &mut self.text[..told]) {
            Ok(length) => length,
            Err(DecompressionError::InsufficientSpace | DecompressionError::BadData) => return None,
        };
        let text = &self.text[..length];
        // What was checked is the first member. Where nothing is that another one could begin with, it is the only one.
        let is_alone = length == told && memmem::find(&stored[MAGIC.len()..], MAGIC).is_none();
        is_alone.then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use libdeflater::{CompressionLvl, Compressor};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut compressor = Compressor::new(CompressionLvl::default());
        let mut stored = vec![0; compressor.gzip_compress_bound(text.len())];
        let length = compressor.gzip_compress(text, &mut stored).unwrap();
        stored.truncate(length);
        stored
    }

    #[test]
    fn one_member_is_inflated_and_anything_else_is_left_to_the_stream() {
        let text = b"{\"Records\":[]}".repeat(50);
        let good = gzip(&text);
        let mut inflater = Inflater::new();
        assert_eq!(inflater.inflate(&good), Some(&text[..]));
        assert_eq!(inflater.inflate(&gzip(b"")), Some(&b""[..]));
        let refused = [
            [good.clone(), gzip(b"more")].concat(),
            [good.clone(), gzip(&b"{\"Records\":[x]}".repeat(50)[..text.len()])].concat(),
            good[..good.len() - 1].to_vec(),
            [&good[..], b"\0\0\0\0"].concat(),
            [&good[..40], b"?", &good[41..]].concat(),
            text.clone(),
            Vec::new(),
        ];
        for stored in refused {
            assert_eq!(inflater.inflate(&stored), None, "{} bytes", stored.len());
        }
    }

    #[test]
    fn a_bomb_takes_no_memory() {
        let mut bomb = gzip(&b" ".repeat(1_000_000));
        let length = bomb.len();
        for told in [u32::MAX, 300 << 20, 2_000_000] {
            bomb[length - 4..].copy_from_slice(&told.to_le_bytes());
            let mut inflater = Inflater::new();
            assert_eq!(inflater.inflate(&bomb), None);
            assert_eq!(inflater.text.capacity(), 0, "{told}");
        }
    }
}
