//! Faults to inject: which calls, when, how often, and what goes wrong. Plain data, so that a test can write them
//! down and the control path of the sandbox can take them as JSON.

use jiff::Timestamp;
use rotakey_core::id::AccountId;
use serde::{Deserialize, Serialize};

use crate::api::Service;

/// One fault. Absent conditions match every call: `{"effect": {"type": "throttle"}}` throttles everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InjectedFault {
    /// Only calls of this service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// Only calls of this operation: `CreateAccessKey`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Only calls by credentials of this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// Only calls at or after this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Only calls before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The share of the matching calls that is hit, 0 to 1; all of them if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// How many calls are hit before the fault is over; no end if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u32>,
    /// What goes wrong.
    pub effect: Effect,
}

/// What goes wrong with a call that is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// Refused with the service's throttling error; nothing happens.
    Throttle,
    /// No answer comes, and the call took effect or did not.
    NoAnswer {
        /// Whether it took effect.
        happened: bool,
    },
    /// Refused with the service's 5xx error; nothing happens.
    Outage,
    /// Refused as if no policy allowed the call.
    AccessDenied,
}
