//! Which keys are to be rotated, and which users only a person can decide about.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::plan::{Plan, Subject, Timing};
use crate::audit::Code;
use crate::destination::DestinationSpec;
use crate::fact::{KeyStatus, LastUsed, Seen};
use crate::id::{AccessKeyId, UserId, UserName};
use crate::policy::{Period, Policy, RotateConfig, Ruling, Undecided, UserSubject, ruling};

/// What rotating comes to for one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Its one key is due.
    Rotate(Box<Plan>),
    /// A key is due, but only a person can say what to do.
    Ask {
        /// What stands in the way.
        why: String,
        /// What is known of each key.
        keys: Vec<KnownKey>,
        /// What the person can do.
        advice: String,
    },
    /// A key is due, but exempt.
    Exempt {
        /// By whom, why, and until when.
        why: String,
    },
    /// No key is due.
    NotDue {
        /// When the first one will be.
        due_at: Timestamp,
    },
    /// It has no active key.
    NoActiveKey,
}

/// What is known of a key that a person has to decide about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownKey {
    /// The key, or its place in the credential report.
    pub key: String,
    /// Active or inactive.
    pub status: KeyStatus,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// Its last use.
    pub last_used: Option<LastUsed>,
}

impl fmt::Display for KnownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.status)?;
        if let Some(created_at) = self.created_at {
            write!(f, ", created {created_at}")?;
        }
        match &self.last_used {
            None => f.write_str(", last use unknown"),
            Some(LastUsed::Never) => f.write_str(", never used"),
            Some(LastUsed::At { at, region, service }) => write!(
                f,
                ", last used {at} ({} in {})",
                service.as_deref().unwrap_or("unknown service"),
                region.as_deref().unwrap_or("unknown region")
            ),
        }
    }
}

/// Decides by policy. Pure: facts in, plan out.
#[derive(Clone, Copy)]
pub struct Chooser<'a> {
    /// How old keys may get, and who is exempt.
    pub policy: &'a Policy,
    /// Where new keys go, and how long each step waits.
    pub rotate: &'a RotateConfig,
    /// Where the key of a user goes for whom the configuration names no destination.
    pub fallback: &'a dyn Fn(&UserSubject) -> DestinationSpec,
    /// The instant judged at.
    pub now: Timestamp,
    /// Whether keys are rotated that are not due yet, because a person named them.
    pub also_not_due: bool,
}

impl Chooser<'_> {
    /// Decides about one user. A key is due from the warning period before its limit on: begun then, the
    /// rotation ends before the limit.
    pub fn choose(&self, user: &UserSubject) -> Choice {
        let Some(user_name) = user.principal.user() else { return root(user) };
        let active: Vec<_> = user.keys.iter().filter(|key| key.is_active()).collect();
        if active.is_empty() {
            return Choice::NoActiveKey;
        }
        let applied = self.policy.limits_for(user);
        let mut first_due: Option<(Timestamp, Timestamp)> = None;
        for key in &active {
            let Seen::Known(created_at) = key.created_at else {
                return ask(user, "it is not known when a key was created", "audit again, then plan again");
            };
            let limit = applied.limits.max_age.after(created_at);
            let due = applied.limits.warn_before.before(limit);
            first_due = Some(first_due.map_or((due, limit), |first| first.min((due, limit))));
        }
        let (due_at, limit_at) = first_due.expect("there is an active key");
        if self.now < due_at && !self.also_not_due {
            return Choice::NotDue { due_at };
        }
        let code = if self.now > limit_at { Code::KeyTooOld } else { Code::KeyDueSoon };
        for key in &active {
            let ruling = ruling(&self.policy.exemptions, code, user, key, self.now);
            if let Ruling::Exempt(_) = ruling {
                return Choice::Exempt { why: ruling.to_string() };
            }
        }
        match (active.as_slice(), user.keys.len()) {
            ([_, _, ..], _) => {
                return ask(
                    user,
                    "it has several active keys: which one an application uses is not known",
                    "find out who uses each key; disable the one that nobody needs, then delete it, and plan again",
                );
            }
            ([_], 2..) => {
                return ask(
                    user,
                    "an inactive key takes the second place",
                    "delete the inactive key if nobody misses it, then plan again",
                );
            }
            _ => {}
        }
        let key = active[0];
        let (Some(user_id), Some(old_key)) = (&user.user_id, &key.id) else {
            return ask(
                user,
                "its ids are not known",
                "plan with access to the account, not from a saved report",
            );
        };
        let Seen::Known(last_used) = &key.last_used else {
            return ask(user, "it is not known when the key was used last", "plan again later");
        };
        let destinations = match self.rotate.destinations_for(user) {
            Ok(destinations) => self.with_a_copy(destinations, user),
            Err(error) => {
                return ask(user, &error.to_string(), "correct the configuration or the user's tags");
            }
        };
        let told = self.rotate.checks_for(user).and_then(|checks| Ok((checks, self.timing(user)?)));
        let (checks, timing) = match told {
            Ok(told) => told,
            Err(error) => return ask(user, &error.to_string(), "plan again later, with all tags readable"),
        };
        Choice::Rotate(Box::new(Plan {
            subject: subject(user, user_name, user_id),
            old_key: old_key.clone(),
            old_key_last_used: last_used.clone(),
            destinations,
            reason: self.reason(
                key.created_at.known().copied(),
                limit_at,
                &applied.to_string(),
                applied.limits.max_age,
            ),
            timing,
            checks,
        }))
    }

    /// A place that does not give secrets back cannot be gone on from after a crash, nor gone back to: a key that
    /// goes to no other is kept in the fallback too. Those that give back come first, so that it is safe there
    /// before it is published anywhere.
    fn with_a_copy(
        &self,
        mut destinations: Vec<DestinationSpec>,
        user: &UserSubject,
    ) -> Vec<DestinationSpec> {
        if !destinations.iter().any(DestinationSpec::gives_secrets_back) {
            destinations.push((self.fallback)(user));
        }
        destinations.sort_by_key(|destination| !destination.gives_secrets_back());
        destinations
    }

    fn reason(
        &self,
        created_at: Option<Timestamp>,
        limit_at: Timestamp,
        rule: &str,
        max_age: Period,
    ) -> String {
        let age = created_at.and_then(|at| Period::between(at, self.now));
        let age =
            age.map_or_else(|| "of unknown age".to_owned(), |age| format!("{} days old", age.whole_days()));
        let due = if self.now > limit_at { "too old since" } else { "too old from" };
        format!("{age}, {due} {limit_at} (limit {max_age}, rule {rule})")
    }

    fn timing(&self, user: &UserSubject) -> Result<Timing, Undecided> {
        let rotate = self.rotate;
        Ok(Timing {
            verify_timeout: rotate.verify_timeout.into(),
            quiet_for: rotate.quiet_for.into(),
            longest_quiet: rotate.longest_quiet.into(),
            adopt_timeout: rotate.adopt_timeout.into(),
            brown_out: rotate.brown_out_for(user)?.map(SignedDuration::from),
            delete_after: rotate.delete_after.into(),
        })
    }
}

fn root(user: &UserSubject) -> Choice {
    if user.keys.is_empty() {
        return Choice::NoActiveKey;
    }
    ask(
        user,
        "the root user has an access key, which is never rotated",
        "sign in as root, make sure that nothing uses it, deactivate and then delete it",
    )
}

fn subject(user: &UserSubject, user_name: &UserName, user_id: &UserId) -> Subject {
    Subject { account_id: user.account_id, user_name: user_name.clone(), user_id: user_id.clone() }
}

fn ask(user: &UserSubject, why: &str, advice: &str) -> Choice {
    let keys = user.keys.iter().map(|key| KnownKey {
        key: key.id.as_ref().map_or_else(|| key.to_string(), AccessKeyId::to_string),
        status: key.status,
        created_at: key.created_at.known().copied(),
        last_used: key.last_used.known().cloned(),
    });
    Choice::Ask { why: why.to_owned(), keys: keys.collect(), advice: advice.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::SecretsManager;
    use crate::policy::{KeySlot, Matcher, test_key, test_subject};

    /// The test key was created on 2026-01-01: its limit is 2026-04-01, it is due from 2026-03-18 on.
    fn choose_at(now: &str, change: impl FnOnce(&mut UserSubject, &mut Policy)) -> Choice {
        let mut user = test_subject("alice");
        let mut policy = Policy::default();
        change(&mut user, &mut policy);
        let fallback = |user: &UserSubject| {
            let name = format!("fallback/{}", user.principal);
            DestinationSpec::SecretsManager(SecretsManager::named(name, None))
        };
        Chooser {
            policy: &policy,
            rotate: &RotateConfig::default(),
            fallback: &fallback,
            now: now.parse().unwrap(),
            also_not_due: false,
        }
        .choose(&user)
    }

    fn asks_about(choice: Choice) -> String {
        match choice {
            Choice::Ask { why, .. } => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_key_is_due_early_enough_to_be_gone_by_its_limit() {
        let due_at = "2026-03-18T00:00:00Z".parse().unwrap();
        assert_eq!(choose_at("2026-03-17T23:59:59Z", |_, _| {}), Choice::NotDue { due_at });
        let Choice::Rotate(plan) = choose_at("2026-03-18T00:00:00Z", |_, _| {}) else { panic!() };
        assert_eq!(plan.reason, "76 days old, too old from 2026-04-01T00:00:00Z (limit 90 d, rule default)");
        assert_eq!(plan.destinations[0].to_string(), "secrets-manager:fallback/alice");
    }

    #[test]
    fn a_user_with_two_active_keys_is_never_touched_by_guess() {
        let choice = choose_at("2026-11-23T00:00:00Z", |user, _| {
            let mut second = test_key("2026-11-01T00:00:00Z");
            second.slot = Some(KeySlot::Second);
            user.keys.push(second);
        });
        let Choice::Ask { keys, .. } = choice else { panic!("{choice:?}") };
        assert_eq!(keys.len(), 2, "what is known of each key is told");
    }

    #[test]
    fn a_second_place_that_is_taken_is_asked_about() {
        let why = asks_about(choose_at("2026-11-23T00:00:00Z", |user, _| {
            let mut left = test_key("2025-11-01T00:00:00Z");
            left.status = KeyStatus::Inactive;
            user.keys.push(left);
        }));
        assert_eq!(why, "an inactive key takes the second place");
    }

    #[test]
    fn root_is_reported_and_never_rotated() {
        let why = asks_about(choose_at("2026-11-23T00:00:00Z", |user, _| {
            user.principal = crate::policy::Principal::Root;
        }));
        assert!(why.starts_with("the root user"));
    }

    #[test]
    fn what_is_not_known_is_not_planned_on() {
        let asked = |change: fn(&mut UserSubject)| {
            asks_about(choose_at("2026-11-23T00:00:00Z", |user, _| change(user)))
        };
        assert!(
            asked(|user| user.keys[0].last_used = Seen::Unknown("throttled".into())).contains("used last")
        );
        assert!(
            asked(|user| user.keys[0].created_at = Seen::Unknown("throttled".into())).contains("created")
        );
        assert!(asked(|user| user.user_id = None).contains("ids"));
    }

    #[test]
    fn an_exemption_holds_until_its_last_day() {
        let exemption = |_: &mut UserSubject, policy: &mut Policy| {
            policy.exemptions.push(crate::policy::Exemption {
                matcher: Matcher::default(),
                access_key: Vec::new(),
                checks: vec![Code::KeyTooOld],
                owner: "Ann".into(),
                reason: "a mainframe".into(),
                expires: "2026-11-30".parse().unwrap(),
                position: crate::policy::Position::default(),
            });
        };
        assert!(matches!(choose_at("2026-11-30T23:00:00Z", exemption), Choice::Exempt { .. }));
        assert!(matches!(choose_at("2026-12-01T00:00:00Z", exemption), Choice::Rotate(_)));
    }

    fn destinations(configured: &[DestinationSpec]) -> Vec<String> {
        let fallback = |user: &UserSubject| {
            let name = format!("fallback/{}", user.principal);
            DestinationSpec::SecretsManager(SecretsManager::named(name, None))
        };
        let chooser = Chooser {
            policy: &Policy::default(),
            rotate: &RotateConfig::default(),
            fallback: &fallback,
            now: Timestamp::UNIX_EPOCH,
            also_not_due: false,
        };
        let chosen = chooser.with_a_copy(configured.to_vec(), &test_subject("alice"));
        chosen.iter().map(ToString::to_string).collect()
    }

    fn write_only(name: &str) -> DestinationSpec {
        let fields = serde_json::json!({ "type": "exec", "name": name, "command": ["put"] });
        serde_json::from_value(fields).unwrap()
    }

    fn readable(name: &str) -> DestinationSpec {
        DestinationSpec::SecretsManager(SecretsManager::named(name.to_owned(), None))
    }

    #[test]
    fn a_key_that_goes_to_write_only_places_alone_is_kept_in_the_fallback_first() {
        assert_eq!(
            destinations(&[write_only("a"), write_only("b")]),
            ["secrets-manager:fallback/alice", "exec:put#a", "exec:put#b"]
        );
    }

    #[test]
    fn a_place_that_gives_back_comes_first_and_needs_no_fallback_beside_it() {
        assert_eq!(
            destinations(&[write_only("a"), readable("x"), write_only("b"), readable("y")]),
            ["secrets-manager:x", "secrets-manager:y", "exec:put#a", "exec:put#b"]
        );
        assert_eq!(destinations(&[readable("y"), readable("x")]), ["secrets-manager:y", "secrets-manager:x"]);
    }
}
