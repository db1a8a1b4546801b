//! `rotakey trail anomalies`, from outside.

use crate::support::Desk;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// Five calls a day for ten days from one network, and then one from another.
fn desk() -> Desk {
    let desk = Desk::new();
    let event = |day: u32, hour: u32, address: &str| {
        format!(
            "{{\"eventID\":\"{day}-{hour}-{address}\",\"eventTime\":\"2026-11-{day:02}T{hour:02}:00:00Z\",\
             \"eventSource\":\"s3.amazonaws.com\",\"eventName\":\"ListBuckets\",\"awsRegion\":\"eu-west-1\",\
             \"sourceIPAddress\":\"{address}\",\"userAgent\":\"Boto3/1.34\",\
             \"userIdentity\":{{\"accessKeyId\":\"{KEY}\",\"arn\":\"arn:aws:iam::111122223333:user/ci\"}}}}\n"
        )
    };
    let usual = (1..=10).flat_map(|day| (1..=5).map(move |hour| event(day, hour, "198.51.100.7")));
    desk.write("trail.jsonl", usual.collect::<String>() + &event(20, 3, "203.0.113.66"));
    desk
}

#[test]
fn a_new_network_is_told_with_its_evidence_and_its_measure() {
    let ran = desk().run(&["trail", "anomalies", "--baseline-until", "2026-11-15", "trail.jsonl"]).exits(1);
    assert!(ran.stdout.contains("new-network"), "{}", ran.stdout);
    assert!(ran.stdout.contains("203.0.113.0/24"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("1 anomaly.\n"), "{}", ran.stdout);
    let arguments =
        ["trail", "anomalies", "--baseline-until", "2026-11-15", "--format", "json", "trail.jsonl"];
    let document = desk().run(&arguments).exits(1).json();
    assert_eq!(document["complete"], true);
    assert_eq!(document["anomalies"][0]["code"], "new-network");
    assert_eq!(document["anomalies"][0]["access_key_id"], KEY);
}

#[test]
fn nothing_is_new_without_a_baseline_and_the_key_is_counted() {
    let ran = desk().run(&["trail", "anomalies", "--baseline-until", "2026-11-03", "trail.jsonl"]).exits(0);
    assert_eq!(ran.stdout, "0 anomalies.\n");
    assert!(ran.stderr.contains("1 key without a baseline"), "{}", ran.stderr);
}

#[test]
fn a_listed_address_is_told_whatever_came_before() {
    let desk = desk();
    desk.write("tor.txt", "# exits\n203.0.113.66\n");
    let run = |list: &str| {
        desk.run(&["trail", "anomalies", "--baseline-until", "2026-11-03", "--listed", list, "trail.jsonl"])
    };
    let ran = run("tor.txt").exits(1);
    assert!(ran.stdout.contains("listed-address"), "{}", ran.stdout);
    desk.write("bad.txt", "203.0.113.66\nnot-an-address\n");
    run("bad.txt").fails(2, "bad.txt", "line");
    run("nowhere.txt").fails(2, "nowhere.txt", "existing file");
}
