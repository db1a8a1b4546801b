use proptest::prelude::*;

use super::*;
use crate::cadence::DayUse;
use crate::network::Network;
use crate::record::Record;
use crate::timeline::{Risk, risks};
use crate::usage::schema::{
    ActionUse, AgentUse, BaselineUse, ErrorUse, ListedUse, NameUse, NetworkUse, Tally,
};
use crate::user_agent::Agent;

const COUNTRIES: &str = "192.0.2.0/24,CH\n198.51.100.0/24,CH\n203.0.113.0/24,NZ\n";
const AWS: &str = r#"{"prefixes": [{"ip_prefix": "52.0.0.0/8", "region": "us-east-1", "service": "EC2"}]}"#;

/// The baseline ends with the tenth day.
fn baseline() -> Baseline {
    Baseline::new(day(10))
}

fn day(day: i64) -> EventTime {
    EventTime::from_seconds(1_700_006_400 + day * 86_400).unwrap()
}

fn lists() -> Lists {
    let mut lists = Lists::default();
    lists.add_countries("geo.csv", COUNTRIES).unwrap();
    lists.set_aws_ranges("ip-ranges.json", AWS).unwrap();
    lists
}

/// A key that made so many calls on each of ten days of the baseline, from home, and is used after it.
fn row(key: &str) -> KeyUsage {
    let mut row = KeyUsage {
        access_key_id: Some(key.to_owned()),
        principal_arn: Some("arn:aws:iam::111122223333:user/deploy".to_owned()),
        last_at: Some(day(20)),
        baseline: Some(BaselineUse { until: day(10), active_days: 10, calls: 100 }),
        ..KeyUsage::default()
    };
    network(&mut row, "192.0.2.1", 0);
    region(&mut row, "eu-west-1", 0);
    agent(&mut row, "Boto3/1.17.101 Python/3.8.10", 0);
    row
}

fn network(row: &mut KeyUsage, source: &str, on: i64) {
    row.networks.push(NetworkUse { network: Network::of(source), addresses: 1, tally: Tally::once(day(on)) });
}

fn region(row: &mut KeyUsage, name: &str, on: i64) {
    row.regions.push(NameUse { name: name.to_owned(), tally: Tally::once(day(on)) });
}

fn agent(row: &mut KeyUsage, user_agent: &str, on: i64) {
    row.user_agents.push(AgentUse { agent: Agent::parse(user_agent), tally: Tally::once(day(on)) });
}

fn action(row: &mut KeyUsage, action: &str, calls: u64, errors: &[(&str, u64)]) {
    let (service, action) = action.split_once(':').unwrap();
    let (service, action) = (service.to_owned(), action.to_owned());
    for (code, calls) in errors {
        let tally = Tally { calls: *calls, ..Tally::once(day(12)) };
        let code = (*code).to_owned();
        row.errors.push(ErrorUse { service: service.clone(), action: action.clone(), code, tally });
    }
    row.actions.push(ActionUse { service, action, tally: Tally { calls, ..Tally::once(day(12)) } });
}

/// What is found, a line for each.
fn told(row: KeyUsage) -> String {
    let lines = find(&[row], &baseline(), &lists()).anomalies.into_iter().map(|found| {
        let baseline = found.baseline.map(|baseline| format!(" ({baseline})")).unwrap_or_default();
        format!("{} {} {}: {}{baseline}", found.severity, found.code, found.at, found.evidence.text)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_as_before_is_no_anomaly() {
    let mut row = row("AKIA1");
    network(&mut row, "192.0.2.200", 15);
    network(&mut row, "s3.amazonaws.com", 15);
    network(&mut row, "AWS Internal", 15);
    region(&mut row, "eu-west-1", 15);
    // An upgrade.
    agent(&mut row, "Boto3/1.42.69 lang/python#3.13 exec-env/AWS_ECS_FARGATE", 15);
    assert_eq!(told(row), "");
}

#[test]
fn what_is_new_is_told_with_what_was_before() {
    let mut row = row("AKIA1");
    network(&mut row, "198.51.100.7", 12);
    network(&mut row, "203.0.113.9", 13);
    region(&mut row, "ap-south-1", 14);
    agent(&mut row, "aws-cli/2.1 Python/3.8", 15);
    agent(&mut row, "Boto3/1.17 lang/go#1", 16);
    insta::assert_snapshot!(told(row), @"
    high new-country 2023-11-28T00:00:00Z: used from NZ for the first time, from 203.0.113.0/24 (100 calls on 10 days before 2023-11-25T00:00:00Z, always CH)
    medium new-region 2023-11-29T00:00:00Z: used in ap-south-1 for the first time (100 calls on 10 days before 2023-11-25T00:00:00Z, always eu-west-1)
    medium new-agent 2023-11-30T00:00:00Z: used by aws-cli python and Boto3 go for the first time (100 calls on 10 days before 2023-11-25T00:00:00Z, always Boto3 python)
    low new-network 2023-11-27T00:00:00Z: used from 198.51.100.0/24 for the first time (100 calls on 10 days before 2023-11-25T00:00:00Z, always 192.0.2.0/24)
    ");
}

#[test]
fn without_a_baseline_nothing_is_new_and_the_key_is_counted() {
    let story = |change: fn(&mut KeyUsage)| {
        let mut row = row("AKIA1");
        region(&mut row, "ap-south-1", 14);
        change(&mut row);
        let found = find(&[row], &baseline(), &lists());
        (found.anomalies.len(), found.keys_without_baseline, found.session_keys)
    };
    assert_eq!(story(|_| {}), (1, 0, 0));
    assert_eq!(story(|row| row.baseline = None), (0, 1, 0));
    assert_eq!(story(|row| row.baseline.as_mut().unwrap().active_days = 4), (0, 1, 0));
    assert_eq!(story(|row| row.baseline.as_mut().unwrap().calls = 19), (0, 1, 0));
    // Counted until another time.
    assert_eq!(story(|row| row.baseline.as_mut().unwrap().until = day(9)), (0, 1, 0));
    // Not used since: nothing could have been found.
    let unused = |row: &mut KeyUsage| (row.baseline, row.last_at) = (None, Some(day(3)));
    assert_eq!(story(unused), (0, 0, 0));
    let session = |row: &mut KeyUsage| (row.baseline, row.access_key_id) = (None, Some("ASIA1".to_owned()));
    assert_eq!(story(session), (0, 0, 1));
    // A part of a key's use.
    assert_eq!(story(|row| row.service = Some("s3".to_owned())), (0, 0, 0));
}

#[test]
fn a_listed_address_needs_no_baseline() {
    let mut row = row("AKIA1");
    row.baseline = None;
    for (address, on) in [("192.0.2.8", 3), ("192.0.2.7", 2)] {
        let tally = Tally::once(day(on));
        row.listed_addresses.push(ListedUse {
            address: address.parse().unwrap(),
            list: "tor.txt".to_owned(),
            tally,
        });
    }
    assert_eq!(
        told(row),
        "high listed-address 2023-11-17T00:00:00Z: used from 192.0.2.7 and 192.0.2.8, which tor.txt lists"
    );
}

fn session(name: &str, networks: &[(&str, i64)]) -> KeyUsage {
    let mut row = KeyUsage {
        access_key_id: Some("ASIA1".to_owned()),
        principal_arn: Some(format!("arn:aws:sts::111122223333:assumed-role/app/{name}")),
        ..KeyUsage::default()
    };
    networks.iter().for_each(|(source, on)| network(&mut row, source, *on));
    row
}

#[test]
fn the_session_of_an_instance_belongs_into_one_place_within_aws() {
    let instance = "i-0123456789abcdef0";
    assert_eq!(told(session(instance, &[("52.1.2.3", 1), ("10.1.2.3", 1), ("2600:1f18::1", 1)][..2])), "");
    assert_eq!(
        told(session(instance, &[("52.1.2.3", 1), ("192.0.2.1", 2)])),
        "critical instance-session-outside-aws 2023-11-17T00:00:00Z: the session of instance i-0123456789abcdef0, \
         used from 192.0.2.0/24, which is not AWS's"
    );
    assert_eq!(
        told(session(instance, &[("52.1.2.3", 1), ("52.9.9.9", 3)])),
        "medium instance-session-in-several-networks 2023-11-18T00:00:00Z: the session of instance \
         i-0123456789abcdef0, used from several networks: 52.1.2.0/24 and 52.9.9.0/24"
    );
    // A name that only looks like it.
    assert_eq!(told(session("i-love-aws", &[("192.0.2.1", 2)])), "");
    // The client says where its credentials are from.
    let mut row = session("app", &[("192.0.2.1", 2)]);
    agent(&mut row, "Boto3/1.42 m/0,E", 2);
    assert!(told(row).starts_with("critical instance-session-outside-aws"));
}

#[test]
fn without_the_ranges_of_aws_nothing_is_outside_of_it() {
    let row = session("i-0123456789abcdef0", &[("192.0.2.1", 2)]);
    assert_eq!(find(&[row], &baseline(), &Lists::default()).anomalies, []);
}

#[test]
fn the_key_of_one_session_in_several_networks() {
    assert_eq!(
        told(session("anna", &[("192.0.2.1", 1), ("203.0.113.1", 2)])),
        "medium session-key-in-several-networks 2023-11-17T00:00:00Z: the key of one session, used from several \
         networks: 192.0.2.0/24 and 203.0.113.0/24"
    );
    // Of both families, as from one desk.
    assert_eq!(told(session("anna", &[("192.0.2.1", 1), ("2001:db8::1", 2)])), "");
    // A function runs on many machines of AWS.
    assert_eq!(told(session("function", &[("52.1.1.1", 1), ("52.2.2.2", 2)])), "");
}

#[test]
fn logging_switched_off_is_told_and_an_attempt_is_told_as_one() {
    let mut row = row("AKIA1");
    action(&mut row, "cloudtrail:StopLogging", 3, &[("AccessDenied", 2)]);
    action(&mut row, "cloudtrail:DeleteTrail", 2, &[("AccessDenied", 1), ("ThrottlingException", 1)]);
    action(&mut row, "cloudtrail:PutEventSelectors", 1, &[]);
    action(&mut row, "cloudtrail:DescribeTrails", 1, &[]);
    insta::assert_snapshot!(told(row), @"
    critical logging-switched-off 2023-11-27T00:00:00Z: called cloudtrail:StopLogging
    high logging-changed 2023-11-27T00:00:00Z: called cloudtrail:PutEventSelectors
    medium logging-change-attempted 2023-11-27T00:00:00Z: tried, and failed, to call cloudtrail:DeleteTrail
    ");
}

#[test]
fn what_switches_logging_off_is_evasion_in_a_timeline_too() {
    for (service, action) in logging::OFF.iter().chain(logging::CHANGE) {
        let source = format!("{service}.amazonaws.com");
        let record = Record { event_source: &source, event_name: action, ..Record::default() };
        assert!(risks(&record).0.contains(&Risk::Evasion), "{service}:{action}");
    }
}

#[test]
fn the_codes_are_a_contract() {
    let codes: Vec<_> = Code::ALL.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(codes.join("\n"), @"
    new-network
    new-country
    new-region
    new-agent
    listed-address
    instance-session-outside-aws
    instance-session-in-several-networks
    session-key-in-several-networks
    logging-switched-off
    logging-changed
    logging-change-attempted
    ");
    for code in Code::ALL {
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
    }
}

#[test]
fn evidence_is_bounded_and_told_in_parts() {
    let mut row = row("AKIA1");
    (0..200).for_each(|third| network(&mut row, &format!("20.1.{third}.1"), 12));
    row.truncated = true;
    let found = find(&[row], &baseline(), &lists()).anomalies;
    let json = serde_json::to_string_pretty(&found[0]).unwrap();
    insta::assert_snapshot!(json, @r#"
    {
      "code": "new-network",
      "severity": "low",
      "access_key_id": "AKIA1",
      "principal_arn": "arn:aws:iam::111122223333:user/deploy",
      "at": "2023-11-27T00:00:00Z",
      "evidence": {
        "text": "used from 20.1.0.0/24, 20.1.1.0/24 and 198 others for the first time",
        "fields": {
          "lists": "cut",
          "networks": "20.1.0.0/24, 20.1.1.0/24, 20.1.10.0/24, 20.1.100.0/24, 20.1.101.0/24, 20.1.102.0/24, 20.1.103.0/24, 20.1.104.0/24, 20.1.105.0/24, 20.1.106.0/24",
          "networks_count": "200"
        }
      },
      "baseline": "100 calls on 10 days before 2023-11-25T00:00:00Z, always 192.0.2.0/24"
    }
    "#);
    assert_eq!(serde_json::from_str::<Anomaly>(&json).unwrap(), found[0]);
}

#[test]
fn the_use_before_a_baseline_is_that_of_whole_days() {
    let times = [0, 1, 1, 9, 10, 11];
    let mut days: Vec<DayUse> = Vec::new();
    for on in times {
        let once = DayUse::once(day(on));
        match days.last_mut().filter(|last| last.day == once.day) {
            Some(last) => last.add(once),
            None => days.push(once),
        }
    }
    let noon = EventTime::from_seconds(day(10).seconds() + 43_200).unwrap();
    let expected = BaselineUse { until: day(10), active_days: 3, calls: 4 };
    assert_eq!((BaselineUse::of(&days, noon), BaselineUse::of(&days, day(10))), (expected, expected));
}

proptest! {
    #[test]
    fn what_was_there_in_the_baseline_is_never_new(
        seen in proptest::collection::vec((0_u8..6, 0_i64..20), 0..30),
    ) {
        let mut row = row("AKIA1");
        for (which, on) in &seen {
            network(&mut row, &format!("20.1.{which}.1"), *on);
            region(&mut row, &format!("r{which}"), *on);
        }
        let before: Vec<u8> = seen.iter().filter(|(_, on)| *on < 10).map(|(which, _)| *which).collect();
        let mut new: Vec<u8> = seen.iter().map(|(which, _)| *which).filter(|which| !before.contains(which)).collect();
        new.sort_unstable();
        new.dedup();
        let found = find(&[row], &baseline(), &Lists::default());
        for (code, field, name) in [
            (Code::NewNetwork, "networks", (|which| format!("20.1.{which}.0/24")) as fn(u8) -> String),
            (Code::NewRegion, "regions", |which| format!("r{which}")),
        ] {
            let anomaly = found.anomalies.iter().find(|anomaly| anomaly.code == code);
            let told = anomaly.map(|anomaly| anomaly.evidence.fields[field].clone()).unwrap_or_default();
            let mut told: Vec<_> = told.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect();
            told.sort();
            prop_assert_eq!(told, new.iter().map(|which| name(*which)).collect::<Vec<_>>());
        }
    }
}
