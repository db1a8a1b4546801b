//! Files in memory.

use std::fs::{self, File};
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

/// The bytes of a file, or of what stands for one.
#[derive(Debug)]
pub(in crate::git) enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// Maps a pack, its index, or the index of what is staged.
pub(in crate::git) fn map(path: &Path) -> io::Result<Bytes> {
    // To open a pipe would wait for somebody to write.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let file = File::open(path)?;
    #[expect(unsafe_code, reason = "no map of a file is safe by itself")]
    // SAFETY: the bytes must not change nor vanish while they are mapped. Git writes packs, their indices and the
    // index of what is staged under another name, and from when they have theirs on they are never written to nor cut, only
    // unlinked or replaced as a whole, which leaves maps as they are; git itself maps them and relies on it. Nothing is concluded from having read the same byte twice.
    let map = unsafe { Mmap::map(&file)? };
    Ok(Bytes::Mapped(map))
}
