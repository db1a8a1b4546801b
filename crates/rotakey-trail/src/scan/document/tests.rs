use proptest::prelude::*;

use super::*;
use crate::oracle;

const GOOD: &str =
    r#"{"eventTime":"2026-11-23T15:45:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject"}"#;

/// The names of the events in the text, how many other objects there are, and where something is wrong.
fn read(text: &str) -> (Vec<String>, u64, Option<u64>) {
    read_in_pieces(text, usize::MAX)
}

fn read_in_pieces(text: &str, length: usize) -> (Vec<String>, u64, Option<u64>) {
    let (mut names, mut others, mut malformed) = (Vec::new(), 0, None);
    let mut scanner = Scanner::default();
    let (mut from, mut until) = (0, 0_usize);
    loop {
        until = text.len().min(until.saturating_add(length));
        while !text.is_char_boundary(until) {
            until += 1;
        }
        let arena = Bump::new();
        let scanned = scanner.scan(&text[from..until], until == text.len(), &arena, &mut |record| {
            names.push(record.event_name.to_owned());
        });
        from += scanned.consumed;
        others += scanned.others;
        malformed = malformed.or(scanned.malformed.map(|malformed| malformed.offset));
        if scanned.is_over || until == text.len() {
            return (names, others, malformed);
        }
    }
}

fn named(name: &str) -> String {
    GOOD.replace("GetObject", name)
}

#[test]
fn records_come_in_many_wrappings() {
    let (a, b) = (named("A"), named("B"));
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let forms = [
        format!("{{\"Records\":[{a},{b}]}}"),
        format!(" {{ \"x\": [1], \"Records\" : [ {a} , {b} ] , \"y\" : {{}} }} \n"),
        format!("[{a},{b}]"),
        format!("{a}\n{b}\n"),
        format!("{a}{b}"),
        format!("{{\"Records\":[{a}]}}\n{{\"Records\":[{b}]}}"),
        format!(
            "{{\"Events\":[{{\"EventId\":\"x\",\"CloudTrailEvent\":{}}},{{\"CloudTrailEvent\":{}}}]}}",
            quoted(&a),
            quoted(&b)
        ),
        format!("{{\"logEvents\":[{{\"id\":\"1\",\"message\":{}}},{b}]}}", quoted(&a)),
        format!(
            "{{\"version\":\"0\",\"detail-type\":\"AWS API Call via CloudTrail\",\"detail\":{a}}}\n[{{\"detail\":{b}}}]"
        ),
        format!("{{\"message\":{}}}{b}", quoted(&format!("{{\"message\":{}}}", quoted(&a)))),
    ];
    for form in forms {
        assert_eq!(read(&form), (vec!["A".to_owned(), "B".to_owned()], 0, None), "{form}");
    }
    assert_eq!(read("{\"Records\":[]}"), (vec![], 0, None));
    assert_eq!(read(" \n"), (vec![], 0, None));
}

#[test]
fn what_is_no_record_is_counted() {
    assert_eq!(read(&format!("[{{}},{GOOD},{{\"eventName\":7}}]")).1, 2);
    assert_eq!(read("{\"message\":\"no json\"}").1, 1);
    let mut deep = GOOD.to_owned();
    for _ in 0..6 {
        deep = format!("{{\"message\":{}}}", serde_json::to_string(&deep).unwrap());
    }
    assert_eq!(read(&deep), (vec![], 1, None));
}

#[test]
fn what_is_wrong_is_told_and_what_comes_before_it_is_read() {
    let cut = format!("{{\"Records\":[{GOOD},{}", &GOOD[..40]);
    let (names, others, malformed) = read(&cut);
    assert_eq!((names, others), (vec!["GetObject".to_owned()], 0));
    assert!(malformed.is_some_and(|offset| offset > GOOD.len() as u64), "{malformed:?}");
    let bad_string = format!("{{\"Records\":[{GOOD},{{\"a\":\"\u{1}\"}}]}}");
    assert_eq!(
        read(&bad_string),
        (vec!["GetObject".to_owned()], 0, Some(bad_string.find('\u{1}').unwrap() as u64))
    );
    assert_eq!(read(&format!("{{\"Records\":[{GOOD} {GOOD}]}}")).0.len(), 1);
    assert_eq!(read("7"), (vec![], 0, Some(0)));
    assert_eq!(read("{\"Records\":[7]}").2, Some(12));
}

#[test]
fn a_bad_line_costs_that_line_only() {
    let lines = format!(
        "{}\n{{\"eventName\": oops}}\n{}\n{{\"a\":\"\u{1}\"}}\n{}\n",
        named("A"),
        named("B"),
        named("C")
    );
    let expected = vec!["A".to_owned(), "B".to_owned(), "C".to_owned()];
    let (names, _, malformed) = read(&lines);
    assert_eq!((names, malformed.is_some()), (expected, true));
}

#[test]
fn of_a_key_that_is_there_twice_the_last_counts_and_escapes_are_decoded() {
    let arena = Bump::new();
    let text = r#"{"eventTime":"2026-11-23T15:45:00Z","event\u0053ource":"s3.amazonaws.com","eventName":"X","eventName":"Get\/Object",
        "userIdentity":{"arn":"old","accessKeyId":"\u0041KIA"},"userAgent":"\ud800","userIdentity":{"accessKeyId":"\u0041SIA","type":""}}"#;
    let mut found = Vec::new();
    Scanner::default().scan(text, true, &arena, &mut |record| found.push(*record));
    assert_eq!(found, oracle::records(text, &arena));
    assert_eq!((found[0].event_name, found[0].identity.access_key_id), ("Get/Object", Some("ASIA")));
    assert_eq!((found[0].identity.arn, found[0].user_agent), (None, None));
}

/// JSON values of all kinds, written with white space here and there.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i32>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter_map("JSON has finite numbers", |number| serde_json::to_string(&number).ok()),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        Just(r#""\u0041\ud83d\ude00\\\"""#.to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(" , "))),
            prop::collection::vec((name(), inner), 0..4).prop_map(|members| object_of(&members)),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    let known = [
        "eventTime",
        "eventSource",
        "eventName",
        "userIdentity",
        "accessKeyId",
        "arn",
        "sessionContext",
        "userAgent",
        "requestParameters",
        "responseElements",
        "errorCode",
        "awsRegion",
        "eventID",
        "readOnly",
        "resources",
        "detail",
    ];
    prop_oneof![4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => ".{0,8}"]
}

fn object_of(members: &[(String, String)]) -> String {
    let members =
        members.iter().map(|(name, value)| format!("{}: {value}", serde_json::to_string(name).unwrap()));
    format!("{{{}}}", members.collect::<Vec<_>>().join(",\n"))
}

fn record() -> impl Strategy<Value = String> {
    let identity = prop::collection::vec((name(), value()), 0..6).prop_map(|members| object_of(&members));
    let member = prop_oneof![
        3 => (name(), value()),
        1 => (Just("userIdentity".to_owned()), identity),
    ];
    prop::collection::vec(member, 0..12).prop_map(|mut members| {
        for (name, value) in
            [("eventTime", "2026-11-23T15:45:00Z"), ("eventSource", "iam.amazonaws.com"), ("eventName", "é")]
        {
            members.push((name.to_owned(), format!("\"{value}\"")));
        }
        object_of(&members)
    })
}

proptest! {
    #[test]
    fn records_are_those_of_the_oracle(records in prop::collection::vec(record(), 0..5), length in 1_usize..2000) {
        let text = format!("{{\"Records\": [{}]}}", records.join(","));
        let arena = Bump::new();
        let mut found = Vec::new();
        let scanned = Scanner::default().scan(&text, true, &arena, &mut |record| found.push(*record));
        prop_assert_eq!(scanned, Scanned { consumed: text.len(), ..Scanned::default() });
        prop_assert_eq!(&found, &oracle::records(&text, &arena));
        let names: Vec<String> = found.iter().map(|record| record.event_name.to_owned()).collect();
        prop_assert_eq!(read_in_pieces(&text, length), (names, 0, None), "a document may come in pieces of any length");
    }

    #[test]
    fn damaged_text_is_refused_as_serde_json_refuses_it(
        record in record(), at in any::<prop::sample::Index>(), with in prop::sample::select(vec!["", "\"", "{", "}", "]", ",", ":", "x", "\\", "1", "\u{1}"])
    ) {
        let mut text = format!("[{record}]");
        let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let at = boundaries[at.index(boundaries.len())];
        let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
        text.replace_range(at..end, with);
        let is_json = serde_json::from_str::<Vec<serde_json::Map<String, serde_json::Value>>>(&text).is_ok();
        let raw = serde_json::from_str::<Vec<&serde_json::value::RawValue>>(&text);
        let (_, _, malformed) = read(&text);
        // Values that are not looked at may have escapes that mean no text.
        prop_assert!(malformed.is_none() == is_json || malformed.is_none() && raw.is_ok(), "{}", text);
    }

    #[test]
    fn nothing_that_is_read_makes_it_panic(text in ".*", length in 1_usize..50) {
        read(&text);
        read_in_pieces(&text, length);
    }
}
