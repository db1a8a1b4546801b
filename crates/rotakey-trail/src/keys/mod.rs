//! The audit trail of key management: who made, switched, deleted and looked at which key, who changed what its
//! user may do, and whether that was done by rotakey or around it.
//!
//! IAM is one service for all regions of a partition and writes its events into the trail of one of them:
//! us-east-1, cn-north-1 or us-gov-west-1.

mod action;
mod event;
mod life;
mod provenance;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rotakey_core::id::AccessKeyId;
use serde::Serialize;

pub use action::Concern;
pub use event::KeyEvent;
pub use life::{Change, KeyLife, LifeEvent};
pub use provenance::Provenance;

use crate::answer::Answer;
use crate::newest::Newest;
use crate::record::Record;
use crate::summary::Summary;
use event::own_name;

/// The most events that are kept; of more, the newest.
pub const MOST_EVENTS: usize = 500_000;

/// Which events are told.
#[derive(Debug, Clone, Default)]
pub struct KeysFilter {
    /// Only those about this key.
    pub access_key_id: Option<String>,
    /// Only those about this user and its keys.
    pub user_name: Option<String>,
    /// Those also that only look at keys. Tools that audit make very many of them.
    pub with_looks: bool,
}

/// Takes what is about keys and those who hold them.
#[derive(Debug)]
pub struct KeysAnswer {
    events: Newest<KeyEvent>,
    /// Sign-ins are of interest if their user holds a key, which may become known only later.
    sign_ins: Newest<KeyEvent>,
    holders: Holders,
    iam_events: u64,
}

impl Default for KeysAnswer {
    fn default() -> Self {
        Self {
            events: Newest::new(MOST_EVENTS),
            sign_ins: Newest::new(MOST_EVENTS),
            holders: Holders::default(),
            iam_events: 0,
        }
    }
}

impl Answer for KeysAnswer {
    fn take(&mut self, records: &[Record<'_>]) {
        for record in records {
            if let (Some(key), Some(user)) = (record.identity.access_key_id, own_name(record))
                && key.starts_with("AKIA")
            {
                self.holders.add(record.identity.account_id.unwrap_or_default(), user);
            }
            self.iam_events += u64::from(record.event_source == "iam.amazonaws.com");
            let Some(event) = KeyEvent::of(record) else { continue };
            match event.concern {
                Concern::SignIn => self.sign_ins.push(event),
                Concern::AccessKey => {
                    if let Some(user) = &event.user_name {
                        self.holders.add(event.account_id.as_deref().unwrap_or_default(), user);
                    }
                    self.events.push(event);
                }
                _ => self.events.push(event),
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.events.merge(other.events);
        self.sign_ins.merge(other.sign_ins);
        self.holders.merge(other.holders);
        self.iam_events += other.iam_events;
    }
}

/// The users that hold access keys, by their accounts.
#[derive(Debug, Default)]
struct Holders(HashMap<String, HashSet<String>>);

impl Holders {
    fn add(&mut self, account: &str, user: &str) {
        if self.has(account, user) {
            return;
        }
        self.0.entry(account.to_owned()).or_default().insert(user.to_owned());
    }

    fn has(&self, account: &str, user: &str) -> bool {
        self.0.get(account).is_some_and(|users| users.contains(user))
    }

    fn merge(&mut self, other: Self) {
        for (account, users) in other.0 {
            self.0.entry(account).or_default().extend(users);
        }
    }
}

/// What `trail keys` tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeysDocument {
    /// Whether all that was asked about was read and is told.
    pub complete: bool,
    /// The lives of the keys, by key id.
    pub keys: Vec<KeyLife>,
    /// What happened, in the order of time.
    pub events: Vec<KeyEvent>,
    /// How many events only looked at keys and are not told.
    pub looks_left_out: u64,
    /// How many events were too old to be kept.
    pub dropped: u64,
    /// How many events of IAM were read, of whatever kind. Without any, the trail is not one that IAM writes to.
    pub iam_events: u64,
    /// Whether rotakey's own log was at hand to tell what was done by rotakey.
    pub log_known: bool,
    /// What was read.
    pub summary: Summary,
}

impl KeysAnswer {
    /// The document. `known` are the keys that rotakey's own log speaks of; without it, nothing is told to be
    /// rotakey's but what says so of itself.
    pub fn into_document(
        self,
        filter: &KeysFilter,
        known: Option<&BTreeSet<AccessKeyId>>,
        summary: &Summary,
    ) -> KeysDocument {
        let (mut events, mut dropped) = self.events.into_sorted();
        let (sign_ins, dropped_sign_ins) = self.sign_ins.into_sorted();
        dropped += dropped_sign_ins;
        events.extend(sign_ins.into_iter().filter(|event| {
            let account = event.account_id.as_deref().unwrap_or_default();
            event.user_name.as_deref().is_some_and(|user| self.holders.has(account, user))
        }));
        events.sort_unstable();
        let owners = owners(&events);
        for event in &mut events {
            if event.user_name.is_none() {
                event.user_name = event.access_key_id.as_ref().and_then(|key| owners.get(key).cloned());
            }
            if event.provenance.is_some() {
                let (agent, key) = (event.user_agent.as_deref(), event.access_key_id.as_deref());
                event.provenance = Some(Provenance::of(agent, key, known));
            }
        }
        events.retain(|event| filter.has(event));
        let keys = lives(&events);
        let all = events.len();
        events.retain(|event| filter.with_looks || event.concern != Concern::Look);
        KeysDocument {
            complete: summary.is_complete() && dropped == 0,
            keys,
            looks_left_out: (all - events.len()) as u64,
            events,
            dropped,
            iam_events: self.iam_events,
            log_known: known.is_some(),
            summary: summary.clone(),
        }
    }
}

impl KeysFilter {
    fn has(&self, event: &KeyEvent) -> bool {
        let wants = |wanted: &Option<String>, is: &Option<String>| wanted.is_none() || wanted == is;
        wants(&self.access_key_id, &event.access_key_id) && wants(&self.user_name, &event.user_name)
    }
}

/// Which user each key belongs to, as far as an event about both tells it. A key never changes its user; of a
/// user that was given another name, the last name counts.
fn owners(events: &[KeyEvent]) -> BTreeMap<String, String> {
    let pairs = events.iter().filter_map(|event| {
        let is_owner = event.concern == Concern::AccessKey && event.succeeded;
        is_owner.then_some(())?;
        Some((event.access_key_id.clone()?, event.user_name.clone()?))
    });
    pairs.collect()
}

/// The life of each key that an event is about.
fn lives(events: &[KeyEvent]) -> Vec<KeyLife> {
    let mut lives: BTreeMap<&str, KeyLife> = BTreeMap::new();
    for event in events {
        let Some(key) = event.access_key_id.as_deref() else { continue };
        let life = lives.entry(key).or_insert_with(|| KeyLife {
            access_key_id: key.to_owned(),
            user_name: None,
            account_id: None,
            last_change: None,
            changes: Vec::new(),
        });
        if event.succeeded {
            life.user_name = event.user_name.clone().or(life.user_name.take());
            life.account_id = event.account_id.clone().or(life.account_id.take());
        }
        life.changes.extend(LifeEvent::of(event));
    }
    let mut lives: Vec<KeyLife> = lives.into_values().collect();
    for life in &mut lives {
        life.changes.sort_unstable();
        life.last_change = life.changes.last().map(|last| last.change);
    }
    lives
}
