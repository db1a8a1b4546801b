//! Objects that have a file of their own.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use flate2::{Decompress, FlushDecompress};

use super::buffer::Buffer;
use super::damage::{Damage, LARGEST};
use super::error::ReadError;
use super::inflate::Inflater;
use super::kind::{Kinds, ObjectFormat, ObjectKind};
use crate::coverage::{Reason, Unread};
use crate::object_id::ObjectId;

/// As long as the longest header: a name, a space, twenty digits, a zero; and some more.
const HEADER: usize = 64;

/// The file of an object in a folder of objects.
pub(super) fn path(directory: &Path, id: &ObjectId) -> PathBuf {
    let name = id.to_string();
    directory.join(&name[..2]).join(&name[2..])
}

/// Reads the object; `None` if there is no such file. The content is `into` from the position told on; of an
/// object of another kind than is wanted, it is not read.
pub(super) fn read(
    directory: &Path,
    id: &ObjectId,
    wanted: Kinds,
    inflater: &mut Inflater,
    into: &mut Buffer,
) -> Result<Option<(ObjectKind, usize)>, ReadError> {
    let path = path(directory, id);
    let place = || format!("object {id}");
    let failed = |error: io::Error| ReadError::Io { place: place(), detail: error.to_string() };
    let file = match fs::metadata(&path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    if !file.is_file() {
        return Err(failed(io::Error::new(ErrorKind::InvalidInput, "it is no regular file")));
    }
    if file.len() > LARGEST {
        return Err(Damage::TooLarge(file.len()).at(place()));
    }
    let stream = match fs::read(&path) {
        Ok(stream) => stream,
        // Packed and removed in the meantime.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    parse(&stream, wanted, inflater, into).map(Some).map_err(|damage| damage.at(place()))
}

/// Reads the bytes of the file.
pub(super) fn parse(
    stream: &[u8],
    wanted: Kinds,
    inflater: &mut Inflater,
    into: &mut Buffer,
) -> Result<(ObjectKind, usize), Damage> {
    let (kind, size, header) = header(stream)?;
    if wanted.has(kind) {
        inflater.inflate(stream, size.saturating_add(header as u64), into)?;
    }
    Ok((kind, header))
}

/// The kind, the size and the length of the header itself.
fn header(stream: &[u8]) -> Result<(ObjectKind, u64, usize), Damage> {
    const BAD: Damage = Damage::Broken("its header is not one of an object");
    let mut start = [0; HEADER];
    let mut zlib = Decompress::new(true);
    zlib.decompress(stream, &mut start, FlushDecompress::None)
        .map_err(|_| Damage::Broken("its compressed data is damaged"))?;
    let start = &start[..zlib.total_out() as usize];
    let end = memchr::memchr(0, start).ok_or(BAD)?;
    let space = memchr::memchr(b' ', &start[..end]).ok_or(BAD)?;
    let kind = ObjectKind::from_name(&start[..space]).ok_or(BAD)?;
    let digits = &start[space + 1..end];
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(BAD);
    }
    let size = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or(BAD)?;
    Ok((kind, size, end + 1))
}

/// The ids of all loose objects of a folder, ascending, and what could not be listed.
pub(super) fn list(directory: &Path, format: ObjectFormat) -> (Vec<ObjectId>, Vec<Unread>) {
    let (mut ids, mut problems) = (Vec::new(), Vec::new());
    for first in 0..=255_u8 {
        if let Err(error) = list_with_first(directory, first, format, &mut ids) {
            problems.push(unread(&directory.join(HEXLOWER.encode(&[first])), &error));
        }
    }
    ids.sort_unstable();
    (ids, problems)
}

/// The loose objects whose ids begin with this byte, in any order.
pub(super) fn list_with_first(
    directory: &Path,
    first: u8,
    format: ObjectFormat,
    ids: &mut Vec<ObjectId>,
) -> io::Result<()> {
    let first = HEXLOWER.encode(&[first]);
    let entries = match fs::read_dir(directory.join(&first)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let name = entry?.file_name();
        // Others are files that are being written.
        let Some(rest) = name.to_str().filter(|rest| rest.len() + 2 == 2 * format.length()) else { continue };
        ids.extend(format!("{first}{rest}").parse::<ObjectId>().ok());
    }
    Ok(())
}

/// What is reported of a path that the operating system does not let be read.
pub(super) fn unread(path: &Path, error: &io::Error) -> Unread {
    Unread { place: path.display().to_string(), reason: Reason::Io, detail: error.to_string() }
}
