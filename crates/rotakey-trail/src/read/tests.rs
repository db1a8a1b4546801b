use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::record::Record;
use crate::source::{Find, Input};

/// The names of the events, sorted.
#[derive(Default)]
struct Names(Vec<String>);

impl Answer for Names {
    fn take(&mut self, records: &[Record<'_>]) {
        self.0.extend(records.iter().map(|record| record.event_name.to_owned()));
    }

    fn merge(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }
}

fn event(name: &str) -> String {
    format!(
        "{{\"eventID\":\"id-of-{name}\",\"eventTime\":\"2026-11-23T15:45:00Z\",\"eventSource\":\"s3.amazonaws.com\",\
         \"eventName\":\"{name}\",\"awsRegion\":\"eu-west-1\",\"recipientAccountId\":\"111122223333\"}}"
    )
}

fn records(names: &[&str]) -> String {
    let events: Vec<String> = names.iter().map(|name| event(name)).collect();
    format!("{{\"Records\":[{}]}}", events.join(","))
}

fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn read_folder(folder: &Path, options: &ReadOptions) -> (Vec<String>, Summary) {
    let find = Find { selection: &options.selection, again: false, objects: None };
    let trail = Trail::find(&[Input::Path(folder.to_owned())], &find).unwrap();
    let (mut names, summary) = read(&trail, options, Names::default, &());
    names.0.sort();
    (names.0, summary)
}

fn read_files(files: &[(&str, Vec<u8>)], options: &ReadOptions) -> (Vec<String>, Summary) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    read_folder(folder.path(), options)
}

/// Reads one file, which holds A and B and has so many problems.
fn check(name: &str, content: Vec<u8>, problems: &[&str]) {
    let (names, summary) = read_files(&[(name, content)], &ReadOptions::default());
    assert_eq!(names, ["A", "B"], "{name}: {summary:?}");
    let messages: Vec<&str> = summary.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(messages.len(), problems.len(), "{messages:?}");
    for (message, part) in messages.iter().zip(problems) {
        assert!(message.contains(part), "{name}: {message}");
    }
    assert_eq!(summary.is_complete(), problems.is_empty());
}

#[test]
fn files_are_read_in_every_form() {
    let (both, a, b) = (records(&["A", "B"]), records(&["A"]), records(&["B"]));
    check("whole.json.gz", gzip(&both), &[]);
    check("plain.json", both.clone().into_bytes(), &[]);
    check("members.json.gz", [gzip(format!("{}\n", event("A"))), gzip(event("B"))].concat(), &[]);
    check("cut-in-the-middle-of-a-record.json.gz", [gzip(&both[..150]), gzip(&both[150..])].concat(), &[]);
    check("frames.json.zst", zstd::encode_all(both.as_bytes(), 1).unwrap(), &[]);
    check("lines.jsonl.gz", gzip(format!("{}\n{}\n", event("A"), event("B"))), &[]);
    check("documents.jsonl", format!("{a}\n{b}").into_bytes(), &[]);
    check("mark.json", [b"\xef\xbb\xbf", both.as_bytes()].concat(), &[]);
    check("named-wrongly.json", gzip(&both), &[]);
}

#[test]
fn what_is_readable_of_a_damaged_file_is_used_and_the_damage_told() {
    let long = records(&["A", "B"]) + &" ".repeat(70_000);
    let stored = gzip(&long);
    check("truncated.json.gz", stored[..stored.len() - 9].to_vec(), &["cut off"]);
    let both = records(&["A", "B"]);
    check("cut.json", both.as_bytes()[..both.len() - 2].to_vec(), &["not what CloudTrail writes"]);
    check("latin.json", [&both.as_bytes()[..both.len() - 2], b",{\"a\":\"\xe9\"}]}"].concat(), &["no UTF-8"]);
    let lines = format!("{}\n{{oops\n{}\n", event("A"), event("B"));
    check("lines.jsonl", lines.into_bytes(), &["from byte"]);
}

#[test]
fn a_bad_file_costs_no_other() {
    let (names, summary) = read_files(
        &[
            ("a.json.gz", gzip(records(&["A"]))),
            ("b.json.gz", b"\x1f\x8b\x08 no gzip".to_vec()),
            ("c.json", b"<html>".to_vec()),
            ("d.json", Vec::new()),
            ("e.json.gz", gzip(records(&["E"]))),
            ("f.jsonl", Vec::new()),
        ],
        &ReadOptions::default(),
    );
    assert_eq!(names, ["A", "E"]);
    assert_eq!(summary.problem_count, 3, "{summary:?}");
    assert_eq!(summary.problems[2].message, "there is nothing in it", "{summary:?}");
    assert!(!summary.is_complete());
}

#[test]
fn each_event_counts_once_in_a_whole_run() {
    let (names, summary) = read_files(
        &[
            ("a.json.gz", gzip(records(&["A", "B", "A"]))),
            ("b.json", records(&["B", "C"]).into_bytes()),
            (
                "c.jsonl",
                [event("A").replace("id-of-A", ""), event("A").replace("id-of-A", "")]
                    .join("\n")
                    .into_bytes(),
            ),
        ],
        &ReadOptions::default(),
    );
    assert_eq!(names, ["A", "A", "A", "B", "C"], "events without an id are never taken for duplicates");
    assert_eq!((summary.records, summary.duplicates), (7, 2));
}

#[test]
fn a_bomb_ends_at_the_limit() {
    let bomb = format!("{}{}", records(&["A"]), " ".repeat(30_000_000));
    let options = ReadOptions { most_bytes_per_file: 1_000_000, ..ReadOptions::default() };
    // Two members, so that it is read as a stream.
    let (names, summary) = read_files(&[("bomb.json.gz", [gzip(bomb), gzip(" ")].concat())], &options);
    assert_eq!(names, ["A"]);
    assert!(summary.problems[0].message.contains("more than 1000000 bytes"), "{summary:?}");
}

#[test]
fn a_record_of_any_length_is_read_up_to_the_limit() {
    let long =
        event("A").replace('{', &format!("{{\"requestParameters\":{{\"x\":\"{}\"}},", "y".repeat(6 << 20)));
    let text = format!("{{\"Records\":[{long},{}]}}", event("B"));
    let stored = [gzip(&text), gzip("")].concat();
    check("long.json.gz", stored.clone(), &[]);
    let options = ReadOptions { most_bytes_per_record: 5 << 20, ..ReadOptions::default() };
    let (names, summary) = read_files(&[("long.json.gz", stored)], &options);
    assert_eq!(names, [""; 0]);
    assert!(summary.problems[0].message.contains("a record of more than"), "{summary:?}");
}

#[test]
fn a_large_stream_is_read_window_by_window() {
    let names: Vec<String> = (0..30_000).map(|number| format!("N{number:05}")).collect();
    let lines: String = names.iter().map(|name| event(name) + "\n").collect();
    assert!(lines.len() > 2 * (2 << 20));
    let (found, summary) = read_files(
        &[("l.jsonl.zst", zstd::encode_all(lines.as_bytes(), 1).unwrap())],
        &ReadOptions::default(),
    );
    assert_eq!(found, names);
    assert_eq!(summary.bytes, lines.len() as u64);
}

#[test]
fn only_what_is_asked_about_is_counted() {
    let files =
        [("a.json", [event("A"), event("B").replace("eu-west-1", "us-east-1")].join("\n").into_bytes())];
    let mut options = ReadOptions::default();
    options.selection.regions.insert("us-east-1".to_owned());
    let (names, summary) = read_files(&files, &options);
    assert_eq!((names, summary.outside), (vec!["B".to_owned()], 1));
    let mut options = ReadOptions::default();
    options.selection.accounts.insert("999999999999".to_owned());
    assert_eq!(read_files(&files, &options).1.outside, 2);
}

#[test]
fn many_threads_read_what_one_reads() {
    let folder = tempfile::tempdir().unwrap();
    for file in 0..50 {
        let names: Vec<String> =
            (0..40).map(|number| format!("E{}", (file * 37 + number * 11) % 500)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        std::fs::write(folder.path().join(format!("{file}.json.gz")), gzip(records(&names))).unwrap();
    }
    let with = |threads| {
        let options = ReadOptions { threads: NonZeroUsize::new(threads), ..ReadOptions::default() };
        read_folder(folder.path(), &options)
    };
    let (one, eight) = (with(1), with(8));
    assert_eq!(one, eight);
    assert_eq!(one.1.records, 2_000);
    assert_eq!(one.1.records - one.1.duplicates, one.0.len() as u64);
}
