//! Reads a folder and says how many keys there are: for profiling.
#![expect(clippy::print_stdout, reason = "it is an example")]

use rotakey_trail::read::{ReadOptions, read};
use rotakey_trail::source::{Location, Trail, TrailFile};
use rotakey_trail::usage::{GroupBy, Usage};

fn walk(path: &std::path::Path, files: &mut Vec<TrailFile>) {
    for entry in std::fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), files);
            continue;
        }
        let path = entry.path();
        if !path.to_string_lossy().contains("/CloudTrail/") {
            continue;
        }
        files.push(TrailFile {
            name: path.display().to_string(),
            bytes: None,
            day: None,
            location: Location::Path(path),
        });
    }
}

fn main() {
    let mut trail = Trail::default();
    let folder = std::env::args().nth(1).unwrap();
    walk(folder.as_ref(), &mut trail.files);
    trail.files.sort_by_key(|file| {
        file.name.rsplit('/').take(4).collect::<Vec<_>>()[1..]
            .iter()
            .rev()
            .map(|s| s.to_string())
            .collect::<Vec<_>>()
    });
    let start = std::time::Instant::now();
    let usage = Usage::new(GroupBy::Key);
    let options = ReadOptions::default();
    let (answer, summary) = read(&trail, &options, || usage.answer(), &());
    drop(answer);
    println!("read {:?}", start.elapsed());
    let table = usage.finish();
    println!("table {:?}", start.elapsed());
    println!(
        "{} keys, {} records, {} dup, {} malformed {} problems {:?}",
        table.len(),
        summary.records,
        summary.duplicates,
        summary.malformed_records,
        summary.problem_count,
        summary.problems.first()
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap());
    if std::env::args().nth(2).is_some() {
        println!("{}", table.rows().map(|row| row.actions.len() + row.networks.len()).sum::<usize>());
        println!("rows {:?}", start.elapsed());
    }
}
