use bumpalo::Bump;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::lineage::{Edges, Reach};
use crate::oracle;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SESSION: &str = "ASIAIOSFODNN7EXAMPLE";

/// A call at that time of the day, signed by that key.
fn call(time: &str, key: &str) -> Value {
    json!({
        "eventID": format!("{key}-{time}"), "eventTime": format!("2026-11-23T{time}Z"),
        "eventSource": "s3.amazonaws.com", "eventName": "ListBuckets", "sourceIPAddress": "192.0.2.7",
        "userIdentity": {"type": "IAMUser", "accessKeyId": key, "accountId": "111122223333"},
    })
}

/// A change of the key at that time, made by that key.
fn change(time: &str, name: &str, status: &str, by: &str) -> Value {
    let mut event = call(time, by);
    event["eventSource"] = json!("iam.amazonaws.com");
    event["eventName"] = json!(name);
    event["requestParameters"] = json!({"accessKeyId": KEY, "userName": "bob", "status": status});
    event
}

fn answer(events: &[Value], stated: Option<&str>) -> AfterAnswer {
    let arena = Bump::new();
    let stated = stated.map(|time| EventTime::parse(&format!("2026-11-23T{time}Z")).unwrap());
    let mut minting = call("08:00:00", KEY);
    minting["eventSource"] = json!("sts.amazonaws.com");
    minting["eventName"] = json!("GetSessionToken");
    minting["responseElements"] = json!({"credentials": {"accessKeyId": SESSION}});
    let mut edges = Edges::new([KEY], Reach::Sessions);
    edges.take(&oracle::records(&minting.to_string(), &arena));
    let keys = Arc::new(edges.descendants(KEY));
    let mut answer = AfterAnswer::new(keys, Selection::default(), stated);
    answer.take(&oracle::records(&json!({"Records": events}).to_string(), &arena));
    answer
}

fn told(events: &[Value], stated: Option<&str>) -> AfterDocument {
    answer(events, stated).into_document(300, None, &Summary::default())
}

/// The uses that are told: seconds after, within the propagation time, through a session.
fn uses(document: &AfterDocument) -> Vec<(u64, bool, bool)> {
    let use_of = |told: &Use| (told.seconds_after, told.within_propagation, told.through_session);
    document.uses.iter().map(use_of).collect()
}

fn story() -> Vec<Value> {
    let mut refused = change("13:00:00", "UpdateAccessKey", "Active", "AKIAADMIN");
    refused["errorCode"] = json!("AccessDenied");
    vec![
        call("09:00:00", KEY),
        change("10:00:00", "UpdateAccessKey", "Inactive", "AKIAADMIN"),
        call("10:00:30", KEY),
        call("10:05:00", KEY),
        call("10:05:01", KEY),
        change("11:00:00", "UpdateAccessKey", "Active", "AKIAADMIN"),
        call("11:30:00", KEY),
        change("12:00:00", "DeleteAccessKey", "", "AKIAADMIN"),
        call("12:00:10", SESSION),
        refused,
        call("14:00:00", KEY),
        call("14:00:00", "AKIAOTHER"),
    ]
}

#[test]
fn uses_are_told_apart_from_those_while_the_change_spreads_and_while_the_key_was_on_again() {
    let told = told(&story(), None);
    assert_eq!(
        uses(&told),
        [
            (30, true, false),
            (300, true, false),
            (301, false, false),
            (10, false, true),
            (7_200, false, false),
        ]
    );
    assert_eq!((told.uses_within_propagation, told.uses_after, told.session_uses_after), (2, 2, 1));
    assert_eq!((told.conclusion, told.complete), (Conclusion::UsedAfter, true));
    assert_eq!(told.last_use_before.unwrap().to_string(), "2026-11-23T11:30:00Z");
    assert!(told.meaning.contains(&SESSION_MEANING));
}

#[test]
fn a_key_that_was_not_switched_off_leaves_the_question_open() {
    let open = told(&[call("09:00:00", KEY)], None);
    assert_eq!((open.conclusion, open.complete), (Conclusion::NotSwitchedOff, false));
    let stated = told(&[call("09:00:00", KEY)], Some("08:00:00"));
    assert_eq!((stated.conclusion, stated.complete, stated.uses_after), (Conclusion::UsedAfter, true, 1));
}

#[test]
fn a_key_that_switches_itself_off_is_not_used_after_that() {
    let own = told(&[change("10:00:00", "UpdateAccessKey", "Inactive", KEY), call("09:00:00", KEY)], None);
    assert_eq!((own.conclusion, own.uses.len()), (Conclusion::NothingSeen, 0));
    assert_eq!(own.meaning, [ABSENCE]);
}

#[test]
fn incomplete_reading_and_unread_lines_are_incomplete_answers() {
    let mut summary = Summary::default();
    summary.problem("a.json.gz", "cut off");
    let cut = answer(&story(), None).into_document(300, None, &summary);
    assert!(!cut.complete);

    let answer = answer(&story(), None);
    let mut logs = S3AccessLogs::new(KEY, &answer.unusable(), answer.addresses().clone());
    logs.read("nonsense\n".as_bytes()).unwrap();
    let unread = answer.into_document(300, Some(logs.into_document()), &Summary::default());
    assert!(!unread.complete && unread.meaning.contains(&S3_MEANING));
}

proptest! {
    #[test]
    fn order_and_split_do_not_matter(
        order in Just(story()).prop_shuffle(),
        places in prop::collection::vec(0_usize..3, 12),
        reversed: bool,
    ) {
        let mut parts: Vec<Vec<Value>> = vec![Vec::new(); 3];
        for (event, place) in order.into_iter().zip(places) {
            parts[place].push(event);
        }
        if reversed {
            parts.reverse();
        }
        let whole = parts.iter().map(|part| answer(part, None)).reduce(|mut whole, part| {
            whole.merge(part);
            whole
        });
        let whole = whole.unwrap().into_document(300, None, &Summary::default());
        prop_assert_eq!(whole, told(&story(), None));
    }
}
