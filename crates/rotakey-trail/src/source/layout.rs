//! What a path says of a file: nothing is opened or listed here.
//!
//! CloudTrail writes `[prefix/]AWSLogs/[o-organization/]account/CloudTrail/region/YYYY/MM/DD/` and there
//! `account_CloudTrail_region_YYYYMMDDTHHmmZ_unique.json.gz`:
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>.
//! Beside `CloudTrail` stand `CloudTrail-NetworkActivity`, whose records are like all others;
//! `CloudTrail-Digest`, `CloudTrail-Insight`, and `CloudTrail-Aggregated`, which counts what is told call by
//! call elsewhere; and the folders of other services.

use std::ops::RangeInclusive;

use crate::event_time::{DAY, EventTime};
use crate::selection::Selection;

/// What a file holds, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A CloudTrail log, named as CloudTrail names it.
    Log,
    /// A digest of log file integrity.
    Digest,
    /// Insights.
    Insight,
    /// Nothing is known, but it may well hold records.
    Readable,
    /// Something else.
    Foreign,
}

/// What the name of a file tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout<'a> {
    /// What it holds.
    pub kind: Kind,
    /// The account that it is about.
    pub account: Option<&'a str>,
    /// The region that it is about.
    pub region: Option<&'a str>,
    /// The day on which it was delivered, as days since 1970.
    pub day: Option<i64>,
}

impl<'a> Layout<'a> {
    /// Whether the file may hold records that are asked about.
    pub fn may_be_in(&self, selection: &Selection) -> bool {
        selection.may_be_in(self.account, self.region, self.day)
    }

    /// What CloudTrail's own file names tell, and those that other services make in the same way.
    fn named(name: &'a str) -> Option<Self> {
        let mut parts = name.split('_');
        let account = parts.next().filter(|part| is_account(part))?;
        let kind = service(parts.next()?);
        let region = parts.next().filter(|part| is_region(part));
        let day = parts.next().and_then(delivery_day);
        // Without a region it is not AWS that named it so.
        if region.is_none() && kind == Kind::Foreign {
            return None;
        }
        Some(Self { kind, account: Some(account), region, day })
    }
}

/// A folder, as far as the names on the way to it tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folder {
    step: Step,
    account: Option<Box<str>>,
    region: Option<Box<str>>,
    days: Option<(i64, i64)>,
}

/// How far down the layout a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Step {
    /// Not in the layout.
    #[default]
    Anywhere,
    /// `AWSLogs`.
    Logs,
    /// `o-exampleorgid`.
    Organization,
    /// `123456789012`.
    Account,
    /// `CloudTrail` or `CloudTrail-NetworkActivity`.
    Service,
    /// `eu-central-1`.
    Region,
    /// `2026`.
    Year(i64),
    /// `11`.
    Month(i64, i64),
    /// `23`, and what is below it.
    Day,
    /// Holds only files of that kind, which are not read.
    PassedOver(Kind),
}

impl Folder {
    /// The folder at that path.
    pub fn of(path: &str) -> Self {
        path.split('/')
            .filter(|name| !name.is_empty())
            .fold(Self::default(), |folder, name| folder.child(name))
    }

    /// A folder in this folder.
    pub fn child(&self, name: &str) -> Self {
        let mut child = self.clone();
        child.step = child.descend(name).unwrap_or_default();
        child
    }

    /// How far down the layout it is.
    pub fn step(&self) -> Step {
        self.step
    }

    /// The days that its files were delivered on.
    pub fn days(&self) -> Option<RangeInclusive<i64>> {
        self.days.map(|(first, last)| first..=last)
    }

    /// Whether there may be records below it that are asked about.
    pub fn may_be_in(&self, selection: &Selection) -> bool {
        let wanted = selection.days();
        selection.may_be_in(self.account.as_deref(), self.region.as_deref(), None)
            && self.days.is_none_or(|(first, last)| first <= *wanted.end() && *wanted.start() <= last)
    }

    /// A file in this folder. What its own name tells goes before what the folders tell, since folders are
    /// what people rearrange.
    pub fn file<'a>(&'a self, name: &'a str) -> Layout<'a> {
        let day = self.days.filter(|(first, last)| first == last).map(|(day, _)| day);
        let folder = Layout {
            kind: kind(name),
            account: self.account.as_deref(),
            region: self.region.as_deref(),
            day,
        };
        if let Step::PassedOver(kind) = self.step {
            return Layout { kind, ..folder };
        }
        match Layout::named(name) {
            None => folder,
            Some(own) => Layout {
                kind: if own.kind == Kind::Log && folder.kind == Kind::Foreign {
                    Kind::Foreign
                } else {
                    own.kind
                },
                account: own.account.or(folder.account),
                region: own.region.or(folder.region),
                day: own.day.or(folder.day),
            },
        }
    }

    /// Becomes a folder in this folder, and tells what that is.
    fn descend(&mut self, name: &str) -> Option<Step> {
        match self.step {
            Step::PassedOver(kind) => Some(Step::PassedOver(kind)),
            _ if name == "AWSLogs" => {
                *self = Self::default();
                Some(Step::Logs)
            }
            Step::Logs if is_organization(name) => Some(Step::Organization),
            Step::Logs | Step::Organization if is_account(name) => {
                self.account = Some(name.into());
                Some(Step::Account)
            }
            // Flow logs in the manner of Hive: `aws-account-id=123456789012`.
            Step::Logs | Step::Organization if name.contains('=') => Some(Step::PassedOver(Kind::Foreign)),
            Step::Account => Some(match service(name) {
                Kind::Log => Step::Service,
                kind => Step::PassedOver(kind),
            }),
            Step::Service if is_region(name) => {
                self.region = Some(name.into());
                Some(Step::Region)
            }
            Step::Region => {
                let year = number(name, 4)?;
                self.narrow(year, 1, 12, Step::Year(year))
            }
            Step::Year(year) => {
                let month = number(name, 2)?;
                self.narrow(year, month, month, Step::Month(year, month))
            }
            Step::Month(year, month) => {
                let day = day_of(year, month, number(name, 2)?)?;
                self.days = Some((day, day));
                Some(Step::Day)
            }
            Step::Day => Some(Step::Day),
            Step::Anywhere | Step::Logs | Step::Organization | Step::Service => None,
        }
    }

    /// Takes months of a year for its days, if there are such.
    fn narrow(&mut self, year: i64, first: i64, last: i64, step: Step) -> Option<Step> {
        let (next_year, next_month) = if last == 12 { (year + 1, 1) } else { (year, last + 1) };
        self.days = Some((day_of(year, first, 1)?, day_of(next_year, next_month, 1)? - 1));
        Some(step)
    }
}

/// The folders below one of a region that hold a day: `2026/11/23`. `None` for days that have no such name.
pub fn day_folder(day: i64) -> Option<String> {
    let mut text = EventTime::from_seconds(day.checked_mul(DAY)?)?.to_string();
    text.truncate(10);
    Some(text.replace('-', "/"))
}

/// What a file name tells by its endings alone.
fn kind(name: &str) -> Kind {
    if name.starts_with('.') {
        return Kind::Foreign;
    }
    let endings =
        name.rsplit_once('.').map(|(rest, last)| (rest.rsplit_once('.').map(|(_, inner)| inner), last));
    let is = |ending: &str, known: &[&str]| known.iter().any(|known| ending.eq_ignore_ascii_case(known));
    match endings {
        Some((_, last)) if is(last, &["json", "jsonl", "ndjson"]) => Kind::Readable,
        Some((inner, last)) if is(last, &["gz", "gzip", "zst", "zstd"]) => {
            let other = ["avro", "csv", "orc", "parquet", "sql", "tar", "tsv", "xml"];
            if inner.is_some_and(|inner| is(inner, &other)) { Kind::Foreign } else { Kind::Readable }
        }
        _ => Kind::Foreign,
    }
}

/// What the folder of a service holds.
fn service(name: &str) -> Kind {
    match name {
        "CloudTrail" | "CloudTrail-NetworkActivity" => Kind::Log,
        "CloudTrail-Digest" => Kind::Digest,
        "CloudTrail-Insight" => Kind::Insight,
        _ => Kind::Foreign,
    }
}

fn is_account(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_organization(name: &str) -> bool {
    name.strip_prefix("o-").is_some_and(|id| {
        (10..=32).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// `eu-central-1`, `us-gov-east-1`, and those to come.
fn is_region(name: &str) -> bool {
    let mut parts = name.split('-').rev();
    let number = parts.next().unwrap_or_default();
    !number.is_empty()
        && number.len() <= 2
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && parts.clone().count() >= 2
        && parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// The day in `20261123T1545Z`.
fn delivery_day(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 14 || bytes[8] != b'T' || bytes[13] != b'Z' {
        return None;
    }
    let number = |from: usize, until: usize| number(text.get(from..until)?, until - from);
    (number(9, 11)? < 24 && number(11, 13)? < 60).then_some(())?;
    day_of(number(0, 4)?, number(4, 6)?, number(6, 8)?)
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.bytes().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

/// Days since 1970, if there is such a day.
fn day_of(year: i64, month: i64, day: i64) -> Option<i64> {
    let mut text = *b"0000-00-00T00:00:00Z";
    for (place, digits, mut number) in [(0, 4, year), (5, 2, month), (8, 2, day)] {
        for digit in text[place..place + digits].iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).ok()?;
            number /= 10;
        }
        (number == 0).then_some(())?;
    }
    EventTime::parse(std::str::from_utf8(&text).ok()?).map(EventTime::day)
}

#[cfg(test)]
mod tests;
