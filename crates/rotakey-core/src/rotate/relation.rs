//! How the active keys of a user belong together: one took the other's place, or each has applications of its
//! own, or it cannot be told.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::LAST_USED_LAG;
use crate::fact::LastUsed;
use crate::id::AccessKeyId;

/// What is known of the use of one active key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The key.
    pub id: AccessKeyId,
    /// When it was created.
    pub created_at: Timestamp,
    /// Its last use.
    pub last_used: LastUsed,
    /// What a source of all uses tells, if there is one.
    pub history: Option<KeyHistory>,
}

/// What a source of all uses tells of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHistory {
    /// From when on it tells of every use.
    pub since: Timestamp,
    /// The longest time between two uses.
    pub longest_gap: SignedDuration,
    /// Whoever used it: one text for each, the same for the same one on another key.
    pub consumers: BTreeSet<String>,
}

/// How the keys belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// One key took the place of another, which is not used any more.
    Pair {
        /// The key that is not used any more.
        old: AccessKeyId,
        /// The key that took its place.
        new: AccessKeyId,
        /// How long the old one must have been without use to be sure; it has.
        quiet_for: SignedDuration,
        /// What shows it.
        why: String,
    },
    /// Each has applications of its own.
    Independent {
        /// What shows it.
        why: String,
    },
    /// It cannot be told.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// By which spans it is told that a key is not used any more.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The least time without use.
    pub quiet_for: SignedDuration,
    /// The longest time without use that is waited for, and what is waited for where it is not known how far
    /// apart the uses of a key are.
    pub longest_quiet: SignedDuration,
    /// How long applications may take to move from one key to another.
    pub adopt_timeout: SignedDuration,
}

impl KeyUse {
    /// Since when it has been quiet.
    fn quiet_since(&self) -> Timestamp {
        self.last_used.at().unwrap_or(self.created_at)
    }

    /// How long it must be quiet to count as not used any more: longer than it ever was. One last use does not
    /// tell how far apart uses are, nor does a source that has not watched for long.
    fn quiet_wanted(&self, patience: &Patience, now: Timestamp) -> SignedDuration {
        let watched = self
            .history
            .as_ref()
            .filter(|history| now.duration_since(history.since) >= patience.longest_quiet);
        match watched {
            Some(history) => history.longest_gap.min(patience.longest_quiet).max(patience.quiet_for),
            None => patience.longest_quiet,
        }
    }

    fn is_quiet(&self, patience: &Patience, now: Timestamp) -> bool {
        now.duration_since(self.quiet_since()) >= self.quiet_wanted(patience, now) + LAST_USED_LAG
    }

    fn place(&self) -> Option<(&str, &str)> {
        match &self.last_used {
            LastUsed::At { region: Some(region), service: Some(service), .. } => Some((service, region)),
            _ => None,
        }
    }
}

/// How the active keys of one user belong together. Of several pairs, the one whose old key is oldest.
pub fn relation(keys: &[KeyUse], patience: &Patience, now: Timestamp) -> Relation {
    let mut by_age: Vec<&KeyUse> = keys.iter().collect();
    by_age.sort_by_key(|key| (key.created_at, &key.id));
    for old in by_age.iter().filter(|key| key.is_quiet(patience, now)) {
        // A younger key that was used after it, the most recently used of them.
        let successor = by_age
            .iter()
            .filter(|new| new.created_at > old.created_at)
            .filter(|new| new.last_used.at().is_some_and(|at| at > old.quiet_since()))
            .max_by_key(|new| new.last_used.at());
        let Some(new) = successor else { continue };
        if let (Some(of_old), Some(of_new)) = (&old.history, &new.history)
            && let Some(missing) = of_old.consumers.difference(&of_new.consumers).next()
        {
            if of_old.consumers.is_disjoint(&of_new.consumers) {
                return Relation::Independent { why: "no consumer of one was seen on the other".to_owned() };
            }
            return Relation::Unknown {
                why: format!("{} is quiet, but its consumer {missing} was not seen on {}", old.id, new.id),
            };
        }
        let quiet_for = old.quiet_wanted(patience, now);
        let unused = match old.last_used.at() {
            Some(at) => format!("not used since {at}"),
            None => format!("never used since it was created at {}", old.created_at),
        };
        let why = format!("{unused}; {}, which is younger, is in use", new.id);
        return Relation::Pair { old: old.id.clone(), new: new.id.clone(), quiet_for, why };
    }
    all_in_use(&by_age, patience, now)
}

/// No key is plainly out of use.
fn all_in_use(by_age: &[&KeyUse], patience: &Patience, now: Timestamp) -> Relation {
    let unknown = |why: String| Relation::Unknown { why };
    if let Some(key) = by_age.iter().find(|key| key.last_used == LastUsed::Never) {
        return unknown(format!("{} was never used: it may be about to be", key.id));
    }
    if by_age.iter().all(|key| key.is_quiet(patience, now)) {
        return unknown("none of them has been used for long".to_owned());
    }
    let consumers: Option<Vec<_>> =
        by_age.iter().map(|key| key.history.as_ref().map(|history| &history.consumers)).collect();
    if let Some(consumers) = consumers {
        let apart = consumers.iter().enumerate().all(|(index, one)| {
            !one.is_empty() && consumers[..index].iter().all(|other| one.is_disjoint(other))
        });
        return match apart {
            true => Relation::Independent { why: "no consumer of one was seen on another".to_owned() },
            false => unknown("some consumers use more than one of them".to_owned()),
        };
    }
    // Used long after the youngest was there to move to, in other services or regions: not on the way.
    let youngest = by_age.iter().map(|key| key.created_at).max().unwrap_or(now);
    let settled = super::controls::later(youngest, patience.adopt_timeout);
    let places: BTreeSet<_> = by_age.iter().filter_map(|key| key.place()).collect();
    let apart = places.len() == by_age.len();
    if apart && by_age.iter().all(|key| key.last_used.at().is_some_and(|at| at > settled)) {
        return Relation::Independent {
            why: "all are in use, long after the youngest was made, each for another service or region"
                .to_owned(),
        };
    }
    unknown("all are in use: it is not known by whom".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-23T00:00:00Z";
    const OLD: &str = "AKIAOLDOLDOLDOLDOLD2";
    const NEW: &str = "AKIANEWNEWNEWNEWNEW2";

    fn days(days: i64) -> SignedDuration {
        SignedDuration::from_hours(24 * days)
    }

    /// A key created and last used so many days ago.
    fn key(id: &str, created: i64, used: Option<(i64, &str)>) -> KeyUse {
        let now: Timestamp = NOW.parse().unwrap();
        let last_used = used.map_or(LastUsed::Never, |(ago, service)| LastUsed::At {
            at: now - days(ago),
            region: Some("eu-west-1".to_owned()),
            service: Some(service.to_owned()),
        });
        KeyUse { id: id.parse().unwrap(), created_at: now - days(created), last_used, history: None }
    }

    fn watched(mut key: KeyUse, gap: i64, consumers: &[&str]) -> KeyUse {
        key.history = Some(KeyHistory {
            since: NOW.parse::<Timestamp>().unwrap() - days(90),
            longest_gap: days(gap),
            consumers: consumers.iter().map(|&name| name.to_owned()).collect(),
        });
        key
    }

    fn of(keys: &[KeyUse]) -> Relation {
        let patience = Patience { quiet_for: days(1), longest_quiet: days(35), adopt_timeout: days(14) };
        relation(keys, &patience, NOW.parse().unwrap())
    }

    fn is_pair(keys: &[KeyUse]) -> bool {
        match of(keys) {
            Relation::Pair { old, new, .. } => {
                assert_eq!((old.as_str(), new.as_str()), (OLD, NEW));
                true
            }
            _ => false,
        }
    }

    fn is_independent(keys: &[KeyUse]) -> bool {
        matches!(of(keys), Relation::Independent { .. })
    }

    #[test]
    fn the_quiet_elder_of_a_used_key_was_replaced_by_it() {
        let new = || key(NEW, 60, Some((0, "s3")));
        assert!(is_pair(&[key(OLD, 400, Some((40, "s3"))), new()]));
        assert!(is_pair(&[new(), key(OLD, 400, Some((40, "s3")))]), "in any order");
        assert!(is_pair(&[key(OLD, 400, None), new()]), "nor was it ever used");
        assert!(!is_pair(&[key(OLD, 400, Some((34, "s3"))), new()]), "a monthly job may be due");
    }

    #[test]
    fn a_key_with_a_known_cadence_is_waited_for_no_longer_than_that() {
        let new = || watched(key(NEW, 60, Some((0, "s3"))), 1, &["app"]);
        let old = |ago, gap| watched(key(OLD, 400, Some((ago, "s3"))), gap, &["app"]);
        assert!(is_pair(&[old(10, 7), new()]));
        assert!(!is_pair(&[old(6, 7), new()]));
        let mut short = old(10, 7);
        short.history.as_mut().unwrap().since = NOW.parse::<Timestamp>().unwrap() - days(12);
        assert!(!is_pair(&[short, new()]), "twelve days do not tell of a monthly job");
    }

    #[test]
    fn a_young_key_that_nobody_uses_is_never_taken_for_replaced() {
        let keys = [key(OLD, 400, Some((0, "s3"))), key(NEW, 60, None)];
        assert!(matches!(of(&keys), Relation::Unknown { .. }));
        let keys = [key(OLD, 400, Some((0, "s3"))), key(NEW, 100, Some((50, "s3")))];
        assert!(matches!(of(&keys), Relation::Unknown { .. }));
    }

    #[test]
    fn consumers_that_share_no_key_are_independent() {
        let one = watched(key(OLD, 400, Some((0, "s3"))), 1, &["billing"]);
        let other = watched(key(NEW, 60, Some((0, "s3"))), 1, &["reports"]);
        assert!(is_independent(&[one.clone(), other.clone()]));
        let quiet = watched(key(OLD, 400, Some((10, "s3"))), 7, &["billing"]);
        assert!(is_independent(&[quiet.clone(), other]), "also when one of them is quiet");
        let moving = watched(key(NEW, 60, Some((0, "s3"))), 1, &["billing", "reports"]);
        assert!(matches!(of(&[one, moving.clone()]), Relation::Unknown { .. }));
        let behind = watched(quiet, 7, &["billing", "monthly"]);
        let Relation::Unknown { why } = of(&[behind, moving]) else { panic!() };
        assert!(why.contains("its consumer monthly was not seen"), "{why}");
    }

    #[test]
    fn two_last_uses_show_independence_only_long_after_the_younger_was_made() {
        let old = |service| key(OLD, 400, Some((0, service)));
        assert!(is_independent(&[old("ses"), key(NEW, 60, Some((1, "s3")))]));
        assert!(!is_independent(&[old("s3"), key(NEW, 60, Some((1, "s3")))]), "the same place");
        assert!(!is_independent(&[old("ses"), key(NEW, 10, Some((1, "s3")))]), "perhaps on the way");
    }

    #[test]
    fn of_three_keys_the_oldest_that_is_not_used_goes_first() {
        let third = || key("AKIATHIRDTHIRDTHIRD2", 300, Some((50, "s3")));
        let used = || key(NEW, 60, Some((0, "s3")));
        assert!(is_pair(&[third(), key(OLD, 400, Some((90, "s3"))), used()]));
        let Relation::Pair { old, .. } = of(&[used(), third()]) else { panic!() };
        assert_eq!(old.as_str(), "AKIATHIRDTHIRDTHIRD2");
    }
}
