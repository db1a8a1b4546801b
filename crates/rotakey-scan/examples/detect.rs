//! How fast the detector is, beside reading the memory, and what it finds: `detect PATH...`

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rotakey_scan::detect::{Detector, Found};

#[expect(clippy::print_stdout, reason = "a program for people")]
fn main() {
    let mut contents = Vec::new();
    for path in std::env::args_os().skip(1) {
        read(Path::new(&path), &mut contents);
    }
    let bytes: usize = contents.iter().map(|(_, content)| content.len()).sum();
    let detector = Detector::default();
    println!("{} contents, {} MB", contents.len(), bytes / 1_000_000);
    let gigabytes_per_second = |work: &dyn Fn(&[u8])| {
        let best = (0..5).map(|_| {
            let start = Instant::now();
            contents.iter().for_each(|(_, content)| work(content));
            start.elapsed().as_secs_f64()
        });
        bytes as f64 / 1e9 / best.fold(f64::INFINITY, f64::min)
    };
    println!("sum     {:6.2} GB/s", gigabytes_per_second(&|content| _ = black_box(sum(content))));
    println!("screen  {:6.2} GB/s", gigabytes_per_second(&|content| _ = black_box(detector.screen(content))));
    println!("detect  {:6.2} GB/s", gigabytes_per_second(&|content| _ = black_box(detector.detect(content))));
    let screened = contents.iter().filter(|(_, content)| detector.screen(content)).count();
    println!("{screened} contents pass the screen");
    for (path, content) in &contents {
        for found in detector.detect(content) {
            println!("{}", line(path, content, &found));
        }
    }
}

fn sum(content: &[u8]) -> u64 {
    content.as_chunks::<8>().0.iter().fold(0, |sum, word| sum ^ u64::from_le_bytes(*word))
}

fn line(path: &Path, content: &[u8], found: &Found) -> String {
    let start = found.span.start.saturating_sub(60);
    let end = (found.span.end + 20).min(content.len()).min(found.span.start + 100);
    let text = String::from_utf8_lossy(&content[start..end]).escape_debug().to_string();
    let encodings = found.encodings.join("+");
    format!("{} {} {encodings} {}:{} {text}", found.severity, found.rule, path.display(), found.span.start)
}

fn read(path: &Path, contents: &mut Vec<(PathBuf, Vec<u8>)>) {
    let Ok(kind) = path.symlink_metadata() else { return };
    if kind.is_dir() {
        let mut entries: Vec<PathBuf> =
            path.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        entries.sort();
        entries.iter().for_each(|entry| read(entry, contents));
    } else if kind.is_file()
        && let Ok(content) = std::fs::read(path)
    {
        contents.push((path.to_owned(), content));
    }
}
