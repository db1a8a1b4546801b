//! The world that the tests of the machine play in: one user, the keys that it has, and the places that its
//! applications read them from. It obeys at once and tells the truth; what is seen of it is for each test to
//! spoil. The simulated AWS, with its delays and faults, is used in the simulation of the whole engine.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::destination::{DestinationSpec, SecretsManager};
use crate::fact::{KeyFacts, KeyStatus, LastUsed, Seen};
use crate::id::{AccessKeyId, UserId};
use crate::secret::Fingerprint;

/// The key that is rotated.
pub(super) const OLD: &str = "AKIAOLDOLDOLDOLDOLD2";
/// The first key that a rotation creates; the later ones end in 3, 4, ...
pub(super) const NEW: &str = "AKIANEWNEWNEWNEWNEW2";
/// A key that is none of the rotation's business.
pub(super) const FOREIGN: &str = "AKIAFOREIGNFOREIGN22";
const USER_ID: &str = "AIDAALICEALICEALICE2";

/// One user and its surroundings, as they truly are.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) begun: Timestamp,
    pub(super) now: Timestamp,
    pub(super) user: Option<UserId>,
    pub(super) keys: BTreeMap<AccessKeyId, KeyFacts>,
    pub(super) last_used: BTreeMap<AccessKeyId, LastUsed>,
    /// What each destination holds, in the order of the plan.
    pub(super) places: Vec<Slots<Held>>,
    created: u32,
}

pub(super) fn key(text: &str) -> AccessKeyId {
    text.parse().unwrap()
}

pub(super) fn fingerprint(key: &AccessKeyId) -> Fingerprint {
    serde_json::from_value(format!("fingerprint of {key}").into()).unwrap()
}

pub(super) fn held(key: &AccessKeyId) -> Held {
    Held { key: key.clone(), fingerprint: fingerprint(key) }
}

/// The plan to rotate the key of a world with so many destinations, last used that long before it begins.
pub(super) fn plan(world: &World, timing: Timing) -> Plan {
    let destination = |index| {
        let name = if index == 0 { "alice".to_owned() } else { format!("alice-{}", index + 1) };
        DestinationSpec::SecretsManager(SecretsManager::named(name, None))
    };
    Plan {
        subject: Subject {
            account_id: "123456789012".parse().unwrap(),
            user_name: "alice".parse().unwrap(),
            user_id: USER_ID.parse().unwrap(),
        },
        old_key: key(OLD),
        old_key_last_used: world.last_used[&key(OLD)].clone(),
        task: Task::Replace,
        destinations: (0..world.places.len()).map(destination).collect(),
        reason: "for the story".to_owned(),
        timing,
        checks: Vec::new(),
        limit_at: None,
        own_key: false,
        traits: None,
        approvals: Vec::new(),
    }
}

impl World {
    pub(super) fn new(places: usize, last_use_before: Option<SignedDuration>) -> Self {
        let begun: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let last_used = last_use_before.map_or(LastUsed::Never, |before| LastUsed::At {
            at: begun - before,
            region: Some("eu-west-1".to_owned()),
            service: Some("s3".to_owned()),
        });
        let created_at = begun - SignedDuration::from_hours(9999);
        let old = KeyFacts { id: key(OLD), status: KeyStatus::Active, created_at };
        let place = Slots { current: Some(held(&key(OLD))), ..Slots::default() };
        Self {
            begun,
            now: begun,
            user: Some(USER_ID.parse().unwrap()),
            keys: BTreeMap::from([(key(OLD), old)]),
            last_used: BTreeMap::from([(key(OLD), last_used)]),
            places: vec![place; places],
            created: 0,
        }
    }

    /// All there is to see, seen truly; `custody` holds the secrets in the memory of the worker that looks.
    pub(super) fn observe(&self, custody: &BTreeSet<AccessKeyId>) -> Observed {
        let slots = self.places.iter().flat_map(|place| [&place.pending, &place.current, &place.previous]);
        let readable = slots.flatten().map(|held| held.key.clone());
        let last_used = |key| self.last_used.get(key).cloned().unwrap_or(LastUsed::Never);
        Observed {
            looked_at: self.now,
            user: Seen::Known(self.user.clone()),
            keys: Seen::Known(self.keys.values().cloned().collect()),
            last_used: self.keys.keys().map(|key| (key.clone(), Seen::Known(last_used(key)))).collect(),
            destinations: self.places.iter().cloned().map(Seen::Known).collect(),
            preflight: vec![Preflight::Ready; self.places.len()],
            in_hand: custody.iter().cloned().chain(readable).collect(),
            can_see_usage: false,
            checks: Vec::new(),
        }
    }

    /// Does it, as AWS and a sound destination do.
    pub(super) fn perform(&mut self, intent: &Intent, custody: &mut BTreeSet<AccessKeyId>) -> Outcome {
        match intent {
            Intent::Create { .. } => {
                if self.keys.len() >= 2 {
                    return failed(FailureKind::LimitExceeded, "Cannot exceed quota");
                }
                let key = self.create();
                custody.insert(key.clone());
                return Outcome::Created { fingerprint: fingerprint(&key), key };
            }
            Intent::Stage { destination, key } => {
                self.places[*destination].stage(held(key));
            }
            Intent::Publish { destination, key } => {
                self.places[*destination].publish(held(key));
            }
            Intent::Restore { destination, key } => {
                if let Err(refused) = self.places[*destination].restore(key) {
                    return failed(refused.kind(), &refused.to_string());
                }
            }
            Intent::Forget { destination, key } => {
                if let Err(refused) = self.places[*destination].forget(key) {
                    return failed(refused.kind(), &refused.to_string());
                }
            }
            Intent::Probe { key } => {
                if !self.accepts(key) {
                    return failed(FailureKind::Credentials, "InvalidClientTokenId");
                }
                self.use_key(key, "sts");
                return Outcome::Accepted {
                    account_id: "123456789012".parse().unwrap(),
                    arn: "arn:aws:iam::123456789012:user/alice".to_owned(),
                };
            }
            Intent::ProbeService { key, service, .. } => {
                if !self.accepts(key) {
                    return failed(FailureKind::Credentials, "InvalidAccessKeyId");
                }
                self.use_key(key, service);
            }
            Intent::Disable { key } => return self.set_status(key, KeyStatus::Inactive),
            Intent::Enable { key } => return self.set_status(key, KeyStatus::Active),
            Intent::Delete { key } => drop(self.keys.remove(key)),
        }
        Outcome::Done
    }

    /// Whether AWS accepts calls that are signed with the key.
    pub(super) fn accepts(&self, key: &AccessKeyId) -> bool {
        self.keys.get(key).is_some_and(|facts| facts.status == KeyStatus::Active)
    }

    pub(super) fn set_status(&mut self, key: &AccessKeyId, status: KeyStatus) -> Outcome {
        match self.keys.get_mut(key) {
            Some(facts) => {
                facts.status = status;
                Outcome::Done
            }
            None => failed(FailureKind::NotFound, "NoSuchEntity"),
        }
    }

    fn create(&mut self) -> AccessKeyId {
        let id = key(&NEW.replace('2', &(2 + self.created).to_string()));
        self.created += 1;
        self.add_key(&id);
        id
    }

    pub(super) fn add_key(&mut self, id: &AccessKeyId) {
        let facts = KeyFacts { id: id.clone(), status: KeyStatus::Active, created_at: self.now };
        self.keys.insert(id.clone(), facts);
    }

    pub(super) fn use_key(&mut self, key: &AccessKeyId, service: &str) {
        let at = LastUsed::At { at: self.now, region: None, service: Some(service.to_owned()) };
        self.last_used.insert(key.clone(), at);
    }
}

pub(super) fn failed(kind: FailureKind, message: &str) -> Outcome {
    Outcome::Failed { kind, message: message.to_owned() }
}
