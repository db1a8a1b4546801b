//! What an audit comes to: counts, and the users that are worst off.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use rotakey_core::audit::{Code, Judgement, Opinion, Severity};
use rotakey_core::id::AccountId;
use rotakey_core::policy::Principal;

/// Counts of what was judged and found.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How many users with keys each account has.
    pub(crate) accounts: BTreeMap<AccountId, usize>,
    pub(crate) keys: usize,
    pub(crate) by_code: BTreeMap<Code, Found>,
}

/// How often a code was found.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) counted: usize,
    pub(crate) exempt: usize,
}

impl Tally {
    /// Counts one user.
    pub(crate) fn add(&mut self, opinion: &Opinion<'_>) {
        let subject = opinion.subject();
        if !subject.keys.is_empty() {
            *self.accounts.entry(subject.account_id).or_default() += 1;
        }
        self.keys += subject.keys.len();
        for (code, counts) in opinion.findings() {
            let found = self.by_code.entry(code).or_default();
            if counts {
                found.counted += 1;
            } else {
                found.exempt += 1;
            }
        }
    }

    /// Adds what was counted elsewhere.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (account_id, users) in &other.accounts {
            *self.accounts.entry(*account_id).or_default() += users;
        }
        self.keys += other.keys;
        for (code, found) in &other.by_code {
            let sum = self.by_code.entry(*code).or_default();
            *sum = Found { counted: sum.counted + found.counted, exempt: sum.exempt + found.exempt };
        }
    }

    /// The users with keys, in all accounts.
    pub(crate) fn users(&self) -> usize {
        self.accounts.values().sum()
    }

    /// All findings that count, and all that are exempt.
    pub(crate) fn total(&self) -> Found {
        self.by_code.values().fold(Found::default(), |sum, found| Found {
            counted: sum.counted + found.counted,
            exempt: sum.exempt + found.exempt,
        })
    }

    /// The severity of the worst finding that counts.
    pub(crate) fn worst_severity(&self) -> Option<Severity> {
        self.by_code.iter().filter(|(_, found)| found.counted > 0).map(|(code, _)| code.severity()).max()
    }
}

/// The users with the worst findings, at most so many: an audit of a million users must fit a screen, and
/// the memory.
#[derive(Debug)]
pub(crate) struct Worst {
    most: Option<usize>,
    users: BinaryHeap<Reverse<Ranked>>,
    /// Users with findings that did not fit.
    pub(crate) left_out: usize,
}

#[derive(Debug)]
struct Ranked {
    rank: Rank,
    judgement: Judgement,
}

/// Worse ones are greater: by the worst severity, by the number of findings, by the age of the oldest key,
/// and among equals those whose name comes first.
type Rank = (Option<Severity>, usize, Option<i64>, Reverse<Principal>);

impl Worst {
    /// Keeps at most so many users; all with `None`.
    pub(crate) fn new(most: Option<usize>) -> Self {
        Self { most, users: BinaryHeap::new(), left_out: 0 }
    }

    /// Takes the user in if it is among the worst.
    pub(crate) fn add(&mut self, opinion: Opinion<'_>) {
        if opinion.findings().next().is_none() {
            return;
        }
        let counting = || opinion.findings().filter(|(_, counts)| *counts);
        let rank = (
            counting().map(|(code, _)| code.severity()).max(),
            counting().count(),
            opinion.oldest_age(),
            Reverse(opinion.subject().principal.clone()),
        );
        self.push(rank, || opinion.into_judgement());
    }

    /// Takes in those that are among the worst of both.
    pub(crate) fn merge(&mut self, other: Self) {
        self.left_out += other.left_out;
        other.users.into_iter().for_each(|Reverse(user)| self.push(user.rank, || user.judgement));
    }

    fn push(&mut self, rank: Rank, judgement: impl FnOnce() -> Judgement) {
        if self.most.is_none_or(|most| self.users.len() < most) {
            self.users.push(Reverse(Ranked { rank, judgement: judgement() }));
            return;
        }
        self.left_out += 1;
        if let Some(mut least) = self.users.peek_mut().filter(|least| least.0.rank < rank) {
            least.0 = Ranked { rank, judgement: judgement() };
        }
    }

    /// The users, the worst first.
    pub(crate) fn into_users(self) -> Vec<Judgement> {
        self.users.into_sorted_vec().into_iter().map(|Reverse(ranked)| ranked.judgement).collect()
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank.cmp(&other.rank)
    }
}

#[cfg(test)]
mod tests {
    use rotakey_core::audit::{Judge, Mode};
    use rotakey_core::policy::Policy;
    use rotakey_core::report::ReportReader;

    use super::*;

    /// Adds a user whose one key is that many days old.
    fn add(worst: &mut Worst, name: &str, days: i64) {
        let now: jiff::Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let created = now - jiff::SignedDuration::from_hours(24 * days);
        let report = format!(
            "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
             password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,\
             access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,\
             access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,\
             access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,\
             cert_2_active,cert_2_last_rotated\n\
             {name},arn:aws:iam::111122223333:user/{name},2020-01-01T00:00:00+00:00,false,N/A,N/A,N/A,false,true,\
             {created},{now},us-east-1,s3,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A\n"
        );
        let mut reader = ReportReader::new(report.as_bytes()).unwrap();
        let subject = reader.next_row().unwrap().unwrap().to_subject(None);
        worst.add(Judge::new(&Policy::default(), now, Mode::Exact).opinion(&subject));
    }

    fn names(worst: Worst) -> Vec<String> {
        worst.into_users().iter().map(|user| user.keys[0].user_name.to_string()).collect()
    }

    #[test]
    fn the_worst_come_first_and_the_others_are_counted() {
        let mut worst = Worst::new(Some(2));
        for (name, days) in [("young", 10), ("soon", 80), ("old", 100), ("older", 200)] {
            add(&mut worst, name, days);
        }
        assert_eq!(worst.left_out, 1, "a user without findings is not left out, it is fine");
        assert_eq!(names(worst), ["older", "old"]);
    }

    #[test]
    fn portions_come_to_the_same_as_the_whole() {
        let collect = |days: std::ops::Range<i64>| {
            let mut worst = Worst::new(Some(5));
            days.for_each(|days| add(&mut worst, &format!("u{days}"), days));
            worst
        };
        let mut merged = collect(80..87);
        merged.merge(collect(87..100));
        let whole = collect(80..100);
        assert_eq!(merged.left_out, whole.left_out);
        assert_eq!(names(merged), names(whole));
    }
}
