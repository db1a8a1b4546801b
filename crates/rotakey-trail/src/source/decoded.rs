//! Decompresses a stream, whatever it was compressed with.

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::GzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

/// How much is asked of a source at a time.
const CHUNK: usize = 64 << 10;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
const GZIP: &[u8] = &[0x1F, 0x8B];
const ZSTD: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];

/// The content of a file: of gzip with any number of members, of zstd with any number of frames, or the file itself.
/// Which one is told by its first bytes. A byte order mark of UTF-8 is left out.
///
/// All that can be read comes first, and only then an error that says why there is no more; [`DecodeError::of`]
/// tells these errors from those of the source.
pub struct Decoded<'a> {
    stage: Stage<'a>,
    /// The first bytes of the content, once they were looked at.
    beginning: Option<Cursor<Vec<u8>>>,
    /// How many bytes may still come.
    left: u64,
    most: u64,
}

/// Why the content of a file ends before it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// There is more than was to be read.
    #[error("it has more than {most} bytes after decompression")]
    TooLarge {
        /// The most that were to be read.
        most: u64,
    },
    /// The compressed data ends in the middle.
    #[error("it is cut off")]
    Truncated,
    /// The compressed data is wrong.
    #[error("it is damaged: {0}")]
    Corrupt(String),
}

impl DecodeError {
    /// The error in what [`Decoded`] returned. `None` if the source failed.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl<'a> Decoded<'a> {
    /// At most so many bytes of content are told. Nothing is read yet.
    pub fn new(source: Box<dyn Read + Send + 'a>, most: u64) -> Self {
        Self { stage: Stage::Start(source), beginning: None, left: most, most }
    }

    /// The next bytes, as far as they are wanted.
    fn read_wanted(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return match self.stage.read(&mut [0])? {
                0 => Ok(0),
                _ => {
                    let error = DecodeError::TooLarge { most: self.most };
                    self.stage = Stage::Failed(error.clone());
                    Err(io::Error::other(error))
                }
            };
        }
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.stage.read(&mut buffer[..wanted])?;
        self.left -= read as u64;
        Ok(read)
    }

    /// The first bytes, without a byte order mark.
    fn read_beginning(&mut self) -> io::Result<Cursor<Vec<u8>>> {
        let mut beginning = Vec::new();
        let mut buffer = [0; BYTE_ORDER_MARK.len()];
        while beginning.len() < BYTE_ORDER_MARK.len() {
            let wanted = BYTE_ORDER_MARK.len() - beginning.len();
            match self.read_wanted(&mut buffer[..wanted]) {
                Ok(0) => break,
                Ok(read) => beginning.extend(&buffer[..read]),
                // It comes again, after what was read before it.
                Err(error) if DecodeError::of(&error).is_some() => break,
                Err(error) => return Err(error),
            }
        }
        if beginning == BYTE_ORDER_MARK {
            beginning.clear();
        }
        Ok(Cursor::new(beginning))
    }
}

impl Read for Decoded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let beginning = match &mut self.beginning {
            Some(beginning) => beginning,
            None => {
                let beginning = self.read_beginning()?;
                self.beginning.insert(beginning)
            }
        };
        match beginning.read(buffer)? {
            0 => self.read_wanted(buffer),
            read => Ok(read),
        }
    }
}

impl fmt::Debug for Decoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded").field("left", &self.left).field("most", &self.most).finish_non_exhaustive()
    }
}

type Source<'a> = BufReader<io::Chain<Cursor<Vec<u8>>, Marked<'a>>>;

enum Stage<'a> {
    Start(Box<dyn Read + Send + 'a>),
    Plain(Source<'a>),
    Gzip(Box<GzDecoder<Source<'a>>>),
    Zstd(Box<ZstdDecoder<'static, Source<'a>>>),
    End,
    Failed(DecodeError),
}

impl Stage<'_> {
    /// The next bytes of content. What ended or failed does so again, but for a failure of the source.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Self::Start(_) => Ok(0),
                Self::Plain(source) => source.read(buffer),
                Self::Gzip(decoder) => decoder.read(buffer),
                Self::Zstd(decoder) => decoder.read(buffer),
                Self::End => return Ok(0),
                Self::Failed(error) => return Err(io::Error::other(error.clone())),
            };
            let next = match read {
                Ok(0) => self.take().after(),
                Ok(read) => return Ok(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            *self = match next {
                Ok(next) => next,
                Err(error) => Self::Failed(decode_error(error)?),
            };
        }
    }

    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::End)
    }

    /// What comes when this has no more bytes.
    fn after(self) -> io::Result<Self> {
        match self {
            Self::Start(source) => {
                let mut source = Marked(source);
                let mut magic = Vec::new();
                (&mut source).take(ZSTD.len() as u64).read_to_end(&mut magic)?;
                let (is_gzip, is_zstd) = (magic.starts_with(GZIP), magic == ZSTD);
                let source = BufReader::with_capacity(CHUNK, Cursor::new(magic).chain(source));
                Ok(match (is_gzip, is_zstd) {
                    (true, _) => Self::Gzip(Box::new(GzDecoder::new(source))),
                    (_, true) => Self::Zstd(Box::new(ZstdDecoder::with_buffer(source)?)),
                    _ => Self::Plain(source),
                })
            }
            Self::Gzip(decoder) => {
                let mut source = decoder.into_inner();
                // Tapes and block devices fill up with zeros, which the gzip program ignores, too.
                loop {
                    let bytes = source.fill_buf()?;
                    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                    match bytes.get(zeros) {
                        Some(_) => {
                            source.consume(zeros);
                            return Ok(Self::Gzip(Box::new(GzDecoder::new(source))));
                        }
                        None if zeros == 0 => return Ok(Self::End),
                        None => source.consume(zeros),
                    }
                }
            }
            Self::Plain(_) | Self::Zstd(_) | Self::End => Ok(Self::End),
            Self::Failed(error) => Ok(Self::Failed(error)),
        }
    }
}

/// A source whose errors can be told from those of what decompresses it.
struct Marked<'a>(Box<dyn Read + Send + 'a>);

#[derive(Debug)]
struct SourceError(io::Error);

impl Read for Marked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind => io::Error::new(kind, SourceError(error)),
        })
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for SourceError {}

/// What is wrong with compressed data; or as an error, what is wrong with its source.
fn decode_error(error: io::Error) -> io::Result<DecodeError> {
    if error.get_ref().is_some_and(|inner| inner.is::<SourceError>()) {
        let kind = error.kind();
        let source = error.into_inner().and_then(|inner| inner.downcast::<SourceError>().ok());
        return Err(source.map_or_else(|| kind.into(), |source| source.0));
    }
    Ok(match error.kind() {
        io::ErrorKind::UnexpectedEof => DecodeError::Truncated,
        _ => DecodeError::Corrupt(error.to_string()),
    })
}

#[cfg(test)]
mod tests;
