//! `rotakey trail ingest --queue`, on moto's server: objects in S3, and messages that tell of them.

use std::process::Command;

use serde_json::Value;

use crate::support::Desk;

/// Makes a bucket and a queue, puts objects, and tells of them. Prints the queue's URL.
const SCENE: &str = r#"
import json, sys, boto3
url, name = sys.argv[1:3]
options = dict(endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
s3, sqs = boto3.client("s3", **options), boto3.client("sqs", **options)
for bucket in (name, name + "-of-others"):
    s3.create_bucket(Bucket=bucket)
queue = sqs.create_queue(QueueName=name)["QueueUrl"]
def event(identifier):
    return {"eventID": identifier, "eventTime": "2026-11-23T15:45:00Z", "eventSource": "s3.amazonaws.com",
            "eventName": "GetObject", "awsRegion": "eu-central-1", "sourceIPAddress": "198.51.100.7",
            "userIdentity": {"type": "IAMUser", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}
def tell(bucket, *keys):
    objects = [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": bucket}, "object": {"key": key}}} for key in keys]
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"Records": objects}))
def put(bucket, key, *identifiers):
    body = json.dumps({"Records": [event(identifier) for identifier in identifiers]})
    s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
put(name, "AWSLogs/one.json", "1", "2")
put(name, "AWSLogs/two.json", "3")
put(name + "-of-others", "AWSLogs/three.json", "4")
s3.put_object(Bucket=name, Key="AWSLogs/cut.json", Body=b'{"Records": [{"eventID": ')
tell(name, "AWSLogs/one.json", "AWSLogs/two.json")
tell(name, "AWSLogs/one.json")
tell(name + "-of-others", "AWSLogs/three.json")
tell(name, "AWSLogs/cut.json")
print(queue)
"#;

/// How many messages there are, those that somebody has counted.
const COUNT: &str = r#"
import sys, boto3
url, queue = sys.argv[1:3]
sqs = boto3.client("sqs", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a",
    aws_secret_access_key="b")
names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
print(sum(int(attributes[name]) for name in names))
"#;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: this test needs moto's server and boto3. Run it by `cargo xtask test`.")
    })
}

fn python(script: &str, arguments: &[&str]) -> String {
    let mut python = Command::new(variable("ROTAKEY_TEST_PYTHON"));
    let output = python.args(["-c", script]).args(arguments).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("Python prints text").trim().to_owned()
}

#[test]
fn objects_of_a_queue_are_added_once_and_messages_that_are_done_with_are_deleted() {
    let url = variable("ROTAKEY_TEST_MOTO_URL");
    let name = format!("trail-{:08x}", fastrand::u32(..));
    let queue = python(SCENE, &[&url, &name]);
    let mut desk = Desk::new();
    for (name, value) in [
        ("AWS_ENDPOINT_URL", url.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "any"),
    ] {
        desk.export(name, value);
    }
    let below = format!("s3://{name}/AWSLogs/");
    let ran = desk.run(&["trail", "ingest", &below, "--queue", &queue, "--format", "json"]).exits(4);
    let told: Value = serde_json::from_str(&ran.stdout).expect("the data is JSON");
    assert_eq!((&told["added_files"], &told["added_calls"]), (&2.into(), &3.into()), "{told}");
    assert_eq!(told["damaged_files"], serde_json::json!([format!("s3://{name}/AWSLogs/cut.json")]));
    assert!(ran.stderr.contains("not below PATH"), "{}", ran.stderr);
    assert_eq!(python(COUNT, &[&url, &queue]), "2", "that of the cut object, and that of others");
}
