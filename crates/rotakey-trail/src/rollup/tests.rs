use bumpalo::Bump;
use proptest::prelude::*;

use super::*;
use crate::event_time::EventTime;
use crate::oracle;
use crate::usage::schema::KeyUsage;

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
    fn the_use_of_a_key_is_that_of_its_records(calls in prop::collection::vec(call(), 1..60)) {
        let usage = usage(&rolled_up(&calls).into_batch(), By::Key);
        for key in 0..4 {
            let of_key: Vec<&Call> = calls.iter().filter(|call| call.key == key).collect();
            let name = if key == 0 { "AKIA0".to_owned() } else { format!("ASIA{key}") };
            let told = usage.iter().find(|usage| usage.access_key_id.as_deref() == Some(&name));
            prop_assert_eq!(told.is_some(), !of_key.is_empty());
            let Some(told) = told else { continue };
            let with = |error: &[u8]| of_key.iter().filter(|call| error.contains(&call.error)).count() as u64;
            prop_assert_eq!(told.calls, of_key.len() as u64);
            prop_assert_eq!(told.denied_calls, with(&[2]));
            prop_assert_eq!(told.failed_calls, with(&[2, 4]));
            prop_assert_eq!(told.throttled_calls, with(&[3]));
            prop_assert_eq!(told.actions.iter().map(|one| one.tally.calls).sum::<u64>(), told.calls);
            prop_assert_eq!(told.errors.iter().map(|one| one.tally.calls).sum::<u64>(), with(&[2, 3, 4]));
            let distinct = |of: fn(&Call) -> u8| of_key.iter().map(|call| of(call)).collect::<BTreeSet<_>>().len();
            prop_assert_eq!(told.addresses, distinct(|call| call.address) as u64);
            prop_assert_eq!(told.networks.len(), distinct(|call| call.address));
            prop_assert_eq!(told.distinct_user_agents, distinct(|call| call.agent) as u64);
            let last = of_key.iter().map(|call| call.minutes).max().unwrap_or_default();
            prop_assert_eq!(told.last_at.map(EventTime::seconds), Some(1_790_000_000 + i64::from(last) * 60));
        }
        let calls_told: u64 = usage.iter().map(|usage| usage.calls).sum();
        for by in [By::Principal, By::Consumer, By::Service, By::Day] {
            let grouped = super::usage(&rolled_up(&calls).into_batch(), by);
            prop_assert_eq!(grouped.iter().map(|usage| usage.calls).sum::<u64>(), calls_told);
        }
    }
}

fn one(text: &str) -> Vec<KeyUsage> {
    let arena = Bump::new();
    let mut rollup = Rollup::default();
    rollup.take(&oracle::records(text, &arena));
    usage(&rollup.into_batch(), By::Key)
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
