//! What is in a corpus, known from making it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};

use serde_json::{Value, json};

use crate::time;

/// What a reader should find in one event. Empty texts are absent.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) key: String,
    pub(crate) time: i64,
    pub(crate) source: &'static str,
    pub(crate) name: &'static str,
    pub(crate) region: &'static str,
    pub(crate) address: String,
    pub(crate) agent: String,
    pub(crate) error: &'static str,
    /// Whether it lacks an `eventID`, so that a copy of it counts as another event.
    pub(crate) is_anonymous: bool,
    /// The session key that it gives out, and whether that is told in the trail of the caller.
    pub(crate) child: String,
    /// What is odd about its text.
    pub(crate) trap: &'static str,
}

/// How a call ended.
fn is_denied(code: &str) -> bool {
    ["AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation", "VpceAccessDenied"]
        .contains(&code)
}

fn is_throttled(code: &str) -> bool {
    ["Throttling", "ThrottlingException", "Client.RequestLimitExceeded", "SlowDown"].contains(&code)
}

/// What was counted.
#[derive(Default)]
pub(crate) struct Truth {
    keys: HashMap<String, KeyTruth>,
    traps: BTreeMap<&'static str, u64>,
    /// Pairs of parent and child.
    lineage: u64,
    pub(crate) records: u64,
    pub(crate) duplicates: u64,
    keyed: u64,
    pub(crate) raw_bytes: u64,
    pub(crate) stored_bytes: u64,
    pub(crate) files: u64,
    pub(crate) empty_files: u64,
    pub(crate) pretty_files: u64,
    pub(crate) digests: u64,
    pub(crate) insights: u64,
    pub(crate) foreign: u64,
    pub(crate) largest_file: u64,
}

#[derive(Default)]
struct KeyTruth {
    calls: u64,
    denied: u64,
    failed: u64,
    throttled: u64,
    first: i64,
    last: i64,
    addresses: HashSet<u64>,
    agents: HashSet<u64>,
    regions: HashSet<&'static str>,
    actions: HashSet<(&'static str, &'static str)>,
}

impl Truth {
    /// Counts one event; a copy is counted as such.
    pub(crate) fn take(&mut self, facts: &Facts, is_copy: bool) {
        self.records += 1;
        if is_copy && !facts.is_anonymous {
            self.duplicates += 1;
            return;
        }
        if !facts.trap.is_empty() {
            *self.traps.entry(facts.trap).or_default() += 1;
        }
        if facts.key.is_empty() {
            return;
        }
        self.keyed += 1;
        self.lineage += u64::from(!facts.child.is_empty());
        if !self.keys.contains_key(&facts.key) {
            let first = KeyTruth { first: facts.time, last: facts.time, ..KeyTruth::default() };
            self.keys.insert(facts.key.clone(), first);
        }
        let key = self.keys.get_mut(&facts.key).expect("it was inserted where it was missing");
        key.calls += 1;
        key.first = key.first.min(facts.time);
        key.last = key.last.max(facts.time);
        if !facts.error.is_empty() {
            let is_throttled = is_throttled(facts.error);
            key.denied += u64::from(is_denied(facts.error));
            key.throttled += u64::from(is_throttled);
            key.failed += u64::from(!is_throttled);
        }
        if !facts.address.is_empty() {
            key.addresses.insert(hash(&facts.address));
        }
        if !facts.agent.is_empty() {
            key.agents.insert(hash(&facts.agent));
        }
        if !facts.region.is_empty() {
            key.regions.insert(facts.region);
        }
        key.actions.insert((facts.source, facts.name));
    }

    /// Adds what another thread counted.
    pub(crate) fn merge(&mut self, other: Self) {
        for (name, theirs) in other.keys {
            match self.keys.entry(name) {
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(theirs);
                }
                std::collections::hash_map::Entry::Occupied(mut entry) => entry.get_mut().merge(theirs),
            }
        }
        for (trap, count) in other.traps {
            *self.traps.entry(trap).or_default() += count;
        }
        self.lineage += other.lineage;
        self.records += other.records;
        self.duplicates += other.duplicates;
        self.keyed += other.keyed;
        self.raw_bytes += other.raw_bytes;
        self.stored_bytes += other.stored_bytes;
        self.files += other.files;
        self.empty_files += other.empty_files;
        self.pretty_files += other.pretty_files;
        self.digests += other.digests;
        self.insights += other.insights;
        self.foreign += other.foreign;
        self.largest_file = self.largest_file.max(other.largest_file);
    }

    /// All in all.
    pub(crate) fn summary(&self) -> Value {
        let sum = |figure: fn(&KeyTruth) -> u64| self.keys.values().map(figure).sum::<u64>();
        let long_term = self.keys.keys().filter(|key| key.starts_with("AKIA")).count();
        json!({
            "files": self.files,
            "empty_files": self.empty_files,
            "pretty_files": self.pretty_files,
            "largest_file_bytes": self.largest_file,
            "stored_bytes": self.stored_bytes,
            "bytes": self.raw_bytes,
            "records": self.records,
            "duplicates": self.duplicates,
            "skipped": {"digests": self.digests, "insights": self.insights, "foreign": self.foreign},
            "keyed_calls": self.keyed,
            "keys": self.keys.len(),
            "long_term_keys": long_term,
            "minted_by_keys": self.lineage,
            "sum_of_distinct": {
                "addresses": sum(|key| key.addresses.len() as u64),
                "user_agents": sum(|key| key.agents.len() as u64),
                "regions": sum(|key| key.regions.len() as u64),
                "actions": sum(|key| key.actions.len() as u64),
            },
            "denied_calls": sum(|key| key.denied),
            "failed_calls": sum(|key| key.failed),
            "throttled_calls": sum(|key| key.throttled),
            "traps": self.traps,
        })
    }

    /// A line for each key, sorted.
    pub(crate) fn write_keys(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut names: Vec<&String> = self.keys.keys().collect();
        names.sort();
        for name in names {
            let key = &self.keys[name];
            let at = |seconds| {
                let mut text = String::new();
                time::iso(&mut text, seconds);
                text
            };
            let line = json!({
                "access_key_id": name,
                "calls": key.calls,
                "denied_calls": key.denied,
                "failed_calls": key.failed,
                "throttled_calls": key.throttled,
                "first_at": at(key.first),
                "last_at": at(key.last),
                "addresses": key.addresses.len(),
                "distinct_user_agents": key.agents.len(),
                "regions": key.regions.len(),
                "actions": key.actions.len(),
            });
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

impl KeyTruth {
    fn merge(&mut self, other: Self) {
        self.calls += other.calls;
        self.denied += other.denied;
        self.failed += other.failed;
        self.throttled += other.throttled;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.addresses.extend(other.addresses);
        self.agents.extend(other.agents);
        self.regions.extend(other.regions);
        self.actions.extend(other.actions);
    }
}

/// 64 bits are enough to tell some hundred thousand texts.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
