use bumpalo::Bump;
use proptest::prelude::*;
use rotakey_iam_policy::{Context, PolicyDocument, Request, evaluate};
use serde_json::{Value, json};

use super::*;
use crate::lineage::{Edges, Reach};
use crate::oracle;
use crate::summary::Summary;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SESSION: &str = "ASIAIOSFODNN7EXAMPLE";

/// A call, and what must be allowed so that it goes through: action and resource as AWS asks for them.
struct Call {
    source: &'static str,
    name: &'static str,
    request: Value,
    asks: Vec<(String, String)>,
}

/// All kinds of calls, with names that differ by that number.
fn calls(number: u8) -> Vec<Call> {
    let call = |source, name, request, asks: &[(&str, String)]| Call {
        source,
        name,
        request,
        asks: asks.iter().map(|(action, arn)| ((*action).to_owned(), arn.clone())).collect(),
    };
    let n = number % 4;
    let role = format!("arn:aws:iam::111122223333:role/r{n}");
    let here = |service: &str, rest: &str| format!("arn:aws:{service}:eu-west-1:111122223333:{rest}");
    vec![
        call(
            "s3",
            "GetObject",
            json!({"bucketName": format!("bucket-{n}"), "key": "a/b"}),
            &[("s3:GetObject", format!("arn:aws:s3:::bucket-{n}/a/b"))],
        ),
        call("s3", "ListBuckets", Value::Null, &[("s3:ListAllMyBuckets", "*".to_owned())]),
        call(
            "s3",
            "CopyObject",
            json!({"bucketName": format!("bucket-{n}"), "x-amz-copy-source": "source/x"}),
            &[
                ("s3:PutObject", format!("arn:aws:s3:::bucket-{n}/k")),
                ("s3:GetObject", "arn:aws:s3:::source/x".to_owned()),
            ],
        ),
        call(
            "lambda",
            "CreateFunction20150331",
            json!({"functionName": format!("f{n}"), "role": role}),
            &[
                ("lambda:CreateFunction", here("lambda", &format!("function:f{n}"))),
                ("iam:PassRole", role.clone()),
            ],
        ),
        call(
            "lambda",
            "Invoke",
            json!({"functionName": format!("f{n}:live")}),
            &[("lambda:InvokeFunction", here("lambda", &format!("function:f{n}:live")))],
        ),
        call("ec2", "DescribeInstances", Value::Null, &[("ec2:DescribeInstances", "*".to_owned())]),
        call("sts", "GetCallerIdentity", Value::Null, &[]),
        call(
            "sts",
            "AssumeRole",
            json!({"roleArn": role, "tags": [{"key": "a", "value": "b"}]}),
            &[("sts:AssumeRole", role.clone()), ("sts:TagSession", role.clone())],
        ),
        call(
            "dynamodb",
            "Query",
            json!({"tableName": format!("t{n}"), "indexName": "i"}),
            &[
                ("dynamodb:Query", here("dynamodb", &format!("table/t{n}"))),
                ("dynamodb:Query", here("dynamodb", &format!("table/t{n}/index/i"))),
            ],
        ),
        call(
            "secretsmanager",
            "GetSecretValue",
            json!({"secretId": format!("prod/{n}")}),
            &[("secretsmanager:GetSecretValue", here("secretsmanager", &format!("secret:prod/{n}-a1B2c3")))],
        ),
        call(
            "iam",
            "ListAccessKeys",
            json!({"userName": format!("u{n}")}),
            &[("iam:ListAccessKeys", format!("arn:aws:iam::111122223333:user/team/u{n}"))],
        ),
        call("monitoring", "PutMetricData", Value::Null, &[("cloudwatch:PutMetricData", "*".to_owned())]),
    ]
}

fn record(call: &Call, key: &str, second: u32, error: Option<&str>) -> Value {
    let identity = match key {
        KEY => {
            json!({"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ci", "accountId": "111122223333",
            "accessKeyId": key})
        }
        _ => json!({"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/r1/s",
            "accountId": "111122223333", "accessKeyId": key,
            "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/r1"}}}),
    };
    json!({
        "eventTime": format!("2026-11-23T10:00:{second:02}Z"), "eventSource": format!("{}.amazonaws.com", call.source),
        "eventName": call.name, "awsRegion": "eu-west-1", "eventType": "AwsApiCall", "errorCode": error,
        "requestParameters": call.request, "userIdentity": identity,
    })
}

/// The key and its session.
fn keys() -> Arc<KeySet> {
    let arena = Bump::new();
    let mut minting = record(&calls(0)[7], KEY, 0, None);
    minting["responseElements"] = json!({"credentials": {"accessKeyId": SESSION}});
    let mut edges = Edges::new([KEY], Reach::Sessions);
    edges.take(&oracle::records(&minting.to_string(), &arena));
    Arc::new(edges.descendants(KEY))
}

fn answer(records: &[Value]) -> PolicyAnswer {
    let arena = Bump::new();
    let mut answer = PolicyAnswer::new(keys(), Selection::default());
    answer.take(&oracle::records(&json!({"Records": records}).to_string(), &arena));
    answer
}

fn report(records: &[Value], include_denied: bool) -> PolicyReport {
    answer(records).into_report(include_denied, &Summary::default())
}

/// Whether the policies of that subject allow it, according to the evaluation that the audit uses.
fn allows(subject: &SubjectPolicy, action: &str, resource: &str) -> bool {
    let documents: Vec<PolicyDocument> = subject
        .policies
        .iter()
        .map(|document| PolicyDocument::parse(&document.minified()).expect("what is written can be read"))
        .collect();
    let request = Request { action, resource, principal: None, context: &Context::new() };
    evaluate(&request, &documents).is_allowed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_call_that_was_seen_is_allowed_and_no_other(
        seen in prop::collection::vec((0_usize..12, 0_u8..4), 1..40),
        other in (0_usize..12, 0_u8..4),
    ) {
        let records: Vec<Value> = seen
            .iter()
            .enumerate()
            .map(|(index, &(kind, number))| record(&calls(number)[kind], KEY, index as u32, None))
            .collect();
        let told = report(&records, false);
        let subject = &told.subjects[0];
        let mut asked = Vec::new();
        for &(kind, number) in &seen {
            for (action, resource) in &calls(number)[kind].asks {
                prop_assert!(allows(subject, action, resource), "{action} {resource}");
                asked.push((action.clone(), resource.clone()));
            }
        }
        for (action, resource) in &calls(other.1)[other.0].asks {
            // Objects of one bucket are granted together, and a function with each of its aliases.
            let place = |arn: &str| arn.split_once("/").map_or(arn.to_owned(), |(bucket, _)| match arn.contains(":s3:") {
                true => bucket.to_owned(),
                false => arn.to_owned(),
            });
            let was_seen = asked.iter().any(|(seen, on)| seen == action && place(on) == place(resource));
            prop_assert_eq!(allows(subject, action, resource), was_seen, "{} {}", action, resource);
        }
        prop_assert!(!allows(subject, "iam:CreateUser", "*"));
        prop_assert!(!allows(subject, "s3:GetObject", "arn:aws:s3:::elsewhere/k"));
    }

    #[test]
    fn order_and_split_do_not_matter(
        seen in prop::collection::vec((0_usize..12, 0_u8..4, any::<bool>(), 0_u8..4), 1..40),
        places in prop::collection::vec(0_usize..3, 40),
        reversed: bool,
    ) {
        let records: Vec<Value> = seen
            .iter()
            .enumerate()
            .map(|(index, &(kind, number, session, error))| {
                let key = if session { SESSION } else { KEY };
                let error = [None, Some("AccessDenied"), Some("ValidationError"), Some("ExpiredToken")]
                    [usize::from(error)];
                record(&calls(number)[kind], key, index as u32, error)
            })
            .collect();
        let mut parts: Vec<Vec<Value>> = vec![Vec::new(); 3];
        for (record, place) in records.iter().zip(places) {
            parts[place].push(record.clone());
        }
        if reversed {
            parts.reverse();
        }
        let whole = parts.iter().map(|part| answer(part)).reduce(|mut whole, part| {
            whole.merge(part);
            whole
        });
        let told = whole.unwrap().into_report(false, &Summary::default());
        prop_assert_eq!(told, report(&records, false));
    }
}

#[test]
fn what_was_denied_is_listed_and_granted_only_if_asked_for() {
    let call = &calls(1)[0];
    let denied = [record(call, KEY, 1, Some("AccessDenied")), record(&calls(1)[5], KEY, 2, None)];
    let told = report(&denied, false);
    let subject = &told.subjects[0];
    assert!(!allows(subject, "s3:GetObject", "arn:aws:s3:::bucket-1/k"));
    assert_eq!(subject.denied[0].action, "s3:GetObject");
    assert_eq!(subject.denied[0].resources, ["arn:aws:s3:::bucket-1/*"]);
    assert!(allows(&report(&denied, true).subjects[0], "s3:GetObject", "arn:aws:s3:::bucket-1/k"));
}

#[test]
fn a_role_has_a_policy_of_its_own() {
    let records = [record(&calls(0)[5], KEY, 1, None), record(&calls(2)[0], SESSION, 2, None)];
    let told = report(&records, false);
    let subjects: Vec<_> =
        told.subjects.iter().map(|subject| (subject.kind, subject.arn.as_deref().unwrap())).collect();
    assert_eq!(
        subjects,
        [
            (SubjectKind::User, "arn:aws:iam::111122223333:user/ci"),
            (SubjectKind::Role, "arn:aws:iam::111122223333:role/r1"),
        ]
    );
    assert!(!allows(&told.subjects[0], "s3:GetObject", "arn:aws:s3:::bucket-2/k"));
    assert!(allows(&told.subjects[1], "s3:GetObject", "arn:aws:s3:::bucket-2/k"));
    assert_eq!(
        role_of_session("arn:aws:sts::1:assumed-role/n/s").as_deref(),
        Some("arn:aws:iam::1:role/n"),
        "where the issuer is not told"
    );
}

#[test]
fn the_warnings_say_what_a_trail_does_not_show() {
    let codes = |records: &[Value]| -> Vec<&str> {
        report(records, false).subjects[0].warnings.iter().map(|warning| warning.code).collect()
    };
    assert_eq!(codes(&[record(&calls(0)[5], KEY, 1, None)]), ["recorded-only", "no-data-events"]);
    let mut data = record(&calls(0)[0], KEY, 1, Some("ValidationError"));
    data["eventCategory"] = json!("Data");
    let mut run = record(&calls(0)[5], KEY, 1, None);
    run["eventName"] = json!("RunInstances");
    run["requestParameters"] = json!({"iamInstanceProfile": {"name": "web"}});
    let mut odd = run.clone();
    odd["eventName"] = json!("*");
    assert_eq!(
        codes(&[data, run, odd]),
        ["recorded-only", "some-data-events", "pass-role-unknown", "never-succeeded", "not-understood"]
    );
}

#[test]
fn a_caller_that_was_not_known_says_nothing_of_permissions() {
    for code in ["Client.AuthFailure", "InvalidClientTokenId", "ExpiredToken"] {
        assert!(is_not_authenticated(Some(code)), "{code}");
    }
    for code in [None, Some("AccessDenied"), Some("NoSuchBucketPolicy"), Some("Client.DryRunOperation")] {
        assert!(!is_not_authenticated(code), "{code:?}");
    }
    let expired = record(&calls(0)[5], KEY, 1, Some("ExpiredToken"));
    let told = report(&[expired], false);
    assert_eq!((told.subjects[0].calls_not_authenticated, told.subjects[0].policies.len()), (1, 0));
}
