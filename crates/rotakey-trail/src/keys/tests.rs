use bumpalo::Bump;
use proptest::prelude::*;
use rotakey_core::id::AccessKeyId;
use serde_json::{Value, json};

use super::*;
use crate::oracle;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const ROTAKEY: &str = "aws-sdk-rust/1.3.9 ua/2.1 api/iam/1.133.0 lang/rust/1.95.0 lib/rotakey/0.1.0";

/// An event of IAM at that minute, called by the user alice with that agent.
fn iam(minute: u32, name: &str, agent: &str, request: Value, response: Value) -> Value {
    json!({
        "eventID": format!("{name}-{minute}"), "eventTime": format!("2026-11-23T10:{minute:02}:00Z"),
        "eventSource": "iam.amazonaws.com", "eventName": name, "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.7", "userAgent": agent, "recipientAccountId": "111122223333",
        "requestParameters": request, "responseElements": response,
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/admins/alice",
            "accountId": "111122223333", "accessKeyId": "AKIAALICEALICEALICE0", "userName": "alice"},
    })
}

/// A sign-in of that user.
fn sign_in(minute: u32, user: &str, success: bool, factor: &str) -> Value {
    json!({
        "eventTime": format!("2026-11-23T10:{minute:02}:30Z"), "eventSource": "signin.amazonaws.com",
        "eventName": "ConsoleLogin", "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
        "errorMessage": if success { Value::Null } else { json!("Failed authentication") },
        "responseElements": {"ConsoleLogin": if success { "Success" } else { "Failure" }},
        "additionalEventData": {"MFAUsed": factor},
        "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "userName": user, "accessKeyId": ""},
    })
}

fn answer(events: &[Value]) -> KeysAnswer {
    let arena = Bump::new();
    let mut answer = KeysAnswer::default();
    answer.take(&oracle::records(&json!({"Records": events}).to_string(), &arena));
    answer
}

fn document(events: &[Value], filter: &KeysFilter, known: Option<&BTreeSet<AccessKeyId>>) -> KeysDocument {
    answer(events).into_document(filter, known, &Summary::default())
}

fn story() -> Vec<Value> {
    vec![
        iam(
            1,
            "CreateAccessKey",
            ROTAKEY,
            json!({"userName": "bob"}),
            json!({"accessKey": {"accessKeyId": KEY, "userName": "bob", "status": "Active",
                "createDate": "Nov 23, 2026, 10:01:00 AM"}}),
        ),
        iam(
            5,
            "UpdateAccessKey",
            "aws-cli/2",
            json!({"accessKeyId": KEY, "status": "Inactive", "userName": "bob"}),
            Value::Null,
        ),
        iam(
            7,
            "UpdateAccessKey",
            ROTAKEY,
            json!({"accessKeyId": KEY, "status": "Active", "userName": "bob"}),
            Value::Null,
        ),
        iam(8, "GetAccessKeyLastUsed", ROTAKEY, json!({"accessKeyId": KEY}), Value::Null),
        iam(9, "DeleteAccessKey", ROTAKEY, json!({"accessKeyId": KEY, "userName": "bob"}), Value::Null),
        iam(
            10,
            "TagUser",
            "aws-cli/2",
            json!({"userName": "bob", "tags": [{"key": "Owner", "value": "x"}]}),
            Value::Null,
        ),
        sign_in(11, "bob", false, "No"),
        sign_in(12, "carol", true, "Yes"),
        sign_in(13, "alice", true, "Yes"),
    ]
}

#[test]
fn the_life_of_a_key_is_told_with_those_who_shaped_it() {
    let known: BTreeSet<AccessKeyId> = [KEY.parse().unwrap()].into();
    let told = document(&story(), &KeysFilter::default(), Some(&known));
    let life = &told.keys[0];
    let changes: Vec<_> =
        life.changes.iter().map(|change| (change.change.as_str(), change.provenance)).collect();
    assert_eq!(
        changes,
        [
            ("created", Some(Provenance::Rotakey)),
            ("disabled", Some(Provenance::Around)),
            ("enabled", Some(Provenance::Rotakey)),
            ("deleted", Some(Provenance::Rotakey)),
        ]
    );
    assert_eq!((life.user_name.as_deref(), life.last_change), (Some("bob"), Some(Change::Deleted)));
    assert_eq!((told.looks_left_out, told.iam_events, told.complete), (1, 6, true));
}

#[test]
fn sign_ins_are_told_of_those_who_hold_keys_with_factor_and_failure() {
    let told = document(&story(), &KeysFilter::default(), None);
    let sign_ins: Vec<_> = told
        .events
        .iter()
        .filter(|event| event.concern == Concern::SignIn)
        .map(|event| {
            (
                event.user_name.as_deref().unwrap(),
                event.succeeded,
                event.error.as_deref(),
                event.detail.as_deref().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        sign_ins,
        [
            ("bob", false, Some("Failed authentication"), "without a second factor"),
            ("alice", true, None, "with a second factor"),
        ]
    );
}

#[test]
fn a_call_that_names_no_user_is_about_the_caller_and_one_that_failed_changes_nothing() {
    let mut failed = iam(2, "DeleteAccessKey", "aws-cli/2", json!({"accessKeyId": KEY}), Value::Null);
    failed["errorCode"] = json!("AccessDenied");
    let own = iam(
        1,
        "UpdateAccessKey",
        "aws-cli/2",
        json!({"accessKeyId": KEY, "status": "Inactive"}),
        Value::Null,
    );
    let told = document(&[own, failed], &KeysFilter::default(), None);
    assert_eq!(told.events[0].user_name.as_deref(), Some("alice"));
    assert_eq!(told.keys[0].last_change, Some(Change::Disabled));
    assert_eq!(told.events[1].error.as_deref(), Some("AccessDenied"));
}

#[test]
fn a_key_or_a_user_can_be_asked_about() {
    let of_user = KeysFilter { user_name: Some("bob".into()), with_looks: true, ..KeysFilter::default() };
    let told = document(&story(), &of_user, None);
    let actions: Vec<_> = told.events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "CreateAccessKey",
            "UpdateAccessKey",
            "UpdateAccessKey",
            "GetAccessKeyLastUsed",
            "DeleteAccessKey",
            "TagUser",
            "ConsoleLogin"
        ],
        "the key that is looked up by its id is bob's"
    );
    let of_key = KeysFilter { access_key_id: Some(KEY.into()), ..KeysFilter::default() };
    assert_eq!(document(&story(), &of_key, None).events.len(), 4);
}

#[test]
fn hostile_parameters_are_passed_over() {
    for request in
        [json!({"accessKeyId": 7, "userName": ["x"]}), json!([1]), json!({"tags": "x"}), Value::Null]
    {
        let told = document(&[iam(1, "TagUser", "x", request, json!("x"))], &KeysFilter::default(), None);
        assert_eq!((told.events.len(), told.keys.len()), (1, 0));
    }
}

proptest! {
    #[test]
    fn order_and_split_do_not_matter(
        order in Just(story()).prop_shuffle(),
        places in prop::collection::vec(0_usize..3, 9),
        reversed: bool,
    ) {
        let expected = document(&story(), &KeysFilter::default(), None);
        let mut parts: Vec<Vec<Value>> = vec![Vec::new(); 3];
        for (event, place) in order.into_iter().zip(places) {
            parts[place].push(event);
        }
        if reversed {
            parts.reverse();
        }
        let whole = parts.iter().map(|part| answer(part)).reduce(|mut whole, part| {
            whole.merge(part);
            whole
        });
        let told = whole.unwrap().into_document(&KeysFilter::default(), None, &Summary::default());
        prop_assert_eq!(told, expected);
    }
}
