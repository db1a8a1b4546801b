//! A small trail that several tests read: two users, the session of one of them, and what CloudTrail also writes.

use libdeflater::{CompressionLvl, Compressor};
use serde_json::{Value, json};

use crate::support::Desk;

/// Alice's key: a job on the first of every month.
pub(crate) const ALICE: &str = "AKIAQNZGKIQYALICE222";
/// The key of a build server, which assumes a role in another account.
pub(crate) const CI: &str = "AKIAQNZGKIQYCIBOT222";
/// The session that comes of it.
pub(crate) const SESSION: &str = "ASIAQNZGKIQYSESSION2";

/// A record of a user of account 111122223333, with some members in place of the usual ones. Its id is made of what
/// it is.
pub(crate) fn event(at: &str, key: &str, user: &str, action: &str, members: Value) -> Value {
    let (service, name) = action.split_once(':').expect("an action is service:name");
    let mut event = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": format!("arn:aws:iam::111122223333:user/{user}"),
            "accountId": "111122223333", "accessKeyId": key, "userName": user,
        },
        "eventTime": at,
        "eventSource": format!("{service}.amazonaws.com"),
        "eventName": name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "Boto3/1.34.0 ua/2.0 os/linux#6.1 lang/python#3.12.1 Botocore/1.34.0",
        "eventID": format!("{at}-{key}-{action}"),
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
    });
    for (name, value) in members.as_object().expect("members are an object") {
        event[name] = value.clone();
    }
    event
}

/// What Alice's key did.
pub(crate) fn of_alice() -> Vec<Value> {
    let monthly = (1..=10).map(|month| {
        let at = format!("2026-{month:02}-01T02:00:0{}Z", month % 5);
        event(&at, ALICE, "alice", "s3:ListBuckets", json!({"vpcEndpointId": "vpce-0a1b2c3d"}))
    });
    let denied =
        json!({"errorCode": "AccessDenied", "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.9"});
    let throttled = json!({"errorCode": "ThrottlingException", "userAgent": "aws-cli/2.15.0"});
    monthly
        .chain([
            event("2026-10-01T02:03:00Z", ALICE, "alice", "s3:GetBucketPolicy", denied),
            event("2026-10-01T02:04:00Z", ALICE, "alice", "dynamodb:DescribeTable", throttled),
        ])
        .collect()
}

/// What the build server's key did, and its session; and a login, which has no key.
pub(crate) fn of_ci() -> Vec<Value> {
    let role = json!({
        "type": "AssumedRole", "principalId": "AROAEXAMPLE:ci", "accountId": "444455556666", "accessKeyId": SESSION,
        "arn": "arn:aws:sts::444455556666:assumed-role/deploy/ci",
    });
    let mut by_service = role.clone();
    by_service["invokedBy"] = json!("cloudformation.amazonaws.com");
    let assumed = json!({
        "userAgent": "aws-sdk-go-v2/1.30.0 os/linux lang/go#1.22",
        "requestParameters": {"roleArn": "arn:aws:iam::444455556666:role/deploy", "roleSessionName": "ci"},
        "responseElements": {"credentials": {"accessKeyId": SESSION, "expiration": "Nov 20, 2026, 11:00:00 AM"}},
    });
    let refused = json!({
        "userIdentity": role, "recipientAccountId": "444455556666", "errorCode": "Client.UnauthorizedOperation",
    });
    let by_service = json!({
        "userIdentity": by_service, "recipientAccountId": "444455556666",
        "sourceIPAddress": "cloudformation.amazonaws.com", "userAgent": "cloudformation.amazonaws.com",
    });
    vec![
        event("2026-11-20T10:00:00Z", CI, "ci", "sts:AssumeRole", assumed),
        event("2026-11-20T10:01:00Z", SESSION, "", "ec2:RunInstances", refused),
        event("2026-11-20T10:02:00Z", SESSION, "", "ec2:DescribeInstances", by_service),
        event("2026-11-20T12:00:00Z", "", "root", "signin:ConsoleLogin", json!({})),
    ]
}

/// A desk with all of it in `logs/`: in one file as it is delivered, in one as lines, with one record in both.
pub(crate) fn desk() -> Desk {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("logs")).expect("the folder can be written to");
    let alice = of_alice();
    desk.write("logs/alice.json.gz", gzip(document(&alice).as_bytes()));
    desk.write("logs/ci.jsonl", lines(of_ci().iter().chain(&alice[..1])));
    desk
}

/// Records as CloudTrail delivers them.
pub(crate) fn document(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

/// Records, one on each line.
pub(crate) fn lines<'v>(records: impl IntoIterator<Item = &'v Value>) -> String {
    records.into_iter().map(|record| format!("{record}\n")).collect()
}

/// One gzip member.
pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::default());
    let mut stored = vec![0; compressor.gzip_compress_bound(text.len())];
    let length = compressor.gzip_compress(text, &mut stored).expect("there is room");
    stored.truncate(length);
    stored
}
