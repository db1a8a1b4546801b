//! The one form in which the use of a key is told: by `trail usage`, by the index, and by every other engine that
//! answers the same question. Lists are sorted: by calls, the most first, then by name.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::cadence::{Cadence, DayUse};
use crate::event_time::{DAY, EventTime};
use crate::network::Network;
use crate::user_agent::Agent;

/// The use of one access key, or of the part of it that a row is grouped by.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyUsage {
    /// The key; absent where rows are grouped by principal.
    pub access_key_id: Option<String>,
    /// The ARN that the key last signed as; of a role session, that of the session.
    pub principal_arn: Option<String>,
    /// `userIdentity.type` of that principal.
    pub principal_type: Option<String>,
    /// The account of that principal.
    pub account_id: Option<String>,
    /// Its user name, or for a role session the role name.
    pub user_name: Option<String>,
    /// The fingerprint of the consumer, where rows are grouped by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// The service, where rows are grouped by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The day in UTC, where rows are grouped by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// All calls, failed ones counted.
    pub calls: u64,
    /// Calls that failed for want of permission; part of `failed_calls`.
    pub denied_calls: u64,
    /// Calls with any error code but throttling.
    pub failed_calls: u64,
    /// Calls that were throttled.
    pub throttled_calls: u64,
    /// The first and the last call.
    pub first_at: Option<EventTime>,
    #[expect(missing_docs, reason = "told together with `first_at`")]
    pub last_at: Option<EventTime>,
    /// What was called.
    pub actions: Vec<ActionUse>,
    /// What failed, and with which error code.
    pub errors: Vec<ErrorUse>,
    /// `awsRegion`.
    pub regions: Vec<NameUse>,
    /// How many distinct source addresses there were.
    pub addresses: u64,
    /// The addresses, summed up to networks.
    pub networks: Vec<NetworkUse>,
    /// The addresses that are in one of the user's lists, such as the exits of Tor; empty if none were given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listed_addresses: Vec<ListedUse>,
    /// How many distinct user agents there were, as they are written.
    pub distinct_user_agents: u64,
    /// The user agents, summed up by what they say.
    pub user_agents: Vec<AgentUse>,
    /// `vpcEndpointId`.
    pub vpc_endpoints: Vec<NameUse>,
    /// AWS services that called in the key's name.
    pub invoked_by: Vec<NameUse>,
    /// When it is used, and how regularly.
    pub cadence: Option<Cadence>,
    /// How much it was used before the end of the time that others are measured by; absent if no such time was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineUse>,
    /// The key whose call minted this one, if that call was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The use by session keys that were minted from this key, directly or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<SessionUse>,
    /// Whether a list was cut because it grew beyond bounds; the counts are right all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// How often, and from when until when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Tally {
    pub calls: u64,
    pub first_at: EventTime,
    pub last_at: EventTime,
}

impl Tally {
    /// The tally of one call.
    pub fn once(at: EventTime) -> Self {
        Self { calls: 1, first_at: at, last_at: at }
    }

    /// Adds what another one counted. Neither may be empty.
    pub fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.first_at = self.first_at.min(other.first_at);
        self.last_at = self.last_at.max(other.last_at);
    }
}

/// One action of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ActionUse {
    pub service: String,
    pub action: String,
    #[serde(flatten)]
    pub tally: Tally,
}

/// One error code of one action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ErrorUse {
    pub service: String,
    pub action: String,
    pub code: String,
    #[serde(flatten)]
    pub tally: Tally,
}

/// Something that has a name only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct NameUse {
    pub name: String,
    #[serde(flatten)]
    pub tally: Tally,
}

/// One source network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkUse {
    /// The network, or the AWS service that called.
    pub network: Network,
    /// Distinct addresses of it.
    pub addresses: u64,
    #[expect(missing_docs, reason = "the name says it")]
    #[serde(flatten)]
    pub tally: Tally,
}

/// One address that is in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ListedUse {
    pub address: IpAddr,
    pub list: String,
    #[serde(flatten)]
    pub tally: Tally,
}

/// The use before a certain day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineUse {
    /// The first instant that is no longer part of it: the beginning of a day (UTC).
    pub until: EventTime,
    /// On how many days there were calls.
    pub active_days: u32,
    #[expect(missing_docs, reason = "the name says it")]
    pub calls: u64,
}

impl BaselineUse {
    /// The use on the days that were over at that time. What is asked for is rounded down to the beginning of its day.
    pub fn of(days: &[DayUse], until: EventTime) -> Self {
        let before = days.iter().filter(|day| i64::from(day.day) < until.day());
        let (active_days, calls) =
            before.fold((0, 0_u64), |(days, calls), day| (days + 1, calls + u64::from(day.calls)));
        let until = EventTime::from_seconds(until.day() * DAY).unwrap_or_default();
        Self { until, active_days, calls }
    }
}

/// One kind of user agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct AgentUse {
    #[serde(flatten)]
    pub agent: Agent,
    #[serde(flatten)]
    pub tally: Tally,
}

/// The use by sessions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionUse {
    /// How many session keys were minted, directly or not, as far as their minting was seen.
    pub keys: u64,
    /// Their calls, as in [`KeyUsage`].
    pub calls: u64,
    #[expect(missing_docs, reason = "as in `KeyUsage`")]
    pub denied_calls: u64,
    #[expect(missing_docs, reason = "as in `KeyUsage`")]
    pub failed_calls: u64,
    #[expect(missing_docs, reason = "as in `KeyUsage`")]
    pub throttled_calls: u64,
    #[expect(missing_docs, reason = "as in `KeyUsage`")]
    pub first_at: Option<EventTime>,
    #[expect(missing_docs, reason = "as in `KeyUsage`")]
    pub last_at: Option<EventTime>,
}
