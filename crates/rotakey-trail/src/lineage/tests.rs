use std::sync::Arc;

use bumpalo::Bump;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::oracle;

/// A call of `parent` that mints `child` for the role `deploy` in an account.
pub(crate) fn assume(second: u32, parent: &str, child: &str, account: &str) -> Value {
    json!({
        "eventTime": format!("2026-11-23T15:{:02}:{:02}Z", second / 60, second % 60),
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "eventID": format!("{second}-{parent}-{child}"),
        "userIdentity": {"accountId": "111122223333", "accessKeyId": parent,
            "arn": "arn:aws:iam::111122223333:user/ci"},
        "requestParameters": {"roleArn": format!("arn:aws:iam::{account}:role/deploy"), "roleSessionName": "run"},
        "responseElements": {"credentials": {"accessKeyId": child, "expiration": "Nov 23, 2026, 4:45:00 PM"},
            "assumedRoleUser": {"arn": format!("arn:aws:sts::{account}:assumed-role/deploy/run")}},
    })
}

/// Any other call of a key.
pub(crate) fn call(second: u32, key: &str, service: &str, name: &str) -> Value {
    json!({
        "eventTime": format!("2026-11-23T15:{:02}:{:02}Z", second / 60, second % 60),
        "eventSource": format!("{service}.amazonaws.com"),
        "eventName": name,
        "eventID": format!("{second}-{key}-{name}"),
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "198.51.100.7",
        "userIdentity": {"accountId": "111122223333", "accessKeyId": key},
    })
}

/// The answer over those records, in several portions that are then merged.
pub(crate) fn answered<A: Answer>(records: &[Value], portions: usize, fresh: impl Fn() -> A) -> A {
    let arena = Bump::new();
    let records = oracle::records(&Value::from(records.to_vec()).to_string(), &arena);
    let size = records.len().div_ceil(portions).max(1);
    let mut whole = fresh();
    for portion in records.chunks(size) {
        let mut part = fresh();
        part.take(portion);
        whole.merge(part);
    }
    whole
}

fn lineage(records: &[Value], portions: usize, reach: Reach, limit: usize) -> LineageDocument {
    let mut edges = answered(records, portions, || Edges::new(["AKIA0"], reach));
    let set = Arc::new(edges.descendants("AKIA0"));
    let first = Lineage::new(set, Selection::default(), limit);
    answered(records, portions, || first.fresh()).document()
}

fn outline(document: &LineageDocument) -> String {
    let line = |node: &Node| {
        let indent = "  ".repeat(node.depth as usize);
        let mark = if node.crosses_accounts { " crosses" } else { "" };
        format!("{indent}{} {}{mark}\n", node.access_key_id, node.uses.calls)
    };
    document.nodes.iter().map(line).collect()
}

fn story() -> Vec<Value> {
    let mut created = call(50, "ASIA2", "iam", "CreateAccessKey");
    created["responseElements"] = json!({"accessKey": {"accessKeyId": "AKIA9", "userName": "backdoor"}});
    vec![
        assume(10, "AKIA0", "ASIA1", "444455556666"),
        assume(20, "ASIA1", "ASIA2", "111122223333"),
        assume(15, "AKIA0", "ASIA3", "111122223333"),
        // A stranger, a service, and a cycle that only a forger can write.
        assume(30, "AKIA7", "ASIA7", "111122223333"),
        assume(31, "ASIA2", "ASIA1", "111122223333"),
        assume(32, "ASIA2", "AKIA0", "111122223333"),
        call(40, "ASIA2", "s3", "GetObject"),
        call(41, "ASIA7", "s3", "GetObject"),
        created,
        call(60, "AKIA9", "s3", "GetObject"),
        assume(61, "AKIA9", "ASIA9", "111122223333"),
    ]
}

#[test]
fn the_tree_is_followed_across_roles_and_accounts_and_cycles_end() {
    let document = lineage(&story(), 1, Reach::Sessions, 100);
    assert_eq!(
        outline(&document),
        "AKIA0 2\n  ASIA1 1 crosses\n    ASIA2 4\n      AKIA9 0\n  ASIA3 0\n",
        "a created key is told, but not followed"
    );
    assert_eq!(document.descendants, 3);
    assert_eq!(document.accounts.len(), 2);
    assert_eq!(document.nodes[1].further_parents, ["ASIA2"]);
    assert_eq!(document.nodes[3].user_name.as_deref(), Some("backdoor"));
    assert_eq!((document.nodes[3].kind, document.nodes[3].followed), (Kind::CreatedKey, false));
    assert_eq!(document.nodes[0].arn.as_deref(), Some("arn:aws:iam::111122223333:user/ci"));
}

#[test]
fn created_keys_are_followed_when_asked() {
    let document = lineage(&story(), 1, Reach::CreatedKeys, 100);
    assert_eq!(
        outline(&document),
        "AKIA0 2\n  ASIA1 1 crosses\n    ASIA2 4\n      AKIA9 2\n        ASIA9 0\n  ASIA3 0\n"
    );
}

#[test]
fn what_is_not_told_one_by_one_is_counted() {
    let document = lineage(&story(), 1, Reach::Sessions, 3);
    assert_eq!(outline(&document), "AKIA0 2\n  ASIA1 1 crosses\n    ASIA2 4\n      AKIA9 0\n");
    let document = lineage(&story(), 1, Reach::Sessions, 1);
    assert_eq!(document.not_shown.unwrap().keys, 3);
    assert_eq!(document.not_shown.unwrap().uses.calls, 5);
    assert_eq!(document.uses.calls, 7);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_order_and_split_give_the_same_tree(
        records in Just(story()).prop_shuffle(),
        portions in 1_usize..6,
        limit in 1_usize..6,
    ) {
        for reach in [Reach::Sessions, Reach::CreatedKeys] {
            prop_assert_eq!(lineage(&records, portions, reach, limit), lineage(&story(), 1, reach, limit));
        }
    }
}
