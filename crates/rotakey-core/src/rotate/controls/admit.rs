//! Which of the rotations that are due may begin: never more at a time than the limits say, and canaries first.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;

use super::{Controls, Gate, Halt, LOOK_AGAIN, Permit};
use crate::id::AccountId;
use crate::policy::{Answer, Matcher, Period, UserSubject};

/// `[rotate.limits]`: how many rotations may be under way at a time, those that wait for a person among them.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Limits {
    /// In all: a number, or a share of all users with an active key, such as `"10%"`.
    #[schemars(with = "Option<crate::policy::NumberOrShare>")]
    pub in_flight: Option<Share>,
    /// In each account: a number, or a share of its users with an active key.
    #[schemars(with = "Option<crate::policy::NumberOrShare>")]
    pub in_flight_per_account: Option<Share>,
}

/// A number, or so many of a hundred. Of users: all that have an active key, whether it is due or not, so that
/// the share does not shrink as the work gets done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// So many.
    Number(u32),
    /// So many of a hundred users, rounded up: some are always allowed.
    Percent(u8),
}

impl Share {
    /// How many of so many users that is.
    pub fn of(self, users: usize) -> usize {
        match self {
            Self::Number(number) => number as usize,
            Self::Percent(percent) => (users * usize::from(percent)).div_ceil(100).max(1),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Percent(percent) => write!(f, "{percent} % of the users"),
        }
    }
}

/// One `[[rotate.canary]]`: users whose keys are rotated first.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Canary {
    /// Who they are.
    #[schemars(rename = "match")]
    pub matcher: Matcher,
    /// How long after their rotations have ended well the others begin.
    #[schemars(with = "Option<Period>")]
    pub soak: Period,
}

/// A rotation that is due.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Whose key.
    pub user: &'a UserSubject,
    /// When the key gets too old: the earlier, the sooner it begins.
    pub limit_at: Option<Timestamp>,
    /// Whether rotakey itself runs on the key.
    pub own_key: bool,
}

/// What is under way, and how large the whole is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fleet {
    /// The rotations under way in each account.
    pub in_flight: BTreeMap<AccountId, usize>,
    /// The users with an active key in each account.
    pub users: BTreeMap<AccountId, usize>,
    /// How the canaries have fared.
    pub canaries: Canaries,
}

/// How the last rotation of each canary went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Canaries {
    /// The user of one that is under way.
    pub under_way: Option<String>,
    /// The user of one that was rolled back or aborted, and not rotated since.
    pub failed: Option<String>,
    /// When the last of those that ended well did.
    pub ended_well_at: Option<Timestamp>,
}

impl Canaries {
    /// Takes note of the last rotation of one more canary: `None` if it is under way, else whether it ended well,
    /// and when.
    pub fn add(&mut self, user: &str, ended: Option<(bool, Timestamp)>) {
        match ended {
            None => self.under_way = Some(user.to_owned()),
            Some((false, _)) => self.failed = Some(user.to_owned()),
            Some((true, at)) => self.ended_well_at = self.ended_well_at.max(Some(at)),
        }
    }
}

/// What is counted while one after the other is let in.
struct Count {
    all: usize,
    by_account: BTreeMap<AccountId, usize>,
    canary_is_due: Option<String>,
}

impl Controls {
    /// Whether it depends on others when the rotation of a user may begin.
    pub fn make_users_wait_for_one_another(&self) -> bool {
        self.limits != Limits::default() || !self.canaries.is_empty()
    }

    /// Which may begin at `now`, in the order of the candidates: canaries are let in first, then whoever is due
    /// first; a key that rotakey runs on comes last of its account, and only when no other rotation there is due
    /// or under way, for all others need it.
    pub fn admit(
        &self,
        candidates: &[Candidate<'_>],
        fleet: &Fleet,
        halt: Option<&Halt>,
        now: Timestamp,
    ) -> Vec<Permit> {
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        let canary: Vec<bool> = candidates.iter().map(|it| self.is_canary(it.user) == Answer::Yes).collect();
        order.sort_by_key(|&index| {
            let it = &candidates[index];
            (it.own_key, !canary[index], it.limit_at.unwrap_or(Timestamp::MAX), it.user.principal.name())
        });
        let canary_is_due = (0..candidates.len()).find(|&index| canary[index]);
        let mut due_by_account: BTreeMap<AccountId, usize> = BTreeMap::new();
        for it in candidates.iter().filter(|it| !it.own_key) {
            *due_by_account.entry(it.user.account_id).or_default() += 1;
        }
        let mut count = Count {
            all: fleet.in_flight.values().sum(),
            by_account: fleet.in_flight.clone(),
            canary_is_due: canary_is_due.map(|index| candidates[index].user.principal.to_string()),
        };
        let mut permits = vec![Permit::Go; candidates.len()];
        for index in order {
            let it = &candidates[index];
            let account = it.user.account_id;
            let others = due_by_account.get(&account).copied().unwrap_or(0)
                + fleet.in_flight.get(&account).copied().unwrap_or(0);
            let permit = if it.own_key && others > 0 {
                wait(
                    None,
                    "rotakey runs on this key, and other rotations of its account need it: it comes last",
                )
            } else {
                self.admit_one(it, canary[index], &count, fleet, halt, now)
            };
            if permit.goes() {
                count.all += 1;
                *count.by_account.entry(account).or_default() += 1;
            }
            permits[index] = permit;
        }
        permits
    }

    /// Whether a user is among those that go first.
    pub fn is_canary(&self, user: &UserSubject) -> Answer {
        let answers = self.canaries.iter().map(|canary| canary.matcher.matches(user));
        answers.fold(Answer::No, |one, other| match (one, other) {
            (Answer::Yes, _) | (_, Answer::Yes) => Answer::Yes,
            (Answer::Unknown, _) | (_, Answer::Unknown) => Answer::Unknown,
            _ => Answer::No,
        })
    }

    fn admit_one(
        &self,
        it: &Candidate<'_>,
        is_canary: bool,
        count: &Count,
        fleet: &Fleet,
        halt: Option<&Halt>,
        now: Timestamp,
    ) -> Permit {
        if let held @ Permit::Wait { .. } = self.permit(Gate::Begin, it.user, halt, now) {
            return held;
        }
        if !is_canary && let Some(held) = self.after_canaries(&fleet.canaries, count, now) {
            return held;
        }
        let account = it.user.account_id;
        let users = fleet.users.values().sum();
        if let Some(limit) = self.limits.in_flight.filter(|limit| count.all >= limit.of(users)) {
            let why = format!("{} rotations are under way: in_flight is {limit}", count.all);
            return wait(Some(now + LOOK_AGAIN), &why);
        }
        let (here, users) =
            (count.by_account.get(&account).copied().unwrap_or(0), fleet.users.get(&account).copied());
        let limit = self.limits.in_flight_per_account;
        if let Some(limit) = limit.filter(|limit| here >= limit.of(users.unwrap_or(0))) {
            let why =
                format!("{here} rotations are under way in {account}: in_flight_per_account is {limit}");
            return wait(Some(now + LOOK_AGAIN), &why);
        }
        Permit::Go
    }

    /// What a rotation that is no canary's waits for.
    fn after_canaries(&self, canaries: &Canaries, count: &Count, now: Timestamp) -> Option<Permit> {
        let soak = self.canaries.iter().map(|canary| canary.soak).max()?;
        let soak = SignedDuration::from(soak);
        if let Some(failed) = &canaries.failed {
            let why = format!("the canary {failed} did not end well: find out why, and rotate it again");
            return Some(wait(None, &why));
        }
        if let Some(user) = canaries.under_way.as_ref().or(count.canary_is_due.as_ref()) {
            return Some(wait(None, &format!("the canary {user} goes first")));
        }
        let Some(ended_well_at) = canaries.ended_well_at else {
            return Some(wait(None, "no rotation of a canary has ended well yet: rotate one by its name"));
        };
        let until = super::later(ended_well_at, soak);
        (now < until).then(|| wait(Some(until), "the canaries have ended well and are watched"))
    }
}

fn wait(until: Option<Timestamp>, why: &str) -> Permit {
    Permit::Wait { until, why: why.to_owned() }
}
