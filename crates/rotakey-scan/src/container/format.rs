//! What a content is, by its first bytes.

use super::{tar, zip};

/// What a content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// No container that is known here.
    Plain,
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Tar,
    Zip,
    /// A SQLite database or its write-ahead log.
    Sqlite,
}

impl Format {
    /// Of a content that is, or begins with, these bytes.
    pub(super) fn of(content: &[u8]) -> Self {
        match content {
            [0x1F, 0x8B, 8, ..] => Self::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..]
                if rest.starts_with(b"1AY&SY") || rest.starts_with(b"\x17\x72\x45\x38\x50\x90") =>
            {
                Self::Bzip2
            }
            [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            [b'S', b'Q', b'L', b'i', b't', b'e', b' ', ..] if content.starts_with(b"SQLite format 3\0") => {
                Self::Sqlite
            }
            [0x37, 0x7F, 0x06, 0x82 | 0x83, ..] => Self::Sqlite,
            _ if tar::begins(content) => Self::Tar,
            _ if zip::slice_ends_as_one(content) => Self::Zip,
            _ => Self::Plain,
        }
    }
}
