//! Session keys and the calls that minted them: the edges of the derivation tree.

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use memchr::memmem;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::bounded::clip;
use crate::event_time::EventTime;
use crate::record::Record;

/// The longest access key id that IAM's API allows.
const LONGEST_KEY_ID: usize = 128;

/// No name or ARN is kept beyond so many bytes. The longest that AWS allows has 2,048.
const LONGEST_TEXT: usize = 2_048;

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
    /// The ARN that the new key signs as, as far as the answer tells it; of `GetSessionToken` that of the caller.
    pub arn: Option<String>,
    /// The account of the role, which may be another one than that of the caller.
    pub account_id: Option<String>,
    /// The account of the caller.
    pub caller_account_id: Option<String>,
    /// The role that was assumed.
    pub role_arn: Option<String>,
    /// The name of the role session or of the federated user.
    pub session_name: Option<String>,
    /// `sourceIdentity`, which sessions of sessions inherit.
    pub source_identity: Option<String>,
    /// When the new key ends to work.
    pub expires_at: Option<EventTime>,
}

impl Minted {
    /// The session key that this call gave out, if it gave out one. Cheap for all other calls.
    pub fn of(record: &Record<'_>) -> Option<Self> {
        let child = Self::child(record)?.into_owned();
        let response = Record::json(record.response);
        let request = Record::json(record.request);
        let session = Record::json(record.identity.session_context);
        let identity = &record.identity;
        let arn = text(&response["assumedRoleUser"]["arn"])
            .or_else(|| text(&response["federatedUser"]["arn"]))
            .or_else(|| match record.event_name {
                "GetSessionToken" => identity.arn.map(clipped),
                _ => None,
            });
        let role_arn = text(&request["roleArn"]);
        let root_of = match record.event_name {
            "AssumeRoot" => text(&request["targetPrincipal"]),
            _ => None,
        };
        let account_of = |arn: &Option<String>| arn.as_deref().and_then(account_of).map(str::to_owned);
        let account_id = account_of(&arn)
            .or_else(|| account_of(&role_arn))
            .or(root_of)
            .or_else(|| identity.account_id.map(clipped));
        Some(Self {
            parent: identity.access_key_id.filter(|key| is_key_id(key)).map(str::to_owned),
            child,
            at: record.time,
            event_name: clipped(record.event_name),
            account_id,
            arn,
            caller_account_id: identity.account_id.map(clipped),
            role_arn,
            session_name: text(&request["roleSessionName"]).or_else(|| text(&request["name"])),
            source_identity: text(&response["sourceIdentity"])
                .or_else(|| text(&request["sourceIdentity"]))
                .or_else(|| text(&session["sourceIdentity"])),
            expires_at: response["credentials"]["expiration"].as_str().and_then(parse_expiration),
        })
    }

    /// The session key alone that this call gave out.
    pub fn child<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
        let response = record.response?;
        memmem::find(response.as_bytes(), b"accessKeyId")?;
        let gives_sessions = ["sts.amazonaws.com", "signin.amazonaws.com"].contains(&record.event_source);
        // What another service calls credentials may have been brought by the caller.
        given_out(response).filter(|key| is_key_id(key) && (gives_sessions || key.starts_with("ASIA")))
    }
}

/// A call of CreateAccessKey: a long-term key that outlives the one that made it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Created {
    /// The key that signed the call, if it was signed by one.
    pub parent: Option<String>,
    /// The new key.
    pub child: String,
    /// When.
    pub at: EventTime,
    /// Whose key it is.
    pub user_name: Option<String>,
    /// The account.
    pub account_id: Option<String>,
}

impl Created {
    /// The key that this call created, if it created one. Cheap for all other calls.
    pub fn of(record: &Record<'_>) -> Option<Self> {
        if record.event_name != "CreateAccessKey" || record.event_source != "iam.amazonaws.com" {
            return None;
        }
        let response = Record::json(record.response);
        let child = text(&response["accessKey"]["accessKeyId"]).filter(|key| is_key_id(key))?;
        Some(Self {
            parent: record.identity.access_key_id.filter(|key| is_key_id(key)).map(str::to_owned),
            child,
            at: record.time,
            user_name: text(&response["accessKey"]["userName"]),
            account_id: record.recipient_account_id.or(record.identity.account_id).map(clipped),
        })
    }
}

/// `credentials.accessKeyId` of a response. Nearly all are read without copying; those with escapes are read in the
/// general way.
fn given_out(response: &str) -> Option<Cow<'_, str>> {
    type Fields<'a> = HashMap<&'a str, &'a RawValue>;
    let directly = || {
        let response: Fields<'_> = serde_json::from_str(response).ok()?;
        let credentials: Fields<'_> = serde_json::from_str(response.get("credentials")?.get()).ok()?;
        serde_json::from_str(credentials.get("accessKeyId")?.get()).ok()
    };
    if let Some(key) = directly() {
        return Some(Cow::Borrowed(key));
    }
    let response: Value = serde_json::from_str(response).ok()?;
    text(&response["credentials"]["accessKeyId"]).map(Cow::Owned)
}

fn is_key_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_KEY_ID
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(clipped)
}

fn clipped(text: &str) -> String {
    clip(text, LONGEST_TEXT).to_owned()
}

/// The account in an ARN.
fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// `Jul 10, 2023 12:24:29 PM`, newer `Jul 29, 2021, 1:10:42 PM`, both UTC; or RFC 3339.
fn parse_expiration(text: &str) -> Option<EventTime> {
    if let Some(time) = EventTime::parse(text) {
        return Some(time);
    }
    // Newer versions of Java write a narrow space before AM and PM.
    let text = text.replace('\u{202f}', " ");
    ["%b %d, %Y %I:%M:%S %p", "%b %d, %Y, %I:%M:%S %p"].iter().find_map(|format| {
        let time = TimeZone::UTC.to_timestamp(DateTime::strptime(format, &text).ok()?).ok()?;
        EventTime::from_seconds(time.as_second())
    })
}

#[cfg(test)]
mod tests {
    use bumpalo::Bump;

    use super::*;
    use crate::oracle;

    fn minted(text: &str) -> Option<Minted> {
        let arena = Bump::new();
        Minted::of(&oracle::record(text, &arena)?)
    }

    #[test]
    fn an_assumed_role_tells_all_that_an_edge_needs() {
        let minted = minted(
            r#"{"eventTime":"2023-07-10T11:24:29Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole",
            "userIdentity":{"type":"IAMUser","accountId":"111122223333","accessKeyId":"AKIAIOSFODNN7EXAMPLE"},
            "requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/ops/deploy","roleSessionName":"ci",
            "sourceIdentity":"alice"},"responseElements":{"credentials":{"accessKeyId":"ASIAIOSFODNN7EXAMPLE",
            "expiration":"Jul 10, 2023 12:24:29 PM","sessionToken":"x"},"assumedRoleUser":{"assumedRoleId":"AROA:ci",
            "arn":"arn:aws:sts::444455556666:assumed-role/deploy/ci"},"sourceIdentity":"alice"}}"#,
        )
        .unwrap();
        assert_eq!(minted.parent.as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
        assert_eq!(minted.child, "ASIAIOSFODNN7EXAMPLE");
        assert_eq!(minted.account_id.as_deref(), Some("444455556666"));
        assert_eq!(minted.caller_account_id.as_deref(), Some("111122223333"));
        assert_eq!(minted.role_arn.as_deref(), Some("arn:aws:iam::444455556666:role/ops/deploy"));
        assert_eq!(
            (minted.session_name.as_deref(), minted.source_identity.as_deref()),
            (Some("ci"), Some("alice"))
        );
        assert_eq!(minted.expires_at, EventTime::parse("2023-07-10T12:24:29Z"));
    }

    #[test]
    fn a_session_of_a_user_signs_as_the_user_and_a_session_of_a_root_is_in_its_account() {
        let session = minted(
            r#"{"eventTime":"2023-07-10T11:24:29Z","eventSource":"sts.amazonaws.com","eventName":"GetSessionToken",
            "userIdentity":{"arn":"arn:aws:iam::111122223333:user/bob","accessKeyId":"AKIAIOSFODNN7EXAMPLE"},
            "responseElements":{"credentials":{"accessKeyId":"ASIA1","expiration":"Jul 29, 2021, 1:10:42 PM"}}}"#,
        )
        .unwrap();
        assert_eq!(session.arn.as_deref(), Some("arn:aws:iam::111122223333:user/bob"));
        assert_eq!(session.expires_at, EventTime::parse("2021-07-29T13:10:42Z"));
        let root = minted(
            r#"{"eventTime":"2023-07-10T11:24:29Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRoot",
            "userIdentity":{"accountId":"111122223333","accessKeyId":"ASIA1"},"requestParameters":{
            "targetPrincipal":"444455556666"},"responseElements":{"credentials":{"accessKeyId":"ASIA2"}}}"#,
        )
        .unwrap();
        assert_eq!(root.account_id.as_deref(), Some("444455556666"));
    }

    #[test]
    fn keys_are_found_behind_escapes_and_doubled_fields_but_not_in_what_a_caller_brought() {
        let response = |service: &str, response: &str| {
            let arena = Bump::new();
            let text = format!(
                r#"{{"eventTime":"2023-07-10T11:24:29Z","eventSource":"{service}.amazonaws.com","eventName":"X",
                "responseElements":{response}}}"#
            );
            Minted::child(&oracle::record(&text, &arena).unwrap()).map(Cow::into_owned)
        };
        let of_sts = |text| response("sts", text);
        assert_eq!(of_sts(r#"{"credentials":{"accessKeyId":"AS\u0049A1"}}"#).as_deref(), Some("ASIA1"));
        assert_eq!(
            of_sts(r#"{"credentials":{"accessKeyId":"ASIA1"},"credentials":{"accessKeyId":"ASIA2"}}"#)
                .as_deref(),
            Some("ASIA2")
        );
        assert_eq!(of_sts(r#"{"credentials":{"accessKeyId":""}}"#), None);
        assert_eq!(of_sts(r#"{"credentials":["accessKeyId"]}"#), None);
        assert_eq!(response("s3", r#"{"credentials":{"accessKeyId":"ASIA1"}}"#).as_deref(), Some("ASIA1"));
        assert_eq!(response("datasync", r#"{"credentials":{"accessKeyId":"AKIA1"}}"#), None);
    }

    #[test]
    fn a_created_key_is_told_with_its_user() {
        let arena = Bump::new();
        let text = r#"{"eventTime":"2023-07-10T11:24:29Z","eventSource":"iam.amazonaws.com",
            "eventName":"CreateAccessKey","userIdentity":{"accountId":"111122223333","accessKeyId":"AKIA1"},
            "responseElements":{"accessKey":{"accessKeyId":"AKIA2","userName":"bob","status":"Active"}}}"#;
        let created = Created::of(&oracle::record(text, &arena).unwrap()).unwrap();
        assert_eq!((created.parent.as_deref(), created.child.as_str()), (Some("AKIA1"), "AKIA2"));
        assert_eq!(created.user_name.as_deref(), Some("bob"));
    }
}
