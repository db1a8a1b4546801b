//! Compressed contents.

use std::io::{self, BufRead, BufReader, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::format::Format;

/// How much is asked of a source at a time.
const CHUNK: usize = 64 << 10;

type Source<'a> = BufReader<&'a mut dyn Read>;

/// The content of what was compressed: of gzip and bzip2 with any number of members, of zstd with any number of frames.
/// All that can be read comes first, and only then an error that says why there is no more.
pub(super) enum Unpacked<'a> {
    Start(Format, Source<'a>),
    Gzip(Box<GzDecoder<Source<'a>>>),
    Bzip2(Box<BzDecoder<Source<'a>>>),
    Zstd(Box<ZstdDecoder<'static, Source<'a>>>),
    End,
}

impl<'a> Unpacked<'a> {
    pub(super) fn new(format: Format, reader: &'a mut dyn Read) -> Self {
        Self::Start(format, BufReader::with_capacity(CHUNK, reader))
    }

    fn begin(format: Format, source: Source<'a>) -> io::Result<Self> {
        Ok(match format {
            Format::Gzip => Self::Gzip(Box::new(GzDecoder::new(source))),
            Format::Bzip2 => Self::Bzip2(Box::new(BzDecoder::new(source))),
            Format::Zstd => {
                let mut decoder = ZstdDecoder::with_buffer(source)?;
                // What a frame may ask for, as the zstd program has it unless it is told otherwise.
                decoder.window_log_max(27)?;
                Self::Zstd(Box::new(decoder))
            }
            _ => return Err(io::Error::new(io::ErrorKind::Unsupported, "xz is not read here")),
        })
    }

    /// What follows a member that is at its end.
    fn next(format: Format, mut source: Source<'a>) -> io::Result<Self> {
        // Tapes and block devices fill up with zeros.
        loop {
            let bytes = source.fill_buf()?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            match bytes.get(zeros) {
                None if zeros == 0 => return Ok(Self::End),
                None => source.consume(zeros),
                Some(0x1F | b'B') => {
                    source.consume(zeros);
                    return Self::begin(format, source);
                }
                Some(_) => return Err(io::Error::other("something else follows what was compressed")),
            }
        }
    }
}

impl Read for Unpacked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Self::Start(..) => 0,
                Self::Gzip(decoder) => decoder.read(buffer)?,
                Self::Bzip2(decoder) => decoder.read(buffer)?,
                Self::Zstd(decoder) => decoder.read(buffer)?,
                Self::End => return Ok(0),
            };
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            *self = match std::mem::replace(self, Self::End) {
                Self::Start(format, source) => Self::begin(format, source)?,
                Self::Gzip(decoder) => Self::next(Format::Gzip, decoder.into_inner())?,
                Self::Bzip2(decoder) => Self::next(Format::Bzip2, decoder.into_inner())?,
                Self::Zstd(_) | Self::End => Self::End,
            };
        }
    }
}
