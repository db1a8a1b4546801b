//! `rotakey try`.

use crate::support::Desk;

#[test]
fn the_story_ends_well_and_is_the_same_for_people_and_programs() {
    let desk = Desk::new();
    let summary = desk.run(&["try", "--format", "json"]).exits(0).json();
    assert_eq!(summary["application_calls_failed"], 0);
    assert!(summary["keys_rotated"].as_u64() >= Some(20), "{summary}");
    assert!(summary["application_calls"].as_u64() >= Some(10_000), "{summary}");
    assert!(summary["days_simulated"].as_u64() >= Some(8), "{summary}");
    assert!(summary["findings_after"].as_u64() < summary["findings_before"].as_u64(), "{summary}");
    let left: Vec<_> = summary["left_for_a_person"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| left["user_name"].clone())
        .collect();
    assert_eq!(left, ["legacy-etl", "nightly-export"], "two active keys, and a key in the code");

    let told = desk.run(&["try"]).exits(0).stdout;
    for number in ["keys_rotated", "days_simulated", "findings_after"] {
        let line = format!("{:>9}  ", summary[number].to_string());
        assert!(told.lines().any(|told| told.starts_with(&line)), "{number}:\n{told}");
    }
    for chapter in ["The audit", "The plan", "The rotation", "The audit again", "What came of it"] {
        assert!(told.contains(&format!("== {chapter}")), "{chapter}:\n{told}");
    }
    let long: Vec<&str> = told.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(long.is_empty(), "too wide for 80 columns: {long:#?}");
}
