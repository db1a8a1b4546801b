//! Who uses one key, as a rotation wants to know it: consumers by what they call where, from records as they are looked
//! up, or from the rows of an index.

use std::collections::{BTreeSet, HashMap, HashSet};

use bumpalo::Bump;
use jiff::{SignedDuration, Timestamp};
use rotakey_core::rotate;

use crate::cadence::{Cadence, DayUse};
use crate::consumer::Consumer;
use crate::event_time::EventTime;
use crate::minted::Minted;
use crate::record::Record;
use crate::rollup::{Batch, network_of_name};
use crate::scan::Scanner;
use crate::user_agent::{Agent, OWN};

/// The most consumers that are told apart.
const MOST_CONSUMERS: usize = 2_000;

/// The most sessions that are remembered.
const MOST_SESSIONS: usize = 10_000;

/// Operations that are data events wherever they are logged at all: a trail that knows one was told to log some.
const DATA_EVENTS: &[(&str, &[&str])] = &[
    ("s3", &["DeleteObject", "GetObject", "HeadObject", "ListObjects", "ListObjectsV2", "PutObject"]),
    ("dynamodb", &["BatchGetItem", "BatchWriteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"]),
    ("sqs", &["DeleteMessage", "ReceiveMessage", "SendMessage"]),
    ("sns", &["Publish"]),
    ("lambda", &["Invoke"]),
];

/// The uses of a key and of its sessions, as far as they were taken.
#[derive(Debug, Default)]
pub struct KeyUses {
    consumers: HashMap<rotate::Consumer, Vec<DayUse>>,
    sessions: BTreeSet<String>,
    seen: HashSet<String>,
    has_data_events: bool,
    is_cut: bool,
}

impl KeyUses {
    /// Takes a record of a call that the key or one of its sessions signed. Copies of one event count once. Calls of
    /// rotakey are left out.
    pub fn take(&mut self, record: &Record<'_>) {
        if record.event_id.is_some_and(|id| !self.seen.insert(id.to_owned())) {
            return;
        }
        let session = Minted::child(record).filter(|_| self.sessions.len() < MOST_SESSIONS);
        self.sessions.extend(session.map(|session| session.into_owned()));
        self.has_data_events |= record.event_category == Some("Data");
        let agent = Agent::parse(record.user_agent.unwrap_or_default());
        let consumer = Consumer::new(record, &agent);
        self.add(&consumer, record.service(), record.region.unwrap_or_default(), DayUse::once(record.time));
    }

    /// Takes one record as CloudTrail hands it out. Whether it was one.
    pub fn take_text(&mut self, text: &str) -> bool {
        let (arena, mut count) = (Bump::new(), 0);
        let scanned = Scanner::default().scan(text, true, &arena, &mut |record| {
            count += 1;
            self.take(record);
        });
        count == 1 && scanned.malformed.is_none()
    }

    /// Takes the rows of the key and of its sessions, all that are in the batch.
    pub fn take_rows(&mut self, batch: &Batch) {
        let name = |place: u32| batch.names.get(place as usize).map_or("", String::as_str);
        let some = |place: u32| Some(name(place)).filter(|name| !name.is_empty()).map(str::to_owned);
        for row in &batch.uses {
            let (client, operation) = match (
                batch.clients.get(row.place.client as usize),
                batch.operations.get(row.place.operation as usize),
            ) {
                (Some(client), Some(operation)) => (client, operation),
                _ => continue,
            };
            let invoked_by = some(client.invoked_by);
            let agent: Agent = serde_json::from_str(name(client.agent)).unwrap_or_default();
            let consumer = Consumer {
                network: some(client.network).filter(|_| invoked_by.is_none()).map(network_of_name),
                agent: agent.without_versions(),
                vpc_endpoint: some(client.vpc_endpoint).filter(|_| invoked_by.is_none()),
                invoked_by,
            };
            let (service, action) = (name(operation.service), name(operation.action));
            self.has_data_events |=
                DATA_EVENTS.iter().any(|(of, actions)| *of == service && actions.contains(&action));
            self.add(&consumer, service, name(operation.region), row.day_use);
        }
    }

    /// Says how many sessions the rows are of, beside the key itself.
    pub fn know_sessions(&mut self, sessions: impl IntoIterator<Item = String>) {
        self.sessions.extend(sessions);
    }

    /// The session keys that calls of the key gave out, as far as they were seen.
    pub fn sessions(&self) -> &BTreeSet<String> {
        &self.sessions
    }

    fn add(&mut self, consumer: &Consumer, service: &str, region: &str, day: DayUse) {
        if consumer.agent.family == OWN {
            return;
        }
        let source = match (&consumer.invoked_by, &consumer.network, &consumer.vpc_endpoint) {
            (Some(service), ..) => service.clone(),
            (None, Some(network), None) => network.to_string(),
            (None, Some(network), Some(endpoint)) => format!("{network} via {endpoint}"),
            (None, None, _) => "unknown source".to_owned(),
        };
        let agent = consumer.agent.to_string();
        let (service, region) = (service.to_owned(), region.to_owned());
        let consumer = rotate::Consumer { source, agent, service, region };
        if self.consumers.len() >= MOST_CONSUMERS && !self.consumers.contains_key(&consumer) {
            self.is_cut = true;
            return;
        }
        let days = self.consumers.entry(consumer).or_default();
        match days.last_mut() {
            Some(last) if last.day == day.day => last.add(day),
            _ => days.push(day),
        }
    }

    /// What was seen from then until then, and why that may not be all.
    pub fn usage(self, since: Timestamp, as_of: Timestamp, missing: &[String]) -> rotate::KeyUsage {
        let mut missing = missing.to_vec();
        if !self.has_data_events {
            missing.push(
                "there are no data events: who only reads and writes objects or items is not seen".into(),
            );
        }
        if self.is_cut {
            missing.push(format!("there are more than {MOST_CONSUMERS} consumers"));
        }
        let consumers = self.consumers.into_iter().filter_map(|(consumer, days)| used(consumer, &days));
        rotate::KeyUsage {
            since,
            as_of,
            consumers: consumers.collect(),
            sessions: self.sessions.len() as u64,
            incomplete: (!missing.is_empty()).then(|| missing.join("; ")),
        }
        .bounded()
    }
}

fn used(consumer: rotate::Consumer, days: &[DayUse]) -> Option<rotate::ConsumerUse> {
    let at = |seconds: Option<i64>| seconds.and_then(EventTime::from_seconds).map(Timestamp::from);
    let gap = Cadence::of(days)?.longest_gap_seconds;
    Some(rotate::ConsumerUse {
        consumer,
        first_at: at(days.iter().map(|day| day.first_second()).min())?,
        last_at: at(days.iter().map(|day| day.last_second()).max())?,
        calls: days.iter().map(|day| u64::from(day.calls)).sum(),
        longest_gap: SignedDuration::from_secs(i64::try_from(gap).unwrap_or(i64::MAX)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Answer as _;
    use crate::rollup::Rollup;

    const CLI: &str = "aws-cli/2.27.1 md/awscrt#0.26.1 ua/2.1 os/linux#6.1.0 lang/python#3.13.3";
    const OURS: &str =
        "aws-sdk-rust/1.3.9 ua/2.1 api/sts/1.124.0 os/linux lang/rust/1.97.0 lib/rotakey/0.1.0";

    fn record(at: &str, agent: &str, event: &str, more: &str) -> String {
        format!(
            r#"{{"eventID": "{at}{event}", "eventTime": "{at}", "eventSource": "s3.amazonaws.com", "eventName": "{event}",
                "awsRegion": "eu-west-1", "sourceIPAddress": "10.0.0.9", "userAgent": "{agent}",
                "userIdentity": {{"accessKeyId": "{}EXAMPLE"}}{more}}}"#,
            "AKIA"
        )
    }

    fn monthly() -> Vec<String> {
        ["2026-09-01T02:00:00Z", "2026-10-01T02:00:00Z", "2026-10-01T02:00:30Z", "2026-11-01T02:00:00Z"]
            .map(|at| record(at, CLI, "ListBuckets", ""))
            .to_vec()
    }

    fn usage(uses: KeyUses) -> rotate::KeyUsage {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        uses.usage(at("2026-08-20T00:00:00Z"), at("2026-11-20T00:00:00Z"), &[])
    }

    #[test]
    fn records_and_the_rows_of_an_index_tell_the_same_consumers() {
        let (mut from_records, mut rollup) = (KeyUses::default(), Rollup::default());
        for text in monthly().iter().chain([&record("2026-11-02T00:00:00Z", OURS, "ListBuckets", "")]) {
            assert!(from_records.take_text(text));
            let arena = Bump::new();
            Scanner::default().scan(text, true, &arena, &mut |record| rollup.take(&[*record]));
        }
        let mut from_rows = KeyUses::default();
        from_rows.take_rows(&rollup.into_batch());
        let told = usage(from_records);
        assert_eq!(told, usage(from_rows));
        assert_eq!(told.consumers.len(), 1, "rotakey is no consumer");
        let used = &told.consumers[0];
        assert_eq!(used.consumer.to_string(), "10.0.0.0/24, aws-cli python, s3 in eu-west-1");
        assert_eq!((used.calls, used.last_at), (4, "2026-11-01T02:00:00Z".parse().unwrap()));
        let gap = used.longest_gap.as_hours();
        assert!((30 * 24..=31 * 24).contains(&gap), "{gap} h");
    }

    #[test]
    fn copies_count_once_and_sessions_are_found_in_the_answers_of_the_key() {
        let session = format!("{}SESSION1", "ASIA");
        let minting =
            record("2026-11-01T02:00:00Z", CLI, "GetSessionToken", "").replace("s3.", "sts.").replacen(
                '{',
                &format!(r#"{{"responseElements": {{"credentials": {{"accessKeyId": "{session}"}}}}, "#),
                1,
            );
        let mut uses = KeyUses::default();
        assert!(uses.take_text(&minting) && uses.take_text(&minting));
        assert_eq!(uses.sessions().iter().collect::<Vec<_>>(), [&session]);
        let told = usage(uses);
        assert_eq!((told.consumers[0].calls, told.sessions), (1, 1));
    }

    #[test]
    fn without_data_events_nothing_is_complete() {
        let told = |more: &str| {
            let mut uses = KeyUses::default();
            assert!(uses.take_text(&record("2026-11-01T02:00:00Z", CLI, "GetObject", more)));
            usage(uses).incomplete
        };
        assert!(told("").unwrap().contains("no data events"));
        assert_eq!(told(r#", "eventCategory": "Data""#), None);
    }

    #[test]
    fn what_is_no_record_is_told() {
        assert!(!KeyUses::default().take_text("{\"eventTime\""));
    }
}
