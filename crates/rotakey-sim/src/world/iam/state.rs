//! What IAM holds: users, groups, roles and policies of one account.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rotakey_core::fact::{KeyStatus, Tags};
use rotakey_core::id::{AccessKeyId, AccountId, UserId, UserName};
use rotakey_iam_policy::{ParseError, PolicyDocument};

use crate::random::Random;

/// IAM of one account. Cloning is cheap: entities are shared until they change.
#[derive(Debug, Clone, Default)]
pub(crate) struct IamState {
    pub(crate) users: BTreeMap<UserName, Arc<User>>,
    pub(crate) groups: BTreeMap<String, Arc<Group>>,
    pub(crate) roles: BTreeMap<String, Arc<Role>>,
    /// Customer managed policies, by ARN.
    pub(crate) policies: BTreeMap<String, Arc<ManagedPolicy>>,
}

/// An IAM user.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: UserName,
    pub(crate) id: UserId,
    pub(crate) path: String,
    pub(crate) created_at: Timestamp,
    pub(crate) tags: Tags,
    pub(crate) groups: BTreeSet<String>,
    pub(crate) policies: Policies,
    pub(crate) login: Option<LoginProfile>,
    pub(crate) mfa_devices: Vec<MfaDevice>,
    /// In the order in which they were created: the first is `access_key_1` of the credential report.
    pub(crate) keys: Vec<AccessKey>,
}

/// An access key as IAM shows it; its secret is in the keyring.
#[derive(Debug, Clone)]
pub(crate) struct AccessKey {
    pub(crate) id: AccessKeyId,
    pub(crate) status: KeyStatus,
    pub(crate) created_at: Timestamp,
}

/// A console password.
#[derive(Debug, Clone)]
pub(crate) struct LoginProfile {
    pub(crate) created_at: Timestamp,
    pub(crate) last_used: Option<Timestamp>,
    pub(crate) reset_required: bool,
}

/// A virtual MFA device.
#[derive(Debug, Clone)]
pub(crate) struct MfaDevice {
    pub(crate) serial_number: String,
    pub(crate) enabled_at: Timestamp,
}

/// A group of users. Who is in it is written at the users.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) created_at: Timestamp,
    pub(crate) policies: Policies,
}

/// A role.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) created_at: Timestamp,
    pub(crate) description: Option<String>,
    pub(crate) trust: Document,
    pub(crate) max_session: Duration,
    pub(crate) tags: Tags,
    pub(crate) policies: Policies,
}

/// A customer managed policy.
#[derive(Debug, Clone)]
pub(crate) struct ManagedPolicy {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) arn: String,
    pub(crate) created_at: Timestamp,
    pub(crate) document: Document,
}

/// The policies of a user, a group or a role.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policies {
    /// Inline policies, by name.
    pub(crate) inline: BTreeMap<String, Document>,
    /// The ARNs of attached managed policies.
    pub(crate) attached: BTreeSet<String>,
}

/// A policy document: the text that was given, and what it means.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) text: Arc<str>,
    pub(crate) parsed: Arc<PolicyDocument>,
}

impl Document {
    /// Reads the text.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseError> {
        let parsed = PolicyDocument::parse(text)?;
        Ok(Self { text: text.into(), parsed: Arc::new(parsed) })
    }
}

impl User {
    /// `arn:aws:iam::ACCOUNT:user/PATH/NAME`.
    pub(crate) fn arn(&self, account: AccountId) -> String {
        format!("arn:aws:iam::{account}:user{}{}", self.path, self.name)
    }
}

impl Group {
    /// `arn:aws:iam::ACCOUNT:group/PATH/NAME`.
    pub(crate) fn arn(&self, account: AccountId) -> String {
        format!("arn:aws:iam::{account}:group{}{}", self.path, self.name)
    }
}

impl Role {
    /// `arn:aws:iam::ACCOUNT:role/PATH/NAME`.
    pub(crate) fn arn(&self, account: AccountId) -> String {
        format!("arn:aws:iam::{account}:role{}{}", self.path, self.name)
    }
}

/// A state of which earlier versions are kept as long as stale reads may show them.
#[derive(Debug, Default)]
pub(crate) struct Versioned<T> {
    present: Arc<T>,
    /// Earlier states, oldest first, each with the instant at which it ended.
    past: VecDeque<(Timestamp, Arc<T>)>,
}

impl<T: Clone> Versioned<T> {
    /// What is true.
    pub(crate) fn present(&self) -> &T {
        &self.present
    }

    /// What a read sees that may be up to `staleness` old: the state at an instant drawn from that span.
    pub(crate) fn seen(&self, now: Timestamp, staleness: Duration, random: &mut Random) -> Arc<T> {
        if self.past.is_empty() || staleness.is_zero() {
            return Arc::clone(&self.present);
        }
        let milliseconds = u64::try_from(staleness.as_millis()).unwrap_or(u64::MAX);
        let instant = now - Duration::from_millis(random.below(milliseconds.saturating_add(1)));
        let state = self.past.iter().find(|(ended, _)| *ended > instant).map(|(_, state)| state);
        Arc::clone(state.unwrap_or(&self.present))
    }

    /// The state, to be changed now. The state before it is kept for `staleness`.
    pub(crate) fn change(&mut self, now: Timestamp, staleness: Duration) -> &mut T {
        while self.past.front().is_some_and(|(ended, _)| *ended + staleness < now) {
            self.past.pop_front();
        }
        if !staleness.is_zero() {
            self.past.push_back((now, Arc::clone(&self.present)));
        }
        Arc::make_mut(&mut self.present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_reads_are_never_older_than_their_bound_and_settle_on_the_truth() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let (mut state, mut random) = (Versioned::<i64>::default(), Random::new(5));
        let bound = Duration::from_secs(60);
        for second in 0..300 {
            *state.change(at(second), bound) = second;
        }
        let mut ages = Vec::new();
        for _ in 0..500 {
            ages.push(299 - *state.seen(at(299), bound, &mut random));
        }
        assert!(ages.iter().all(|age| (0..=60).contains(age)), "{ages:?}");
        assert!(ages.iter().any(|age| *age > 40) && ages.iter().any(|age| *age < 20), "they are spread");
        assert!(
            (0..100).all(|_| *state.seen(at(360), bound, &mut random) == 299),
            "the last change shows at last"
        );
        assert!(state.past.len() <= 62, "the past is forgotten: {}", state.past.len());
    }
}
