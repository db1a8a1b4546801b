//! Tar archives: of any of the programs that write them, and images of containers that are saved as such.

use std::io::{self, Read};

use super::Opener;
use super::failure::{Failure, Level, Outcome};
use crate::coverage::Reason;
use crate::pieces::{Pieces, fill};
use crate::place::Place;

const BLOCK: usize = 512;

/// The most bytes of a long name, or of the other things that are told ahead of a member.
const MOST_AHEAD: u64 = 1 << 20;

/// Whether a content begins as tar archives do: with a header that has the right sum.
pub(super) fn begins(content: &[u8]) -> bool {
    content.first_chunk::<BLOCK>().is_some_and(|block| block[0] != 0 && Header::of(block).is_some())
}

/// Scans all members, one after the other.
pub(super) fn members(
    opener: &Opener<'_>,
    place: &Place<'_>,
    reader: &mut dyn Read,
    level: Level,
) -> Outcome {
    let mut ahead = Ahead::default();
    let mut block = [0; BLOCK];
    loop {
        match read_block(reader, &mut block, level) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => return Err(opener.failed(place, error)),
        }
        if block == [0; BLOCK] {
            // The end; but others may have been appended.
            continue;
        }
        let Some(header) = Header::of(&block) else {
            let detail = "what stands where a member should begin is none; the rest is scanned as it is";
            opener.tell(place, Reason::Corrupt, detail);
            let mut rest = block.chain(reader);
            let mut buffer = opener.buffer();
            let outcome = Pieces::new(opener.scan, place).stream(&mut buffer, &mut rest);
            opener.give_back(buffer);
            return outcome.map_err(|error| opener.failed(place, error));
        };
        let stored = match header.kind {
            b'L' | b'K' | b'x' | b'X' | b'g' => header.size,
            _ => ahead.size.unwrap_or(header.size),
        };
        let mut member = Member { reader: &mut *reader, left: stored, level };
        let outcome = match header.kind {
            b'L' | b'x' | b'X' => {
                ahead.take(header.kind, &mut member).map_err(|error| opener.failed(place, error))
            }
            // The target of a link, and what holds for all that follow.
            b'K' | b'g' => Ok(()),
            // Links, devices and folders. Those of old archives have a size that counts for nothing.
            b'1' | b'2' | b'3' | b'4' | b'6' => {
                ahead = Ahead::default();
                if header.kind != b'1' {
                    member.left = 0;
                }
                Ok(())
            }
            b'5' => {
                ahead = Ahead::default();
                Ok(())
            }
            kind => {
                let name = std::mem::take(&mut ahead).name.unwrap_or(header.name);
                let is_sparse = kind == b'S' && block[482] != 0;
                let skipped = if is_sparse { skip_sparse_map(member.reader, level) } else { Ok(()) };
                match skipped {
                    Ok(()) => opener.stream(&Place::member(&name, place), &mut member, level),
                    Err(error) => Err(opener.failed(place, error)),
                }
            }
        };
        // What ended within the member has ended; what ended the archive, too, has a level below that of its members.
        outcome?;
        let padding = stored.wrapping_neg() % BLOCK as u64;
        let left = member.left.saturating_add(padding);
        let mut rest = Member { reader: &mut *reader, left, level };
        if let Err(error) = io::copy(&mut rest, &mut io::sink()) {
            return Err(opener.failed(place, error));
        }
    }
}

/// What a header says.
struct Header {
    name: Vec<u8>,
    size: u64,
    kind: u8,
}

impl Header {
    /// `None` if the sum of its bytes is not what it says.
    fn of(block: &[u8; BLOCK]) -> Option<Self> {
        let told = number(&block[148..156])?;
        let is_sum = |byte: fn(u8) -> i64| {
            let sum: i64 = block.iter().map(|value| byte(*value)).sum();
            let own: i64 = block[148..156].iter().map(|value| byte(*value)).sum();
            i64::try_from(told) == Ok(sum - own + 8 * i64::from(b' '))
        };
        // Some programs of old added signed bytes.
        if !is_sum(i64::from) && !is_sum(|byte| i64::from(byte.cast_signed())) {
            return None;
        }
        let mut name = Vec::new();
        // GNU tar keeps times where POSIX has the beginning of the name.
        if &block[257..263] == b"ustar\0" && block[345] != 0 {
            name.extend(text(&block[345..500]));
            name.push(b'/');
        }
        name.extend(text(&block[..100]));
        Some(Self { name, size: number(&block[124..136])?, kind: block[156] })
    }
}

/// What stands ahead of a member because its header has no room for it.
#[derive(Default)]
struct Ahead {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Ahead {
    fn take(&mut self, kind: u8, member: &mut Member<'_>) -> io::Result<()> {
        let mut content = Vec::new();
        member.take(MOST_AHEAD).read_to_end(&mut content)?;
        if kind == b'L' {
            self.name = Some(text(&content).to_vec());
            return Ok(());
        }
        // Records of POSIX: their length in decimal, a space, `key=value` and the end of the line.
        let mut rest = &content[..];
        while let Some(space) = memchr::memchr(b' ', rest)
            && let Some(length) = decimal(&rest[..space]).and_then(|length| usize::try_from(length).ok())
            && let Some(record) = rest.get(space + 1..length)
            && length > 0
        {
            rest = &rest[length..];
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            let Some(equals) = memchr::memchr(b'=', record) else { continue };
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" | b"GNU.sparse.name" => self.name = Some(value.to_vec()),
                b"size" => self.size = decimal(value).or(self.size),
                _ => {}
            }
        }
        Ok(())
    }
}

/// What is left of a member.
struct Member<'a> {
    reader: &'a mut dyn Read,
    left: u64,
    level: Level,
}

impl Read for Member<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.reader.read(&mut buffer[..wanted])?;
        if read == 0 {
            return Err(cut_off(self.level).into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// Reads the next block. Whether there is one.
fn read_block(reader: &mut dyn Read, block: &mut [u8; BLOCK], level: Level) -> io::Result<bool> {
    let mut buffer = Vec::with_capacity(BLOCK);
    fill(&mut buffer, BLOCK, reader)?;
    match buffer.len() {
        0 => Ok(false),
        BLOCK => {
            block.copy_from_slice(&buffer);
            Ok(true)
        }
        _ => Err(cut_off(level).into()),
    }
}

/// GNU tar's sparse files have a map of their holes, and blocks of it that follow the header are not counted in the size.
fn skip_sparse_map(reader: &mut dyn Read, level: Level) -> io::Result<()> {
    let mut block = [0; BLOCK];
    while read_block(reader, &mut block, level)? {
        if block[504] == 0 {
            return Ok(());
        }
    }
    Err(cut_off(level).into())
}

fn cut_off(level: Level) -> Failure {
    Failure { level, reason: Reason::Corrupt, detail: "it is cut off".to_owned() }
}

/// A field up to its first zero.
fn text(field: &[u8]) -> &[u8] {
    &field[..memchr::memchr(0, field).unwrap_or(field.len())]
}

/// A field in octal digits; or if its first bit is set, in binary.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] == 0x80 {
        let (high, low) = field[1..].split_at(field.len().saturating_sub(9));
        return high
            .iter()
            .all(|byte| *byte == 0)
            .then(|| low.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)));
    }
    let digits = text(field).trim_ascii();
    digits.iter().try_fold(0u64, |value, digit| match digit {
        b'0'..=b'7' => Some(value.checked_mul(8)? + u64::from(digit - b'0')),
        _ => None,
    })
}

fn decimal(digits: &[u8]) -> Option<u64> {
    str::from_utf8(digits).ok()?.parse().ok()
}
