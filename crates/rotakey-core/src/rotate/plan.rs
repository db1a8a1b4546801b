//! What a rotation is to do, fixed when it begins.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::approval::{ApprovalNeed, PlanHash};
use super::check::CheckSpec;
use crate::destination::DestinationSpec;
use crate::fact::{LastUsed, Seen, Tags};
use crate::id::{AccessKeyId, AccountId, RotationId, UserId, UserName};
use crate::policy::{Principal, Privilege, UserSubject};

/// The user whose key is rotated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The account.
    pub account_id: AccountId,
    /// The name, which every IAM call needs.
    pub user_name: UserName,
    /// The immutable id, which says that the name still means the same user.
    pub user_id: UserId,
}

/// What a rotation is to do. It is the first entry of the log; later changes of the configuration do not
/// touch a rotation under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Whose key.
    pub subject: Subject,
    /// The key to be replaced, or brought to its end.
    pub old_key: AccessKeyId,
    /// Its last use, as known when the rotation was planned.
    pub old_key_last_used: LastUsed,
    /// What becomes of the old key.
    #[serde(default, skip_serializing_if = "Task::is_to_replace")]
    pub task: Task,
    /// Where the new key goes, never empty; or if there is none, where the user's key is looked for, so that a
    /// key that is served is never taken away.
    pub destinations: Vec<DestinationSpec>,
    /// Why it is rotated, for people.
    pub reason: String,
    /// How long each step waits.
    pub timing: Timing,
    /// What tells that applications miss the old key once it is disabled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckSpec>,
    /// When the old key gets too old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_at: Option<Timestamp>,
    /// Whether rotakey itself was running on the old key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_key: bool,
    /// What freezes, windows and approvals tell users apart by, as known when the rotation was planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traits: Option<UserTraits>,
    /// Whose approval it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalNeed>,
}

/// What becomes of the old key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "kebab-case")]
pub enum Task {
    /// A new key takes its place.
    #[default]
    Replace,
    /// It is not needed any more: it is disabled, watched and deleted, and no key is created.
    Finish(Finish),
}

/// How a key that is not needed any more is brought to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    /// The key that took its place, which must have been used since; `None` for one that was found inactive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<AccessKeyId>,
    /// All other keys of the user. They are left alone.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub others: BTreeSet<AccessKeyId>,
    /// How long it must have been without use before it is disabled: longer than it ever was.
    pub quiet_for: SignedDuration,
    /// Whether it is disabled by way of trial first, for as long as the [timing](Timing::brown_out) says. Plans of
    /// older versions did not, whatever their timing says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub brown_out: bool,
}

impl Finish {
    /// Whether the key was inactive when it was found, by somebody else's hand.
    pub fn found_inactive(&self) -> bool {
        self.successor.is_none()
    }
}

impl Task {
    /// Whether a new key takes the old one's place.
    pub fn is_to_replace(&self) -> bool {
        matches!(self, Self::Replace)
    }
}

/// What is known of a user, beside its name, when its rotation is planned. `None` is what could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserTraits {
    /// Its path.
    pub path: String,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// Whether it may do everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub administrator: Option<bool>,
}

impl UserTraits {
    /// Those of that user.
    pub fn of(user: &UserSubject) -> Self {
        let administrator = |privilege: &Privilege| matches!(privilege, Privilege::Administrator { .. });
        Self {
            path: user.path.clone(),
            tags: user.tags.known().cloned(),
            administrator: user.privilege.known().map(administrator),
        }
    }
}

/// What is no part of what a plan comes to: it changes with every look, or follows from the rest.
const NOT_HASHED: [&str; 4] = ["old_key_last_used", "reason", "limit_at", "traits"];

impl Plan {
    /// What people approve: all of the plan but what is only known, said or counted of it.
    ///
    /// # Panics
    /// Never: a plan is made of texts, numbers and lists.
    pub fn hash(&self) -> PlanHash {
        let mut plan = serde_json::to_value(self).expect("a plan is JSON");
        if let Value::Object(fields) = &mut plan {
            fields.retain(|name, _| !NOT_HASHED.contains(&name.as_str()));
        }
        let mut digest = Sha256::new_with_prefix(b"rotakey plan 1\n");
        digest_sorted(&mut digest, &plan);
        PlanHash::of_digest(&digest.finalize())
    }

    /// The user as far as the plan knows it, for a [`Matcher`](crate::policy::Matcher).
    pub fn user(&self) -> UserSubject {
        let unknown = || "the plan does not say".to_owned();
        let traits = self.traits.as_ref();
        UserSubject {
            account_id: self.subject.account_id,
            principal: Principal::User(self.subject.user_name.clone()),
            arn: "".into(),
            user_id: Some(self.subject.user_id.clone()),
            path: traits.map_or_else(|| "/".to_owned(), |traits| traits.path.clone()),
            tags: match traits.and_then(|traits| traits.tags.clone()) {
                Some(tags) => Seen::Known(tags),
                None => Seen::Unknown(unknown()),
            },
            privilege: match traits.and_then(|traits| traits.administrator) {
                Some(true) => {
                    Seen::Known(Privilege::Administrator { because: "the plan says so".to_owned() })
                }
                Some(false) => Seen::Known(Privilege::Other),
                None => Seen::Unknown(unknown()),
            },
            console_password: Seen::Unknown(unknown()),
            keys: Vec::new(),
        }
    }

    /// What is to be done about a key that needs no successor.
    pub fn finish(&self) -> Option<&Finish> {
        match &self.task {
            Task::Finish(finish) => Some(finish),
            Task::Replace => None,
        }
    }

    /// How long the old key is disabled as a rehearsal, if at all.
    pub fn brown_out(&self) -> Option<SignedDuration> {
        let rehearses = self.finish().is_none_or(|finish| finish.brown_out);
        self.timing.brown_out.filter(|_| rehearses)
    }

    /// The id of a rotation of this plan that begins at that instant.
    pub fn rotation_id(&self, at: Timestamp) -> RotationId {
        let digest = Sha256::new()
            .chain_update(self.subject.user_id.as_str())
            .chain_update(self.old_key.as_str())
            .chain_update(at.as_nanosecond().to_be_bytes())
            .finalize();
        let name = data_encoding::BASE32_NOPAD.encode(&digest[..10]).to_ascii_lowercase();
        format!("r-{name}").parse().expect("base32 in lower case is a rotation id")
    }
}

/// The hash of many plans together, whatever their order.
pub fn hash_of_all<'a>(plans: impl IntoIterator<Item = &'a Plan>) -> PlanHash {
    let hashes: BTreeSet<PlanHash> = plans.into_iter().map(Plan::hash).collect();
    let mut digest = Sha256::new_with_prefix(b"rotakey plans 1\n");
    hashes.iter().for_each(|hash| digest.update(hash.as_str()));
    PlanHash::of_digest(&digest.finalize())
}

/// The same for the same content, whatever order its fields are kept in.
fn digest_sorted(digest: &mut Sha256, value: &Value) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            digest.update("{");
            for (name, value) in fields {
                digest.update(Value::from(name.as_str()).to_string());
                digest_sorted(digest, value);
            }
            digest.update("}");
        }
        Value::Array(values) => {
            digest.update("[");
            values.iter().for_each(|value| digest_sorted(digest, value));
            digest.update("]");
        }
        // A comma ends it, so that 1 and 2 are not 12.
        other => digest.update(format!("{other},")),
    }
}

/// How long the steps of a rotation wait. See [`Timing::default`] for the usual values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// How long AWS may refuse the new key before the rotation is rolled back.
    pub verify_timeout: SignedDuration,
    /// The least time that the old key must have been quiet before it is disabled. The wait is longer for a
    /// key whose uses have been seen further apart.
    pub quiet_for: SignedDuration,
    /// The longest that a key is waited for to stay quiet, however far apart its uses have been seen. The
    /// usual five weeks are longer than the gap between two runs of a monthly job.
    pub longest_quiet: SignedDuration,
    /// How long applications may take to move to the new key before a person is asked.
    pub adopt_timeout: SignedDuration,
    /// How long the old key is disabled as a rehearsal, if at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brown_out: Option<SignedDuration>,
    /// How long the old key stays disabled before it is deleted.
    pub delete_after: SignedDuration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            verify_timeout: SignedDuration::from_mins(5),
            quiet_for: SignedDuration::from_hours(24),
            longest_quiet: SignedDuration::from_hours(35 * 24),
            adopt_timeout: SignedDuration::from_hours(14 * 24),
            brown_out: None,
            delete_after: SignedDuration::from_hours(7 * 24),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotate::model::{World, plan};

    fn some() -> Plan {
        plan(&World::new(2, None), Timing::default())
    }

    #[test]
    fn the_hash_is_of_what_the_plan_comes_to_and_of_nothing_else() {
        let hash = some().hash();
        let with = |change: fn(&mut Plan)| {
            let mut plan = some();
            change(&mut plan);
            plan.hash()
        };
        assert_eq!(with(|plan| plan.reason = "77 days old".into()), hash);
        assert_eq!(with(|plan| plan.limit_at = Some(Timestamp::MAX)), hash);
        assert_eq!(
            with(|plan| {
                plan.old_key_last_used =
                    LastUsed::At { at: Timestamp::UNIX_EPOCH, region: None, service: None };
            }),
            hash
        );
        assert_eq!(
            with(|plan| plan.traits = Some(UserTraits { path: "/".into(), tags: None, administrator: None })),
            hash
        );
        let others = [
            with(|plan| plan.old_key = "AKIAIOSFODNN7EXAMPLE".parse().unwrap()),
            with(|plan| drop(plan.destinations.pop())),
            with(|plan| plan.destinations.reverse()),
            with(|plan| plan.timing.delete_after = SignedDuration::from_hours(48)),
            with(|plan| plan.subject.user_name = "bob".parse().unwrap()),
            with(|plan| {
                plan.task = Task::Finish(Finish {
                    successor: None,
                    others: BTreeSet::new(),
                    quiet_for: SignedDuration::ZERO,
                    brown_out: false,
                });
            }),
        ];
        assert!(others.iter().all(|other| *other != hash));
        assert_eq!(others.iter().collect::<BTreeSet<_>>().len(), others.len());
    }

    #[test]
    fn the_hash_is_the_same_in_every_version_of_rotakey() {
        assert_eq!(
            some().hash().as_str(),
            "3eeee3aa13de5b626ae5b9247d7936a46a840c3e0d1a2260fbc7858f729442d2"
        );
    }

    #[test]
    fn the_order_of_many_plans_does_not_matter() {
        let (one, mut other) = (some(), some());
        other.reason = "other".into();
        other.old_key = "AKIAIOSFODNN7EXAMPLE".parse().unwrap();
        assert_eq!(hash_of_all([&one, &other]), hash_of_all([&other, &one]));
        assert_ne!(hash_of_all([&one, &other]), hash_of_all([&one]));
    }

    #[test]
    fn a_plan_of_an_older_rotakey_is_read() {
        let mut old = serde_json::to_value(some()).unwrap();
        let fields = old.as_object_mut().unwrap();
        for new in ["task", "limit_at", "own_key", "traits", "approvals"] {
            assert!(!fields.contains_key(new), "what is as it was is not written");
        }
        let read: Plan = serde_json::from_value(old).unwrap();
        assert_eq!(read, some());
        assert!(read.user().tags.known().is_none(), "what it does not say is unknown");
    }
}
