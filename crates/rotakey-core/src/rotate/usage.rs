//! Who uses a key: the consumers that a source of usage (AWS CloudTrail, or an index of it) tells, and which of them
//! have not moved to the new key yet.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::plan::Timing;
use super::{LAST_USED_GRANULARITY, LAST_USED_LAG};

/// The most consumers of a key that are told and logged.
pub const MOST_CONSUMERS: usize = 50;

/// How far back consumers are looked for, where the source goes back that far: CloudTrail's event history does.
pub const LOOK_BACK: SignedDuration = SignedDuration::from_hours(90 * 24);

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What is seen within less than this is one run, and says nothing of how far apart runs are.
const ONE_RUN: SignedDuration = DAY;

/// The shortest and the longest month, with some hours in which a job may take its time.
const MONTH: (SignedDuration, SignedDuration) =
    (SignedDuration::from_hours(28 * 24 - 12), SignedDuration::from_hours(31 * 24));

/// What tells one user of a key from another, and stays the same when it gets another key: its network, what it says
/// of itself without versions, and what it calls where. A hint, and not an identity: two programs on one network that
/// use the same SDK for the same service are one consumer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Consumer {
    /// Where it calls from: a network such as `10.1.2.0/24`, or the name of an AWS service.
    pub source: String,
    /// The client, without versions.
    pub agent: String,
    /// The service that it calls, such as `s3`.
    pub service: String,
    /// The region in which it calls it.
    pub region: String,
}

impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {} in {}", self.source, self.agent, self.service, self.region)
    }
}

/// How a consumer uses a key, as far as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerUse {
    /// Who.
    pub consumer: Consumer,
    /// Its first use that was seen.
    pub first_at: Timestamp,
    /// Its last use that was seen.
    pub last_at: Timestamp,
    /// How many calls were seen; where two looks overlap, calls are counted twice.
    pub calls: u64,
    /// The longest time between two of them, never told too short.
    pub longest_gap: SignedDuration,
}

/// Who used a key in some time. Calls of rotakey itself are not among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUsage {
    /// From when on uses were looked for.
    pub since: Timestamp,
    /// Until when: before it, absence means something.
    pub as_of: Timestamp,
    /// The consumers, the latest first; at most [`MOST_CONSUMERS`].
    pub consumers: Vec<ConsumerUse>,
    /// How many session keys (`ASIA...`) were seen to be minted from the key.
    #[serde(default)]
    pub sessions: u64,
    /// Why not all uses can be among these; `None` if all are, those by its sessions and data events too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
}

impl KeyUsage {
    /// No use from then until then.
    pub fn none(since: Timestamp, as_of: Timestamp) -> Self {
        Self { since, as_of, consumers: Vec::new(), sessions: 0, incomplete: None }
    }

    /// The latest use.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.consumers.iter().map(|one| one.last_at).max()
    }

    /// The use that was seen of that consumer.
    pub fn of(&self, consumer: &Consumer) -> Option<&ConsumerUse> {
        self.consumers.iter().find(|one| one.consumer == *consumer)
    }

    /// Why these cannot be all uses until it was looked; `None` if they are. `last_use` is what IAM tells: a use that the
    /// source does not know shows that it does not see all.
    pub fn not_all(
        &self,
        looked_at: Timestamp,
        longest_quiet: SignedDuration,
        last_use: Option<Timestamp>,
    ) -> Option<String> {
        if let Some(why) = &self.incomplete {
            return Some(why.clone());
        }
        if let Some(why) = self.ends_early(looked_at) {
            return Some(why);
        }
        if self.since > looked_at - longest_quiet {
            return Some(format!("the source goes back only to {}", self.since));
        }
        let unexplained = last_use.filter(|at| {
            (self.since..=self.as_of).contains(at)
                && self.last_at().is_none_or(|known| known + LAST_USED_GRANULARITY < *at)
        });
        unexplained.map(|at| format!("the source does not know the use at {at} that IAM tells of"))
    }

    fn ends_early(&self, looked_at: Timestamp) -> Option<String> {
        let late = self.as_of + LAST_USED_LAG < looked_at;
        late.then(|| format!("the source tells nothing after {}", self.as_of))
    }

    /// The longest time for which nobody used a key of that age, never told too short; `None` if nobody was seen at all.
    /// In whole days, so that it is the same at each look.
    pub(super) fn longest_pause(&self, created_at: Timestamp) -> Option<SignedDuration> {
        let mut by_begin: Vec<&ConsumerUse> = self.consumers.iter().collect();
        by_begin.sort_by_key(|used| used.first_at);
        by_begin.first()?;
        // What was before the source begins to tell is not known.
        let (mut longest, mut used_until) = (SignedDuration::ZERO, self.since.max(created_at));
        for used in by_begin {
            longest = longest.max(used.first_at.duration_since(used_until)).max(used.longest_gap);
            used_until = used_until.max(used.last_at);
        }
        let days = (as_of_a_month(longest) + DAY - SignedDuration::from_secs(1)).as_hours() / 24;
        Some(SignedDuration::from_hours(24 * days))
    }

    /// The consumers of this key that were not seen on `new` since their last use of this one.
    pub(super) fn not_moved<'u>(&'u self, new: Option<&'u Self>) -> impl Iterator<Item = &'u ConsumerUse> {
        self.consumers.iter().filter(move |used| {
            let on_new = new.and_then(|new| new.of(&used.consumer));
            on_new.is_none_or(|on_new| on_new.last_at <= used.last_at)
        })
    }

    /// Sorted, and cut to what is kept; what was cut is told.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.consumers
            .sort_by(|one, other| (other.last_at, &one.consumer).cmp(&(one.last_at, &other.consumer)));
        if self.consumers.len() > MOST_CONSUMERS {
            self.consumers.truncate(MOST_CONSUMERS);
            self.incomplete = Some(format!("there are more than {MOST_CONSUMERS} consumers"));
        }
        self
    }

    /// Together with what a later look found, which began before this one ended.
    #[must_use]
    pub(super) fn and_later(self, later: Self) -> Self {
        let mut consumers: BTreeMap<Consumer, ConsumerUse> =
            self.consumers.into_iter().map(|one| (one.consumer.clone(), one)).collect();
        for one in later.consumers {
            match consumers.get_mut(&one.consumer) {
                Some(known) => known.add_later(&one),
                None => drop(consumers.insert(one.consumer.clone(), one)),
            }
        }
        Self {
            since: self.since.min(later.since),
            as_of: self.as_of.max(later.as_of),
            consumers: consumers.into_values().collect(),
            sessions: self.sessions.saturating_add(later.sessions),
            // What the earlier look did not see, the later one did not look for.
            incomplete: later.incomplete.or(self.incomplete),
        }
        .bounded()
    }
}

impl ConsumerUse {
    fn add_later(&mut self, later: &Self) {
        let between = later.first_at.duration_since(self.last_at).max(SignedDuration::ZERO);
        self.longest_gap = self.longest_gap.max(later.longest_gap).max(between);
        self.first_at = self.first_at.min(later.first_at);
        self.last_at = self.last_at.max(later.last_at);
        self.calls = self.calls.saturating_add(later.calls);
    }

    /// For how long it may well be silent before it comes again, as far as its past tells. Of one that was seen in
    /// one run only, nothing does.
    fn expected_pause(&self) -> Option<SignedDuration> {
        let seen_for = self.last_at.duration_since(self.first_at);
        (seen_for >= ONE_RUN).then(|| as_of_a_month(self.longest_gap))
    }

    /// From when on its silence means that it does not come again with this key.
    pub fn safe_at(&self, timing: &Timing) -> Timestamp {
        let pause = self.expected_pause().map_or(timing.longest_quiet, |gap| gap.min(timing.longest_quiet));
        self.last_at + timing.quiet_for.max(pause) + LAST_USED_LAG
    }

    /// It in a few words: `last month's 1st 02:00 job (10.0.0.0/24, aws-cli, s3 in eu-west-1)`.
    pub fn describe(&self, now: Timestamp) -> String {
        let (shortest, longest) = MONTH;
        let is_monthly = self.expected_pause().is_some_and(|pause| (shortest..=longest).contains(&pause));
        let last = self.last_at.strftime("%Y-%m-%d %H:%M");
        if !is_monthly {
            return format!("{} (last seen on the old key at {last})", self.consumer);
        }
        let then = Offset::UTC.to_datetime(self.last_at);
        let month = |at: DateTime| i32::from(at.year()) * 12 + i32::from(at.month());
        let ago = month(Offset::UTC.to_datetime(now)) - month(then);
        let whose = match ago {
            0 => "this month's".to_owned(),
            1 => "last month's".to_owned(),
            _ => format!("{}'s", then.strftime("%B")),
        };
        format!("{whose} {} {} job ({})", ordinal(then.day()), then.strftime("%H:%M"), self.consumer)
    }
}

/// Months are of different lengths: a pause of about one counts as the longest of them.
fn as_of_a_month(pause: SignedDuration) -> SignedDuration {
    let (shortest, longest) = MONTH;
    if (shortest..longest).contains(&pause) { longest } else { pause }
}

/// `1st`, `22nd`.
fn ordinal(day: i8) -> String {
    let ending = match (day % 10, day / 10) {
        (_, 1) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{day}{ending}")
}

/// What all looks together have told of both keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownUsage {
    /// When it was looked last, whatever came of it.
    pub looked_at: Option<Timestamp>,
    /// Of the old key.
    pub old: Option<KeyUsage>,
    /// Of the new key.
    pub new: Option<KeyUsage>,
    /// Why the last look failed, if it did.
    pub unknown: Option<String>,
}

/// A consumer that has not been seen on the new key, and may come again with the old one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left<'a> {
    /// Who, and how it used the old key.
    pub used: &'a ConsumerUse,
    /// From when on its silence is enough.
    pub safe_at: Timestamp,
}

impl KnownUsage {
    pub(super) fn seen(&mut self, old: &KeyUsage, new: &KeyUsage, at: Timestamp) {
        self.looked_at = Some(at);
        self.unknown = None;
        for (known, seen) in [(&mut self.old, old), (&mut self.new, new)] {
            let seen = seen.clone().bounded();
            *known = Some(match known.take() {
                Some(known) => known.and_later(seen),
                None => seen,
            });
        }
    }

    pub(super) fn not_seen(&mut self, why: &str, at: Timestamp) {
        self.looked_at = Some(at);
        self.unknown = Some(why.to_owned());
    }

    /// From when on a look must look, so that nothing is missed; uses may show late.
    pub(super) fn look_since(&self, timing: &Timing, now: Timestamp) -> Timestamp {
        let all = now - LOOK_BACK.max(timing.longest_quiet);
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => old.as_of.min(new.as_of).min(now) - LAST_USED_LAG,
            _ => all,
        }
    }

    /// The consumers of the old key that have not moved: not seen on the new one since their last use of the old one,
    /// and silent for less than their own longest pause. `gone` are those that a person has answered for up to then.
    pub fn left(&self, timing: &Timing, gone: Option<Timestamp>, now: Timestamp) -> Vec<Left<'_>> {
        let mut left: Vec<Left<'_>> = self
            .old
            .iter()
            .flat_map(|old| old.not_moved(self.new.as_ref()))
            .filter(|used| gone.is_none_or(|gone| used.last_at > gone))
            .map(|used| Left { used, safe_at: used.safe_at(timing) })
            .filter(|left| now < left.safe_at)
            .collect();
        left.sort_by(|one, other| {
            (other.safe_at, &one.used.consumer).cmp(&(one.safe_at, &other.used.consumer))
        });
        left
    }

    /// Why the consumers that are known cannot be all there are; `None` if they are. `last_use` is what IAM tells of
    /// the old key.
    pub fn incomplete(&self, timing: &Timing, last_use: Option<Timestamp>) -> Option<String> {
        if let Some(why) = &self.unknown {
            return Some(why.clone());
        }
        let (Some(old), Some(new), Some(looked_at)) = (&self.old, &self.new, self.looked_at) else {
            return Some("nobody has looked yet".to_owned());
        };
        old.not_all(looked_at, timing.longest_quiet, last_use)
            .or_else(|| new.incomplete.clone())
            .or_else(|| new.ends_early(looked_at))
    }

    /// Who was seen on the new key.
    pub fn adopters(&self) -> &[ConsumerUse] {
        self.new.as_ref().map_or(&[], |new| &new.consumers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(in crate::rotate) fn consumer(source: &str) -> Consumer {
        Consumer {
            source: source.to_owned(),
            agent: "aws-cli".to_owned(),
            service: "s3".to_owned(),
            region: "eu-west-1".to_owned(),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn used(source: &str, first: &str, last: &str, gap_hours: i64) -> ConsumerUse {
        ConsumerUse {
            consumer: consumer(source),
            first_at: at(first),
            last_at: at(last),
            calls: 2,
            longest_gap: SignedDuration::from_hours(gap_hours),
        }
    }

    fn usage(consumers: Vec<ConsumerUse>) -> KeyUsage {
        KeyUsage { consumers, ..KeyUsage::none(at("2026-08-20T00:00:00Z"), at("2026-11-20T00:00:00Z")) }
    }

    fn known(old: Vec<ConsumerUse>, new: Vec<ConsumerUse>) -> KnownUsage {
        let mut known = KnownUsage::default();
        known.seen(&usage(old), &usage(new), at("2026-11-20T00:00:00Z"));
        known
    }

    fn monthly() -> ConsumerUse {
        used("10.0.0.0/24", "2026-09-01T02:00:00Z", "2026-11-01T02:00:00Z", 30 * 24)
    }

    #[test]
    fn a_monthly_job_holds_up_until_it_should_have_come_again_and_is_told_in_words() {
        let (timing, now) = (Timing::default(), at("2026-11-20T00:00:00Z"));
        let busy = used("10.0.1.0/24", "2026-09-01T00:00:00Z", "2026-11-18T00:00:00Z", 1);
        let known = known(vec![monthly(), busy], Vec::new());
        let left = known.left(&timing, None, now);
        assert_eq!(left.len(), 1, "the busy one has been silent for longer than ever");
        assert_eq!(left[0].safe_at, at("2026-12-02T06:00:00Z"));
        let job = "1st 02:00 job (10.0.0.0/24, aws-cli, s3 in eu-west-1)";
        assert_eq!(left[0].used.describe(now), format!("this month's {job}"));
        assert_eq!(left[0].used.describe(at("2026-12-01T00:00:00Z")), format!("last month's {job}"));
        assert!(known.left(&timing, None, at("2026-12-02T06:00:00Z")).is_empty());
    }

    #[test]
    fn who_is_seen_on_the_new_key_after_its_last_use_of_the_old_one_has_moved() {
        let now = at("2026-11-20T00:00:00Z");
        let moved = used("10.0.0.0/24", "2026-11-19T00:00:00Z", "2026-11-19T00:00:00Z", 0);
        assert!(known(vec![monthly()], vec![moved.clone()]).left(&Timing::default(), None, now).is_empty());
        let back = used("10.0.0.0/24", "2026-09-01T02:00:00Z", "2026-11-19T12:00:00Z", 30 * 24);
        assert_eq!(known(vec![back], vec![moved]).left(&Timing::default(), None, now).len(), 1);
    }

    #[test]
    fn of_whoever_was_seen_in_one_run_only_no_pause_is_known() {
        let once = used("10.0.0.0/24", "2026-11-10T02:00:00Z", "2026-11-10T02:30:00Z", 0);
        assert_eq!(
            once.safe_at(&Timing::default()),
            once.last_at + Timing::default().longest_quiet + LAST_USED_LAG
        );
    }

    #[test]
    fn no_pause_is_waited_for_beyond_the_longest_that_the_plan_allows() {
        let timing = Timing { longest_quiet: SignedDuration::from_hours(48), ..Timing::default() };
        assert_eq!(monthly().safe_at(&timing), at("2026-11-03T06:00:00Z"));
    }

    #[test]
    fn whom_a_person_has_answered_for_does_not_hold_up_until_it_comes_again() {
        let (timing, now) = (Timing::default(), at("2026-11-20T00:00:00Z"));
        let known = known(vec![monthly()], Vec::new());
        assert!(known.left(&timing, Some(at("2026-11-15T00:00:00Z")), now).is_empty());
        assert_eq!(known.left(&timing, Some(at("2026-10-15T00:00:00Z")), now).len(), 1);
    }

    #[test]
    fn looks_add_up_and_the_pause_between_them_is_a_pause() {
        let first = used("10.0.0.0/24", "2026-09-01T02:00:00Z", "2026-09-01T02:00:00Z", 0);
        let second = used("10.0.0.0/24", "2026-11-01T02:00:00Z", "2026-11-01T03:00:00Z", 1);
        let both = usage(vec![first]).and_later(usage(vec![second]));
        assert_eq!(both.consumers.len(), 1);
        assert_eq!(both.consumers[0].longest_gap, SignedDuration::from_hours(61 * 24));
        assert_eq!(both.consumers[0].calls, 4);
    }

    #[test]
    fn what_is_not_all_there_is_says_why() {
        let (timing, last_use) = (Timing::default(), Some(at("2026-11-01T02:10:00Z")));
        let whole = known(vec![monthly()], Vec::new());
        assert_eq!(whole.incomplete(&timing, last_use), None);
        let why = |change: fn(&mut KnownUsage), last_use: &str| {
            let mut known = whole.clone();
            change(&mut known);
            known.incomplete(&timing, Some(at(last_use))).unwrap()
        };
        assert!(why(|_| {}, "2026-11-19T00:00:00Z").contains("IAM tells of"));
        assert!(
            why(|known| known.not_seen("throttled", at("2026-11-20T00:00:00Z")), "2026-11-01T02:00:00Z")
                .contains("throttled")
        );
        assert!(
            why(|known| known.looked_at = Some(at("2026-11-21T00:00:00Z")), "2026-11-01T02:00:00Z")
                .contains("nothing after")
        );
        assert!(
            why(
                |known| known.old.as_mut().unwrap().since = at("2026-11-10T00:00:00Z"),
                "2026-11-01T02:00:00Z"
            )
            .contains("goes back only")
        );
    }

    #[test]
    fn no_more_consumers_are_kept_than_can_be_logged_and_the_rest_is_told() {
        let many = (0..60).map(|number| {
            used(&format!("10.0.{number}.0/24"), "2026-09-01T02:00:00Z", "2026-11-01T02:00:00Z", 1)
        });
        let bounded = usage(many.collect()).bounded();
        assert_eq!(bounded.consumers.len(), MOST_CONSUMERS);
        assert!(bounded.incomplete.is_some());
    }
}
