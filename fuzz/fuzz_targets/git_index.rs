//! An index of any version is read as it was written, and any other is read or refused.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::{Input, folder};
use rotakey_scan::git::index::{CachedTree, Index};
use rotakey_scan::git::objects::ObjectFormat;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(folder);

fn read(content: &[u8], format: ObjectFormat) -> Option<Index> {
    let file = FOLDER.join("index");
    std::fs::write(&file, content).unwrap();
    let index = Index::read(&file, &FOLDER, format).ok()?;
    for entry in index.entries() {
        let _ = index.path(entry);
    }
    let mut open: Vec<CachedTree<'_>> = index.cache_tree().top().into_iter().collect();
    while let Some(tree) = open.pop() {
        let _ = tree.known();
        open.extend(tree.folders().into_values());
    }
    Some(index)
}

fn entry(version: u8, path: &[u8], previous: &[u8], stage: u8, mode: u32, id: &[u8]) -> Vec<u8> {
    let mut entry = vec![7; 40];
    entry[24..28].copy_from_slice(&mode.to_be_bytes());
    entry.extend(id);
    let is_extended = version > 2 && stage == 3;
    let flags = u16::from(stage) << 12 | path.len().min(0xfff) as u16 | if is_extended { 0x4000 } else { 0 };
    entry.extend(flags.to_be_bytes());
    if is_extended {
        entry.extend(0x2000_u16.to_be_bytes());
    }
    if version == 4 {
        let common = path.iter().zip(previous).take_while(|(a, b)| a == b).count();
        let dropped = previous.len() - common;
        if dropped > 0x7f {
            entry.push((dropped >> 7) as u8 - 1 | 0x80);
        }
        entry.push(dropped as u8 & 0x7f);
        entry.extend(&path[common..]);
        entry.push(0);
    } else {
        entry.extend(path);
        let padding = 8 - entry.len() % 8;
        entry.extend(vec![0; padding]);
    }
    entry
}

fuzz_target!(|input: &[u8]| {
    let mut input = Input(input);
    let format = [ObjectFormat::Sha1, ObjectFormat::Sha256][input.below(2)];
    let version = 2 + input.byte() % 3;
    let (at, bit) = (input.below(1 << 12), input.byte() % 8);
    let header = |version: u8, count: usize| {
        [b"DIRC\0\0\0", [version].as_slice(), &(count as u32).to_be_bytes()].concat()
    };
    // The large part of a split one, for those that have a link to it.
    let base = [1; 32];
    let shared =
        [header(2, 1), entry(2, b"a", b"", 0, 0o100_644, &base[..format.length()]), vec![0; 32]].concat();
    let shared = &shared[..shared.len() - 32 + format.length()];
    let hexadecimal = "01".repeat(format.length());
    std::fs::write(FOLDER.join(format!("sharedindex.{hexadecimal}")), shared).unwrap();
    let rest = input.0;
    read(rest, format);
    read(&[&header(version, 0), rest, &[0; 20]].concat(), format);
    for name in [b"TREE", b"link"] {
        let content = [if name == b"link" { &base[..format.length()] } else { b"" }, rest].concat();
        let length = (content.len() as u32).to_be_bytes();
        read(
            &[&header(version, 0), &name[..], &length, &content, &vec![0; format.length()]].concat(),
            format,
        );
    }

    let mut expected = Vec::new();
    let mut content = Vec::new();
    let mut previous = Vec::new();
    while !input.0.is_empty() && expected.len() < 40 {
        let kept = input.below(1 << 8).min(previous.len());
        let mut path = previous[..kept].to_vec();
        path.extend(input.bytes(1 << 8).iter().filter(|byte| **byte != 0).map(|byte| byte & 0x7f | 1));
        let (stage, mode) = (input.byte() % 4, 0o100_644 + u32::from(input.byte()));
        let id = vec![input.byte(); format.length()];
        content.extend(entry(version, &path, &previous, stage, mode, &id));
        expected.push((path.clone(), stage, mode, id));
        previous = path;
    }
    let mut whole = [header(version, expected.len()), content, vec![0; format.length()]].concat();
    let index = read(&whole, format).expect("what was written");
    let found: Vec<_> = index
        .entries()
        .iter()
        .map(|entry| (index.path(entry).to_vec(), entry.stage, entry.mode.0, entry.id.as_bytes().to_vec()))
        .collect();
    assert_eq!(found, expected);
    assert!(index.entries().iter().all(|entry| entry.intent_to_add == (version > 2 && entry.stage == 3)));
    let length = whole.len();
    whole[at % length] ^= 1 << bit;
    read(&whole, format);
});
