//! Any index of a pack is read or refused, and one that was made from objects tells where each of them is.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::Input;
use rotakey_scan::git::objects::ObjectFormat;
use rotakey_scan::git::objects::fuzzing::PackIndex;
use rotakey_scan::object_id::ObjectId;

fuzz_target!(|input: &[u8]| {
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        // The table of first bytes is long, and never hit upon by chance.
        let mut input = Input(input);
        let mut table = vec![0; input.below(2) * 8 + 256 * 4];
        if table.len() > 1024 {
            table[..8].copy_from_slice(b"\xfftOc\0\0\0\x02");
        }
        let (from, count) = (table.len() - 1024, input.byte() % 16);
        for (first, entry) in table[from..].chunks_mut(4).enumerate() {
            entry[3] = if first < usize::from(input.0.first().copied().unwrap_or(0)) { 0 } else { count };
        }
        for content in [input.0, &[&table, input.0].concat()] {
            let Some(index) = PackIndex::new(content, format) else { continue };
            assert!(index.objects().count() <= content.len());
            for (id, _) in index.objects() {
                // If ids are in disorder, one may not be found.
                let _ = index.find(&id);
            }
        }
        let mut objects = BTreeMap::new();
        while !input.0.is_empty() && objects.len() < 600 {
            let id: Vec<u8> = (0..format.length()).map(|at| if at < 3 { input.byte() } else { 7 }).collect();
            let offset = u64::from(input.byte()) << (8 * u32::from(input.byte() % 5));
            objects.insert(ObjectId::from_bytes(&id).unwrap(), offset);
        }
        let entries: Vec<(ObjectId, u64)> = objects.iter().rev().map(|(id, offset)| (*id, *offset)).collect();
        let index = PackIndex::build(&entries, format);
        assert!(index.objects().eq(objects.iter().map(|(id, offset)| (*id, Some(*offset)))));
        assert!(objects.iter().all(|(id, offset)| index.find(id) == Some(*offset)));
        let absent = ObjectId::from_bytes(&vec![0xee; format.length()]).unwrap();
        assert_eq!(index.find(&absent), None);
    }
});
