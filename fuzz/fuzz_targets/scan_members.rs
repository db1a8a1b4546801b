//! What is planted is found in archives in archives.

#![no_main]

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::{Input, Planted};
use rotakey_scan::kind::Kind;
use rotakey_scan::place::Place;
use rotakey_scan::scan::{Options, Scan};

fn tar(content: &[u8]) -> Vec<u8> {
    let mut header = [0; 512];
    header[..6].copy_from_slice(b"member");
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let padding = content.len().next_multiple_of(512) - content.len();
    [&header, content, &vec![0; padding + 1024]].concat()
}

fn zip(content: &[u8], deflate: bool) -> Vec<u8> {
    let mut packed = content.to_vec();
    if deflate {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        packed = encoder.finish().unwrap();
    }
    let mut sum = flate2::Crc::new();
    sum.update(content);
    let mut sizes = vec![if deflate { 8 } else { 0 }, 0, 0, 0, 0x21, 0];
    for number in [sum.sum(), packed.len() as u32, content.len() as u32] {
        sizes.extend(number.to_le_bytes());
    }
    sizes.extend([6, 0, 0, 0]);
    let local = [b"PK\x03\x04\x14\0\0\0", &sizes[..], b"member", &packed].concat();
    let entry = [b"PK\x01\x02\x14\0\x14\0\0\0", &sizes[..], &[0; 14], b"member"].concat();
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend((entry.len() as u32).to_le_bytes());
    end.extend((local.len() as u32).to_le_bytes());
    end.extend([0, 0]);
    [local, entry, end].concat()
}

fn layered(content: &[u8], layer: usize) -> Vec<u8> {
    let mut packed = Vec::new();
    match layer {
        0 => {
            let mut encoder = GzEncoder::new(packed, Compression::fast());
            encoder.write_all(content).unwrap();
            packed = encoder.finish().unwrap();
        }
        1 => packed = zstd::encode_all(content, 1).unwrap(),
        2 => {
            bzip2::read::BzEncoder::new(content, bzip2::Compression::fast())
                .read_to_end(&mut packed)
                .unwrap();
        }
        3 => packed = tar(content),
        4 => packed = zip(content, false),
        _ => packed = zip(content, true),
    }
    packed
}

fuzz_target!(|input: &[u8]| {
    let mut input = Input(input);
    let planted = Planted::of(&mut input);
    let layers: Vec<usize> = (0..input.below(5)).map(|_| input.below(6)).collect();
    let is_stream = input.below(2) == 1;
    // Blank lines, so that it is no container itself.
    let before = input.bytes(1 << 12);
    let content = [b"\n\n", before, b"\n\n", &planted.encoded, b"\n\n", input.0, b"\n"].concat();
    let packed = layers.iter().fold(content, |content, layer| layered(&content, *layer));
    let scan = Scan::new(Options { keep_values: true, ..Options::default() });
    let place = Place::file(b"file");
    if is_stream {
        scan.stream(&place, &mut packed.as_slice());
    } else {
        scan.content(&place, &packed);
    }
    let report = scan.finish();
    assert_eq!(report.coverage.unread, [], "{layers:?}");
    let members = layers.iter().filter(|layer| **layer > 2).count();
    let is_it = |finding: &rotakey_scan::finding::Finding| {
        finding.kind == Kind::AccessKeyId
            && finding.value.as_ref().is_some_and(|value| value.expose() == planted.id)
            && finding.path.matches("!member").count() == members
    };
    assert!(report.findings.iter().any(is_it), "{} {layers:?} {:?}", planted.id, report.findings);
});
