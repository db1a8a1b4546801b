//! Which part of a trail is asked about.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::event_time::EventTime;
use crate::record::Record;

/// How many days before and after its own a file may hold records of. CloudTrail delivers within minutes as a
/// rule, but promises nothing.
pub const MARGIN_DAYS: i64 = 1;

/// Records outside of it are read over and counted. Empty sets and absent instants do not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The earliest time.
    pub from: Option<EventTime>,
    /// The first time that is too late.
    pub until: Option<EventTime>,
    /// `recipientAccountId`, or where that is absent the caller's account.
    pub accounts: BTreeSet<String>,
    /// `awsRegion`.
    pub regions: BTreeSet<String>,
}

impl Selection {
    /// Whether the record is asked about.
    pub fn has(&self, record: &Record<'_>) -> bool {
        self.from.is_none_or(|from| from <= record.time)
            && self.until.is_none_or(|until| record.time < until)
            && (self.accounts.is_empty() || {
                let account = record.recipient_account_id.or(record.identity.account_id);
                account.is_some_and(|account| self.accounts.contains(account))
            })
            && (self.regions.is_empty() || record.region.is_some_and(|region| self.regions.contains(region)))
    }

    /// Whether a file of that account, region and day, as far as its path tells them, may hold such records.
    pub fn may_be_in(&self, account: Option<&str>, region: Option<&str>, day: Option<i64>) -> bool {
        let in_set = |set: &BTreeSet<String>, name: Option<&str>| {
            set.is_empty() || name.is_none_or(|name| set.contains(name))
        };
        in_set(&self.accounts, account)
            && in_set(&self.regions, region)
            && day.is_none_or(|day| self.days().contains(&day))
    }

    /// The days whose files may hold such records, as days since 1970.
    pub fn days(&self) -> RangeInclusive<i64> {
        let first = self.from.map_or(i64::MIN, |from| from.day() - MARGIN_DAYS);
        let last = self.until.map_or(i64::MAX, |until| until.day() + MARGIN_DAYS);
        first..=last
    }
}
