//! A pack is read as it was written, along all deltas and by whatever is searched for; and a damaged one is read or refused.

#![no_main]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::{Input, folder};
use rotakey_scan::coverage::Unread;
use rotakey_scan::git::objects::{NothingKnown, ObjectKind, ObjectStore, Search, walk};
use rotakey_scan::object_id::ObjectId;
use sha1::{Digest as _, Sha1};

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = folder();
    std::fs::create_dir_all(folder.join("objects/pack")).unwrap();
    folder
});

/// What is searched for.
const NEEDLE: &[u8] = b"zz";

#[derive(Debug, Default)]
struct Needles {
    found: Mutex<BTreeSet<ObjectId>>,
    clean: Mutex<BTreeSet<ObjectId>>,
    unread: Mutex<Vec<Unread>>,
}

fn has_needle(content: &[u8]) -> bool {
    content.windows(NEEDLE.len()).any(|part| part == NEEDLE)
}

impl Search for Needles {
    fn window(&self) -> usize {
        NEEDLE.len()
    }

    fn screen(&self, content: &[u8]) -> bool {
        has_needle(content)
    }

    fn blob(&self, id: &ObjectId, content: &[u8]) {
        assert_eq!(*id, id_of(ObjectKind::Blob, content));
        if has_needle(content) {
            self.found.lock().unwrap().insert(*id);
        } else {
            self.clean.lock().unwrap().insert(*id);
        }
    }

    fn clean(&self, id: &ObjectId, _size: u64) {
        self.clean.lock().unwrap().insert(*id);
    }

    fn unread(&self, unread: Unread) {
        self.unread.lock().unwrap().push(unread);
    }
}

/// The same of a pack whose objects need not have the ids that they are stored under.
#[derive(Debug)]
struct Anything;

impl Search for Anything {
    fn window(&self) -> usize {
        NEEDLE.len()
    }

    fn screen(&self, content: &[u8]) -> bool {
        has_needle(content)
    }

    fn blob(&self, _id: &ObjectId, _content: &[u8]) {}

    fn unread(&self, _unread: Unread) {}
}

fn id_of(kind: ObjectKind, content: &[u8]) -> ObjectId {
    let header = format!("{} {}\0", kind.name(), content.len());
    ObjectId::from_bytes(&Sha1::new().chain_update(header).chain_update(content).finalize()).unwrap()
}

fn entry(kind: u8, size: usize, base: &[u8], content: &[u8], pack: &mut Vec<u8>) {
    let (mut first, mut rest) = (kind << 4 | (size & 15) as u8, size >> 4);
    while rest > 0 {
        pack.push(first | 0x80);
        (first, rest) = ((rest & 0x7f) as u8, rest >> 7);
    }
    pack.push(first);
    pack.extend(base);
    let mut encoder = ZlibEncoder::new(pack, Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap();
}

fn varint(mut size: usize, into: &mut Vec<u8>) {
    while size > 0x7f {
        into.push(size as u8 | 0x80);
        size >>= 7;
    }
    into.push(size as u8);
}

/// How far back an entry is, as packs have it.
fn distance(mut distance: usize) -> Vec<u8> {
    let mut bytes = vec![(distance & 0x7f) as u8];
    while distance > 0x7f {
        distance = (distance >> 7) - 1;
        bytes.insert(0, (distance & 0x7f) as u8 | 0x80);
    }
    bytes
}

/// The instructions that the input has, and what they make.
fn delta(input: &mut Input<'_>, base: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut made, mut instructions) = (Vec::new(), Vec::new());
    for _ in 0..1 + input.below(6) {
        if !base.is_empty() && input.below(2) == 0 {
            let from = input.below(base.len().min(1 << 16));
            let length = (1 + input.below(1 << 12)).min(base.len() - from);
            instructions.push(0x80 | 0b11_0011);
            instructions.extend([from as u8, (from >> 8) as u8, length as u8, (length >> 8) as u8]);
            made.extend(&base[from..from + length]);
        } else {
            let new = input.bytes(128);
            if !new.is_empty() {
                instructions.push(new.len() as u8);
                instructions.extend(new);
                made.extend(new);
            }
        }
    }
    let mut delta = Vec::new();
    varint(base.len(), &mut delta);
    varint(made.len(), &mut delta);
    delta.extend(instructions);
    (delta, made)
}

fn index(entries: &[(ObjectId, usize)], checksum: &[u8]) -> Vec<u8> {
    let mut entries = entries.to_vec();
    entries.sort_unstable();
    let mut index = Vec::new();
    for first in 0..=255 {
        let count = entries.iter().filter(|(id, _)| id.as_bytes()[0] <= first).count();
        index.extend((count as u32).to_be_bytes());
    }
    for (id, offset) in entries {
        index.extend((offset as u32).to_be_bytes());
        index.extend(id.as_bytes());
    }
    [&index, checksum, &[0; 20]].concat()
}

fuzz_target!(|input: &[u8]| {
    let mut input = Input(input);
    let (has_index, workers, damage) = (input.below(2) == 1, 1 + input.below(2), input.below(3));
    let workers = NonZeroUsize::new(workers).unwrap();
    let (at, bit, which) = (input.below(1 << 14), input.byte() % 8, input.below(3));
    let kinds = [ObjectKind::Commit, ObjectKind::Tree, ObjectKind::Blob, ObjectKind::Tag];
    let count = 1 + input.below(12);
    let mut pack = b"PACK\0\0\0\x02\0\0\0".to_vec();
    pack.push(count as u8);
    let mut objects: Vec<(ObjectKind, Vec<u8>, usize)> = Vec::new();
    for _ in 0..count {
        let offset = pack.len();
        let form = input.below(4);
        if form < 2 && !objects.is_empty() {
            let (kind, base, base_offset) = objects[input.below(objects.len())].clone();
            let (delta, made) = delta(&mut input, &base);
            if form == 0 {
                entry(6, delta.len(), &distance(offset - base_offset), &delta, &mut pack);
            } else {
                entry(7, delta.len(), id_of(kind, &base).as_bytes(), &delta, &mut pack);
            }
            objects.push((kind, made, offset));
        } else {
            let which = if input.below(8) == 0 { input.below(4) } else { 2 };
            let content = input.bytes(1 << 9).repeat(1 + 15 * input.below(2));
            entry(1 + which as u8, content.len(), b"", &content, &mut pack);
            objects.push((kinds[which], content, offset));
        }
    }
    let sum = Sha1::digest(&pack);
    pack.extend(sum);
    let mut entries: Vec<(ObjectId, usize)> =
        objects.iter().map(|(kind, content, offset)| (id_of(*kind, content), *offset)).collect();
    if damage == 1 {
        let length = pack.len();
        pack[at % length] ^= 1 << bit;
    } else if damage == 2 {
        // The index leads somewhere else.
        let length = entries.len();
        let other = entries[input.below(length)].1;
        entries[at % length].1 = if which == 0 { at } else { other };
    }
    let name = FOLDER.join("objects/pack/pack-0.pack");
    // What is mapped must not be cut, so it is another file each time.
    let _ = std::fs::remove_file(&name);
    std::fs::write(&name, &pack).unwrap();
    let index_name = name.with_extension("idx");
    let _ = std::fs::remove_file(&index_name);
    if has_index {
        std::fs::write(&index_name, index(&entries, &pack[pack.len() - 20..])).unwrap();
    }
    let store = ObjectStore::open(&FOLDER).unwrap();
    let mut reader = store.reader();
    if damage > 0 && (damage == 1 || has_index) {
        walk(&store, workers, &NothingKnown, &Anything);
        for (id, _) in &entries {
            let _ = reader.read(id);
        }
        return;
    }
    assert_eq!(store.problems(), []);
    for (kind, content, _) in &objects {
        let read = reader.read(&id_of(*kind, content)).unwrap().unwrap();
        assert!(read.kind == *kind && read.content == content);
    }
    let needles = Needles::default();
    walk(&store, workers, &NothingKnown, &needles);
    assert_eq!(*needles.unread.lock().unwrap(), []);
    let blobs = |wanted: bool| -> BTreeSet<ObjectId> {
        let blobs = objects.iter().filter(|(kind, ..)| *kind == ObjectKind::Blob);
        blobs
            .filter(|(_, content, _)| has_needle(content) == wanted)
            .map(|(kind, content, _)| id_of(*kind, content))
            .collect()
    };
    assert_eq!(*needles.found.lock().unwrap(), blobs(true));
    assert_eq!(*needles.clean.lock().unwrap(), blobs(false));
});
