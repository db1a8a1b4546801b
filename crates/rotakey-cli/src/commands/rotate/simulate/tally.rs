//! What a forecast comes to, day by day.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rotakey_core::id::AccountId;
use rotakey_core::rotate::Intent;
use rotakey_core::rotate::forecast::{Happening, What};
use serde::Serialize;

/// What happens on one day: 24 hours from the beginning of the forecast, or from the day before.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Day {
    /// When it begins.
    pub(super) from: Timestamp,
    /// How many rotations begin.
    pub(super) begun: usize,
    /// How many old keys are disabled.
    pub(super) disabled: usize,
    /// How many old keys are deleted.
    pub(super) deleted: usize,
    /// How many rotations are under way at its end.
    pub(super) under_way: usize,
    /// How many users a person is asked about.
    pub(super) asked: usize,
    /// How many keys get too old.
    pub(super) overdue: usize,
}

/// One rotation.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Rotated {
    pub(super) account_id: AccountId,
    pub(super) user_name: String,
    pub(super) begins_at: Timestamp,
    pub(super) old_key_disabled_at: Option<Timestamp>,
    pub(super) old_key_deleted_at: Option<Timestamp>,
}

/// A user that a person is asked about.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Asked {
    pub(super) account_id: AccountId,
    pub(super) user_name: String,
    pub(super) at: Timestamp,
    pub(super) why: String,
    pub(super) advice: String,
}

/// A key that gets too old.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Overdue {
    pub(super) account_id: AccountId,
    pub(super) user_name: String,
    pub(super) at: Timestamp,
    pub(super) because: String,
}

/// All that a forecast told.
#[derive(Debug, Serialize)]
pub(super) struct Tally {
    #[serde(skip)]
    from: Timestamp,
    days: Vec<Day>,
    pub(super) rotations: Vec<Rotated>,
    pub(super) asked: Vec<Asked>,
    pub(super) overdue: Vec<Overdue>,
    /// How many rotations end on each day.
    #[serde(skip)]
    ended: Vec<usize>,
    /// The rotation of each user that is under way, by its account and name.
    #[serde(skip)]
    open: BTreeMap<(AccountId, String), usize>,
}

impl Tally {
    pub(super) fn new(from: Timestamp, days: u16) -> Self {
        let day = |number: u16| Day {
            from: from + SignedDuration::from_hours(24 * i64::from(number)),
            begun: 0,
            disabled: 0,
            deleted: 0,
            under_way: 0,
            asked: 0,
            overdue: 0,
        };
        Self {
            from,
            days: (0..days).map(day).collect(),
            ended: vec![0; usize::from(days)],
            rotations: Vec::new(),
            asked: Vec::new(),
            overdue: Vec::new(),
            open: BTreeMap::new(),
        }
    }

    pub(super) fn days(&self) -> &[Day] {
        &self.days
    }

    /// Whether nobody is asked, and no key gets too old.
    pub(super) fn is_smooth(&self) -> bool {
        self.asked.is_empty() && self.overdue.is_empty()
    }

    /// The most rotations that are under way at the end of a day, and that day.
    pub(super) fn busiest(&self) -> Option<&Day> {
        // Of equal days the first: the last of them is no news.
        self.days.iter().rev().filter(|day| day.under_way > 0).max_by_key(|day| day.under_way)
    }

    pub(super) fn take(&mut self, happening: &Happening<'_>) {
        let Happening { at, user, what } = *happening;
        let account_id = user.account_id;
        let user_name = || user.principal.to_string();
        match what {
            What::Begins(_) => {
                self.open.insert((account_id, user_name()), self.rotations.len());
                self.rotations.push(Rotated {
                    account_id,
                    user_name: user_name(),
                    begins_at: at,
                    old_key_disabled_at: None,
                    old_key_deleted_at: None,
                });
                self.count(at, |day| day.begun += 1);
            }
            What::Does(Intent::Disable { .. }) => {
                self.count(at, |day| day.disabled += 1);
                self.of(&(account_id, user_name()), |rotation| rotation.old_key_disabled_at = Some(at));
            }
            What::Does(Intent::Delete { .. }) => {
                self.count(at, |day| day.deleted += 1);
                self.of(&(account_id, user_name()), |rotation| rotation.old_key_deleted_at = Some(at));
            }
            What::Does(_) => {}
            What::Ends(_) => {
                self.open.remove(&(account_id, user_name()));
                let day = self.day(at);
                self.ended.iter_mut().skip(day).take(1).for_each(|ended| *ended += 1);
            }
            What::Asks { why, advice } => {
                let (why, advice) = (why.to_owned(), advice.to_owned());
                self.asked.push(Asked { account_id, user_name: user_name(), at, why, advice });
                self.count(at, |day| day.asked += 1);
            }
            What::IsOverdue { because } => {
                let because = because.to_owned();
                self.overdue.push(Overdue { account_id, user_name: user_name(), at, because });
                self.count(at, |day| day.overdue += 1);
            }
        }
    }

    /// All of it in the order of time. What a forecast tells comes one user after another.
    pub(super) fn finish(mut self) -> Self {
        let mut under_way = 0;
        for (day, ended) in self.days.iter_mut().zip(&self.ended) {
            under_way = (under_way + day.begun).saturating_sub(*ended);
            day.under_way = under_way;
        }
        self.rotations.sort_by_key(|rotation| rotation.begins_at);
        self.asked.sort_by_key(|asked| asked.at);
        self.overdue.sort_by_key(|overdue| overdue.at);
        self
    }

    fn of(&mut self, user: &(AccountId, String), change: impl FnOnce(&mut Rotated)) {
        if let Some(rotation) = self.open.get(user).and_then(|index| self.rotations.get_mut(*index)) {
            change(rotation);
        }
    }

    fn count(&mut self, at: Timestamp, change: impl FnOnce(&mut Day)) {
        let day = self.day(at);
        self.days.get_mut(day).map(change);
    }

    /// Which day that is.
    fn day(&self, at: Timestamp) -> usize {
        let day = at.duration_since(self.from).as_hours() / 24;
        // A key that is too old already counts for the first day.
        let last = self.days.len().saturating_sub(1);
        usize::try_from(day).unwrap_or(0).min(last)
    }
}
