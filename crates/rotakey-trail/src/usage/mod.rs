//! Who uses each access key, since when, for what and from where.
//!
//! All threads count into one table, which is cut into many parts with a lock each: a table for each thread would take
//! the memory of all of them. A thread takes a batch of records, turns their texts into numbers, and then counts part by
//! part.

mod counts;
pub mod schema;
mod symbols;
mod table;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashTable;

use crate::answer::Answer;
use crate::consumer::Consumer;
use crate::event_time::EventTime;
use crate::minted::Minted;
use crate::outcome::Outcome;
use crate::record::Record;
use counts::Counts;
use symbols::{Class, Recent, Symbol, Symbols, TextHash};
pub use table::{RowSums, UsageTable};

/// The parts of the table.
const PARTS: usize = 64;

/// How many symbols a call has at the most, its principal not counted.
const MOST_SYMBOLS: usize = 7;

/// What the rows are about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// A row for each key.
    #[default]
    Key,
    /// A row for each user or role, whichever keys it used.
    Principal,
    /// A row for each key and consumer.
    Consumer,
    /// A row for each key and service.
    Service,
    /// A row for each key and day, in UTC.
    Day,
}

/// Sums up the use of every key.
pub struct UsageAnswer {
    shared: Arc<Shared>,
    recent: Recent,
    calls: Vec<Call>,
    order: Vec<u32>,
}

/// What all threads count into.
#[derive(Debug)]
pub(crate) struct Shared {
    group_by: GroupBy,
    /// The keys that count; all if there are none.
    keys: BTreeSet<String>,
    symbols: Symbols,
    parts: Vec<Mutex<Part>>,
}

/// The rows whose hashes begin alike.
#[derive(Debug, Default)]
struct Part {
    places: HashTable<(u64, u32)>,
    rows: Vec<Counts>,
}

/// A call, in numbers.
struct Call {
    row: u64,
    time: EventTime,
    outcome: Outcome,
    principal: Option<Symbol>,
    symbols: [Symbol; MOST_SYMBOLS],
    count: usize,
    /// The place of the record in its batch.
    record: u32,
}

/// Makes answers that count together.
#[derive(Debug, Clone)]
pub struct Usage(Arc<Shared>);

impl Usage {
    /// The use of all keys. Nothing is counted yet.
    pub fn new(group_by: GroupBy) -> Self {
        Self::of_keys(group_by, BTreeSet::new())
    }

    /// The use of these keys, or of all if none are named. What sessions do that were minted from a key is told of it
    /// all the same.
    pub fn of_keys(group_by: GroupBy, keys: BTreeSet<String>) -> Self {
        let parts = (0..PARTS).map(|_| Mutex::default()).collect();
        Self(Arc::new(Shared { group_by, keys, symbols: Symbols::new(), parts }))
    }

    /// One for a thread.
    pub fn answer(&self) -> UsageAnswer {
        UsageAnswer { shared: self.0.clone(), recent: Recent::new(), calls: Vec::new(), order: Vec::new() }
    }

    /// What was counted, once all threads are done.
    pub fn finish(self) -> UsageTable {
        UsageTable::new(self.0)
    }
}

impl Answer for UsageAnswer {
    fn take(&mut self, records: &[Record<'_>]) {
        self.calls.clear();
        for (place, record) in records.iter().enumerate() {
            if let Some(key) = record.identity.access_key_id.filter(|key| self.shared.counts(key)) {
                let call = self.call(key, record, place as u32);
                self.calls.push(call);
            }
        }
        let part_of = |row: u64| (row >> 58) as u32;
        self.order.clear();
        self.order.extend(
            self.calls.iter().enumerate().map(|(place, call)| part_of(call.row) << 24 | place as u32),
        );
        self.order.sort_unstable();
        let shared = &*self.shared;
        for group in self.order.chunk_by(|left, right| left >> 24 == right >> 24) {
            let mut part = shared.part((group[0] >> 24) as usize);
            for place in group {
                let call = &self.calls[(place & 0xff_ffff) as usize];
                let record = &records[call.record as usize];
                let row = part.row(call.row, || shared.new_row(record));
                row.count(call.time, call.outcome, &call.symbols[..call.count]);
                if let Some(principal) = call.principal {
                    let is_greater = |known| {
                        let texts = shared.symbols.texts();
                        texts.of(principal) > texts.of(known)
                    };
                    row.principal(call.time, principal, is_greater);
                }
            }
        }
        if shared.group_by == GroupBy::Key {
            for record in records {
                if let Some((parent, child)) = record.identity.access_key_id.zip(Minted::child(record)) {
                    shared.mint(parent, &child);
                }
            }
        }
    }

    /// Both count into the same table already.
    fn merge(&mut self, other: Self) {
        debug_assert!(Arc::ptr_eq(&self.shared, &other.shared), "answers of one `Usage` are merged");
    }
}

impl UsageAnswer {
    /// Turns the texts of a record into numbers.
    #[inline]
    fn call(&mut self, key: &str, record: &Record<'_>, place: u32) -> Call {
        let shared = &*self.shared;
        let symbols = &shared.symbols;
        let recent = &mut self.recent;
        let mut call = Call {
            row: shared.row_of(key, record),
            time: record.time,
            outcome: Outcome::of(record.error_code),
            principal: None,
            symbols: [Symbol::OTHER; MOST_SYMBOLS],
            count: 0,
            record: place,
        };
        let action = [record.event_source, record.event_name];
        call.add(numbered(symbols, recent, Class::Action, &action));
        let mut plain = |class: Class, text: Option<&str>| {
            if let Some(text) = text {
                let hash = symbols.hash(class, text);
                call.add(recent.number(symbols, class, hash, |texts| texts.push_str(text)));
            }
        };
        plain(Class::Source, record.source_ip);
        plain(Class::Agent, record.user_agent);
        plain(Class::Region, record.region);
        plain(Class::VpcEndpoint, record.vpc_endpoint_id);
        plain(Class::InvokedBy, record.identity.invoked_by);
        if let Some(code) = record.error_code {
            let error = [record.event_source, record.event_name, code];
            call.add(numbered(symbols, recent, Class::Error, &error));
        }
        let identity = &record.identity;
        if let Some(arn) = identity.arn {
            let part = |text: Option<&'_ str>| text.unwrap_or_default().to_owned();
            let hash = symbols.join(
                Class::Principal,
                &[
                    arn,
                    identity.kind.unwrap_or_default(),
                    identity.account_id.unwrap_or_default(),
                    identity.user_name.unwrap_or_default(),
                ],
            );
            let text = |texts: &mut String| {
                let parts = [
                    part(Some(arn)),
                    part(identity.kind),
                    part(identity.account_id),
                    part(identity.user_name),
                ];
                texts.push_str(&parts.join("\0"));
            };
            call.principal = Some(recent.number(symbols, Class::Principal, hash, text));
        }
        call
    }
}

/// The number of several texts together.
#[inline]
fn numbered(symbols: &Symbols, recent: &mut Recent, class: Class, texts: &[&str]) -> Symbol {
    let hash = symbols.join(class, texts);
    recent.number(symbols, class, hash, |bytes| {
        for (place, text) in texts.iter().enumerate() {
            if place > 0 {
                bytes.push('\0');
            }
            bytes.push_str(text);
        }
    })
}

impl Call {
    #[inline]
    fn add(&mut self, symbol: Symbol) {
        self.symbols[self.count] = symbol;
        self.count += 1;
    }
}

impl Shared {
    /// Whether the use of that key is counted. Of keys that are not asked about it still is where the rows are keys: they
    /// may have been minted from those that are.
    #[inline]
    fn counts(&self, key: &str) -> bool {
        self.keys.is_empty() || self.group_by == GroupBy::Key || self.keys.contains(key)
    }

    fn part(&self, number: usize) -> std::sync::MutexGuard<'_, Part> {
        self.parts[number].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hash of the row that a record counts in.
    #[inline]
    fn row_of(&self, key: &str, record: &Record<'_>) -> u64 {
        let symbols = &self.symbols;
        match self.group_by {
            GroupBy::Key => symbols.hash(Class::Key, key).0,
            GroupBy::Principal => symbols.hash(Class::Group, &principal_of(record)).0,
            GroupBy::Service => symbols.join(Class::Group, &[key, record.service()]).0,
            GroupBy::Consumer | GroupBy::Day => {
                symbols.join(Class::Group, &[key, &self.group_of(record).unwrap_or_default()]).0
            }
        }
    }

    /// What the row of a record is grouped by beside the key.
    fn group_of(&self, record: &Record<'_>) -> Option<String> {
        match self.group_by {
            GroupBy::Key => None,
            GroupBy::Principal => Some(principal_of(record)),
            GroupBy::Consumer => Some(Consumer::of(record).fingerprint()),
            GroupBy::Service => Some(record.service().to_owned()),
            GroupBy::Day => Some(record.time.to_string()[..10].to_owned()),
        }
    }

    fn new_row(&self, record: &Record<'_>) -> Counts {
        let key = record.identity.access_key_id.filter(|_| self.group_by != GroupBy::Principal);
        let mut recent = Recent::none();
        let mut symbol = |class: Class, text: &str| {
            recent.number(&self.symbols, class, self.symbols.hash(class, text), |texts| texts.push_str(text))
        };
        let group = self.group_of(record);
        Counts::new(key.map(|key| symbol(Class::Key, key)), group.map(|group| symbol(Class::Group, &group)))
    }

    /// Notes which key another one was minted from. If several are said to have done it, the first by name.
    fn mint(&self, parent: &str, child: &str) {
        let mut recent = Recent::none();
        let mut symbol = |key: &str| {
            let hash: TextHash = self.symbols.hash(Class::Key, key);
            recent.number(&self.symbols, Class::Key, hash, |texts| texts.push_str(key))
        };
        let (row, parent, child) = (self.symbols.hash(Class::Key, child).0, symbol(parent), symbol(child));
        let mut part = self.part((row >> 58) as usize);
        let row = part.row(row, || Counts::new(Some(child), None));
        match row.parent {
            Some(known) => {
                let texts = self.symbols.texts();
                if texts.of(parent) < texts.of(known) {
                    row.parent = Some(parent);
                }
            }
            None => row.parent = Some(parent),
        }
    }
}

impl Part {
    /// The row with that hash.
    #[inline]
    fn row(&mut self, hash: u64, new: impl FnOnce() -> Counts) -> &mut Counts {
        // The upper bits are alike in all rows of a part; the table wants them to differ.
        let spread = |hash: u64| hash.rotate_left(6);
        let place = match self.places.find(spread(hash), |(known, _)| *known == hash) {
            Some((_, place)) => *place as usize,
            None => {
                let place = self.rows.len();
                self.rows.push(new());
                self.places.insert_unique(spread(hash), (hash, place as u32), |(hash, _)| spread(*hash));
                place
            }
        };
        &mut self.rows[place]
    }
}

/// The principal that rows are grouped by: of a role session the role, whatever the session is called.
fn principal_of(record: &Record<'_>) -> String {
    let arn = record.identity.arn.unwrap_or_default();
    let is_session = arn.split(':').nth(5).is_some_and(|resource| resource.starts_with("assumed-role/"));
    match arn.rsplit_once('/') {
        Some((role, _)) if is_session => role.to_owned(),
        _ => arn.to_owned(),
    }
}
