//! Zip archives: jar, war, apk, whl, nupkg, docx and many more.
//!
//! Where the whole archive can be reached, its directory at the end tells the members, and what is in none of them (what
//! stands ahead, names and comments) is scanned as it is. Without a directory, and for what comes as a stream, members are read
//! as they come.

mod directory;
mod member;
mod sequence;

use std::fs::File;
use std::io::{self, Read};

use self::directory::{Directory, END, Entry};
use self::member::{LOCAL, Method, local_length};
use super::Opener;
use super::failure::{Level, Leveled, Outcome, Stop};
use super::read_at::{ReadAt, Section};
use crate::coverage::Reason;
use crate::pieces::Pieces;
use crate::place::Place;

/// Whether a content ends as zip archives without a comment do, though it begins with something else: a program that unpacks
/// itself, or a script with its modules.
pub(super) fn slice_ends_as_one(content: &[u8]) -> bool {
    content.len() >= END && is_end(&content[content.len() - END..])
}

/// Likewise of a file.
pub(super) fn ends_as_one(file: &File) -> bool {
    let end = file.length().and_then(|length| file.bytes_at(length.saturating_sub(END as u64), END));
    end.is_ok_and(|end| is_end(&end))
}

fn is_end(end: &[u8]) -> bool {
    // Its signature, and of the length of the comment that it is zero; an archive of one part, which is the first.
    end.len() == END && end.starts_with(b"PK\x05\x06\0\0\0\0") && end.ends_with(&[0, 0])
}

/// Scans the members that the directory tells; or if there is none, those that are found.
pub(super) fn indexed<A: ReadAt>(
    opener: &Opener<'_>,
    place: &Place<'_>,
    archive: A,
    level: Level,
) -> Outcome {
    let Some(level) = opener.deeper(place, level) else { return Ok(()) };
    let outcome = match Directory::find(&archive) {
        Ok(Some(directory)) => members(opener, place, &archive, &directory, level),
        Ok(None) => {
            opener.tell(
                place,
                Reason::Corrupt,
                "it has no directory; its members are read as they are found",
            );
            let mut all = Section::new(&archive, 0, u64::MAX);
            sequence::members(opener, place, &mut all, level)
        }
        Err(error) => Err(opener.failed(place, error)),
    };
    Stop::caught_at(level, outcome)
}

/// Scans the members of an archive that comes as a stream.
pub(super) fn sequential(
    opener: &Opener<'_>,
    place: &Place<'_>,
    reader: &mut dyn Read,
    level: Level,
) -> Outcome {
    let Some(level) = opener.deeper(place, level) else { return Ok(()) };
    Stop::caught_at(level, sequence::members(opener, place, reader, level))
}

fn members<A: ReadAt>(
    opener: &Opener<'_>,
    place: &Place<'_>,
    archive: &A,
    directory: &Directory,
    level: Level,
) -> Outcome {
    // What is in members, as beginnings and ends.
    let mut taken = Vec::new();
    let mut entries = directory.entries(archive);
    loop {
        match entries.next() {
            Ok(Some(entry)) => {
                if let Some(range) = one(opener, place, archive, &entry, level)? {
                    taken.push(range);
                }
            }
            Ok(None) => break,
            Err(error) if is_source(&error) => return Err(opener.failed(place, error)),
            Err(error) => {
                opener.tell(place, Reason::Corrupt, format!("its directory is damaged: {error}"));
                break;
            }
        }
    }
    between(opener, place, archive, taken).map_err(|error| opener.failed(place, error))
}

/// Scans a member, and says where it is; `None` if that is not known.
fn one<A: ReadAt>(
    opener: &Opener<'_>,
    place: &Place<'_>,
    archive: &A,
    entry: &Entry,
    level: Level,
) -> Result<Option<(u64, u64)>, Stop> {
    let place = Place::member(&entry.name, place);
    let local = archive.bytes_at(entry.offset, LOCAL).map_err(|error| opener.failed(&place, error))?;
    let Some(header) = local_length(&local) else {
        opener.tell(&place, Reason::Corrupt, "it is not where the directory says");
        return Ok(None);
    };
    let start = entry.offset.saturating_add(header);
    let end = start.saturating_add(entry.packed);
    // A descriptor may follow, which has nothing to tell.
    let behind = end.saturating_add(if entry.has_descriptor { 24 } else { 0 });
    let taken = Some((entry.offset, behind));
    if entry.is_encrypted {
        opener.tell(&place, Reason::Encrypted, "");
        return Ok(taken);
    }
    let Some(method) = Method::of(entry.method) else {
        opener.tell(&place, Reason::Unsupported, format!("method {} of zip", entry.method));
        return Ok(taken);
    };
    if entry.is_empty() {
        return Ok(taken);
    }
    // One more than the last, so that an archive that ends too early is known from one that ends there.
    let packed = member::Packed::new(Section::new(archive, start, end), entry.packed);
    let unpacked = member::Checked::new(method.unpack(packed), Some((entry.sum, entry.unpacked)));
    let outcome =
        opener.stream(&place, &mut opener.metered(Leveled::new(unpacked, level + 1, Reason::Corrupt)), level);
    Stop::caught_at(level + 1, outcome).map(|()| taken)
}

/// Scans what is in no member.
fn between<A: ReadAt>(
    opener: &Opener<'_>,
    place: &Place<'_>,
    archive: &A,
    mut taken: Vec<(u64, u64)>,
) -> io::Result<()> {
    taken.sort_unstable();
    let end = archive.length()?;
    taken.push((end, end));
    let mut at = 0;
    let mut buffer = opener.buffer();
    for (start, behind) in taken {
        if start > at {
            buffer.clear();
            Pieces::new(opener.scan, place).stream(&mut buffer, &mut Section::new(archive, at, start))?;
        }
        at = at.max(behind);
    }
    opener.give_back(buffer);
    opener.scan.add_content();
    Ok(())
}

fn is_source(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<super::failure::Failure>())
}
