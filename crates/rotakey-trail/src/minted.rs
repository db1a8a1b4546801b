//! Session keys and the calls that minted them: the edges of the derivation tree.

use serde_json::Value;

use crate::event_time::EventTime;
use crate::record::Record;

/// A call that gave out a session key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minted {
    /// The key that signed the call; `None` for calls of AWS services and of web or SAML identities.
    pub parent: Option<String>,
    /// The key that was given out.
    pub child: String,
    /// When.
    pub at: EventTime,
    /// `AssumeRole`, `GetSessionToken`, ...
    pub event_name: String,
    /// The ARN that the new key signs as, as far as the answer tells it.
    pub arn: Option<String>,
    /// The account of the role, which may be another one than that of the caller.
    pub account_id: Option<String>,
}

impl Minted {
    /// The session key that this call gave out, if it gave out one. Cheap for all other calls.
    pub fn of(record: &Record<'_>) -> Option<Self> {
        if record.event_source != "sts.amazonaws.com" && record.event_source != "signin.amazonaws.com" {
            return None;
        }
        let response = record.response.filter(|text| text.contains("accessKeyId"))?;
        let response: Value = serde_json::from_str(response).ok()?;
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let child = text(&response["credentials"]["accessKeyId"])?;
        let arn =
            text(&response["assumedRoleUser"]["arn"]).or_else(|| text(&response["federatedUser"]["arn"]));
        Some(Self {
            parent: record.identity.access_key_id.map(str::to_owned),
            child,
            at: record.time,
            event_name: record.event_name.to_owned(),
            account_id: arn
                .as_deref()
                .and_then(|arn| arn.split(':').nth(4))
                .or(record.identity.account_id)
                .map(str::to_owned),
            arn,
        })
    }
}
