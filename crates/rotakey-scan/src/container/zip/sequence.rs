//! Members as they come, without the directory.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::DeflateDecoder;

use super::directory::{large_numbers, u16_at, u32_at};
use super::member::{Checked, LOCAL, Method, Packed};
use crate::container::Opener;
use crate::container::failure::{Level, Leveled, Outcome, Stop};
use crate::coverage::Reason;
use crate::place::Place;

/// How much is looked at to find where the next member begins.
const CHUNK: usize = 64 << 10;

/// Scans the members of an archive.
pub(super) fn members(
    opener: &Opener<'_>,
    place: &Place<'_>,
    reader: &mut dyn Read,
    level: Level,
) -> Outcome {
    let mut source = BufReader::with_capacity(CHUNK, reader);
    loop {
        match find(&mut source) {
            Ok(true) => one(opener, place, &mut source, level)?,
            Ok(false) => return Ok(()),
            Err(error) => return Err(opener.failed(place, error)),
        }
    }
}

/// Goes to behind the signature of the next member. Whether there is one.
fn find(source: &mut impl BufRead) -> io::Result<bool> {
    const SIGNATURE: &[u8] = b"PK\x03\x04";
    let mut matched = 0;
    loop {
        let bytes = source.fill_buf()?;
        if bytes.is_empty() {
            return Ok(false);
        }
        let mut used = 0;
        while used < bytes.len() && matched < SIGNATURE.len() {
            if matched == 0 {
                match memchr::memchr(b'P', &bytes[used..]) {
                    Some(at) => (used, matched) = (used + at + 1, 1),
                    None => used = bytes.len(),
                }
            } else if bytes[used] == SIGNATURE[matched] {
                (used, matched) = (used + 1, matched + 1);
            } else {
                // Looked at again, as it may be a first one.
                matched = 0;
            }
        }
        source.consume(used);
        if matched == SIGNATURE.len() {
            return Ok(true);
        }
    }
}

/// Scans the member whose signature was read.
fn one(opener: &Opener<'_>, place: &Place<'_>, source: &mut impl BufRead, level: Level) -> Outcome {
    let header = match Header::read(source) {
        Ok(Some(header)) => header,
        Ok(None) => {
            opener.tell(place, Reason::Corrupt, "it is cut off");
            return Ok(());
        }
        Err(error) => return Err(opener.failed(place, error)),
    };
    let place = Place::member(&header.name, place);
    let is_sized = header.flags & 8 == 0 || header.packed > 0;
    let method = Method::of(header.method);
    if header.flags & 1 != 0 {
        opener.tell(&place, Reason::Encrypted, "");
    } else if let Some(method) = method.filter(|_| is_sized) {
        let mut packed = Packed::new(&mut *source, header.packed);
        let unpacked = Checked::new(
            method.unpack(&mut packed),
            (header.flags & 8 == 0).then_some((header.sum, header.unpacked)),
        );
        let reader = Leveled::new(unpacked, level + 1, Reason::Corrupt);
        let outcome = opener.stream(&place, &mut opener.metered(reader), level);
        let left = packed.left();
        Stop::caught_at(level + 1, outcome)?;
        // What is in a member is not to be taken for another.
        return skip(source, left).map_err(|error| opener.failed(&place, error));
    } else if method == Some(Method::Deflated) {
        // Its end is known from within.
        let reader = Leveled::new(DeflateDecoder::new(&mut *source), level + 1, Reason::Corrupt);
        let outcome = opener.stream(&place, &mut opener.metered(reader), level);
        return Stop::caught_at(level + 1, outcome);
    } else {
        let detail = match method {
            Some(_) => "its length is not told ahead of it".to_owned(),
            None => format!("method {} of zip", header.method),
        };
        opener.tell(&place, Reason::Unsupported, detail);
    }
    if is_sized { skip(source, header.packed).map_err(|error| opener.failed(&place, error)) } else { Ok(()) }
}

fn skip(source: &mut impl BufRead, bytes: u64) -> io::Result<()> {
    io::copy(&mut source.take(bytes), &mut io::sink()).map(drop)
}

/// What stands ahead of a member.
struct Header {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    sum: u32,
    packed: u64,
    unpacked: u64,
}

impl Header {
    /// `None` if the archive ends within it.
    fn read(source: &mut impl BufRead) -> io::Result<Option<Self>> {
        const SIGNATURE: usize = 4;
        let mut fixed = Vec::with_capacity(LOCAL);
        source.take((LOCAL - SIGNATURE) as u64).read_to_end(&mut fixed)?;
        if fixed.len() < LOCAL - SIGNATURE {
            return Ok(None);
        }
        let (name_length, extra_length) = (usize::from(u16_at(&fixed, 22)), usize::from(u16_at(&fixed, 24)));
        let mut name = Vec::new();
        source.take((name_length + extra_length) as u64).read_to_end(&mut name)?;
        if name.len() < name_length + extra_length {
            return Ok(None);
        }
        let mut numbers = [18, 14].map(|at| u64::from(u32_at(&fixed, at)));
        large_numbers(&name[name_length..], &mut numbers);
        name.truncate(name_length);
        let [unpacked, packed] = numbers;
        let (flags, method, sum) = (u16_at(&fixed, 2), u16_at(&fixed, 4), u32_at(&fixed, 10));
        Ok(Some(Self { name, flags, method, sum, packed, unpacked }))
    }
}
