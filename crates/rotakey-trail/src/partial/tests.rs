use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::answer::Answer;
use crate::lineage::{Edges, Reach};
use crate::read::{ReadOptions, read};
use crate::record::Record;
use crate::selection::Selection;
use crate::source::{Find, Input, Trail};
use crate::usage::{GroupBy, Usage};

fn trail(paths: &[&Path]) -> Trail {
    let inputs: Vec<Input> = paths.iter().map(|path| Input::Path((*path).to_owned())).collect();
    Trail::find(&inputs, &Find { selection: &Selection::default(), again: false, objects: None }).unwrap()
}

fn options(needs: Holds) -> ReadOptions {
    ReadOptions { needs, ..ReadOptions::default() }
}

fn make(paths: &[&Path], holds: Holds, to: &Path) -> Summary {
    let partial = Partial::begin(std::fs::File::create(to).unwrap(), holds).unwrap();
    let (answer, summary) = read(&trail(paths), &options(holds), || partial.answer(), &());
    drop(answer);
    partial.finish(&summary).unwrap();
    summary
}

/// Every question that partials of this kind answer, with its answer.
fn answers(paths: &[&Path], group_by: GroupBy) -> (String, Summary) {
    let usage = Usage::new(group_by);
    let (answer, summary) = read(&trail(paths), &options(Holds::Use), || usage.answer(), &());
    drop(answer);
    let table = usage.finish();
    let rows: Vec<_> = table.rows(0..table.len()).collect();
    let fresh = || Edges::new(["AKIAAAAAAAAAAAAAAAA0"], Reach::Sessions);
    let (mut edges, _) = read(&trail(paths), &options(Holds::Use), fresh, &());
    (
        format!(
            "{}\n{:?}",
            serde_json::to_string_pretty(&rows).unwrap(),
            edges.descendants("AKIAAAAAAAAAAAAAAAA0")
        ),
        summary,
    )
}

/// All records as they are, sorted.
#[derive(Default)]
struct All(Vec<String>);

impl Answer for All {
    fn take(&mut self, records: &[Record<'_>]) {
        self.0.extend(records.iter().map(|record| format!("{record:?}")));
    }

    fn merge(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }
}

fn all(paths: &[&Path]) -> Vec<String> {
    let (mut all, _) = read(&trail(paths), &options(Holds::Everything), All::default, &());
    all.0.sort();
    all.0
}

/// One event: who, what, when, and the number that makes its id.
type Event = (u8, u8, u32, u16);

fn line(&(who, what, when, number): &Event) -> String {
    let time = crate::event_time::EventTime::from_seconds(1_750_000_000 + i64::from(when)).unwrap();
    let key = if who < 3 { format!("AKIAAAAAAAAAAAAAAAA{who}") } else { format!("ASIAAAAAAAAAAAAAAAA{who}") };
    let more = match what {
        0 => format!(
            ",\"eventSource\":\"sts.amazonaws.com\",\"eventName\":\"AssumeRole\",\"responseElements\":{{\"credentials\":\
             {{\"accessKeyId\":\"ASIAAAAAAAAAAAAAAAA{}\",\"expiration\":\"Jul 10, 2025 12:24:29 PM\"}},\n \"assumedRoleUser\":\
             {{\"arn\":\"arn:aws:sts::111122223333:assumed-role/r/s\"}}}}",
            3 + number % 6
        ),
        1 => ",\"eventSource\":\"ec2.amazonaws.com\",\"eventName\":\"RunInstances\",\"errorCode\":\"Client.UnauthorizedOperation\"".to_owned(),
        2 => ",\"eventSource\":\"s3.amazonaws.com\",\"eventName\":\"GetObject\",\"requestParameters\":{\"a\":\"\\n\"},\"readOnly\":true".to_owned(),
        _ => ",\"eventSource\":\"sqs.amazonaws.com\",\"eventName\":\"Send\\u0041\",\"errorCode\":\"ThrottlingException\"".to_owned(),
    };
    let identity = if who == 9 {
        "\"invokedBy\":\"x.amazonaws.com\"".to_owned()
    } else {
        format!("\"accessKeyId\":\"{key}\",\"arn\":\"arn:{who}\"")
    };
    format!(
        "{{\"eventID\":\"{number}\",\"eventTime\":\"{time}\",\"userIdentity\":{{{identity}}},\"sourceIPAddress\":\"10.0.{}.{}\",\
         \"userAgent\":\"Boto3/1.{what}\"{more}}}",
        who, what
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn partials_of_any_split_put_together_in_any_order_answer_as_one_process(
        events in prop::collection::vec((0_u8..10, 0_u8..4, 0_u32..9_000_000, 0_u16..200), 0..120),
        shards in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5),
        group_by in prop::sample::select(vec![GroupBy::Key, GroupBy::Principal, GroupBy::Consumer, GroupBy::Service, GroupBy::Day]),
    ) {
        // Of two events with the same number only one exists: records with the same id are the same.
        let mut ids = std::collections::BTreeMap::new();
        for event in events {
            ids.entry(event.3).or_insert(event);
        }
        let events: Vec<Event> = ids.into_values().collect();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let lines = |events: &[Event]| events.iter().map(|event| line(event) + "\n").collect::<String>();
        std::fs::write(path("whole.jsonl"), lines(&events)).unwrap();

        // Shards overlap, and together they have everything.
        let mut parts = Vec::new();
        for (number, (from, until)) in shards.iter().enumerate() {
            let (from, until) = (from.index(events.len() + 1), until.index(events.len() + 1));
            let part = &events[from.min(until)..from.max(until)];
            std::fs::write(path(&format!("{number}.jsonl")), lines(part)).unwrap();
            parts.push(number);
        }
        std::fs::write(path(&format!("{}.jsonl", parts.len())), lines(&events[..events.len() / 2])).unwrap();
        std::fs::write(path(&format!("{}.jsonl", parts.len() + 1)), lines(&events[events.len() / 2..])).unwrap();
        let count = parts.len() + 2;
        for holds in [Holds::Use, Holds::Everything] {
            let partials: Vec<_> = (0..count).map(|number| path(&format!("{number}.{holds:?}.zst"))).collect();
            for (number, partial) in partials.iter().enumerate() {
                make(&[&path(&format!("{number}.jsonl"))], holds, partial);
            }
            let mut paths: Vec<&Path> = partials.iter().map(AsRef::as_ref).collect();
            paths.reverse();
            let whole = path("whole.jsonl");
            let (expected, _) = answers(&[&whole], group_by);
            prop_assert_eq!(&answers(&paths, group_by).0, &expected);
            // Partials of partials.
            let (left, right) = paths.split_at(count / 2);
            let (one, two) = (path("one.zst"), path("two.zst"));
            make(left, holds, &one);
            make(right, holds, &two);
            prop_assert_eq!(&answers(&[&two, &one], group_by).0, &expected);
            if holds == Holds::Everything {
                let unbroken = |records: Vec<String>| records.into_iter().map(|record| record.replace("\\n \\\"ass", "  \\\"ass")).collect::<Vec<_>>();
                prop_assert_eq!(all(&paths), unbroken(all(&[&whole])));
            }
        }
    }
}

#[test]
fn what_a_partial_could_not_read_is_told_by_whoever_reads_the_partial() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("good.jsonl"), line(&(0, 2, 5, 1))).unwrap();
    std::fs::write(path("bad.jsonl"), "{oops").unwrap();
    let made = make(&[&path("good.jsonl"), &path("bad.jsonl")], Holds::Use, &path("partial.zst"));
    assert_eq!((made.files, made.problem_count), (2, 1));
    let (_, summary) = answers(&[&path("partial.zst")], GroupBy::Key);
    assert_eq!((summary.files, summary.records, summary.problem_count), (2, 1, 1));
    assert!(summary.problems[0].file.ends_with("bad.jsonl"), "{summary:?}");
}

#[test]
fn a_partial_that_is_cut_off_or_holds_too_little_never_counts_as_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("good.jsonl"), line(&(0, 2, 5, 1))).unwrap();
    make(&[&path("good.jsonl")], Holds::Use, &path("partial.zst"));
    let problem = |name: &str, needs: Holds| {
        let (_, summary) = read(&trail(&[&path(name)]), &options(needs), All::default, &());
        summary.problems.first().map(|problem| problem.message.clone()).unwrap_or_default()
    };
    assert_eq!(problem("partial.zst", Holds::Use), "");
    assert!(problem("partial.zst", Holds::Everything).contains("--partial"));

    let text = zstd::decode_all(&std::fs::read(path("partial.zst")).unwrap()[..]).unwrap();
    let text = String::from_utf8(text).unwrap();
    let without_end = text.lines().take(2).collect::<Vec<_>>().join("\n");
    std::fs::write(path("cut.jsonl"), without_end).unwrap();
    assert!(problem("cut.jsonl", Holds::Use).contains("not written to its end"));
    std::fs::write(path("new.jsonl"), text.replace("\"version\":1", "\"version\":2")).unwrap();
    assert!(problem("new.jsonl", Holds::Use).contains("of version 2"));
}
