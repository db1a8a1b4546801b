//! `rotakey trail policy`.

use serde_json::{Value, json};

use crate::trail_keys::{KEY, call, desk_with};

fn get(at: &str, bucket: &str) -> Value {
    let mut event = call(at, "s3", "GetObject", Some(KEY), json!({"bucketName": bucket, "key": "k"}));
    event["eventCategory"] = json!("Data");
    event
}

#[test]
fn the_policy_comes_with_what_to_know_of_it() {
    let mut denied = get("2026-11-22T10:01:00Z", "payroll");
    denied["errorCode"] = json!("AccessDenied");
    let desk = desk_with(&[
        get("2026-11-22T10:00:00Z", "reports"),
        denied,
        call("2026-11-22T10:02:00Z", "ec2", "DescribeInstances", Some(KEY), Value::Null),
    ]);
    let told = desk.run(&["trail", "policy", KEY, "trail.json"]).exits(0);
    insta::assert_snapshot!(told.stdout, @r#"
    Policy for arn:aws:iam::111122223333:user/ops/bob, from 3 calls of
    AKIAIOSFODNN7EXAMPLE

    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Sid": "Ec2Calls1",
          "Effect": "Allow",
          "Action": [
            "ec2:DescribeInstances"
          ],
          "Resource": [
            "*"
          ]
        },
        {
          "Sid": "S3Calls1",
          "Effect": "Allow",
          "Action": [
            "s3:GetObject"
          ],
          "Resource": [
            "arn:aws:s3:::reports/*"
          ]
        }
      ]
    }

    On all resources, because the action or its record
      takes no resource, or none that rotakey knows to find: ec2:DescribeInstances

    Tried and denied, so not granted (--include-denied grants it)
      s3:GetObject  1 call on arn:aws:s3:::payroll/*

    This policy covers what was recorded from 2026-11-22T10:00:00Z to
    2026-11-22T10:02:00Z, and nothing else: what is done more rarely is not in it.
    There are data events of s3 only: what was done with the data of other services,
    or of resources that the trail does not record, is not in this policy.
    "#);
    let json = desk.run(&["trail", "policy", KEY, "trail.json", "--format", "json"]).exits(0);
    assert!(json.stdout.starts_with("{\n  \"complete\": true,"), "{}", json.stdout);
    assert_eq!(json.json()["subjects"][0]["policies"][0]["Version"], "2012-10-17");
    let csv = desk.run(&["trail", "policy", KEY, "trail.json", "--format", "csv"]).exits(0);
    assert_eq!(csv.stdout.lines().count(), 4);
    let granted = desk.run(&["trail", "policy", KEY, "trail.json", "--include-denied"]).exits(0);
    assert!(granted.stdout.contains("\"arn:aws:s3:::payroll/*\""), "{}", granted.stdout);
}

#[test]
fn a_role_gets_a_policy_of_its_own_and_a_key_without_calls_none() {
    const SESSION: &str = "ASIAIOSFODNN7EXAMPLE";
    let role = "arn:aws:iam::111122223333:role/jobs/restore";
    let mut minted = call("2026-11-22T09:00:00Z", "sts", "AssumeRole", Some(KEY), json!({"roleArn": role}));
    minted["responseElements"] = json!({"credentials": {"accessKeyId": SESSION}});
    let mut acted = call("2026-11-22T10:00:00Z", "ec2", "DescribeInstances", Some(SESSION), Value::Null);
    acted["userIdentity"] = json!({"type": "AssumedRole", "accessKeyId": SESSION, "accountId": "111122223333",
        "sessionContext": {"sessionIssuer": {"arn": role}}});
    let desk = desk_with(&[minted, acted]);
    let subjects = |arguments: &[&str]| {
        let told =
            desk.run(&[&["trail", "policy", KEY, "--format", "json", "trail.json"], arguments].concat());
        let subjects = told.exits(0).json()["subjects"].take();
        subjects.as_array().unwrap().iter().map(|subject| subject["arn"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(subjects(&[]), ["\"arn:aws:iam::111122223333:user/ops/bob\""]);
    assert_eq!(subjects(&["--with-sessions"])[1], format!("\"{role}\""));
    let none = desk.run(&["trail", "policy", "AKIANOCALLSNOCALLS00", "trail.json"]).exits(0);
    assert!(none.stderr.contains("nothing to grant"), "{}", none.stderr);
}
