//! `rotakey trail usage --format parquet`, read by an engine that others wrote.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Desk, Ran};
use crate::trail::python;

/// The rows and the metadata of a file, as JSON. Times are written as our JSON has them.
const READ: &str = r#"
import json, sys, duckdb
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
rows = connection.execute("SELECT to_json(row) FROM read_parquet(?) AS row", [sys.argv[1]]).fetchall()
metadata = connection.execute("SELECT key, value FROM parquet_kv_metadata(?)", [sys.argv[1]]).fetchall()
json.dump({
    "rows": [json.loads(row) for row, in rows],
    "metadata": {key.decode(): value.decode() for key, value in metadata},
}, sys.stdout)
"#;

/// Calls of some keys by many services, from many places and by many clients; some keys use one of each.
fn desk() -> Desk {
    const CLIENTS: [&str; 4] = [
        "aws-cli/2.15.0 md/awscrt#0.19.18 ua/2.0 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.6 cfg/retry-mode#standard m/E,z",
        "Boto3/1.34.69 md/Botocore#1.34.69 ua/2.0 os/linux#5.10 lang/python#3.12.1 exec-env/AWS_Lambda_python3.12 app/billing",
        "never heard of it/7 \u{1b}[31m \u{202e}",
        "",
    ];
    let mut lines = String::new();
    for call in 0..600_u32 {
        let key = call % 7;
        let place = call / 7 * key;
        let mut record = json!({
            "eventVersion": "1.11", "eventID": format!("event-{call}"),
            "eventTime": format!("2026-11-{:02}T{:02}:45:{:02}Z", 1 + call % 28, place % 24, call % 60),
            "eventSource": format!("{}.amazonaws.com", ["s3", "sqs", "sts", "iam"][place as usize % 4]),
            "eventName": format!("Action{}", place % 40), "awsRegion": format!("eu-west-{}", place % 3),
            "sourceIPAddress": format!("198.51.{}.7", place % 100), "userAgent": CLIENTS[place as usize % 4],
            "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "userName": format!("Zoë {key}"),
                "accessKeyId": format!("AKIAQNZGKIQY56JQ7WM{key}"), "arn": "arn:aws:iam::111122223333:user/ci"},
            "recipientAccountId": "111122223333",
        });
        match place % 6 {
            1 => record["errorCode"] = json!("AccessDenied"),
            2 => record["vpcEndpointId"] = json!(format!("vpce-{place}")),
            3 => record["userIdentity"]["invokedBy"] = json!("cloudformation.amazonaws.com"),
            4 => {
                record["eventSource"] = json!("sts.amazonaws.com");
                record["eventName"] = json!("AssumeRole");
                let session = format!("ASIAQNZGKIQY{call:08}");
                record["responseElements"] = json!({"credentials": {"accessKeyId": session}});
            }
            _ => {}
        }
        lines.push_str(&format!("{record}\n"));
    }
    let desk = Desk::new();
    desk.write("trail.jsonl", lines);
    desk
}

/// Reads the file by DuckDB.
fn read(desk: &Desk, file: &str) -> Value {
    let mut command = Command::new(python("ROTAKEY_TEST_ENGINES_PYTHON"));
    Ran::from(command.args(["-c", READ]).arg(desk.path(file)).output().unwrap()).exits(0).json()
}

/// What a value says, however it is written: what is absent, null, false or empty is left out, and instants have one form.
fn meaning(value: &Value) -> Value {
    let is_something =
        |value: &Value| !matches!(value, Value::Null | Value::Bool(false)) && value != &json!([]);
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), meaning(value)));
            members.filter(|(_, value)| is_something(value)).collect()
        }
        Value::Array(values) => values.iter().map(meaning).collect(),
        Value::String(text) if text.len() == 22 && text.ends_with("+00") => {
            json!(format!("{}Z", text[..19].replace(' ', "T")))
        }
        value => value.clone(),
    }
}

#[test]
fn another_engine_reads_what_the_json_says() {
    let desk = desk();
    for by in ["key", "principal", "consumer", "service", "day"] {
        let usage = ["trail", "usage", "trail.jsonl", "--by", by, "--format"];
        let json = desk.run(&[&usage[..], &["json"]].concat()).exits(0).json();
        let ran = desk.run(&[&usage[..], &["parquet", "--output", "usage.parquet"]].concat()).exits(0);
        assert_eq!(ran.stdout, "");
        let file = read(&desk, "usage.parquet");
        assert_eq!(meaning(&file["rows"]), meaning(&json["keys"]), "by {by}");
        assert!(json["keys"].as_array().unwrap().len() > 1 || by == "principal", "by {by}");
        assert_eq!(file["metadata"]["rotakey.complete"], "true");
        let summary: Value =
            serde_json::from_str(file["metadata"]["rotakey.summary"].as_str().unwrap()).unwrap();
        assert_eq!(summary, json["summary"]);
    }
}

#[test]
fn parquet_is_refused_before_anything_is_done() {
    let desk = desk();
    for arguments in [
        &["audit"][..],
        &["try"],
        &["config", "schema"],
        &["rotate", "status"],
        &["trail", "lineage", "AKIAQNZGKIQY56JQ7WM1", "trail.jsonl"],
    ] {
        let ran = desk.run(&[arguments, &["--format", "parquet", "--output", "refused"]].concat());
        ran.fails(2, "has no Parquet form", "--format csv");
        assert!(!desk.path("refused").exists());
    }
}
