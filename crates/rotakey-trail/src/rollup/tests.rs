use bumpalo::Bump;
use proptest::prelude::*;

use super::*;
use crate::event_time::EventTime;
use crate::oracle;
use crate::usage::schema::KeyUsage;
use crate::usage::{GroupBy, Usage};

/// A call that matters to the rows, in few variants so that many fall together.
#[derive(Debug, Clone)]
struct Call {
    key: u8,
    minutes: u32,
    address: u8,
    agent: u8,
    action: u8,
    error: u8,
}

fn call() -> impl Strategy<Value = Call> {
    (0_u8..4, 0_u32..6_000, 0_u8..4, 0_u8..3, 0_u8..4, 0_u8..5).prop_map(
        |(key, minutes, address, agent, action, error)| Call { key, minutes, address, agent, action, error },
    )
}

impl Call {
    fn json(&self) -> String {
        let time = EventTime::from_seconds(1_790_000_000 + i64::from(self.minutes) * 60).unwrap();
        let (source, action, response) = match self.action {
            0 => ("s3.amazonaws.com", "GetObject", "null".to_owned()),
            1 => ("s3.amazonaws.com", "PutObject", "null".to_owned()),
            2 => ("iam.amazonaws.com", "ListUsers", "null".to_owned()),
            _ => {
                let minted = format!("ASIA{}", (self.key + 1) % 4);
                let response = format!(r#"{{"credentials": {{"accessKeyId": "{minted}"}}}}"#);
                ("sts.amazonaws.com", "AssumeRole", response)
            }
        };
        let error = ["", "", "AccessDenied", "ThrottlingException", "NoSuchKey"][usize::from(self.error)];
        let key = if self.key == 0 { "AKIA0".to_owned() } else { format!("ASIA{}", self.key) };
        format!(
            r#"{{"eventTime": "{time}", "eventSource": "{source}", "eventName": "{action}",
                "awsRegion": "eu-central-1", "sourceIPAddress": "198.51.{0}.{0}", "userAgent": "agent/{1}",
                "errorCode": "{error}", "responseElements": {response},
                "userIdentity": {{"type": "IAMUser", "accessKeyId": "{key}",
                    "arn": "arn:aws:iam::012345678901:user/u{2}", "accountId": "012345678901"}}}}"#,
            self.address, self.agent, self.key,
        )
    }
}

fn rolled_up(calls: &[Call]) -> Rollup {
    let arena = Bump::new();
    let texts: Vec<String> = calls.iter().map(Call::json).collect();
    let mut rollup = Rollup::default();
    for text in &texts {
        rollup.take(&oracle::records(text, &arena));
    }
    rollup
}

proptest! {
    #[test]
    fn any_split_in_any_order_makes_the_same_rows(
        calls in prop::collection::vec(call(), 0..60),
        parts in prop::collection::vec(0_usize..4, 60),
        order in Just([0_usize, 1, 2, 3]).prop_shuffle(),
    ) {
        let whole = rolled_up(&calls).into_batch();
        let mut split = vec![Vec::new(); 4];
        for (call, part) in calls.iter().rev().zip(parts) {
            split[part].push(call.clone());
        }
        let mut merged = Rollup::default();
        for part in order {
            merged.merge(rolled_up(&split[part]));
        }
        prop_assert_eq!(merged.into_batch(), whole);
    }

    #[test]
    fn the_rows_tell_what_the_records_tell(calls in prop::collection::vec(call(), 1..80)) {
        let batch = rolled_up(&calls).into_batch();
        for by in [GroupBy::Key, GroupBy::Principal, GroupBy::Consumer, GroupBy::Service, GroupBy::Day] {
            let direct = Usage::new(by);
            let arena = Bump::new();
            for call in &calls {
                direct.answer().take(&oracle::records(&call.json(), &arena));
            }
            let table = direct.finish();
            let mut expected: Vec<KeyUsage> = table.rows(0..table.len()).collect();
            let mut told = usage(&batch, by);
            if by == GroupBy::Principal {
                told.sort_by(|one, other| one.principal_arn.cmp(&other.principal_arn));
                expected.sort_by(|one, other| one.principal_arn.cmp(&other.principal_arn));
            }
            if by != GroupBy::Key {
                for (told, expected) in told.iter_mut().zip(&expected) {
                    // Known of a key as a whole: here it is an upper bound.
                    prop_assert!(told.addresses >= expected.addresses);
                    prop_assert!(told.distinct_user_agents >= expected.distinct_user_agents);
                    told.addresses = expected.addresses;
                    told.distinct_user_agents = expected.distinct_user_agents;
                    for (told, expected) in told.networks.iter_mut().zip(&expected.networks) {
                        told.addresses = expected.addresses;
                    }
                }
            }
            prop_assert_eq!(told, expected, "by {:?}", by);
        }
    }
}

fn one(text: &str) -> Vec<KeyUsage> {
    let arena = Bump::new();
    let mut rollup = Rollup::default();
    rollup.take(&oracle::records(text, &arena));
    usage(&rollup.into_batch(), GroupBy::Key)
}

#[test]
fn what_sessions_did_is_told_of_the_key_that_they_were_minted_from() {
    let told = one(r#"[
        {"eventTime": "2026-11-23T15:45:00Z", "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole",
         "userIdentity": {"accessKeyId": "AKIA"}, "responseElements": {"credentials": {"accessKeyId": "ASIA1"}}},
        {"eventTime": "2026-11-23T15:46:00Z", "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole",
         "userIdentity": {"accessKeyId": "ASIA1"}, "responseElements": {"credentials": {"accessKeyId": "ASIA2"}}},
        {"eventTime": "2026-11-23T15:47:00Z", "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole",
         "userIdentity": {"accessKeyId": "ASIA2"}, "responseElements": {"credentials": {"accessKeyId": "AKIA"}}},
        {"eventTime": "2026-11-23T15:48:00Z", "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
         "errorCode": "AccessDenied", "userIdentity": {"accessKeyId": "ASIA2"}}]"#);
    let of = |key: &str| told.iter().find(|usage| usage.access_key_id.as_deref() == Some(key)).unwrap();
    let sessions = of("AKIA").sessions.as_ref().unwrap();
    assert_eq!((sessions.keys, sessions.calls, sessions.denied_calls), (2, 3, 1), "and it is no loop");
    assert_eq!(of("ASIA2").parent.as_deref(), Some("ASIA1"));
}

#[test]
fn hostile_text_is_kept_in_bounds() {
    let long = "x".repeat(5_000);
    let text = format!(
        r#"{{"eventTime": "2026-11-23T15:45:00Z", "eventSource": "s3\u0000.amazonaws.com", "eventName": "{long}",
            "userAgent": "{long}", "sourceIPAddress": "{long}", "userIdentity": {{"accessKeyId": "{long}"}}}}"#
    );
    let told = &one(&text)[0];
    assert_eq!(told.access_key_id.as_deref().map(str::len), Some(LONGEST_NAME));
    assert_eq!(
        (told.actions[0].service.as_str(), told.actions[0].action.len()),
        ("s3\u{fffd}", LONGEST_NAME)
    );
    let arena = Bump::new();
    let mut rollup = Rollup::default();
    rollup.take(&oracle::records(&text, &arena));
    for name in rollup.into_batch().names {
        assert!(name.len() < 2 * LONGEST_NAME && !name.contains('\0'), "{} characters", name.len());
    }
}
