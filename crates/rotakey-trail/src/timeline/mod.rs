//! What a key and the sessions minted from it did, in order of time, with marks on what matters.
//!
//! The trail is read twice, as for [`crate::lineage`].

use std::sync::Arc;

use serde::Serialize;

use crate::answer::Answer;
use crate::bounded::{BoundedMap, clip};
use crate::event_time::EventTime;
use crate::lineage::{Chains, KeySet};
use crate::record::Record;
use crate::selection::Selection;
use crate::user_agent::Agent;

mod fold;
mod risk;
mod rules;
mod target;

pub use fold::{Burst, Entry, Run, actor, fold, unfolded};
pub use risk::{Level, Risk, is_look, risks, without_version};
pub use target::{Target, targets};

/// The most distinct actions that are counted one by one.
const MOST_ACTIONS: usize = 10_000;

/// No text of a row is longer than so many bytes.
const LONGEST_TEXT: usize = 1_024;

/// Pass 2: the calls of a key and its descendants. In memory are never more than twice `limit` calls: of the others
/// the grave ones are kept before the mild, those before the unmarked, and of equals the later ones.
#[derive(Debug, Clone)]
pub struct Timeline {
    chains: Chains,
    options: TimelineOptions,
    /// Unsorted.
    rows: Vec<Call>,
    /// Whatever is not after this is not kept any more.
    floor: Option<(Level, EventTime)>,
    seen: Counts,
    actions: BoundedMap<(String, String), ActionTally>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineOptions {
    /// Which calls. Further ones may be read, so that it is known where a session comes from.
    pub selection: Selection,
    /// How many calls are told.
    pub limit: usize,
    /// Whether calls without any mark are only counted.
    pub risk_only: bool,
}

/// One call. Sorted by importance: what sorts first is dropped first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Call {
    /// The worst of its marks.
    pub level: Level,
    /// When.
    pub at: EventTime,
    /// `eventID`, by which the record is found again.
    pub event_id: Option<String>,
    /// The key that signed it.
    pub access_key_id: String,
    /// The service in short, such as `iam`.
    pub service: String,
    /// `eventName`.
    pub action: String,
    /// What it acted on.
    pub targets: Vec<Target>,
    /// What makes it worth a look.
    pub risks: Vec<Risk>,
    /// Any error code: it was tried, and failed.
    pub error_code: Option<String>,
    /// The principal that it was signed as.
    pub arn: Option<String>,
    /// The account.
    pub account_id: Option<String>,
    /// `awsRegion`.
    pub region: Option<String>,
    /// `sourceIPAddress`.
    pub source: Option<String>,
    /// The client, as it describes itself.
    pub agent: Option<Agent>,
    /// `readOnly`.
    pub read_only: Option<bool>,
}

/// How many calls there were of each level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Counts {
    pub grave: u64,
    pub mild: u64,
    pub unmarked: u64,
}

impl Counts {
    fn of(&mut self, level: Level) -> &mut u64 {
        match level {
            Level::Grave => &mut self.grave,
            Level::Mild => &mut self.mild,
            Level::None => &mut self.unmarked,
        }
    }

    /// All of them.
    pub fn total(self) -> u64 {
        self.grave + self.mild + self.unmarked
    }
}

/// How often an action was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ActionTally {
    pub calls: u64,
    pub failed_calls: u64,
    pub first_at: EventTime,
    pub last_at: EventTime,
    /// The worst level of its calls.
    pub level: Level,
}

/// The timeline of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimelineDocument {
    /// The key.
    pub access_key_id: String,
    /// How many keys descend from it.
    pub descendants: u64,
    /// Whether all descendants were looked for.
    pub followed: bool,
    /// All calls that there were, told or not.
    pub calls: Counts,
    /// Those that are not told one by one: the least important first, and the oldest first among these.
    pub not_shown: Counts,
    /// What was called, all calls counted.
    pub actions: Vec<ActionUse>,
    /// Whether there were more actions than can be counted one by one.
    pub actions_cut: bool,
    /// The calls in order of time.
    pub rows: Vec<Row>,
}

/// One action with its counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ActionUse {
    pub service: String,
    pub action: String,
    #[serde(flatten)]
    pub tally: ActionTally,
}

/// One call and the way to its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The call.
    #[serde(flatten)]
    pub call: Call,
    /// Whether it is marked and failed: somebody tried.
    pub attempt: bool,
    /// The keys from the one asked about to the one that minted this call's; empty for calls of the key itself.
    pub via: Vec<String>,
}

impl Timeline {
    /// Nothing found yet of that set.
    pub fn new(set: Arc<KeySet>, options: TimelineOptions) -> Self {
        Self::of(Chains::new(set), options)
    }

    /// A further one that is asked the same and knows nothing yet, for another thread.
    pub fn fresh(&self) -> Self {
        Self::of(self.chains.fresh(), self.options.clone())
    }

    fn of(chains: Chains, options: TimelineOptions) -> Self {
        Self {
            chains,
            options,
            rows: Vec::new(),
            floor: None,
            seen: Counts::default(),
            actions: BoundedMap::new(MOST_ACTIONS),
        }
    }

    /// The timeline.
    pub fn document(mut self) -> TimelineDocument {
        self.drop_the_least();
        let mut rows: Vec<Row> = std::mem::take(&mut self.rows)
            .into_iter()
            .map(|call| Row {
                attempt: call.level > Level::None && call.error_code.is_some(),
                via: self.chains.of(&call.access_key_id),
                call,
            })
            .collect();
        rows.sort_by(|a, b| (a.call.at, &a.call).cmp(&(b.call.at, &b.call)));
        let mut not_shown = self.seen;
        rows.iter().for_each(|row| *not_shown.of(row.call.level) -= 1);
        let actions = self.actions.iter().map(|((service, action), tally)| ActionUse {
            service: service.clone(),
            action: action.clone(),
            tally: tally.clone(),
        });
        let mut actions: Vec<ActionUse> = actions.collect();
        actions.sort_by_key(|action| std::cmp::Reverse((action.tally.level, action.tally.calls)));
        TimelineDocument {
            access_key_id: self.chains.set().root().to_owned(),
            descendants: self.chains.set().descendants(),
            followed: !self.chains.set().is_cut(),
            calls: self.seen,
            not_shown,
            actions,
            actions_cut: self.actions.is_cut(),
            rows,
        }
    }

    /// Keeps as many rows as are asked for.
    fn drop_the_least(&mut self) {
        let limit = self.options.limit;
        if self.rows.len() <= limit {
            return;
        }
        self.rows.sort_unstable_by(|a, b| b.cmp(a));
        self.rows.truncate(limit);
        self.floor = self.rows.last().map(|last| (last.level, last.at));
    }

    fn count(&mut self, record: &Record<'_>, level: Level) {
        *self.seen.of(level) += 1;
        let once = ActionTally {
            calls: 1,
            failed_calls: u64::from(record.error_code.is_some()),
            first_at: record.time,
            last_at: record.time,
            level,
        };
        let none = ActionTally { calls: 0, failed_calls: 0, ..once.clone() };
        let key = (clipped(record.service()), clipped(record.event_name));
        self.actions.update(&key, Clone::clone, || none, |tally| tally.add(&once));
    }
}

impl ActionTally {
    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.failed_calls += other.failed_calls;
        self.first_at = self.first_at.min(other.first_at);
        self.last_at = self.last_at.max(other.last_at);
        self.level = self.level.max(other.level);
    }
}

impl Answer for Timeline {
    fn take(&mut self, records: &[Record<'_>]) {
        for record in records {
            let Some(key) = record.identity.access_key_id.filter(|key| self.chains.set().contains(key))
            else {
                continue;
            };
            self.chains.note(key);
            if !self.options.selection.has(record) {
                continue;
            }
            let (risks, level) = risks(record);
            self.count(record, level);
            let is_asked = level > Level::None || !self.options.risk_only;
            if !is_asked || self.floor.is_some_and(|floor| (level, record.time) < floor) {
                continue;
            }
            self.rows.push(call(record, key, risks, level));
            if self.rows.len() >= 2 * self.options.limit.max(1) {
                self.drop_the_least();
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.chains.merge(other.chains);
        self.rows.extend(other.rows);
        self.drop_the_least();
        for level in [Level::None, Level::Mild, Level::Grave] {
            let mut theirs = other.seen;
            *self.seen.of(level) += *theirs.of(level);
        }
        self.actions.merge(other.actions, |own, other| own.add(&other));
    }
}

fn call(record: &Record<'_>, key: &str, risks: Vec<Risk>, level: Level) -> Call {
    Call {
        level,
        at: record.time,
        event_id: record.event_id.map(clipped),
        access_key_id: key.to_owned(),
        service: clipped(record.service()),
        action: clipped(record.event_name),
        targets: targets(record),
        risks,
        error_code: record.error_code.map(clipped),
        arn: record.identity.arn.map(clipped),
        account_id: record.recipient_account_id.or(record.identity.account_id).map(clipped),
        region: record.region.map(clipped),
        source: record.source_ip.map(clipped),
        agent: record.user_agent.map(|agent| Agent::parse(clip(agent, LONGEST_TEXT))),
        read_only: record.read_only,
    }
}

fn clipped(text: &str) -> String {
    clip(text, LONGEST_TEXT).to_owned()
}

#[cfg(test)]
mod tests;
