//! What is not as it was: rows of use in, anomalies with their evidence out.
//!
//! Nothing here knows what is normal for a key but what the key itself did before. So whatever is called *new* is
//! new against a baseline: a time at the beginning of the trail in which the key was used on enough days. A key
//! without one is not silently fine: it is counted. The other anomalies (a listed address, a session in two places,
//! logging switched off) need no baseline and are told for the whole time.
//!
//! An anomaly is a reason to look, and never a proof. The texts hold foreign words; whoever shows them escapes them.

mod logging;
mod new;
mod sessions;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use rotakey_core::audit::Severity;
use serde::{Deserialize, Serialize};

use crate::event_time::EventTime;
use crate::network::lists::Lists;
use crate::usage::schema::KeyUsage;

/// The most names of one kind that evidence lists; how many there are is told.
const MOST_NAMES: usize = 10;

/// Which time is the measure for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// The first instant that is no longer part of it: the beginning of a day.
    pub until: EventTime,
    /// On how many days before it a key must have been used, to have a baseline.
    pub fewest_days: u32,
    /// How many calls it must have made before it.
    pub fewest_calls: u64,
}

impl Baseline {
    /// The usual demands: five days of use, and twenty calls.
    pub fn new(until: EventTime) -> Self {
        Self { until, fewest_days: 5, fewest_calls: 20 }
    }
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Anomalies {
    /// Sorted: the worst first, then by time and key.
    pub anomalies: Vec<Anomaly>,
    /// Keys that were used after the baseline and too little before it to say what is new for them. Keys of
    /// sessions are not counted here: they live for hours and never have a baseline.
    pub keys_without_baseline: u64,
    /// Keys of sessions, of which nothing can be new.
    pub session_keys: u64,
}

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    #[expect(missing_docs, reason = "the name says it")]
    pub code: Code,
    #[expect(missing_docs, reason = "the name says it")]
    pub severity: Severity,
    /// The key; absent where rows are grouped by principal.
    pub access_key_id: Option<String>,
    /// Who the key is of.
    pub principal_arn: Option<String>,
    /// When it was first seen.
    pub at: EventTime,
    /// What was seen.
    pub evidence: Evidence,
    /// What it is measured against, in words; `None` if it needs no baseline.
    pub baseline: Option<String>,
}

/// What was seen, in words and in parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// A sentence.
    pub text: String,
    /// The same in parts; lists of names are cut, and the numbers beside them are right.
    pub fields: BTreeMap<String, String>,
}

/// What kinds of anomalies there are. The texts are a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Used from a network that it was not used from before.
    NewNetwork,
    /// Used from a country that it was not used from before.
    NewCountry,
    /// Used in a region that it was not used in before.
    NewRegion,
    /// Used by a program or in a language that it was not used by before.
    NewAgent,
    /// Used from an address that is in one of the user's lists.
    ListedAddress,
    /// The session of an instance, used from outside of AWS.
    InstanceSessionOutsideAws,
    /// The session of an instance, used from several networks.
    InstanceSessionInSeveralNetworks,
    /// The key of another session, used from several networks.
    SessionKeyInSeveralNetworks,
    /// Logging was switched off, or what was logged deleted.
    LoggingSwitchedOff,
    /// It was changed what is logged.
    LoggingChanged,
    /// Somebody tried one of these, and failed.
    LoggingChangeAttempted,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NewNetwork,
        Self::NewCountry,
        Self::NewRegion,
        Self::NewAgent,
        Self::ListedAddress,
        Self::InstanceSessionOutsideAws,
        Self::InstanceSessionInSeveralNetworks,
        Self::SessionKeyInSeveralNetworks,
        Self::LoggingSwitchedOff,
        Self::LoggingChanged,
        Self::LoggingChangeAttempted,
    ];

    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewNetwork => "new-network",
            Self::NewCountry => "new-country",
            Self::NewRegion => "new-region",
            Self::NewAgent => "new-agent",
            Self::ListedAddress => "listed-address",
            Self::InstanceSessionOutsideAws => "instance-session-outside-aws",
            Self::InstanceSessionInSeveralNetworks => "instance-session-in-several-networks",
            Self::SessionKeyInSeveralNetworks => "session-key-in-several-networks",
            Self::LoggingSwitchedOff => "logging-switched-off",
            Self::LoggingChanged => "logging-changed",
            Self::LoggingChangeAttempted => "logging-change-attempted",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Looks for anomalies in rows by key or by principal. Rows that are further divided, by consumer, service or day, are
/// passed over: each of them alone would look new.
///
/// What is new is found only in rows that tell their use before [`Baseline::until`], in [`KeyUsage::baseline`].
pub fn find(rows: &[KeyUsage], baseline: &Baseline, lists: &Lists) -> Anomalies {
    let mut found = Anomalies::default();
    for row in rows {
        if row.consumer.is_some() || row.service.is_some() || row.day.is_some() {
            continue;
        }
        let mut subject = Subject { row, found: &mut found.anomalies };
        listed(&mut subject);
        logging::find(&mut subject);
        sessions::find(&mut subject, lists);
        if has_baseline(row, baseline) {
            new::find(&mut subject, baseline, lists);
        } else if is_session_key(row) {
            found.session_keys += 1;
        } else if row.last_at.is_some_and(|last| last >= baseline.until) {
            found.keys_without_baseline += 1;
        }
    }
    found.anomalies.sort_by(|a, b| {
        let order = |anomaly: &Anomaly| (std::cmp::Reverse(anomaly.severity), anomaly.at);
        let name =
            |anomaly: &Anomaly| (anomaly.access_key_id.clone(), anomaly.principal_arn.clone(), anomaly.code);
        order(a).cmp(&order(b)).then_with(|| name(a).cmp(&name(b)))
    });
    found
}

fn has_baseline(row: &KeyUsage, baseline: &Baseline) -> bool {
    row.baseline.is_some_and(|before| {
        before.until == baseline.until
            && before.active_days >= baseline.fewest_days
            && before.calls >= baseline.fewest_calls
    })
}

/// Whether it is the key of a session, by the letters that AWS begins its kinds of keys with.
fn is_session_key(row: &KeyUsage) -> bool {
    row.access_key_id.as_deref().is_some_and(|key| key.starts_with("ASIA"))
}

/// A list of the user's has an address: each list is an anomaly of its own.
fn listed(subject: &mut Subject<'_>) {
    let mut lists = BTreeMap::<&str, Vec<(String, EventTime)>>::new();
    for listed in &subject.row.listed_addresses {
        lists.entry(&listed.list).or_default().push((listed.address.to_string(), listed.tally.first_at));
    }
    for (list, addresses) in lists {
        let Some(names) = Names::of(addresses) else { continue };
        let text = format!("used from {}, which {list} lists", names.told());
        let evidence = Evidence::new(text).with("list", list).with_names("addresses", &names);
        subject.report(Code::ListedAddress, Severity::High, names.first_at, evidence, None);
    }
}

/// A row that is being looked at, and where to put what is found.
struct Subject<'r> {
    row: &'r KeyUsage,
    found: &'r mut Vec<Anomaly>,
}

impl Subject<'_> {
    fn report(
        &mut self,
        code: Code,
        severity: Severity,
        at: EventTime,
        evidence: Evidence,
        baseline: Option<String>,
    ) {
        let evidence = if self.row.truncated { evidence.with("lists", "cut") } else { evidence };
        self.found.push(Anomaly {
            code,
            severity,
            access_key_id: self.row.access_key_id.clone(),
            principal_arn: self.row.principal_arn.clone(),
            at,
            evidence,
            baseline,
        });
    }
}

impl Evidence {
    fn new(text: String) -> Self {
        Self { text, ..Self::default() }
    }

    fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.fields.insert(name.to_owned(), value.to_string());
        self
    }

    /// The names, and how many there are.
    fn with_names(self, name: &str, names: &Names) -> Self {
        self.with(name, names.names[..names.names.len().min(MOST_NAMES)].join(", "))
            .with(&format!("{name}_count"), names.names.len())
    }
}

/// Some things of one kind, in the order in which they were first seen, each once.
struct Names {
    names: Vec<String>,
    first_at: EventTime,
}

impl Names {
    /// `None` if there are none.
    fn of(mut names: Vec<(String, EventTime)>) -> Option<Self> {
        names.sort_by(|(a, at), (b, bt)| at.cmp(bt).then_with(|| a.cmp(b)));
        let first_at = names.first()?.1;
        let mut distinct: Vec<String> = Vec::new();
        for (name, _) in names {
            if !distinct.contains(&name) {
                distinct.push(name);
            }
        }
        Some(Self { names: distinct, first_at })
    }

    /// `a`, `a and b`, `a, b and 7 others`.
    fn told(&self) -> String {
        match self.names.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            [one, other] => format!("{one} and {other}"),
            [one, other, rest @ ..] => {
                let others = if rest.len() == 1 { "other" } else { "others" };
                format!("{one}, {other} and {} {others}", rest.len())
            }
        }
    }
}
