//! `rotakey rotate simulate`.

use crate::support::{Desk, Ran, Sandbox};

const AT: &str = "2026-11-26T00:00:00Z";

fn simulate(more: &[&str]) -> Ran {
    Desk::new().run(&[&["rotate", "simulate", "--at", AT], more].concat())
}

#[test]
fn made_up_keys_show_when_what_rotates_within_80_columns() {
    let shown = simulate(&["--synthetic-keys", "3", "--days", "9"]).exits(1).stdout;
    insta::assert_snapshot!(shown, @r"
    3 users, 9 days: 2026-11-26 to 2026-12-05; nothing is changed.

    2 rotations
    DAY         BEGUN    DISABLED  DELETED  ASKED
    2026-11-26        2         0        0         ████████████████████████████
    2026-11-27        0         2        0
    2026-11-28        0         0        0
    2026-11-29        0         0        0
    2026-11-30        0         0        0
    2026-12-01        0         0        0
    2026-12-02        0         0        0
    2026-12-03        0         0        0
    2026-12-04        0         0        2

    At most 2 under way at the end of a day, on 2026-11-26.

    The next rotations
    BEGINS      USER              ACCOUNT       DISABLED    DELETED
    2026-11-26  synthetic-000001  100000000001  2026-11-27  2026-12-04
    2026-11-26  synthetic-000002  100000000001  2026-11-27  2026-12-04

    2 keys too old already.
    ");
    let long = simulate(&["--synthetic-keys", "400", "--days", "365"]).exits(1).stdout;
    let widest = long.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?}:\n{long}");
}

#[test]
fn the_days_add_up_to_the_rotations() {
    let json = simulate(&["--synthetic-keys", "200", "--days", "200", "--format", "json"]).json();
    let days = json["days"].as_array().unwrap();
    assert_eq!(days.len(), 200);
    let sum = |field: &str| days.iter().map(|day| day[field].as_u64().unwrap()).sum::<u64>();
    let rotations = json["rotations"].as_array().unwrap();
    assert_eq!(sum("begun"), rotations.len() as u64);
    let deleted = rotations.iter().filter(|rotation| !rotation["old_key_deleted_at"].is_null()).count();
    assert_eq!(sum("deleted"), deleted as u64);
    assert_eq!(sum("asked"), json["asked"].as_array().unwrap().len() as u64);
    assert!(deleted > 200, "every key is due within 200 days, most of them twice: {deleted}");
    for rotation in rotations {
        let at = |field: &str| rotation[field].as_str().map(|at| at.parse::<jiff::Timestamp>().unwrap());
        let day = jiff::SignedDuration::from_hours(24);
        if let (Some(disabled), Some(deleted)) = (at("old_key_disabled_at"), at("old_key_deleted_at")) {
            assert!(
                at("begins_at").unwrap() < disabled && deleted.duration_since(disabled) >= day * 7,
                "{rotation}"
            );
        }
    }
}

#[test]
fn a_saved_report_needs_no_aws() {
    let desk = Desk::new();
    let head = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
                password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,\
                access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,\
                access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,\
                access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,\
                cert_2_active,cert_2_last_rotated";
    let row = "ci,arn:aws:iam::123456789012:user/ci,2024-01-01T00:00:00+00:00,false,N/A,N/A,N/A,false,true,\
               2026-09-20T00:00:00+00:00,2026-11-25T23:00:00+00:00,eu-west-1,s3,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A";
    desk.write("report.csv", format!("{head}\n{row}\n"));
    let arguments = ["rotate", "simulate", "--at", AT, "--report", "report.csv", "--format", "json"];
    let json = desk.run(&arguments).exits(0).json();
    assert_eq!(
        json["rotations"][0]["begins_at"], "2026-12-05T00:00:00Z",
        "due 14 days before it is 90 days old"
    );
}

#[test]
fn a_live_account_is_simulated_and_left_as_it_is() {
    let sandbox = Sandbox::start(12);
    let desk = sandbox.desk();
    let keys = || {
        let keys = sandbox.control("GET", "keys", "");
        let keys = keys.as_array().unwrap().iter();
        keys.map(|key| [key["access_key_id"].clone(), key["status"].clone()]).collect::<Vec<_>>()
    };
    let before = keys();
    let json = desk.run(&["rotate", "simulate", "--format", "json"]).exits(1).json();
    assert_eq!(json["users"], 13, "the operator has a key too");
    assert!(!json["rotations"].as_array().unwrap().is_empty());
    assert_eq!(keys(), before);
}

#[test]
fn wrong_inputs_are_told() {
    simulate(&["--report", "nowhere.csv"]).fails(2, "nowhere.csv", "get-credential-report");
    simulate(&["--synthetic-keys", "0"]).exits(2);
    simulate(&["--days", "0"]).exits(2);
    simulate(&["--synthetic-keys", "3", "--report", "x"]).exits(2);
}
