//! Decompresses one file at once, and knows whether anything stands behind its end.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use libdeflater::{DecompressionError, Decompressor};
use memchr::memmem;

/// The most bytes that a file may have as it is stored.
const MOST_STORED: u64 = 256 << 20;
/// The most bytes that a file may have after decompression: a hundred times what CloudTrail writes.
const MOST_INFLATED: usize = 1 << 30;
/// Of files that are larger than this only one is in memory at a time, whatever the number of threads.
const LARGE: usize = 64 << 20;
/// No byte of DEFLATE becomes more than this many.
const MOST_RATIO: usize = 1_032;
/// The checksum and the length at the end of a gzip member.
const TRAILER: usize = 8;

/// Why a file has no content that could be hashed.
#[derive(Debug)]
pub(super) enum InflateError {
    /// The system says so.
    Unreadable(io::Error),
    /// It is larger than anything that CloudTrail writes.
    TooLarge,
    /// It is not gzip, or not whole, or its checksum is wrong.
    NotGzip,
    /// Something stands behind the end of the compressed content, where readers of gzip would go on reading.
    Trailing,
}

/// What a thread needs to decompress files: buffers that are used again and again.
pub(super) struct Inflater<'a> {
    decompressor: Decompressor,
    stored: Vec<u8>,
    inflated: Vec<u8>,
    /// Held while a large file is in memory.
    large: &'a Mutex<()>,
}

impl<'a> Inflater<'a> {
    /// Fresh buffers. All threads share one lock.
    pub(super) fn new(large: &'a Mutex<()>) -> Self {
        Self { decompressor: Decompressor::new(), stored: Vec::new(), inflated: Vec::new(), large }
    }

    /// Hands the decompressed content of the file over.
    pub(super) fn inflate<T>(
        &mut self,
        path: &Path,
        take: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, InflateError> {
        self.read(path).map_err(InflateError::Unreadable)?;
        if self.stored.len() as u64 > MOST_STORED {
            self.stored = Vec::new();
            return Err(InflateError::TooLarge);
        }
        let result = self.inflate_stored().map(|length| take(&self.inflated[..length]));
        if self.inflated.len() + self.stored.len() > LARGE {
            (self.stored, self.inflated) = (Vec::new(), Vec::new());
        }
        result
    }

    /// Reads the file, and one byte more than a file may have.
    fn read(&mut self, path: &Path) -> io::Result<()> {
        self.stored.clear();
        File::open(path)?.take(MOST_STORED + 1).read_to_end(&mut self.stored)?;
        Ok(())
    }

    /// Decompresses what was read, and returns the length of it.
    fn inflate_stored(&mut self) -> Result<usize, InflateError> {
        let stored = self.stored.as_slice();
        let trailer = *stored.last_chunk::<TRAILER>().ok_or(InflateError::NotGzip)?;
        let most = stored.len().saturating_mul(MOST_RATIO).min(MOST_INFLATED);
        // The length at the end is only a hint: it may be wrong, on purpose or since the file is not whole.
        let [.., a, b, c, d] = trailer;
        let hint = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let mut room = if hint <= LARGE { hint } else { stored.len().saturating_mul(16) }.min(most);
        let mut _one_at_a_time = None;
        let length = loop {
            if room > LARGE && _one_at_a_time.is_none() {
                _one_at_a_time = Some(self.large.lock().unwrap_or_else(PoisonError::into_inner));
            }
            if self.inflated.len() < room {
                self.inflated.resize(room, 0);
            }
            match self.decompressor.gzip_decompress(stored, &mut self.inflated) {
                Ok(length) => break length,
                Err(DecompressionError::BadData) => return Err(InflateError::NotGzip),
                Err(DecompressionError::InsufficientSpace) if room >= MOST_INFLATED => {
                    return Err(InflateError::TooLarge);
                }
                Err(DecompressionError::InsufficientSpace) => {
                    room = self.inflated.len().max(room).saturating_mul(2).clamp(64 << 10, MOST_INFLATED);
                }
            }
        };
        if self.ends_there(length, trailer) { Ok(length) } else { Err(InflateError::Trailing) }
    }

    /// Whether the member that was decompressed is all that there is. The decompressor does not tell where it
    /// stopped, but it stopped behind the checksum and the length of what it made. So these eight bytes must stand
    /// at the end of the file. Where they stand before that, too, a file that is cut there is not whole, or
    /// the member ended there.
    fn ends_there(&mut self, length: usize, trailer: [u8; TRAILER]) -> bool {
        let mut expected = [0; TRAILER];
        expected[..4].copy_from_slice(&libdeflater::crc32(&self.inflated[..length]).to_le_bytes());
        // Modulo 2^32, as the format has it.
        expected[4..].copy_from_slice(&(length as u32).to_le_bytes());
        let body = &self.stored[..self.stored.len() - 1];
        trailer == expected
            && memmem::rfind(body, &expected).is_none_or(|start| {
                // What is written is what stands there already.
                self.decompressor.gzip_decompress(&body[..start + TRAILER], &mut self.inflated).is_err()
            })
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use libdeflater::{CompressionLvl, Compressor};

    use super::*;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut compressor = Compressor::new(CompressionLvl::default());
        let mut out = vec![0; compressor.gzip_compress_bound(content.len())];
        let length = compressor.gzip_compress(content, &mut out).unwrap();
        out.truncate(length);
        out
    }

    fn outcome(stored: &[u8]) -> Result<Vec<u8>, InflateError> {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("file.gz");
        std::fs::write(&path, stored).unwrap();
        Inflater::new(&Mutex::new(())).inflate(&path, <[u8]>::to_vec)
    }

    #[test]
    fn what_is_whole_is_read_whole() {
        for content in [&b""[..], b"{}", &vec![b'a'; 5 << 20]] {
            assert_eq!(outcome(&gzip(content)).unwrap(), content);
        }
    }

    #[test]
    fn nothing_hides_behind_the_end() {
        let one = gzip(b"{\"Records\":[]}");
        for behind in [&b"x"[..], &gzip(b"more"), &one, &one[one.len() - TRAILER..]] {
            let stored = [one.as_slice(), behind].concat();
            assert!(matches!(outcome(&stored), Err(InflateError::Trailing)), "{behind:?}");
        }
    }

    #[test]
    fn what_is_cut_or_flipped_is_not_read() {
        let whole = gzip(b"{\"Records\":[1,2,3]}");
        for length in 0..whole.len() {
            assert!(matches!(outcome(&whole[..length]), Err(InflateError::NotGzip)), "{length}");
        }
        // The header has a hint at text, a time and a system, which nothing depends on.
        for index in (0..whole.len()).filter(|index| !(3..10).contains(index)) {
            let mut flipped = whole.clone();
            flipped[index] ^= 1;
            assert!(outcome(&flipped).is_err(), "{index}");
        }
    }

    #[test]
    fn a_wrong_length_at_the_end_costs_no_memory() {
        let mut huge = gzip(&vec![0; 1 << 20]);
        let end = huge.len();
        huge[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(outcome(&huge), Err(InflateError::NotGzip)));
    }
}
