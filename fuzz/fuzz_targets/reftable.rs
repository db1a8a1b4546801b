//! A table of references is read as it was written, and any other is read or refused.

#![no_main]

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::{Input, folder};
use rotakey_scan::git::objects::ObjectFormat;
use rotakey_scan::git::refs::{References, logged};
use rotakey_scan::git::repository::{ReferenceStorage, Repository};
use rotakey_scan::object_id::ObjectId;

static REPOSITORY: LazyLock<Repository> = LazyLock::new(|| {
    let folder = folder();
    std::fs::create_dir_all(folder.join("reftable")).unwrap();
    std::fs::write(folder.join("reftable/tables.list"), "0.ref\n").unwrap();
    Repository {
        git_dir: folder.clone(),
        common_dir: folder.clone(),
        work_tree: None,
        index_file: folder.join("index"),
        object_directory: folder.join("objects"),
        alternate_object_directories: Vec::new(),
        format: ObjectFormat::Sha1,
        references: ReferenceStorage::Reftable,
        partial: false,
        shallow: HashSet::new(),
    }
});

fn read(table: &[u8]) -> Option<References> {
    std::fs::write(REPOSITORY.git_dir.join("reftable/0.ref"), table).unwrap();
    let _ = logged(&REPOSITORY);
    References::read(&REPOSITORY).ok()
}

fn varint(value: usize) -> Vec<u8> {
    match value {
        0..0x80 => vec![value as u8],
        _ => vec![((value >> 7) as u8 - 1) | 0x80, value as u8 & 0x7f],
    }
}

fn table(records: &[u8], behind: &[u8], logs: usize) -> Vec<u8> {
    let header = [b"REFT\x01\0\0\0".to_vec(), vec![0; 16]].concat();
    let length = 24 + 4 + records.len() + 2;
    let block = [b"r", &(length as u32).to_be_bytes()[1..], records, &[0; 2]].concat();
    let positions = [vec![0; 24], (logs as u64).to_be_bytes().to_vec(), vec![0; 12]].concat();
    [&header, &block, behind, &header, &positions].concat()
}

fuzz_target!(|input: &[u8]| {
    read(input);
    // Blocks of logs behind one of references.
    let empty = table(b"", b"", 0).len() - 68;
    read(&table(b"", input, empty));
    read(&table(input, b"", 0));

    let mut input = Input(input);
    let (mut records, mut name, mut expected) = (Vec::new(), Vec::new(), BTreeMap::new());
    while !input.0.is_empty() {
        let kept = input.below(1 << 9).min(name.len());
        let new = input.bytes(1 << 8);
        let kind = input.byte() % 3;
        records.extend(
            [varint(kept), varint(new.len() << 3 | usize::from(kind)), new.to_vec(), vec![0]].concat(),
        );
        name.truncate(kept);
        name.extend(new);
        let id = [input.byte(); 20];
        if kind > 0 {
            records.extend(id.repeat(kind.into()));
            expected.insert(name.clone(), ObjectId::from_bytes(&id).unwrap());
        } else {
            expected.remove(&name);
        }
    }
    let references = read(&table(&records, b"", 0)).expect("what was written");
    assert!(references.all().map(|(name, id)| (name.to_vec(), id)).eq(expected));
});
