//! The text of a report: as it is, or decoded from the base64 in the JSON that the API answers with.

use std::io::{self, BufRead, Read};

use data_encoding::BASE64;
use jiff::Timestamp;

use super::error::ReportError;
use super::instant;

/// A reader of the report's text.
#[derive(Debug)]
pub(super) enum Content<R> {
    /// The input is the text.
    Plain(R),
    /// The input is JSON around the text.
    Json(JsonContent<R>),
}

impl<R: BufRead> Content<R> {
    /// Looks at the first byte behind blanks and a byte order mark: a JSON object begins with a brace, a
    /// report never does.
    pub(super) fn detect(mut input: R) -> Result<Self, ReportError> {
        loop {
            let available = input.fill_buf()?;
            let Some(&first) = available.first() else { return Ok(Self::Plain(input)) };
            let skip = match first {
                b' ' | b'\t' | b'\r' | b'\n' => 1,
                _ if available.starts_with(b"\xEF\xBB\xBF") => 3,
                _ => 0,
            };
            if skip == 0 {
                return Ok(if first == b'{' {
                    Self::Json(JsonContent::new(input))
                } else {
                    Self::Plain(input)
                });
            }
            input.consume(skip);
        }
    }

    /// When the report was made, as far as the input has told it until now.
    pub(super) fn generated_at(&self) -> Option<Timestamp> {
        match self {
            Self::Plain(_) => None,
            Self::Json(json) => json.generated_at,
        }
    }
}

impl<R: BufRead> Read for Content<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input) => input.read(target),
            Self::Json(json) => json.read(target),
        }
    }
}

impl<R: BufRead> BufRead for Content<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Plain(input) => input.fill_buf(),
            Self::Json(json) => json.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self {
            Self::Plain(input) => input.consume(amount),
            Self::Json(json) => json.consume(amount),
        }
    }
}

/// Decodes the value of `Content` piece by piece, without ever holding it as a whole. The members before
/// and behind it are read on the way.
#[derive(Debug)]
pub(super) struct JsonContent<R> {
    input: R,
    stage: Stage,
    generated_at: Option<Timestamp>,
    /// Base64 that is not decoded yet.
    encoded: Vec<u8>,
    /// Text that is not taken yet, from `taken` on.
    decoded: Vec<u8>,
    taken: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing is read yet.
    Before,
    /// Inside the value of `Content`.
    Within,
    /// The object is read to its end.
    Behind,
}

impl<R: BufRead> JsonContent<R> {
    /// So much base64 is decoded at a time.
    const PIECE: usize = 32 * 1024;
    /// No key and no other value is as long.
    const LONGEST_TEXT: usize = 1024;

    fn new(input: R) -> Self {
        Self {
            input,
            stage: Stage::Before,
            generated_at: None,
            encoded: Vec::new(),
            decoded: Vec::new(),
            taken: 0,
        }
    }

    /// Reads the members before `Content`.
    fn begin(&mut self) -> Result<(), ReportError> {
        self.expect(b'{')?;
        loop {
            let key = self.text()?;
            self.expect(b':')?;
            if key == "Content" {
                self.expect(b'"')?;
                self.stage = Stage::Within;
                return Ok(());
            }
            self.member(&key)?;
            if !self.more_members()? {
                return Err(ReportError::Json("it has no Content".to_owned()));
            }
        }
    }

    /// Reads the members behind `Content`, and that nothing is behind the object.
    fn end(&mut self) -> Result<(), ReportError> {
        while self.more_members()? {
            let key = self.text()?;
            self.expect(b':')?;
            self.member(&key)?;
        }
        match self.peek()? {
            None => {
                self.stage = Stage::Behind;
                Ok(())
            }
            Some(byte) => Err(ReportError::Json(format!("{:?} stands behind its end", char::from(byte)))),
        }
    }

    fn member(&mut self, key: &str) -> Result<(), ReportError> {
        match key {
            "GeneratedTime" => {
                let text = self.text()?;
                let at = instant::parse(&text);
                self.generated_at =
                    Some(at.ok_or_else(|| ReportError::Json(format!("GeneratedTime is {text:?}")))?);
            }
            "ReportFormat" => {
                let format = self.text()?;
                if format != "text/csv" {
                    return Err(ReportError::Json(format!("ReportFormat is {format:?}, not text/csv")));
                }
            }
            _ => {
                return Err(ReportError::Json(format!("it has a member {key:?}")));
            }
        }
        Ok(())
    }

    /// Decodes the next piece of the content into `decoded`.
    fn decode_piece(&mut self) -> Result<(), ReportError> {
        while self.stage == Stage::Within && self.encoded.len() < Self::PIECE {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                return Err(ReportError::Json("it ends in the middle of Content".to_owned()));
            }
            let piece = memchr::memchr2(b'"', b'\\', available).unwrap_or(available.len());
            self.encoded.extend_from_slice(&available[..piece]);
            let stop = available.get(piece).copied();
            self.input.consume(piece + usize::from(stop.is_some()));
            match stop {
                Some(b'"') => self.end()?,
                Some(_) => self.escaped()?,
                None => {}
            }
        }
        let whole = match self.stage {
            Stage::Within => self.encoded.len() / 4 * 4,
            _ => self.encoded.len(),
        };
        self.decoded.resize(whole / 4 * 3 + 3, 0);
        self.taken = 0;
        let result = BASE64.decode_len(whole).map_err(|_| ()).and_then(|length| {
            BASE64.decode_mut(&self.encoded[..whole], &mut self.decoded[..length]).map_err(|_| ())
        });
        let length = result.map_err(|()| ReportError::Json("Content is not base64".to_owned()))?;
        self.decoded.truncate(length);
        self.encoded.drain(..whole);
        Ok(())
    }

    /// Of the characters of base64, JSON allows only the slash to be escaped. Line breaks are passed over.
    fn escaped(&mut self) -> Result<(), ReportError> {
        match self.byte()? {
            b'/' => self.encoded.push(b'/'),
            b'n' | b'r' => {}
            _ => return Err(ReportError::Json("Content is not base64".to_owned())),
        }
        Ok(())
    }

    fn more_members(&mut self) -> Result<bool, ReportError> {
        match self.next_token()? {
            b',' => Ok(true),
            b'}' => Ok(false),
            other => Err(unexpected(other, "a comma or a closing brace")),
        }
    }

    /// A text without escapes: no key and no value of this object needs one.
    fn text(&mut self) -> Result<String, ReportError> {
        self.expect(b'"')?;
        let mut text = Vec::new();
        loop {
            match self.byte()? {
                b'"' => break,
                b'\\' => return Err(unexpected(b'\\', "a plain text")),
                byte if text.len() < Self::LONGEST_TEXT => text.push(byte),
                _ => return Err(ReportError::Json("a text in it is too long".to_owned())),
            }
        }
        String::from_utf8(text).map_err(|_| ReportError::Json("it is not in UTF-8".to_owned()))
    }

    fn expect(&mut self, expected: u8) -> Result<(), ReportError> {
        let found = self.next_token()?;
        if found == expected {
            Ok(())
        } else {
            Err(unexpected(found, &format!("{:?}", char::from(expected))))
        }
    }

    fn next_token(&mut self) -> Result<u8, ReportError> {
        self.peek()?;
        self.byte()
    }

    /// The next byte that is not blank, without taking it.
    fn peek(&mut self) -> Result<Option<u8>, ReportError> {
        loop {
            match self.input.fill_buf()?.first().copied() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.input.consume(1),
                other => return Ok(other),
            }
        }
    }

    fn byte(&mut self) -> Result<u8, ReportError> {
        let byte = self.input.fill_buf()?.first().copied();
        self.input.consume(usize::from(byte.is_some()));
        byte.ok_or_else(|| ReportError::Json("it ends too early".to_owned()))
    }
}

impl<R: BufRead> Read for JsonContent<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(target)?;
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for JsonContent<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.stage == Stage::Before {
            self.begin()?;
        }
        while self.taken == self.decoded.len() && (self.stage == Stage::Within || !self.encoded.is_empty()) {
            self.decode_piece()?;
        }
        Ok(&self.decoded[self.taken..])
    }

    fn consume(&mut self, amount: usize) {
        self.taken += amount;
    }
}

fn unexpected(found: u8, expected: &str) -> ReportError {
    ReportError::Json(format!("{:?} stands where {expected} is expected", char::from(found)))
}
