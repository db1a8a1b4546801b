//! One member: how it is packed, and whether it is what it should be.

use std::io::{self, BufReader, Read};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::directory::u16_at;

/// How long the header ahead of a member is, without its name.
pub(super) const LOCAL: usize = 30;

/// How members are packed, as far as it is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
    Bzip2,
    Zstd,
}

impl Method {
    pub(super) fn of(number: u16) -> Option<Self> {
        match number {
            0 => Some(Self::Stored),
            8 => Some(Self::Deflated),
            12 => Some(Self::Bzip2),
            20 | 93 => Some(Self::Zstd),
            _ => None,
        }
    }

    pub(super) fn unpack<'a>(self, packed: impl Read + 'a) -> Box<dyn Read + 'a> {
        match self {
            Self::Stored => Box::new(packed),
            Self::Deflated => Box::new(DeflateDecoder::new(BufReader::new(packed))),
            Self::Bzip2 => Box::new(bzip2::read::BzDecoder::new(packed)),
            Self::Zstd => match zstd::stream::read::Decoder::new(packed) {
                Ok(decoder) => Box::new(decoder),
                Err(error) => Box::new(Failing(Some(error))),
            },
        }
    }
}

/// How long a header is with all that belongs to it. `None` if it is none.
pub(super) fn local_length(header: &[u8]) -> Option<u64> {
    let is_local = header.len() == LOCAL && header.starts_with(b"PK\x03\x04");
    is_local.then(|| LOCAL as u64 + u64::from(u16_at(header, 26)) + u64::from(u16_at(header, 28)))
}

/// What is packed. It is an error if there is less than there should be.
pub(super) struct Packed<R> {
    reader: R,
    left: u64,
}

impl<R> Packed<R> {
    pub(super) fn new(reader: R, bytes: u64) -> Self {
        Self { reader, left: bytes }
    }

    /// How much was not read.
    pub(super) fn left(&self) -> u64 {
        self.left
    }
}

impl<R: Read> Read for Packed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.reader.read(&mut buffer[..wanted])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// What was unpacked. If it is not what it should be, it ends with an error.
pub(super) struct Checked<R> {
    reader: R,
    crc: Crc,
    bytes: u64,
    /// The sum and the length that are told.
    told: Option<(u32, u64)>,
}

impl<R> Checked<R> {
    pub(super) fn new(reader: R, told: Option<(u32, u64)>) -> Self {
        Self { reader, crc: Crc::new(), bytes: 0, told }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.crc.update(&buffer[..read]);
        self.bytes += read as u64;
        match self.told {
            Some(told) if read == 0 && !buffer.is_empty() && told != (self.crc.sum(), self.bytes) => {
                self.told = None;
                Err(io::Error::other("its sum or its length is not what it should be"))
            }
            _ => Ok(read),
        }
    }
}

struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
