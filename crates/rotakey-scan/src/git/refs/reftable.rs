//! References in sorted tables, as `git init --ref-format=reftable` keeps them.
//!
//! The format is in git's `Documentation/technical/reftable.txt`. All of a table is read from its beginning to its end, so its
//! indexes are not needed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use flate2::{Decompress, FlushDecompress};

use super::{ReferencesError, Target, files};
use crate::git::objects::ObjectFormat;
use crate::git::path::path_of;
use crate::git::repository::Repository;
use crate::object_id::ObjectId;

/// What the tables say.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) names: BTreeMap<Vec<u8>, Target>,
    pub(super) logged: Vec<ObjectId>,
}

/// Git merges tables at any time; the list is then read again.
const ATTEMPTS: usize = 8;

/// The bytes of the names of a table together. With the beginnings that they share, a small file can stand for very many.
const MOST_NAMES: usize = 1 << 28;

/// Blocks of logs are smaller than this, unpacked: their length has three bytes.
const LONGEST_BLOCK: usize = 1 << 24;

pub(super) fn read(repository: &Repository) -> Result<Tables, ReferencesError> {
    let mut tables = Tables::default();
    // The logs of all work trees, and the names of the one by which the repository was opened.
    if let Ok(trees) = fs::read_dir(repository.common_dir.join("worktrees")) {
        for tree in trees.flatten() {
            let own = stack(&tree.path(), repository.format)?;
            tables.logged.extend(own.logged);
        }
    }
    let mut open = vec![repository.common_dir.as_path()];
    if repository.git_dir != repository.common_dir {
        open.push(&repository.git_dir);
    }
    for git_dir in open {
        let own = stack(git_dir, repository.format)?;
        tables.names.extend(own.names);
        tables.logged.extend(own.logged);
    }
    // Some names are files still; the file `HEAD` is only there for programs that know nothing of tables.
    let mut special = BTreeMap::new();
    files::special(&repository.git_dir, repository.format, &mut special)?;
    special.remove(&b"HEAD"[..]);
    tables.names.extend(special);
    Ok(tables)
}

/// The tables of a git directory, the newer ones over the older ones.
fn stack(git_dir: &Path, format: ObjectFormat) -> Result<Tables, ReferencesError> {
    let folder = git_dir.join("reftable");
    let list = folder.join("tables.list");
    for attempt in 1.. {
        let text = match fs::read(&list) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Tables::default()),
            Err(source) => return Err(ReferencesError::Io { path: list, source }),
        };
        let mut all = Tables::default();
        let mut vanished = false;
        for name in text.split(|byte| *byte == b'\n').filter(|name| !name.is_empty()) {
            let path = folder.join(path_of(name));
            match fs::read(&path) {
                Ok(bytes) => {
                    let table = Table::new(&bytes, format);
                    let read = table.and_then(|table| table.read(&mut all));
                    read.map_err(|what| ReferencesError::Damaged { path, what })?;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => {
                    vanished = true;
                    break;
                }
                Err(source) => return Err(ReferencesError::Io { path, source }),
            }
        }
        if !vanished {
            return Ok(all);
        }
    }
    Ok(Tables::default())
}

struct Table<'a> {
    /// Without the footer.
    bytes: &'a [u8],
    header: usize,
    block_size: usize,
    log_position: usize,
    length: usize,
}

type Damage = &'static str;
const CUT_OFF: Damage = "it is cut off";

impl<'a> Table<'a> {
    fn new(bytes: &'a [u8], format: ObjectFormat) -> Result<Self, Damage> {
        if !bytes.starts_with(b"REFT") {
            return Err("it does not begin as a table does");
        }
        let header = match bytes.get(4) {
            Some(1) => 24,
            Some(2) => 28,
            _ => return Err("it is of an unknown version"),
        };
        if header == 28 {
            let expected: &[u8] = if format == ObjectFormat::Sha1 { b"sha1" } else { b"s256" };
            if bytes.get(24..28) != Some(expected) {
                return Err("it names objects by another hash");
            }
        } else if format != ObjectFormat::Sha1 {
            return Err("it names objects by another hash");
        }
        // The header again, five positions and a checksum.
        let end = bytes.len().checked_sub(header + 44).filter(|end| *end >= header).ok_or(CUT_OFF)?;
        let log_position = number(bytes.get(end + header + 24..end + header + 32).ok_or(CUT_OFF)?);
        Ok(Self {
            bytes: &bytes[..end],
            header,
            block_size: number(&bytes[5..8]),
            log_position,
            length: format.length(),
        })
    }

    fn read(&self, all: &mut Tables) -> Result<(), Damage> {
        let (mut at, mut room) = (0, MOST_NAMES);
        // The blocks of references are the first.
        while let Some((b'r', block)) = self.block(at)? {
            let read = self.references(block, if at == 0 { self.header + 4 } else { 4 }, &mut room, all);
            if room == 0 {
                return Err("its names are longer than 256 MiB");
            }
            read.ok_or(CUT_OFF)?;
            let unaligned = block.len() >= self.block_size
                || self.bytes.get(at + block.len()).is_some_and(|byte| *byte != 0);
            at += if unaligned { block.len() } else { self.block_size };
        }
        let logs_alone = self.bytes.get(self.header) == Some(&b'g');
        if self.log_position > 0 || logs_alone {
            self.logs(self.log_position, all)?;
        }
        Ok(())
    }

    /// The type of a block, and its bytes: of the first one with the header of the file.
    fn block(&self, at: usize) -> Result<Option<(u8, &'a [u8])>, Damage> {
        let start = if at == 0 { self.header } else { at };
        let Some(kind) = self.bytes.get(start) else { return Ok(None) };
        if *kind != b'r' {
            return Ok(Some((*kind, &[])));
        }
        let length = number(self.bytes.get(start + 1..start + 4).ok_or(CUT_OFF)?);
        let block =
            self.bytes.get(at..at + length).filter(|block| block.len() >= start - at + 6).ok_or(CUT_OFF)?;
        Ok(Some((*kind, block)))
    }

    /// `None` if they are cut off, or there is no more room for their names.
    fn references(&self, block: &[u8], begin: usize, room: &mut usize, all: &mut Tables) -> Option<()> {
        let mut rest = records(block, begin)?;
        let mut name = Vec::new();
        while !rest.is_empty() {
            let kind = key(&mut rest, &mut name)?;
            *room = room.checked_sub(name.len()).unwrap_or_default();
            if *room == 0 {
                return None;
            }
            let _update = varint(&mut rest)?;
            match kind {
                0 => {
                    all.names.remove(&name);
                }
                1 | 2 => {
                    let id = self.id(&mut rest)?;
                    if kind == 2 {
                        let _what_the_tag_leads_to = self.id(&mut rest)?;
                    }
                    all.names.insert(name.clone(), Target::Object(id));
                }
                3 => {
                    let target = text(&mut rest)?;
                    all.names.insert(name.clone(), Target::Reference(target.to_vec()));
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn logs(&self, mut at: usize, all: &mut Tables) -> Result<(), Damage> {
        loop {
            let start = if at == 0 { self.header } else { at };
            if self.bytes.get(start) != Some(&b'g') {
                return Ok(());
            }
            let length = number(self.bytes.get(start + 1..start + 4).ok_or(CUT_OFF)?);
            let packed = self.bytes.get(start + 4..).ok_or(CUT_OFF)?;
            // Of the first block of a file, its length counts the file's header.
            let before = start - at + 4;
            let size = length.checked_sub(before).filter(|size| *size < LONGEST_BLOCK).ok_or(CUT_OFF)?;
            let mut block = vec![0; before + size];
            let mut inflater = Decompress::new(true);
            let status = inflater.decompress(packed, &mut block[before..], FlushDecompress::Finish);
            if status.is_err() || inflater.total_out() != size as u64 || inflater.total_in() == 0 {
                return Err("a log in it cannot be unpacked");
            }
            self.log(&block, before, all).ok_or(CUT_OFF)?;
            at = start + 4 + inflater.total_in() as usize;
        }
    }

    fn log(&self, block: &[u8], begin: usize, all: &mut Tables) -> Option<()> {
        let mut rest = records(block, begin)?;
        let mut name = Vec::new();
        while !rest.is_empty() {
            // Of a log that was deleted, the entries that stand in older tables are still worth a look.
            if key(&mut rest, &mut name)? == 0 {
                continue;
            }
            let (before, after) = (self.id(&mut rest)?, self.id(&mut rest)?);
            all.logged.extend([before, after].into_iter().filter(|id| !id.is_zero()));
            let (_name, _email, _seconds) = (text(&mut rest)?, text(&mut rest)?, varint(&mut rest)?);
            rest = rest.get(2..)?;
            let _message = text(&mut rest)?;
        }
        Some(())
    }

    fn id(&self, rest: &mut &[u8]) -> Option<ObjectId> {
        let (id, behind) = rest.split_at_checked(self.length)?;
        *rest = behind;
        ObjectId::from_bytes(id)
    }
}

/// The records of a block: what stands before the places at which names begin anew.
fn records(block: &[u8], begin: usize) -> Option<&[u8]> {
    let count = number(block.get(block.len().checked_sub(2)?..)?);
    let end = block.len().checked_sub(2 + 3 * count)?;
    block.get(begin..end)
}

/// The name of a record, of which the beginning is that of the one before, and its kind.
fn key(rest: &mut &[u8], name: &mut Vec<u8>) -> Option<u8> {
    let kept = varint(rest).filter(|kept| *kept <= name.len())?;
    let suffix = varint(rest)?;
    let (new, behind) = rest.split_at_checked(suffix >> 3)?;
    name.truncate(kept);
    name.extend_from_slice(new);
    *rest = behind;
    Some((suffix & 7) as u8)
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = varint(rest)?;
    let (text, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(text)
}

/// A number as in packs' offsets.
fn varint(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0_usize;
    loop {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        value = value.checked_add(usize::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
        value = value.checked_add(1)?.checked_mul(128)?;
    }
}

/// A number of some bytes, the highest first.
fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}
