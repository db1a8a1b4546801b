use std::io::Write;
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::scan::{Options, Report};
use crate::specimen::Specimen;

mod archives;
mod databases;
mod hostile;

/// What came of a content, scanned in every way there is: in memory, as a stream, and as a file.
fn scanned(content: &[u8], limits: Limits) -> Report {
    let options = || Options { limits, ..Options::default() };
    let place = Place::file(b"file");
    let slice = Scan::new(options());
    slice.content(&place, content);
    let slice = slice.finish();

    let stream = Scan::new(options());
    stream.stream(&place, &mut &*content);
    let stream = stream.finish();
    assert_eq!(told(&slice), told(&stream), "as a stream");

    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    let head_bytes = content.len().min(PIECE);
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(head_bytes as u64)).unwrap();
    let opened = Scan::new(options());
    let opener = Opener::new(&opened, content.len() as u64);
    opener.file(&place, &file, &mut content[..head_bytes].to_vec());
    let opened = opened.finish();
    assert_eq!(told(&slice), told(&opened), "as a file");
    slice
}

/// Each finding as `path:line`, and each of what was not read.
fn told(report: &Report) -> Vec<String> {
    let findings =
        report.findings.iter().map(|finding| format!("{}:{}", finding.path, finding.position.line));
    findings.chain(report.coverage.unread.iter().map(ToString::to_string)).collect()
}

fn told_of(content: &[u8]) -> Vec<String> {
    told(&scanned(content, Limits::default()))
}

fn id() -> String {
    Specimen::from_seed(1).access_key_id
}

/// A text with the id on its third line.
fn text() -> Vec<u8> {
    format!("one\ntwo\nkey {}\n", id()).into_bytes()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// What a Python program writes to standard output, with something at its standard input. Its functions are those of the
/// standard library, which knows nothing of ours.
fn python(program: &str, input: &[u8]) -> Vec<u8> {
    let program =
        format!("import sys, io, os\ndata = sys.stdin.buffer.read()\nout = sys.stdout.buffer\n{program}");
    let mut child = Command::new("python3")
        .args(["-c", &program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    output.stdout
}
