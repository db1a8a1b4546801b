//! What stands in the table, and how it is read back.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use rotakey_core::id::RotationId;
use rotakey_core::rotate::{ChainHash, Record, Subject};
use rotakey_engine::store::{RotationSummary, Turn, microseconds};

pub(super) type Item = HashMap<String, AttributeValue>;

/// The keys of the table, and of its index.
pub(super) const PARTITION: &str = "pk";
pub(super) const SORT: &str = "sk";
pub(super) const TURN: &str = "turn";

pub(super) const VERSION: &str = "version";
pub(super) const ROTATION: &str = "rotation";
pub(super) const RECORDS: &str = "records";
pub(super) const FORMAT: &str = "format";
pub(super) const APPLICATION: &str = "application";
pub(super) const ORDINAL: &str = "ordinal";
const ACCOUNT_ID: &str = "account_id";
const USER_NAME: &str = "user_name";
const USER_ID: &str = "user_id";
const CONTROL: &str = "control";
const BODY: &str = "body";
const HASH: &str = "hash";

/// What the turn of a worker begins with, and that of a person.
pub(super) const WORKER: &str = "worker";
pub(super) const PERSON: &str = "person";
/// Sorts behind every instant.
const NEVER: &str = "never";
/// Sorts behind everything that a turn has after a blank.
const LAST: char = '~';

/// So many bytes of records go into one item. DynamoDB takes 400 KB.
const BYTES_PER_ITEM: usize = 300_000;

/// One rotation, without its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) id: RotationId,
    pub(super) subject: Subject,
    pub(super) version: u64,
    /// Its place in the order in which rotations began.
    pub(super) ordinal: u64,
    pub(super) turn: Option<Turn>,
}

impl Head {
    pub(super) fn read(item: &Item) -> Option<Self> {
        let turn = match item.get(TURN) {
            Some(turn) => Some(read_turn(turn.as_s().ok()?)?),
            None => None,
        };
        let subject = Subject {
            account_id: text(item, ACCOUNT_ID)?.parse().ok()?,
            user_name: text(item, USER_NAME)?.parse().ok()?,
            user_id: text(item, USER_ID)?.parse().ok()?,
        };
        let id = text(item, SORT)?.parse().ok()?;
        Some(Self { id, subject, version: number(item, VERSION)?, ordinal: number(item, ORDINAL)?, turn })
    }

    pub(super) fn write(&self) -> Item {
        let mut item = head_key(&self.id);
        item.extend([
            (ACCOUNT_ID.to_owned(), string(self.subject.account_id.to_string())),
            (USER_NAME.to_owned(), string(self.subject.user_name.as_str())),
            (USER_ID.to_owned(), string(self.subject.user_id.as_str())),
            (VERSION.to_owned(), numeric(self.version)),
            (ORDINAL.to_owned(), numeric(self.ordinal)),
        ]);
        item.extend(self.turn.map(|turn| (TURN.to_owned(), string(write_turn(turn, self.ordinal)))));
        item
    }

    pub(super) fn summary(self) -> RotationSummary {
        RotationSummary { id: self.id, subject: self.subject, turn: self.turn, version: self.version }
    }
}

pub(super) fn head_key(id: &RotationId) -> Item {
    key("rotation", id.as_str())
}

pub(super) fn heads() -> AttributeValue {
    string("rotation")
}

pub(super) fn lock_key(subject: &Subject) -> Item {
    key(&format!("user {}", subject.user_id.as_str()), "open")
}

pub(super) fn format_key() -> Item {
    key("rotakey", "format")
}

pub(super) fn ordinal_key() -> Item {
    key("rotakey", "ordinal")
}

/// What people say to all workers at once.
pub(super) fn controls() -> AttributeValue {
    string(CONTROL)
}

pub(super) fn control_key(name: &str) -> Item {
    key(CONTROL, name)
}

pub(super) fn write_control(name: &str, body: &str) -> Item {
    let mut item = control_key(name);
    item.insert(BODY.to_owned(), string(body));
    item
}

/// The name and the text.
pub(super) fn read_control(item: &Item) -> Option<(String, String)> {
    Some((text(item, SORT)?.to_owned(), text(item, BODY)?.to_owned()))
}

pub(super) fn log(id: &RotationId) -> AttributeValue {
    string(format!("log {}", id.as_str()))
}

fn key(partition: &str, sort: &str) -> Item {
    Item::from([(PARTITION.to_owned(), string(partition)), (SORT.to_owned(), string(sort))])
}

pub(super) fn string(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn numeric(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(super) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(super) fn number<T: std::str::FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// The records as items, as few as they fit into.
pub(super) fn write_records(id: &RotationId, records: &[Record]) -> Vec<Item> {
    let mut items = Vec::new();
    let mut rest = records;
    while let Some(first) = rest.first() {
        let mut bytes = 0;
        let fits = |record: &&Record| {
            bytes += record.body.len() + record.hash.as_str().len();
            bytes <= BYTES_PER_ITEM
        };
        let length = rest.iter().take_while(fits).count().max(1);
        let (taken, left) = rest.split_at(length);
        let records = taken.iter().map(|record| {
            let body = (BODY.to_owned(), string(record.body.as_str()));
            AttributeValue::M(Item::from([body, (HASH.to_owned(), string(record.hash.as_str()))]))
        });
        items.push(Item::from([
            (PARTITION.to_owned(), log(id)),
            (SORT.to_owned(), string(format!("{:020}", first.version))),
            (RECORDS.to_owned(), AttributeValue::L(records.collect())),
        ]));
        rest = left;
    }
    items
}

/// The records of one item.
pub(super) fn read_records(item: &Item) -> Option<Vec<Record>> {
    let first: u64 = text(item, SORT)?.parse().ok()?;
    let records = item.get(RECORDS)?.as_l().ok()?.iter().zip(first..);
    let record = |(record, version): (&AttributeValue, u64)| {
        let record = record.as_m().ok()?;
        let hash = ChainHash::from_stored(text(record, HASH)?.to_owned());
        Some(Record { version, body: text(record, BODY)?.to_owned(), hash })
    };
    records.map(record).collect()
}

/// The turn as the index sorts it.
pub(super) fn write_turn(turn: Turn, ordinal: u64) -> String {
    let whose = if turn.asks() { PERSON } else { WORKER };
    let due = turn.due().map_or_else(|| NEVER.to_owned(), instant);
    format!("{whose} {due} {ordinal:020}")
}

fn read_turn(text: &str) -> Option<Turn> {
    let mut words = text.split(' ');
    let (whose, due) = (words.next()?, words.next()?);
    let due = if due == NEVER { None } else { Some(read_instant(due)?) };
    match whose {
        WORKER => Turn::from_parts(due, false),
        PERSON => Turn::from_parts(due, true),
        _ => None,
    }
}

/// The range of turns of that kind, up to those that are due at that instant; all without one.
pub(super) fn range(whose: &str, until: Option<Timestamp>) -> (String, String) {
    let end = until.map_or_else(|| LAST.to_string(), |until| format!("{} {LAST}", instant(until)));
    (format!("{whose} "), format!("{whose} {end}"))
}

/// Microseconds from the earliest instant that a number can have, so that texts sort as instants do.
fn instant(at: Timestamp) -> String {
    format!("{:020}", i128::from(microseconds(at)) - i128::from(i64::MIN))
}

fn read_instant(text: &str) -> Option<Timestamp> {
    let shifted: i128 = text.parse().ok()?;
    Timestamp::from_microsecond(i64::try_from(shifted + i128::from(i64::MIN)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn turns_are_read_back_and_sort_by_whose_they_are_when_they_are_due_and_when_the_rotation_began() {
        let [early, late] = [at("1969-12-31T23:59:59.5Z"), at("2031-02-03T04:05:06.000001Z")];
        let turns = [
            (Turn::Person { due: Some(early) }, 7),
            (Turn::Person { due: None }, 1),
            (Turn::Worker { due: early }, 3),
            (Turn::Worker { due: late }, 2),
            (Turn::Worker { due: late }, 11),
        ];
        let written = turns.map(|(turn, ordinal)| write_turn(turn, ordinal));
        assert!(written.is_sorted(), "{written:?}");
        assert_eq!(written.each_ref().map(|text| read_turn(text).unwrap()), turns.map(|(turn, _)| turn));

        let within = |whose, until| {
            let (from, to) = range(whose, until);
            written.iter().filter(|turn| (from.as_str()..=to.as_str()).contains(&turn.as_str())).count()
        };
        assert_eq!(within(WORKER, Some(early)), 1);
        assert_eq!(within(WORKER, Some(late)), 3);
        assert_eq!((within(PERSON, Some(late)), within(PERSON, None)), (1, 2));
    }

    #[test]
    fn an_instant_is_rounded_up_so_that_nothing_is_due_too_early() {
        let turn = Turn::Worker { due: at("2031-02-03T04:05:06.000001001Z") };
        let kept = read_turn(&write_turn(turn, 1)).unwrap();
        assert_eq!(kept.due(), Some(at("2031-02-03T04:05:06.000002Z")));
    }

    #[test]
    fn records_are_cut_into_items_that_dynamodb_takes_and_read_in_order() {
        let id: RotationId = "r-abcdefgh".parse().unwrap();
        let record = |version| Record {
            version,
            body: "x".repeat(70_000),
            hash: ChainHash::from_stored(format!("hash {version}")),
        };
        let records: Vec<_> = (5..16).map(record).collect();
        let items = write_records(&id, &records);
        assert_eq!(items.len(), 3);
        let read: Vec<_> = items.iter().flat_map(|item| read_records(item).unwrap()).collect();
        assert_eq!(read, records);
    }
}
