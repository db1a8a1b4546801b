//! Who uses a key: the distinct consumers of it and of the sessions minted from it, and at the cut-over of a
//! rotation, which of them have moved to the new key.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use serde::Serialize;

use crate::answer::Answer;
use crate::bounded::{BoundedMap, clip};
use crate::cadence::{Cadence, DayUse};
use crate::consumer::Consumer;
use crate::event_time::EventTime;
use crate::lineage::{KeySet, Uses};
use crate::record::Record;
use crate::selection::Selection;
use crate::usage::schema::{NameUse, Tally};

mod cut_over;

pub use cut_over::{CutOver, Move, Verdict};

/// The most consumers that are told apart.
const MOST_CONSUMERS: usize = 2_000;

/// The most fingerprints that are kept at hand.
const MOST_RECENT: usize = 4_096;

/// The most services and regions of a consumer that are told.
const MOST_NAMES: usize = 300;

/// The most days of a consumer that its cadence is judged by.
const MOST_DAYS: usize = 1_500;

/// Pass 2: who used the old key, and who the new one if there is one. [`crate::lineage::Edges`] tell before which
/// sessions belong to which.
#[derive(Debug, Clone)]
pub struct Consumers {
    old: Arc<KeySet>,
    new: Option<Arc<KeySet>>,
    selection: Selection,
    consumers: BoundedMap<String, Found>,
    latest: Option<EventTime>,
    has_data_events: bool,
    recent: Recent,
}

/// The fingerprints of consumers that were seen lately: to read a user agent takes longer than all else. Found by a
/// hash with a secret key, so that nobody can make up a client that is taken for another.
#[derive(Debug, Clone, Default)]
struct Recent {
    secret: RandomState,
    fingerprints: HashMap<u64, String>,
}

impl Recent {
    fn fingerprint(&mut self, record: &Record<'_>) -> &str {
        let parts = (record.source_ip, record.user_agent, record.vpc_endpoint_id, record.identity.invoked_by);
        let hash = self.secret.hash_one(parts);
        if self.fingerprints.len() >= MOST_RECENT && !self.fingerprints.contains_key(&hash) {
            self.fingerprints.clear();
        }
        self.fingerprints.entry(hash).or_insert_with(|| Consumer::of(record).fingerprint())
    }
}

/// What was seen of one consumer, on the old key and on the new.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    consumer: Consumer,
    sides: [Side; 2],
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Side {
    uses: Uses,
    session_calls: u64,
    services: BoundedMap<String, Tally>,
    regions: BoundedMap<String, Tally>,
    days: BoundedMap<u32, DayUse>,
}

/// The consumers of a key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConsumersDocument {
    /// The key; at a cut-over the old one.
    pub access_key_id: String,
    /// The new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_access_key_id: Option<String>,
    /// The time of the last record of the trail, of whatever key: until then absence means something.
    pub told_until: Option<EventTime>,
    /// Whether the trail has data events at all. Without them whoever only reads and writes objects, items or messages
    /// is not seen.
    pub has_data_events: bool,
    /// Whether all sessions of the keys were looked for.
    pub followed: bool,
    /// Whether there are more consumers than can be told apart.
    pub consumers_cut: bool,
    /// How the cut-over stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Who uses it, the latest first.
    pub consumers: Vec<ConsumerUse>,
}

/// One consumer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConsumerUse {
    /// What tells it from others.
    pub fingerprint: String,
    /// Who it is, as far as a record tells it.
    #[serde(flatten)]
    pub consumer: Consumer,
    /// Whether it has moved to the new key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved: Option<Move>,
    /// Its use of the key, or of the old one.
    pub old: Option<KeyUse>,
    /// Its use of the new key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<KeyUse>,
}

/// How a consumer uses a key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeyUse {
    /// All calls.
    #[serde(flatten)]
    pub uses: Uses,
    /// Those signed by sessions that were minted from the key.
    pub session_calls: u64,
    /// The services, the most used first.
    pub services: Vec<NameUse>,
    /// `awsRegion`, the most used first.
    pub regions: Vec<NameUse>,
    /// On how many days it was used.
    pub active_days: u32,
    /// How regularly.
    pub cadence: Option<Cadence>,
    /// Whether a list was cut because it grew beyond bounds; the counts are right all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

impl Consumers {
    /// Nobody found yet. Only calls of that selection count.
    pub fn new(old: Arc<KeySet>, new: Option<Arc<KeySet>>, selection: Selection) -> Self {
        Self {
            old,
            new,
            selection,
            consumers: BoundedMap::new(MOST_CONSUMERS),
            latest: None,
            has_data_events: false,
            recent: Recent::default(),
        }
    }

    /// A further one that is asked the same and knows nothing yet, for another thread.
    pub fn fresh(&self) -> Self {
        Self::new(Arc::clone(&self.old), self.new.clone(), self.selection.clone())
    }

    /// The consumers; with a new key, `cut_over` says what has moved.
    pub fn document(&self, cut_over: &CutOver) -> ConsumersDocument {
        let mut consumers: Vec<ConsumerUse> = self
            .consumers
            .iter()
            .map(|(fingerprint, found)| ConsumerUse {
                fingerprint: fingerprint.clone(),
                consumer: found.consumer.clone(),
                moved: None,
                old: found.sides[0].told(),
                new: found.sides[1].told(),
            })
            .collect();
        consumers.sort_by_key(|consumer| std::cmp::Reverse(consumer.last_at()));
        let mut document = ConsumersDocument {
            access_key_id: self.old.root().to_owned(),
            new_access_key_id: self.new.as_ref().map(|new| new.root().to_owned()),
            told_until: self.latest,
            has_data_events: self.has_data_events,
            followed: !self.old.is_cut() && !self.new.as_ref().is_some_and(|new| new.is_cut()),
            consumers_cut: self.consumers.is_cut(),
            verdict: None,
            consumers,
        };
        if self.new.is_some() {
            cut_over.judge(&mut document);
        }
        document
    }
}

impl ConsumerUse {
    /// The last use of either key.
    pub fn last_at(&self) -> Option<EventTime> {
        let last_at = |side: &Option<KeyUse>| side.as_ref().and_then(|side| side.uses.last_at);
        last_at(&self.old).max(last_at(&self.new))
    }
}

impl Side {
    fn new() -> Self {
        Self {
            uses: Uses::default(),
            session_calls: 0,
            services: BoundedMap::new(MOST_NAMES),
            regions: BoundedMap::new(MOST_NAMES),
            days: BoundedMap::new(MOST_DAYS),
        }
    }

    fn take(&mut self, record: &Record<'_>, is_session: bool) {
        self.uses.add(Uses::once(record));
        self.session_calls += u64::from(is_session);
        let none = Tally { calls: 0, ..Tally::once(record.time) };
        let own = |name: &str| name.to_owned();
        let add = |tally: &mut Tally| tally.add(Tally::once(record.time));
        self.services.update(clip(record.service(), 256), own, || none, add);
        if let Some(region) = record.region {
            self.regions.update(clip(region, 256), own, || none, add);
        }
        let day = DayUse::once(record.time);
        let no_calls = DayUse { calls: 0, ..day };
        self.days.update(&day.day, |day| *day, || no_calls, |kept| kept.add(day));
    }

    fn merge(&mut self, other: Self) {
        self.uses.add(other.uses);
        self.session_calls += other.session_calls;
        self.services.merge(other.services, Tally::add);
        self.regions.merge(other.regions, Tally::add);
        self.days.merge(other.days, DayUse::add);
    }

    fn told(&self) -> Option<KeyUse> {
        let names = |names: &BoundedMap<String, Tally>| {
            let mut names: Vec<NameUse> =
                names.iter().map(|(name, tally)| NameUse { name: name.clone(), tally: *tally }).collect();
            names.sort_by_key(|name| std::cmp::Reverse(name.tally.calls));
            names
        };
        let days: Vec<DayUse> = self.days.iter().map(|(_, day)| *day).collect();
        (self.uses.calls > 0).then(|| KeyUse {
            uses: self.uses,
            session_calls: self.session_calls,
            services: names(&self.services),
            regions: names(&self.regions),
            active_days: days.len() as u32,
            cadence: Cadence::of(&days),
            truncated: self.services.is_cut() || self.regions.is_cut() || self.days.is_cut(),
        })
    }
}

impl Answer for Consumers {
    fn take(&mut self, records: &[Record<'_>]) {
        for record in records {
            if !self.selection.has(record) {
                continue;
            }
            self.latest = self.latest.max(Some(record.time));
            self.has_data_events |= record.event_category == Some("Data");
            let Some(key) = record.identity.access_key_id else { continue };
            let (side, set) = match &self.new {
                _ if self.old.contains(key) => (0, &self.old),
                Some(new) if new.contains(key) => (1, new),
                _ => continue,
            };
            let is_session = set.root() != key;
            self.consumers.update(
                self.recent.fingerprint(record),
                str::to_owned,
                || Found { consumer: Consumer::of(record), sides: [Side::new(), Side::new()] },
                |found| found.sides[side].take(record, is_session),
            );
        }
    }

    fn merge(&mut self, other: Self) {
        self.latest = self.latest.max(other.latest);
        self.has_data_events |= other.has_data_events;
        self.consumers.merge(other.consumers, |found, other| {
            for (side, other) in found.sides.iter_mut().zip(other.sides) {
                side.merge(other);
            }
        });
    }
}

#[cfg(test)]
mod tests;
