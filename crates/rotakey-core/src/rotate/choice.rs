//! Which keys are to be rotated, and which users only a person can decide about.

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::plan::{Finish, Plan, Subject, Task, Timing, UserTraits};
use super::relation::{KeyUse, Relation, relation};
use super::usage::KeyUsage;
use crate::audit::Code;
use crate::destination::DestinationSpec;
use crate::fact::{KeyStatus, LastUsed, Seen};
use crate::id::{AccessKeyId, UserId, UserName};
use crate::policy::{
    Applied, KeySubject, Period, Policy, RotateConfig, Ruling, Undecided, UserSubject, ruling,
};

/// What rotating comes to for one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// A key is to be replaced, or brought to its end.
    Rotate(Box<Plan>),
    /// A key is due, and time alone makes room for a new one.
    Waits {
        /// Until when.
        until: Timestamp,
        /// What is waited for.
        why: String,
    },
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
    /// The key that rotakey itself signs its calls with.
    pub own_key: Option<&'a AccessKeyId>,
    /// Who used a key, as far as a source of usage tells; or why none does. Asked of
    /// [these keys](Self::keys_in_question) only.
    pub usage: &'a dyn Fn(&AccessKeyId) -> Seen<KeyUsage>,
}

/// What is decided about a user, or stands in the way of deciding.
type Chosen<T> = Result<T, Box<Choice>>;

impl Chooser<'_> {
    /// Decides about one user. A key is due from the warning period before its limit on: begun then, the
    /// rotation ends before the limit.
    pub fn choose(&self, user: &UserSubject) -> Choice {
        self.decide(user).unwrap_or_else(|choice| *choice)
    }

    /// The keys of that user of which the decision needs to know who uses them: the active ones, if there are several and
    /// one is due. It takes long to ask a source of usage, so nobody else's are asked about.
    pub fn keys_in_question<'u>(&self, user: &'u UserSubject) -> Vec<&'u AccessKeyId> {
        let active: Vec<_> = user.keys.iter().filter(|key| key.is_active()).collect();
        let decides = active.len() > 1
            && user.principal.user().is_some()
            && self.leftover_to_finish(user).is_none()
            && self.due(user, &active, &self.policy.limits_for(user)).is_ok();
        if decides { active.iter().filter_map(|key| key.id.as_ref()).collect() } else { Vec::new() }
    }

    fn decide(&self, user: &UserSubject) -> Chosen<Choice> {
        let Some(user_name) = user.principal.user() else { return Ok(root(user)) };
        if let Some((key, quiet_since)) = self.leftover_to_finish(user) {
            let reason =
                format!("inactive, not used since {quiet_since}; an inactive key is finished by policy");
            let others = ids(user, key)?;
            let quiet_for = self.rotate.delete_after.into();
            let finish = Finish { successor: None, others, quiet_for, brown_out: false };
            return self.finish(user, user_name, key, finish, reason, None);
        }
        let active: Vec<_> = user.keys.iter().filter(|key| key.is_active()).collect();
        if active.is_empty() {
            return Ok(Choice::NoActiveKey);
        }
        let applied = self.policy.limits_for(user);
        let limit_at = self.due(user, &active, &applied)?;
        match (active.as_slice(), self.leftover(user)) {
            ([key], None) if user.keys.len() == 1 => self.replace(user, user_name, key, limit_at, &applied),
            ([_], leftover) => Ok(self.inactive_in_the_way(user, leftover)),
            _ => self.several(user, user_name, &active, limit_at),
        }
    }

    /// When the first of the keys gets too old, if one is due and none exempt.
    fn due(&self, user: &UserSubject, active: &[&KeySubject], applied: &Applied<'_>) -> Chosen<Timestamp> {
        let mut first: Option<(Timestamp, Timestamp)> = None;
        for key in active {
            let Seen::Known(created_at) = key.created_at else {
                let why = "it is not known when a key was created";
                return Err(Box::new(ask(user, why, "audit again, then plan again")));
            };
            let limit = applied.limits.max_age.after(created_at);
            let due = applied.limits.warn_before.before(limit);
            first = Some(first.map_or((due, limit), |first| first.min((due, limit))));
        }
        let (due_at, limit_at) = first.expect("there is an active key");
        if self.now < due_at && !self.also_not_due {
            return Err(Box::new(Choice::NotDue { due_at }));
        }
        let code = if self.now > limit_at { Code::KeyTooOld } else { Code::KeyDueSoon };
        for key in active {
            let ruling = ruling(&self.policy.exemptions, code, user, key, self.now);
            if let Ruling::Exempt(_) = ruling {
                return Err(Box::new(Choice::Exempt { why: ruling.to_string() }));
            }
        }
        Ok(limit_at)
    }

    fn replace(
        &self,
        user: &UserSubject,
        user_name: &UserName,
        key: &KeySubject,
        limit_at: Timestamp,
        applied: &Applied<'_>,
    ) -> Chosen<Choice> {
        let destinations = self.with_a_copy(self.destinations(user)?, user);
        let reason = self.reason(
            key.created_at.known().copied(),
            limit_at,
            &applied.to_string(),
            applied.limits.max_age,
        );
        let plan = self.plan(user, user_name, key, Task::Replace, destinations, reason, Some(limit_at))?;
        Ok(Choice::Rotate(Box::new(plan)))
    }

    /// Two active keys leave no place for a third. One that was replaced is brought to its end, which makes room;
    /// if each is needed, only a person can make room.
    fn several(
        &self,
        user: &UserSubject,
        user_name: &UserName,
        active: &[&KeySubject],
        limit_at: Timestamp,
    ) -> Chosen<Choice> {
        let mut uses = Vec::new();
        for key in active {
            let (Some(id), Seen::Known(created_at), Seen::Known(last_used)) =
                (&key.id, &key.created_at, &key.last_used)
            else {
                return Ok(several_unknown(user, "what is known of a key is not enough"));
            };
            uses.push(KeyUse {
                id: id.clone(),
                created_at: *created_at,
                last_used: last_used.clone(),
                usage: (self.usage)(id),
            });
        }
        let timing = self.timing_of(user)?;
        match relation(&uses, &timing, self.now) {
            Relation::Pair { old, new, quiet_for, why } => {
                let key = active.iter().find(|key| key.id.as_ref() == Some(&old)).expect("it is one of them");
                let mut others = ids(user, key)?;
                others.remove(&new);
                let brown_out = timing.brown_out.is_some();
                let finish = Finish { successor: Some(new), others, quiet_for, brown_out };
                self.finish(user, user_name, key, finish, why, Some(limit_at))
            }
            Relation::Independent { why } => Ok(ask(
                user,
                &format!("it has {} active keys, each with applications of its own: {why}", active.len()),
                &format!(
                    "a user can have two keys, so there is no place for a new one: make another user with the same \
                     policies (aws iam create-user --user-name {user_name}-2), give it a key, move the applications \
                     of one key there, disable and then delete that key, and plan again"
                ),
            )),
            Relation::Unknown { why } => Ok(several_unknown(user, &why)),
        }
    }

    fn inactive_in_the_way(&self, user: &UserSubject, leftover: Option<(&KeySubject, Timestamp)>) -> Choice {
        match leftover {
            Some((_, quiet_since)) if self.rotate.finish_inactive.contain(user) => Choice::Waits {
                until: self.window_ends(quiet_since),
                why: "an inactive key takes the second place; it is finished by policy".to_owned(),
            },
            _ => ask(
                user,
                "an inactive key takes the second place",
                "delete the inactive key if nobody misses it, then plan again; or let rotakey do so: \
                 finish_inactive = true in [rotate]",
            ),
        }
    }

    /// The oldest inactive key of which enough is known, and since when it has been without use. When it was
    /// disabled nobody says: after its last use.
    fn leftover<'u>(&self, user: &'u UserSubject) -> Option<(&'u KeySubject, Timestamp)> {
        let quiet_since = |key: &'u KeySubject| {
            let (Some(_), Seen::Known(created_at), Seen::Known(last_used)) =
                (&key.id, &key.created_at, &key.last_used)
            else {
                return None;
            };
            let exempt = ruling(&self.policy.exemptions, Code::KeyTooOld, user, key, self.now);
            let exempt = matches!(exempt, Ruling::Exempt(_));
            (!exempt).then(|| (key, last_used.at().unwrap_or(*created_at)))
        };
        let inactive = user.keys.iter().filter(|key| !key.is_active());
        inactive.filter_map(quiet_since).min_by_key(|(key, _)| key.created_at.known().copied())
    }

    /// The same, if the policy says that it is to be finished, and its window is over.
    fn leftover_to_finish<'u>(&self, user: &'u UserSubject) -> Option<(&'u KeySubject, Timestamp)> {
        let (key, quiet_since) = self.leftover(user)?;
        let is_due = self.rotate.finish_inactive.contain(user) && self.now >= self.window_ends(quiet_since);
        is_due.then_some((key, quiet_since))
    }

    fn window_ends(&self, quiet_since: Timestamp) -> Timestamp {
        let due = self.rotate.delete_after.after(quiet_since);
        due.checked_add(super::LAST_USED_LAG).unwrap_or(Timestamp::MAX)
    }

    fn finish(
        &self,
        user: &UserSubject,
        user_name: &UserName,
        key: &KeySubject,
        finish: Finish,
        reason: String,
        limit_at: Option<Timestamp>,
    ) -> Chosen<Choice> {
        if key.id.as_ref() == self.own_key && self.own_key.is_some() {
            return Ok(ask(
                user,
                "rotakey itself runs on a key that seems to have been replaced",
                "run rotakey with the other key, then plan again",
            ));
        }
        let destinations = self.destinations(user)?;
        let plan = self.plan(user, user_name, key, Task::Finish(finish), destinations, reason, limit_at)?;
        Ok(Choice::Rotate(Box::new(plan)))
    }

    #[expect(clippy::too_many_arguments, reason = "each is one field of the plan")]
    fn plan(
        &self,
        user: &UserSubject,
        user_name: &UserName,
        key: &KeySubject,
        task: Task,
        destinations: Vec<DestinationSpec>,
        reason: String,
        limit_at: Option<Timestamp>,
    ) -> Chosen<Plan> {
        let (Some(user_id), Some(old_key)) = (&user.user_id, &key.id) else {
            let advice = "plan with access to the account, not from a saved report";
            return Err(Box::new(ask(user, "its ids are not known", advice)));
        };
        let Seen::Known(last_used) = &key.last_used else {
            return Err(Box::new(ask(
                user,
                "it is not known when the key was used last",
                "plan again later",
            )));
        };
        let checks = self.rotate.checks_for(user).map_err(|error| undecided(user, &error))?;
        let timing = self.timing_of(user)?;
        Ok(Plan {
            subject: subject(user, user_name, user_id),
            old_key: old_key.clone(),
            old_key_last_used: last_used.clone(),
            own_key: self.own_key == Some(old_key),
            task,
            destinations,
            reason,
            timing,
            checks,
            limit_at,
            traits: Some(UserTraits::of(user)),
            approvals: self.rotate.approvals_for(user),
        })
    }

    fn destinations(&self, user: &UserSubject) -> Chosen<Vec<DestinationSpec>> {
        let advice = "correct the configuration or the user's tags";
        self.rotate.destinations_for(user).map_err(|error| Box::new(ask(user, &error.to_string(), advice)))
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

    fn timing_of(&self, user: &UserSubject) -> Chosen<Timing> {
        let rotate = self.rotate;
        let brown_out = rotate.brown_out_for(user).map_err(|error| undecided(user, &error))?;
        Ok(Timing {
            verify_timeout: rotate.verify_timeout.into(),
            quiet_for: rotate.quiet_for.into(),
            longest_quiet: rotate.longest_quiet.into(),
            adopt_timeout: rotate.adopt_timeout.into(),
            brown_out: brown_out.map(SignedDuration::from),
            delete_after: rotate.delete_after.into(),
        })
    }
}

fn undecided(user: &UserSubject, error: &Undecided) -> Box<Choice> {
    Box::new(ask(user, &error.to_string(), "plan again later, with all tags readable"))
}

fn several_unknown(user: &UserSubject, why: &str) -> Choice {
    ask(
        user,
        &format!("it has several active keys, and which of them applications need is not known: {why}"),
        "find out who uses each key (rotakey trail usage); disable the one that nobody needs, then delete it, and \
         plan again",
    )
}

/// The ids of all keys of the user but that one.
fn ids(user: &UserSubject, but: &KeySubject) -> Chosen<BTreeSet<AccessKeyId>> {
    let others = user.keys.iter().filter(|key| key.id != but.id);
    let ids: Option<BTreeSet<AccessKeyId>> = others.map(|key| key.id.clone()).collect();
    ids.ok_or_else(|| {
        let advice = "plan with access to the account, not from a saved report";
        Box::new(ask(user, "its ids are not known", advice))
    })
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
mod tests;
