//! Archives as programs write them.

use proptest::prelude::*;

use super::*;

const ZIP: &str = "
import zipfile
z = zipfile.ZipFile(out_file := io.BytesIO(), 'w', METHOD)
z.writestr('empty', b'')
z.writestr('folder/', b'')
z.writestr('folder/a.txt', data)
z.writestr('other', b'nothing')
z.close()
out.write(out_file.getvalue())
";

const TAR: &str = "
import tarfile
t = tarfile.open(fileobj=(f := io.BytesIO()), mode='w', format=FORMAT)
def add(name, content, **more):
    i = tarfile.TarInfo(name)
    i.size = len(content)
    for key, value in more.items(): setattr(i, key, value)
    t.addfile(i, io.BytesIO(content))
add('a/b.txt', data)
add('folder', b'', type=tarfile.DIRTYPE)
add('link', b'', type=tarfile.SYMTYPE, linkname='a/b.txt')
add('hard', b'', type=tarfile.LNKTYPE, linkname='a/b.txt')
add('LONG', b'x' * 513)
add('LONG' + '/name', data)
add('last', data)
t.close()
out.write(f.getvalue())
";

#[test]
fn zips_that_python_writes_are_read() {
    for method in ["zipfile.ZIP_STORED", "zipfile.ZIP_DEFLATED", "zipfile.ZIP_BZIP2"] {
        let zip = python(&ZIP.replace("METHOD", method), &text());
        assert_eq!(told_of(&zip), ["file!folder/a.txt:3"], "{method}");
        // Something ahead of it: a script with its modules.
        let script = [b"#!/usr/bin/env python3\n", &zip[..]].concat();
        assert_eq!(told_of(&script), ["file!folder/a.txt:3"], "{method}");
    }
    let unknown = python(&ZIP.replace("METHOD", "zipfile.ZIP_LZMA"), &text());
    let unread = ["file!empty", "file!folder/", "file!folder/a.txt", "file!other"];
    let unread = unread.map(|member| format!("{member} is packed in an unknown way: method 14 of zip"));
    assert_eq!(told_of(&unknown), unread);
}

#[test]
fn zips_that_were_written_to_a_pipe_are_read() {
    let program = "
import zipfile
class Pipe(io.RawIOBase):
    def writable(self): return True
    def write(self, b): return out.write(b)
z = zipfile.ZipFile(Pipe(), 'w', zipfile.ZIP_DEFLATED)
z.writestr('a', data)
with z.open('large', 'w', force_zip64=True) as f: f.write(data)
z.comment = data
z.close()
";
    let zip = python(program, &text());
    // The comment, too; on whichever line of what is no text.
    let told = told_of(&zip);
    assert_eq!(told[1..], ["file!a:3", "file!large:3"]);
    assert!(told[0].starts_with("file:"));
    // Without the directory, the members are found by themselves.
    let directory = memchr::memmem::find(&zip, b"PK\x01\x02").unwrap();
    let told = told_of(&zip[..directory]);
    assert_eq!(
        told,
        [
            "file!a:3",
            "file!large:3",
            "file is damaged: it has no directory; its members are read as they are found"
        ]
    );
}

#[test]
fn what_stands_ahead_of_members_and_behind_them_is_scanned_and_members_only_once() {
    let zip = python(&ZIP.replace("METHOD", "zipfile.ZIP_STORED"), &text());
    let ahead = [&text()[..], &zip].concat();
    assert_eq!(told_of(&ahead), ["file:3", "file!folder/a.txt:3"]);
}

#[test]
fn encrypted_members_are_told() {
    let mut zip = python(&ZIP.replace("METHOD", "zipfile.ZIP_DEFLATED"), &text());
    let entry = memchr::memmem::rfind(&zip, b"PK\x01\x02").unwrap();
    zip[entry + 8] |= 1;
    assert_eq!(told_of(&zip), ["file!folder/a.txt:3", "file!other is encrypted"]);
}

#[test]
fn tars_of_all_formats_are_read() {
    for format in ["tarfile.USTAR_FORMAT", "tarfile.GNU_FORMAT", "tarfile.PAX_FORMAT"] {
        let is_ustar = format.contains("USTAR");
        let long =
            if is_ustar { format!("{}/{}", "p".repeat(120), "n".repeat(60)) } else { "ä-long/".repeat(40) };
        let tar = python(&TAR.replace("FORMAT", format).replace("LONG", &long), &text());
        let expected = ["file!a/b.txt:3".to_owned(), "file!last:3".to_owned(), format!("file!{long}/name:3")];
        let mut told = told_of(&tar);
        told.sort();
        let mut sorted = expected.to_vec();
        sorted.sort();
        assert_eq!(told, sorted, "{format}");
        // Two of them, one behind the other.
        assert_eq!(told_of(&[&tar[..], &tar].concat()).len(), 6);
    }
}

#[test]
fn sparse_files_of_gnu_tar_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(folder.path().join("sparse")).unwrap();
    for at in [0, 1 << 20, 5 << 20, 9 << 20, 13 << 20, 17 << 20, 21 << 20] {
        std::os::unix::fs::FileExt::write_all_at(&file, &text(), at).unwrap();
    }
    std::fs::write(folder.path().join("z"), text()).unwrap();
    for format in ["gnu", "pax"] {
        let mut tar = Command::new("tar");
        tar.args(["-c", "-S", "-H", format, "-C"]).arg(folder.path()).args(["sparse", "z"]);
        let tar = tar.output().unwrap();
        assert!(tar.status.success() && tar.stdout.len() < 1 << 20);
        let told = told_of(&tar.stdout);
        assert_eq!(told.len(), 8, "{told:?}");
        assert!(
            told[..7].iter().all(|told| told.starts_with("file!sparse:")) && told[7] == "file!z:3",
            "{told:?}"
        );
    }
}

#[test]
fn what_is_compressed_is_told_at_its_own_place() {
    let bz2 = python("import bz2\nout.write(bz2.compress(data))", &text());
    for compressed in [
        gzip(&text()),
        zstd::encode_all(&text()[..], 3).unwrap(),
        bz2.clone(),
        gzip(&gzip(&bz2)),
        // Many members, and zeros behind them.
        [gzip(b"one\n"), gzip(b"two\nkey "), gzip(id().as_bytes()), vec![0; 1_000]].concat(),
        [zstd::encode_all(&b"one\ntwo\n"[..], 3).unwrap(), zstd::encode_all(id().as_bytes(), 3).unwrap()]
            .concat(),
    ] {
        assert_eq!(told_of(&compressed), ["file:3"]);
    }
    let xz = python("import lzma\nout.write(lzma.compress(data))", &text());
    assert_eq!(told_of(&xz), ["file is packed in an unknown way: xz is not read here"]);
}

#[test]
fn an_image_of_a_container_is_read_layer_by_layer() {
    let layer = tar(&[("etc/x", &text())]);
    let image = tar(&[
        ("manifest.json", br#"[{"Config":"abc.json","Layers":["one/layer.tar","blobs/sha256/two"]}]"#),
        ("abc.json", format!("{{\"config\":{{\"Env\":[\"KEY={}\"]}}}}", id()).as_bytes()),
        ("one/layer.tar", &layer),
        ("blobs/sha256/two", &gzip(&layer)),
        ("blobs/sha256/three", &zstd::encode_all(&layer[..], 1).unwrap()),
    ]);
    let expected = [
        "file!abc.json:1",
        "file!blobs/sha256/three!etc/x:3",
        "file!blobs/sha256/two!etc/x:3",
        "file!one/layer.tar!etc/x:3",
    ];
    assert_eq!(told_of(&image), expected);
    assert_eq!(told_of(&gzip(&image)), expected);
}

#[test]
fn members_larger_than_what_is_held_are_read_as_they_come() {
    let limits = Limits { held: PIECE, ..Limits::default() };
    let noise: Vec<u8> =
        (0..3u32 << 18).flat_map(|number| number.wrapping_mul(0x9E37_79B9).to_le_bytes()).collect();
    let program = ZIP.replace("METHOD", "zipfile.ZIP_DEFLATED");
    let zip = python(&program, &[&noise[..], b"\n", &text()].concat());
    assert!(zip.len() > 2 * PIECE);
    let lines = noise.iter().filter(|byte| **byte == b'\n').count() + 4;
    let inner = format!("file!inner!folder/a.txt:{lines}");
    assert_eq!(
        told(&scanned(&tar(&[("inner", &zip), ("z", &text())]), limits)),
        [inner, "file!z:3".to_owned()]
    );
}

/// A tar archive of a few files.
pub(super) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, content) in members {
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        tar.extend(header);
        tar.extend(*content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

/// A zip archive of one file, deflated or stored, with or without its length ahead.
pub(super) fn zip(name: &str, content: &[u8], is_deflated: bool, is_told: bool) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let packed = if is_deflated {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    } else {
        content.to_vec()
    };
    let method = if is_deflated { 8u16 } else { 0 };
    let numbers = [crc.sum(), u32::try_from(packed.len()).unwrap(), u32::try_from(content.len()).unwrap()];
    let numbers: Vec<u8> = numbers.into_iter().flat_map(u32::to_le_bytes).collect();
    let length = u16::try_from(name.len()).unwrap().to_le_bytes();
    let mut common = vec![20, 0, if is_told { 0 } else { 8 }, 0];
    common.extend(method.to_le_bytes());
    common.extend([0; 4]);
    let mut zip = b"PK\x03\x04".to_vec();
    zip.extend(&common);
    zip.extend(if is_told { numbers.clone() } else { vec![0; 12] });
    zip.extend(length);
    zip.extend([0; 2]);
    zip.extend(name.as_bytes());
    zip.extend(&packed);
    if !is_told {
        zip.extend(b"PK\x07\x08");
        zip.extend(&numbers);
    }
    let start = u32::try_from(zip.len()).unwrap();
    zip.extend(b"PK\x01\x02\x14\0");
    zip.extend(&common);
    zip.extend(&numbers);
    zip.extend(length);
    zip.extend([0; 16]);
    zip.extend(name.as_bytes());
    let bytes = u32::try_from(zip.len()).unwrap() - start;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend(bytes.to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0; 2]);
    zip
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// In whatever it is packed, the id is told once, with the way to it and its line.
    #[test]
    fn what_is_planted_is_found_in_any_nesting(layers in prop::collection::vec(0usize..7, 0..7), lines in 0usize..2_000) {
        let mut content = "line\n".repeat(lines).into_bytes();
        content.extend(id().as_bytes());
        let mut path = String::new();
        for (number, layer) in layers.into_iter().enumerate() {
            let name = format!("member-{number}");
            let mut is_member = true;
            content = match layer {
                0 | 1 => {
                    is_member = false;
                    if layer == 0 { gzip(&content) } else { zstd::encode_all(&content[..], 1).unwrap() }
                }
                2 => tar(&[("before", b"x"), (&name, &content), ("behind", b"y")]),
                3 => zip(&name, &content, true, true),
                4 => zip(&name, &content, true, false),
                5 => zip(&name, &content, false, true),
                _ => [b"#!/bin/sh\n", &zip(&name, &content, true, true)[..]].concat(),
            };
            if is_member {
                path = format!("!{name}{path}");
            }
        }
        prop_assert_eq!(told_of(&content), [format!("file{path}:{}", lines + 1)]);
    }
}
