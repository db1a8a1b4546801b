use parquet::basic::ConvertedType;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::schema::types::Type;
use rotakey_trail::cadence::{Cadence, Schedule, ScheduleKind};
use rotakey_trail::event_time::EventTime;
use rotakey_trail::network::Network;
use rotakey_trail::usage::GroupBy;
use rotakey_trail::usage::schema::{
    ActionUse, AgentUse, ErrorUse, KeyUsage, NameUse, NetworkUse, SessionUse, Tally,
};
use rotakey_trail::user_agent::Agent;
use serde_json::Value;

use super::*;

/// A row in which nothing is absent. Every field is named, so that a new one cannot be forgotten here.
fn full() -> KeyUsage {
    let at = EventTime::parse("2026-11-23T15:45:00Z");
    let tally = Tally::once(at.unwrap());
    let some = |text: &str| Some(text.to_owned());
    let name = || vec![NameUse { name: "eu-west-1".to_owned(), tally }];
    let (service, action) = ("s3".to_owned(), "GetObject".to_owned());
    KeyUsage {
        access_key_id: some("AKIAIOSFODNN7EXAMPLE"),
        principal_arn: some("arn:aws:iam::111122223333:user/ci"),
        principal_type: some("IAMUser"),
        account_id: some("111122223333"),
        user_name: some("ci"),
        consumer: some("f00d"),
        service: some("s3"),
        day: some("2026-11-23"),
        calls: 9,
        denied_calls: 1,
        failed_calls: 2,
        throttled_calls: 3,
        first_at: at,
        last_at: at,
        actions: vec![ActionUse { service: service.clone(), action: action.clone(), tally }],
        errors: vec![ErrorUse { service, action, code: "AccessDenied".to_owned(), tally }],
        regions: name(),
        addresses: 4,
        networks: vec![NetworkUse { network: Network::of("198.51.100.7"), addresses: 4, tally }],
        distinct_user_agents: 5,
        user_agents: vec![AgentUse {
            agent: Agent {
                family: "Boto3".to_owned(),
                version: some("1.34"),
                runtime: some("python"),
                runtime_version: some("3.12"),
                execution_environment: some("CloudShell"),
                operating_system: some("linux 6.1"),
                application: some("billing"),
                credential_sources: vec!["imds".to_owned(), "profile".to_owned()],
                text: some("Boto3 \u{1b}[31m"),
            },
            tally,
        }],
        vpc_endpoints: name(),
        invoked_by: name(),
        cadence: Some(Cadence {
            active_days: 6,
            active_hours: 7,
            longest_gap_seconds: 8,
            typical_interval_seconds: Some(86_400),
            schedule: Some(Schedule {
                kind: ScheduleKind::Daily,
                text: "daily".to_owned(),
                confidence: 0.75,
                explanation: "seen on 6 of 8 days".to_owned(),
                next_expected: at,
            }),
        }),
        parent: some("AKIAI44QH8DHBEXAMPLE"),
        // These serve to find anomalies only, and are told with those.
        listed_addresses: Vec::new(),
        baseline: None,
        sessions: Some(SessionUse {
            keys: 1,
            calls: 2,
            denied_calls: 3,
            failed_calls: 4,
            throttled_calls: 5,
            first_at: at,
            last_at: at,
        }),
        truncated: true,
    }
}

/// The paths of what is in the value and not in the group.
fn unknown(group: &Type, value: &Value, path: &str) -> Vec<String> {
    let members = value.as_object().unwrap().iter();
    let unknown = members.flat_map(|(name, value)| {
        let path = format!("{path}.{name}");
        let Some(field) = group.get_fields().iter().find(|field| field.name() == name) else {
            return vec![path];
        };
        if !field.is_group() {
            assert!(!value.is_object() && !value.is_array() && !value.is_null(), "{path}");
            return Vec::new();
        }
        if field.get_basic_info().converted_type() != ConvertedType::LIST {
            return unknown(field, value, &path);
        }
        let element = &field.get_fields()[0].get_fields()[0];
        let entry = &value[0];
        if element.is_group() { unknown(element, entry, &path) } else { Vec::new() }
    });
    unknown.collect()
}

#[test]
fn every_field_of_the_json_has_a_column() {
    let row = serde_json::to_value(full()).unwrap();
    assert_eq!(unknown(&schema::key_usage(), &row, ""), Vec::<String>::new());
}

/// The rows as the library itself reads them, and in how many row groups they are.
fn written_and_read(rows: Vec<KeyUsage>, row_group: usize) -> (Vec<String>, usize) {
    let mut file = tempfile::tempfile().unwrap();
    let rows = Rows::Told(rows, GroupBy::Key);
    write(&rows, &Summary::default(), row_group, &mut file).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
    (rows, reader.num_row_groups())
}

#[test]
fn row_groups_are_bounded_and_mean_the_same() {
    let rows = || vec![full(), KeyUsage::default(), full()];
    let (in_one, groups) = written_and_read(rows(), usize::MAX);
    assert_eq!((in_one.len(), groups), (3, 1));
    assert_eq!(written_and_read(rows(), 1), (in_one.clone(), 3));
    assert_eq!(in_one[0], in_one[2]);
    assert!(in_one[0].contains("credential_sources: [\"imds\", \"profile\"]"), "{}", in_one[0]);
    assert!(in_one[1].contains("access_key_id: null"), "{}", in_one[1]);
    assert!(in_one[1].contains("actions: []"), "{}", in_one[1]);
    assert_eq!(written_and_read(Vec::new(), 1), (Vec::new(), 0));
}
