//! How the active keys of a user belong together: one took the other's place, or each has applications of its
//! own, or it cannot be told.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::LAST_USED_LAG;
use super::plan::Timing;
use super::usage::{Consumer, ConsumerUse, KeyUsage};
use crate::fact::{LastUsed, Seen};
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
    /// Who used it, as far as a source of usage tells; or why none does.
    pub usage: Seen<KeyUsage>,
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

impl KeyUse {
    /// Since when it has been quiet.
    fn quiet_since(&self) -> Timestamp {
        self.last_used.at().unwrap_or(self.created_at)
    }

    /// Who used it, if these are certainly all; else why not.
    fn all_uses(&self, timing: &Timing, now: Timestamp) -> Result<&KeyUsage, String> {
        match &self.usage {
            Seen::Unknown(why) => Err(why.clone()),
            Seen::Known(usage) => {
                usage.not_all(now, timing.longest_quiet, self.last_used.at()).map_or(Ok(usage), Err)
            }
        }
    }

    /// How long it must be quiet to count as not used any more: longer than it ever was. One last use does not
    /// tell how far apart uses are, nor does a source that may not see all of them.
    fn quiet_wanted(&self, timing: &Timing, now: Timestamp) -> SignedDuration {
        let all = self.all_uses(timing, now).ok();
        let pause = all.and_then(|usage| usage.longest_pause(self.created_at));
        pause.map_or(timing.longest_quiet, |pause| pause.min(timing.longest_quiet).max(timing.quiet_for))
    }

    fn is_quiet(&self, timing: &Timing, now: Timestamp) -> bool {
        now.duration_since(self.quiet_since()) >= self.quiet_wanted(timing, now) + LAST_USED_LAG
    }

    fn consumers(&self) -> Option<BTreeSet<&Consumer>> {
        let consumers = &self.usage.known()?.consumers;
        Some(consumers.iter().map(|used| &used.consumer).collect())
    }

    fn place(&self) -> Option<(&str, &str)> {
        match &self.last_used {
            LastUsed::At { region: Some(region), service: Some(service), .. } => Some((service, region)),
            _ => None,
        }
    }
}

/// How the active keys of one user belong together. Of several pairs, the one whose old key is oldest.
///
/// What a source tells in part holds up, and permits nothing.
pub fn relation(keys: &[KeyUse], timing: &Timing, now: Timestamp) -> Relation {
    let mut by_age: Vec<&KeyUse> = keys.iter().collect();
    by_age.sort_by_key(|key| (key.created_at, &key.id));
    for old in by_age.iter().filter(|key| key.is_quiet(timing, now)) {
        // A younger key that was used after it, the most recently used of them.
        let successor = by_age
            .iter()
            .filter(|new| new.created_at > old.created_at)
            .filter(|new| new.last_used.at().is_some_and(|at| at > old.quiet_since()))
            .max_by_key(|new| new.last_used.at());
        let Some(new) = successor else { continue };
        if let Some(used) = left_behind(old, new, timing, now) {
            return apart(&[old, new], timing, now).unwrap_or_else(|| {
                let (consumer, last) = (&used.consumer, used.last_at);
                let (old, new) = (&old.id, &new.id);
                let why = format!(
                    "{old} is quiet, but its consumer {consumer} (last {last}) was not seen on {new} since"
                );
                Relation::Unknown { why }
            });
        }
        let quiet_for = old.quiet_wanted(timing, now);
        let unused = match old.last_used.at() {
            Some(at) => format!("not used since {at}"),
            None => format!("never used since it was created at {}", old.created_at),
        };
        let why = format!("{unused}; {}, which is younger, is in use", new.id);
        return Relation::Pair { old: old.id.clone(), new: new.id.clone(), quiet_for, why };
    }
    all_in_use(&by_age, timing, now)
}

/// Each key was seen to have consumers, and none to share one with another.
fn apart(keys: &[&KeyUse], timing: &Timing, now: Timestamp) -> Option<Relation> {
    let consumers: Option<Vec<_>> = keys.iter().map(|key| key.consumers()).collect();
    let consumers = consumers?;
    let apart = consumers
        .iter()
        .enumerate()
        .all(|(index, one)| !one.is_empty() && consumers[..index].iter().all(|other| one.is_disjoint(other)));
    let in_part = keys.iter().find_map(|key| key.all_uses(timing, now).err());
    let in_part = in_part.map_or_else(String::new, |why| format!(" (as far as is seen: {why})"));
    let why = format!("no consumer of one was seen on another{in_part}");
    apart.then_some(Relation::Independent { why })
}

/// A consumer of the old key that was not seen on the new one since, though it may come again.
fn left_behind<'k>(
    old: &'k KeyUse,
    new: &'k KeyUse,
    timing: &Timing,
    now: Timestamp,
) -> Option<&'k ConsumerUse> {
    let (of_old, of_new) = (old.usage.known()?, new.usage.known()?);
    let may_come =
        |used: &&ConsumerUse| now.duration_since(used.last_at) < timing.longest_quiet + LAST_USED_LAG;
    of_old.not_moved(Some(of_new)).find(may_come)
}

/// Somebody who was seen on several of the keys.
fn shared<'k>(keys: &[&'k KeyUse]) -> Option<&'k Consumer> {
    let mut seen = BTreeSet::new();
    keys.iter().filter_map(|key| key.consumers()).flatten().find(|consumer| !seen.insert(*consumer))
}

/// No key is plainly out of use.
fn all_in_use(by_age: &[&KeyUse], timing: &Timing, now: Timestamp) -> Relation {
    let unknown = |why: String| Relation::Unknown { why };
    if let Some(key) = by_age.iter().find(|key| key.last_used == LastUsed::Never) {
        return unknown(format!("{} was never used: it may be about to be", key.id));
    }
    if by_age.iter().all(|key| key.is_quiet(timing, now)) {
        return unknown("none of them has been used for long".to_owned());
    }
    if let Some(independent) = apart(by_age, timing, now) {
        return independent;
    }
    if let Some(consumer) = shared(by_age) {
        return unknown(format!("all are in use, more than one of them by {consumer}"));
    }
    // Used long after the youngest was there to move to, in other services or regions: not on the way.
    let youngest = by_age.iter().map(|key| key.created_at).max().unwrap_or(now);
    let settled = super::controls::later(youngest, timing.adopt_timeout);
    let places: BTreeSet<_> = by_age.iter().filter_map(|key| key.place()).collect();
    let apart = places.len() == by_age.len();
    if apart && by_age.iter().all(|key| key.last_used.at().is_some_and(|at| at > settled)) {
        return Relation::Independent {
            why: "all are in use, long after the youngest was made, each for another service or region"
                .to_owned(),
        };
    }
    match by_age.iter().find_map(|key| key.all_uses(timing, now).err()) {
        Some(why) => unknown(format!("all are in use: it is not known by whom ({why})")),
        None => unknown("all are in use".to_owned()),
    }
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
        let usage = Seen::Unknown("nobody looks".to_owned());
        KeyUse { id: id.parse().unwrap(), created_at: now - days(created), last_used, usage }
    }

    /// Each consumer used the key for months so many days apart, and last when the key was used last.
    fn watched(mut key: KeyUse, gap: i64, consumers: &[&str]) -> KeyUse {
        let now: Timestamp = NOW.parse().unwrap();
        let used = |name: &&str| ConsumerUse {
            consumer: Consumer {
                source: (*name).to_owned(),
                agent: "aws-cli".to_owned(),
                service: "s3".to_owned(),
                region: "eu-west-1".to_owned(),
            },
            first_at: key.created_at.max(now - days(89)),
            last_at: key.last_used.at().unwrap(),
            calls: 9,
            longest_gap: days(gap),
        };
        let consumers = consumers.iter().map(used).collect();
        key.usage = Seen::Known(KeyUsage { consumers, ..KeyUsage::none(now - days(90), now) });
        key
    }

    fn change(key: KeyUse, change: impl FnOnce(&mut KeyUsage)) -> KeyUse {
        let Seen::Known(mut usage) = key.usage else { panic!("nobody looks") };
        change(&mut usage);
        KeyUse { usage: Seen::Known(usage), ..key }
    }

    fn of(keys: &[KeyUse]) -> Relation {
        relation(keys, &Timing::default(), NOW.parse().unwrap())
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
        let twelve_days = NOW.parse::<Timestamp>().unwrap() - days(12);
        let short = change(old(10, 7), |usage| usage.since = twelve_days);
        assert!(!is_pair(&[short, new()]), "twelve days do not tell of a monthly job");
        let late = change(old(10, 7), |usage| usage.consumers[0].first_at = twelve_days);
        assert!(!is_pair(&[late, new()]), "it may have been silent for long before");
        let monthly = |ago| watched(key(OLD, 400, Some((ago, "s3"))), 28, &["app"]);
        assert!(is_pair(&[monthly(32), new()]));
        assert!(!is_pair(&[monthly(31), new()]), "not every month is as short as February");
    }

    #[test]
    fn what_a_source_does_not_see_all_of_permits_nothing_and_holds_up() {
        let new = || watched(key(NEW, 60, Some((0, "s3"))), 1, &["app"]);
        let old = |ago, consumers: &[&str]| watched(key(OLD, 400, Some((ago, "s3"))), 1, consumers);
        assert!(is_pair(&[old(10, &["app"]), new()]));
        let in_part = |key| change(key, |usage| usage.incomplete = Some("no data events".to_owned()));
        let Relation::Unknown { why } = of(&[in_part(old(10, &["app"])), new()]) else { panic!() };
        assert!(why.contains("more than one of them by app"), "{why}");
        let mut elsewhere = old(10, &["app"]);
        let LastUsed::At { at, .. } = &mut elsewhere.last_used else { unreachable!() };
        *at += days(5);
        assert!(!is_pair(&[elsewhere, new()]), "IAM tells of a use that the source does not know");
        assert!(is_pair(&[in_part(old(40, &["app"])), new()]), "as without a source");
        let back = |key| change(key, |usage| usage.consumers[0].last_at -= days(80));
        let Relation::Unknown { why } = of(&[old(10, &["app"]), back(new())]) else { panic!() };
        assert!(why.contains("its consumer app"), "app went back to the older key: {why}");
        assert!(is_pair(&[old(40, &["one"]), new()]), "whoever it was has been silent for long enough");
        let Relation::Independent { why } = of(&[in_part(old(1, &["one"])), new()]) else { panic!() };
        assert!(why.contains("as far as is seen: no data events"), "{why}");
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
        assert!(why.contains("its consumer monthly, aws-cli, s3 in eu-west-1"), "{why}");
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
