//! Stories: a body, and what it says.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Reads the body, and says what it says: objects one a line, or the reason why it is unknown.
fn check(body: &str, expected: &str) {
    let said = match read(body) {
        Body::Objects(objects) if objects.is_empty() => "nothing new".to_owned(),
        Body::Objects(objects) => {
            let line = |object: S3Object| {
                format!("{} {} {}", object.bucket, object.key, object.etag.as_deref().unwrap_or("-"))
            };
            objects.into_iter().map(line).collect::<Vec<_>>().join("\n")
        }
        Body::Unknown(reason) => format!("unknown: {reason}"),
    };
    assert_eq!(said, expected, "{body}");
}

/// The message that S3 sends of one object.
fn of_s3(event: &str, key: &str) -> String {
    json!({"Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1",
        "eventTime": "2026-11-23T12:00:00.000Z", "eventName": event,
        "userIdentity": {"principalId": "AWS:AIDACKCEVSQ6C2EXAMPLE"},
        "requestParameters": {"sourceIPAddress": "203.0.113.7"},
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "trail",
            "bucket": {"name": "logs", "ownerIdentity": {"principalId": "A3NL1KOZZKExample"}, "arn": "arn:aws:s3:::logs"},
            "object": {"key": key, "size": 1024, "eTag": "d41d8cd98f00b204e9800998ecf8427e", "sequencer": "0A1B"},
        },
    }]})
    .to_string()
}

/// What SNS makes of a text.
fn in_sns(message: &str) -> String {
    json!({
        "Type": "Notification", "MessageId": "dc1e94d9", "TopicArn": "arn:aws:sns:eu-west-1:111122223333:trail",
        "Subject": "Amazon S3 Notification", "Message": message, "Timestamp": "2026-11-23T12:00:00.000Z",
        "SignatureVersion": "1", "Signature": "x", "SigningCertURL": "https://x", "UnsubscribeURL": "https://x",
    })
    .to_string()
}

fn of_event_bridge(kind: &str, key: &str) -> String {
    json!({
        "version": "0", "id": "17793124", "detail-type": kind, "source": "aws.s3", "account": "111122223333",
        "time": "2026-11-23T12:00:00Z", "region": "eu-west-1", "resources": ["arn:aws:s3:::logs"],
        "detail": {
            "version": "0", "bucket": {"name": "logs"},
            "object": {"key": key, "size": 5, "etag": "b1946ac9", "version-id": "x", "sequencer": "0061"},
            "request-id": "x", "requester": "111122223333", "reason": "PutObject",
        },
    })
    .to_string()
}

const FILE: &str = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/23/x.json.gz";

#[test]
fn s3_tells_of_an_object_directly_and_through_sns() {
    let body = of_s3("ObjectCreated:Put", FILE);
    let expected = format!("logs {FILE} d41d8cd98f00b204e9800998ecf8427e");
    check(&body, &expected);
    check(&in_sns(&body), &expected);
    check(&of_s3("s3:ObjectCreated:CompleteMultipartUpload", FILE), &expected);
    check(&of_s3("ObjectRestore:Completed", FILE), &expected);
}

#[test]
fn keys_of_s3_are_decoded() {
    for (encoded, key) in [
        ("a+b%2Bc%20d", "a b+c d"),
        ("%E2%82%AC/%F0%9F%94%91.json", "€/🔑.json"),
        ("2026%2F11/x%3d.gz", "2026/11/x=.gz"),
    ] {
        check(&of_s3("ObjectCreated:Put", encoded), &format!("logs {key} d41d8cd98f00b204e9800998ecf8427e"));
    }
    for wrong in ["%", "a%2", "%zz", "%FF", "%C3%28"] {
        check(&of_s3("ObjectCreated:Put", wrong), "unknown: an object key that is not URL-encoded UTF-8");
    }
}

#[test]
fn event_bridge_tells_of_objects_with_keys_as_they_are() {
    check(&of_event_bridge("Object Created", "a+b%20c"), "logs a+b%20c b1946ac9");
    check(&in_sns(&of_event_bridge("Object Created", FILE)), &format!("logs {FILE} b1946ac9"));
    check(&of_event_bridge("Object Deleted", FILE), "nothing new");
    check(
        &of_event_bridge("AWS API Call via CloudTrail", FILE),
        "unknown: a call of S3 that CloudTrail recorded, not a notification of S3",
    );
}

#[test]
fn cloudtrail_tells_of_several_files_at_once() {
    let body = r#"{"s3Bucket": "logs", "s3ObjectKey": ["a/1.json.gz", "a/2+.json.gz"]}"#;
    check(body, "logs a/1.json.gz -\nlogs a/2+.json.gz -");
    check(&in_sns(body), "logs a/1.json.gz -\nlogs a/2+.json.gz -");
    check(r#"{"s3Bucket": "logs"}"#, "unknown: a notification of CloudTrail without its files");
    check(r#"{"s3ObjectKey": ["a"]}"#, "unknown: a notification of CloudTrail without its files");
}

#[test]
fn what_tests_the_way_or_tells_of_other_things_is_nothing_new() {
    let test = r#"{"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-23T12:00:00.000Z",
        "Bucket": "logs", "RequestId": "5582815E1AEA5ADF", "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR"}"#;
    check(test, "nothing new");
    check(&in_sns(test), "nothing new");
    check("CloudTrail validation message.", "nothing new");
    check(&in_sns("CloudTrail validation message."), "nothing new");
    check(&of_s3("ObjectRemoved:Delete", FILE), "nothing new");
    check(&of_s3("ObjectTagging:Put", FILE), "nothing new");
    check(r#"{"Records": []}"#, "nothing new");
}

#[test]
fn an_etag_is_told_without_the_quotes_of_http() {
    let body = of_s3("ObjectCreated:Put", "x").replace("\"d41d8cd98f00b204e9800998ecf8427e\"", r#""\"d4\"""#);
    check(&body, "logs x d4");
    let without = of_s3("ObjectCreated:Put", "x").replace("eTag", "other");
    check(&without, "logs x -");
}

#[test]
fn anything_else_is_unknown_for_a_reason() {
    let neither = "unknown: neither of S3, nor of EventBridge for S3, nor of CloudTrail";
    for body in ["{}", "[]", "null", "7", r#""text""#, r#"{"Records": {}}"#, r#"{"source": "aws.s3"}"#] {
        check(body, neither);
    }
    check("", "unknown: not JSON");
    check("<html>", "unknown: not JSON");
    check(&"[".repeat(100_000), "unknown: not JSON");
    check(&in_sns("hello"), "unknown: an SNS message whose text is not JSON");
    check(&in_sns(&in_sns(&of_s3("ObjectCreated:Put", FILE))), neither);
    check(
        r#"{"Type": "SubscriptionConfirmation", "TopicArn": "x", "Message": "You have chosen to subscribe"}"#,
        "unknown: an SNS subscription that waits for its confirmation",
    );
    check(&of_s3("ObjectCreated:Put", ""), "unknown: an object without a name");
    check(
        &of_s3("ObjectCreated:Put", "x").replace("\"name\"", "\"n\""),
        "unknown: Records that are not S3's",
    );
    check(r#"{"Records": [{"kinesis": {}, "eventName": "x"}]}"#, "unknown: Records that are not S3's");
}

#[test]
fn one_record_that_is_not_understood_makes_the_whole_message_unknown() {
    let two = of_s3("ObjectCreated:Put", "x").replace("]}", r#", {"eventName": "ObjectCreated:Put"}]}"#);
    check(&two, "unknown: Records that are not S3's");
}

#[test]
fn the_beginning_of_a_body_is_short_and_harmless() {
    assert_eq!(beginning("a\u{1b}[2J\nb\u{202e}é"), r"a\u{1b}[2J\u{a}b\u{202e}é");
    assert_eq!(beginning(&"x".repeat(1_000_000)).len(), 200);
}

/// JSON in which the names that the reader knows are frequent.
fn nearly_a_message() -> impl Strategy<Value = Value> {
    let names = proptest::sample::select(vec![
        "Records",
        "eventName",
        "s3",
        "bucket",
        "name",
        "object",
        "key",
        "eTag",
        "Type",
        "TopicArn",
        "Message",
        "source",
        "detail-type",
        "detail",
        "s3Bucket",
        "s3ObjectKey",
        "Event",
    ]);
    let texts = proptest::sample::select(vec![
        "ObjectCreated:Put",
        "Notification",
        "aws.s3",
        "Object Created",
        "s3:TestEvent",
        "a%",
        "%e2%82",
        "",
        "logs",
        "{\"Records\":[]}",
        "CloudTrail validation message.",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        texts.prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((names.clone(), inner), 0..5).prop_map(|members| {
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_is_a_panic_or_an_object_without_a_name(value in nearly_a_message(), text in ".{0,40}") {
        for body in [value.to_string(), in_sns(&value.to_string()), in_sns(&text), text] {
            if let Body::Objects(objects) = read(&body) {
                prop_assert!(objects.iter().all(|object| !object.bucket.is_empty() && !object.key.is_empty()));
            }
        }
    }

    #[test]
    fn every_key_survives_the_encoding_of_s3(key in "\\PC{1,40}") {
        let encoded: String = key.bytes().map(|byte| match byte {
            b' ' => "+".to_owned(),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        }).collect();
        prop_assert_eq!(url_decoded(&encoded), Some(key));
    }
}
