//! One event of key management, read from its record.

use serde::Serialize;
use serde_json::Value;

use crate::event_time::EventTime;
use crate::keys::action::Concern;
use crate::keys::provenance::Provenance;
use crate::record::Record;

/// What a record says of keys or of those who hold them. Sorted by time first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct KeyEvent {
    /// When.
    pub at: EventTime,
    /// `eventName`.
    pub action: String,
    /// What it is about.
    pub concern: Concern,
    /// The key that was acted on.
    pub access_key_id: Option<String>,
    /// The user that was acted on. IAM takes the caller's own if a call names none.
    pub user_name: Option<String>,
    /// The account of that user.
    pub account_id: Option<String>,
    /// What exactly: a status, the ARN of a policy, a group, the keys of tags, whether a second factor was used.
    pub detail: Option<String>,
    /// Who did it: an ARN, or an AWS service.
    pub principal: Option<String>,
    /// `userIdentity.type`.
    pub principal_type: Option<String>,
    /// The key that signed the call.
    pub signed_by: Option<String>,
    /// `sourceIPAddress`.
    pub source_ip: Option<String>,
    /// `userAgent`. What the client says of itself.
    pub user_agent: Option<String>,
    /// `awsRegion`.
    pub region: Option<String>,
    /// Whether it was done.
    pub succeeded: bool,
    /// Why not: an error code, or for sign-ins the message.
    pub error: Option<String>,
    /// By rotakey or around it. Absent for sign-ins, which are a person's.
    pub provenance: Option<Provenance>,
    /// `eventID`.
    pub event_id: Option<String>,
}

impl KeyEvent {
    /// What the record says of keys, if it is about them. Cheap for all other records. The provenance is that
    /// of the user agent alone.
    pub(crate) fn of(record: &Record<'_>) -> Option<Self> {
        let concern = Concern::of(record.event_source, record.event_name)?;
        let request = Record::json(record.request);
        let response = Record::json(record.response);
        let (succeeded, error) = outcome(record, concern, &response);
        let is_sign_in = concern == Concern::SignIn;
        let access_key_id = text(&response["accessKey"]["accessKeyId"])
            .or_else(|| text(&request["accessKeyId"]))
            .map(str::to_owned);
        Some(Self {
            at: record.time,
            action: record.event_name.to_owned(),
            concern,
            user_name: user_name(record, concern, &request, &response),
            account_id: record.recipient_account_id.or(record.identity.account_id).map(str::to_owned),
            detail: detail(record, concern, &request),
            principal: principal(record),
            principal_type: record.identity.kind.map(str::to_owned),
            signed_by: record.identity.access_key_id.map(str::to_owned),
            source_ip: record.source_ip.map(str::to_owned),
            user_agent: record.user_agent.map(str::to_owned),
            region: record.region.map(str::to_owned),
            succeeded,
            error,
            provenance: (!is_sign_in)
                .then(|| Provenance::of(record.user_agent, access_key_id.as_deref(), None)),
            access_key_id,
            event_id: record.event_id.map(str::to_owned),
        })
    }
}

/// Who called, in the most telling form that the record has.
pub(crate) fn principal(record: &Record<'_>) -> Option<String> {
    let identity = &record.identity;
    identity.arn.or(identity.invoked_by).or(identity.user_name).or(identity.principal_id).map(str::to_owned)
}

/// The user name of a caller that is an IAM user.
pub(crate) fn own_name<'a>(record: &Record<'a>) -> Option<&'a str> {
    let identity = &record.identity;
    if identity.kind != Some("IAMUser") {
        return None;
    }
    identity.user_name.or_else(|| {
        let (_, path) = identity.arn?.split_once(":user/")?;
        path.rsplit('/').next().filter(|name| !name.is_empty())
    })
}

/// A sign-in tells its outcome in the response and, when it failed, in the message only.
fn outcome(record: &Record<'_>, concern: Concern, response: &Value) -> (bool, Option<String>) {
    if let Some(code) = record.error_code {
        return (false, Some(code.to_owned()));
    }
    let answer = text(&response[record.event_name]);
    if concern == Concern::SignIn && answer.is_some_and(|answer| answer != "Success") {
        return (false, record.error_message.or(answer).map(str::to_owned));
    }
    (true, None)
}

/// The user that was acted on. Calls about access keys, passwords and second factors that name none are about
/// the caller: "IAM determines the user name implicitly based on the access key ID signing the request" (IAM API
/// reference, `CreateAccessKey`).
fn user_name(record: &Record<'_>, concern: Concern, request: &Value, response: &Value) -> Option<String> {
    let own = || match record.identity.kind {
        Some("Root") => Some("<root_account>"),
        _ => own_name(record),
    };
    let implicit = || match concern {
        Concern::CredentialReport => None,
        // Of a key that is looked up by its id the user is in the answer, which is not recorded.
        Concern::Look if record.event_name == "GetAccessKeyLastUsed" => None,
        Concern::SignIn => record.identity.user_name.or_else(own),
        _ => own(),
    };
    text(&response["accessKey"]["userName"])
        .or_else(|| text(&request["userName"]))
        .or_else(implicit)
        .map(str::to_owned)
}

/// What exactly was done, in one line.
fn detail(record: &Record<'_>, concern: Concern, request: &Value) -> Option<String> {
    let of = |name: &str| text(&request[name]).map(str::to_owned);
    match concern {
        Concern::AccessKey | Concern::OtherCredential => of("status"),
        Concern::Permissions => {
            ["policyArn", "policyName", "groupName", "permissionsBoundary"].into_iter().find_map(of)
        }
        Concern::User => of("newUserName"),
        Concern::Tags => {
            let keys = |list: &Value| -> Vec<String> {
                let list = list.as_array().map_or(&[][..], Vec::as_slice);
                list.iter()
                    .filter_map(|tag| text(tag).or_else(|| text(&tag["key"])))
                    .map(str::to_owned)
                    .collect()
            };
            let mut keys = [keys(&request["tags"]), keys(&request["tagKeys"])].concat();
            keys.sort_unstable();
            (!keys.is_empty()).then(|| keys.join(", "))
        }
        Concern::SecondFactor => of("serialNumber"),
        Concern::SignIn => {
            let additional = Record::json(record.additional);
            let factor = match text(&additional["MFAUsed"]) {
                Some("Yes") => "with a second factor",
                Some("No") => "without a second factor",
                _ => return None,
            };
            Some(factor.to_owned())
        }
        Concern::Look | Concern::CredentialReport | Concern::Password => None,
    }
}

/// The text, unless there is none or it is empty.
pub(crate) fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}
