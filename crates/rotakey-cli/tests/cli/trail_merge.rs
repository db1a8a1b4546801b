//! `--partial` and `rotakey trail merge`: the answer of one process, from what several read.

use serde_json::json;

use crate::support::{Desk, Ran};
use crate::trail_story::{ALICE, CI, desk, document, lines, of_alice};

fn trail(desk: &Desk, arguments: &[&str]) -> Ran {
    desk.run(&[&["trail"], arguments].concat())
}

/// What of a JSON answer does not tell of files.
fn keys(ran: &Ran) -> &str {
    let (keys, _) = ran.stdout.split_once("],\"summary\"").expect("there is a summary");
    keys
}

/// A desk with the story in three partials, of which two overlap.
fn with_partials() -> Desk {
    let desk = desk();
    desk.write("half.json", document(&of_alice()[..7]));
    for (partial, source) in
        [("1.part", "logs/alice.json.gz"), ("2.part", "logs/ci.jsonl"), ("3.part", "half.json")]
    {
        let ran = trail(&desk, &["usage", "--partial", "--output", partial, source]).exits(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "a partial is made without a word");
    }
    desk
}

#[test]
fn partials_put_together_answer_as_one_process() {
    let desk = with_partials();
    for more in [
        &["--format", "json"][..],
        &["--format", "json", "--by", "principal"],
        &["--format", "json", "--by", "consumer"],
        &["--format", "json", "--by", "service"],
        &["--format", "json", "--by", "day"],
        &["--format", "json", "--key", CI],
        &["--format", "json", "--from", "2026-05-01", "--in-region", "eu-west-1"],
    ] {
        let one = trail(&desk, &[&["usage", "logs"], more].concat()).exits(0);
        let merged = trail(&desk, &[&["merge", "3.part", "1.part", "2.part"], more].concat()).exits(0);
        assert_eq!(keys(&merged), keys(&one), "{more:?}");
    }
    let one = trail(&desk, &["usage", "logs"]).exits(0);
    assert_eq!(trail(&desk, &["merge", "1.part", "2.part"]).exits(0).stdout, one.stdout);
    // Also for somebody who asks another question that needs no more.
    let tree = trail(&desk, &["lineage", CI, "logs"]).exits(0);
    assert_eq!(trail(&desk, &["lineage", CI, "1.part", "2.part"]).exits(0).stdout, tree.stdout);
}

#[test]
fn partials_of_partials_and_of_a_part_beside_log_files_are_the_same() {
    let desk = with_partials();
    trail(&desk, &["merge", "--partial", "--output", "all.part", "1.part", "2.part"]).exits(0);
    let one = trail(&desk, &["usage", "logs", "--format", "json"]).exits(0);
    let merged = trail(&desk, &["merge", "all.part", "--format", "json"]).exits(0);
    assert_eq!(keys(&merged), keys(&one));
    let mixed = trail(&desk, &["usage", "1.part", "logs/ci.jsonl", "--format", "json"]).exits(0);
    assert_eq!(keys(&mixed), keys(&one));
    let summary = &merged.json()["summary"];
    assert_eq!((&summary["files"], &summary["records"]), (&json!(2), &json!(17)), "all that was ever read");
}

#[test]
fn what_a_partial_is_short_of_is_told() {
    let desk = with_partials();
    let whole = std::fs::read(desk.path("1.part")).expect("it was made");
    desk.write("cut.part", &whole[..whole.len() - 8]);
    let ran = trail(&desk, &["merge", "cut.part", "2.part"]).exits(4);
    assert!(ran.stderr.contains("Warning: cut.part: "), "{}", ran.stderr);
    let ran = trail(&desk, &["timeline", ALICE, "1.part"]).exits(4);
    assert!(ran.stderr.contains("1.part: it was made by a question that needs less"), "{}", ran.stderr);
    trail(&desk, &["timeline", ALICE, "--partial", "--output", "t.part", "logs"]).exits(0);
    let whole = trail(&desk, &["timeline", ALICE, "logs"]).exits(0);
    assert_eq!(trail(&desk, &["timeline", ALICE, "t.part"]).exits(0).stdout, whole.stdout);
    // What could not be read when a partial was made is missing in every answer that is made of it.
    desk.write("broken.json", "{\"Records\": [");
    trail(&desk, &["usage", "--partial", "--output", "4.part", "logs", "broken.json"]).exits(4);
    let ran = trail(&desk, &["merge", "4.part"]).exits(4);
    assert!(ran.stderr.contains("Warning: broken.json: "), "{}", ran.stderr);
    assert!(ran.stdout.contains(ALICE), "{}", ran.stdout);
}

#[test]
fn a_forged_partial_is_no_way_to_break_the_reader() {
    let desk = desk();
    let most = u64::MAX;
    let summary = json!({
        "files": most, "stored_bytes": most, "bytes": most, "records": most, "duplicates": most, "outside": most,
        "malformed_records": most, "problem_count": most, "problems": [],
        "skipped": {"digests": most, "insights": most, "outside": most, "foreign": most},
    });
    let end = json!({"rotakeyPartial": {"version": 1, "holds": "use", "records": 0, "summary": summary}});
    desk.write("forged.jsonl", lines([&end, &end]));
    trail(&desk, &["usage", "logs", "forged.jsonl"]).exits(4);
    for text in ["{\"rotakeyPartial\":{}}", "{\"rotakeyPartial\":{\"version\":2,\"holds\":\"use\"}}"] {
        desk.write("forged.jsonl", text);
        let ran = trail(&desk, &["usage", "logs", "forged.jsonl"]).exits(4);
        assert!(ran.stderr.contains("forged.jsonl: it is a partial of"), "{}", ran.stderr);
    }
}
