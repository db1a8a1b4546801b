//! One CloudTrail record. It is kept as data and written out only when it is looked at.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Used;
use crate::api::{Fault, Service, Tree};
use crate::world::account::{Call, Caller};
use crate::world::keyring::Principal;
use crate::world::parameters::lower_first;

/// A recorded call.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) at: Timestamp,
    pub(super) region: String,
    id: String,
    sequence: u64,
    service: Service,
    action: String,
    caller: Caller,
    source_ip: String,
    user_agent: String,
    request_id: String,
    parameters: Value,
    response: Value,
    error: Option<(String, String)>,
}

impl Event {
    /// The record of a call and its outcome, without secrets.
    pub(super) fn of(call: &Call<'_>, outcome: &Result<Tree, Fault>, id: String, sequence: u64) -> Self {
        let request = call.request;
        let response = match outcome {
            Ok(answer) if changes_something(&request.action) => public(answer),
            _ => Value::Null,
        };
        let error = match outcome {
            Err(Fault::Refused(refusal)) => Some((refusal.code.clone(), refusal.message.clone())),
            Ok(_) | Err(Fault::NoAnswer { .. }) => None,
        };
        let region = match request.service {
            Service::Iam | Service::Organizations => "us-east-1".to_owned(),
            _ => request.region.clone(),
        };
        Self {
            at: call.now,
            region,
            id,
            sequence,
            service: request.service,
            action: request.action.clone(),
            caller: call.caller.clone(),
            source_ip: request.source_ip.clone(),
            user_agent: request.user_agent.clone(),
            request_id: request.request_id.clone(),
            parameters: public(&request.parameters),
            response,
            error,
        }
    }

    /// Whether that key signed it.
    pub(super) fn is_by(&self, key: &str) -> bool {
        self.caller.access_key_id == key
    }

    /// What it tells of the use of its key.
    pub(super) fn used(&self) -> Used {
        Used {
            at: self.at,
            service: self.service,
            region: self.region.clone(),
            source_ip: self.source_ip.clone(),
            user_agent: self.user_agent.clone(),
        }
    }

    /// A text that orders the newest event first.
    pub(super) fn newest_first(&self) -> String {
        format!("{:020}", u64::MAX - self.sequence)
    }

    /// Whether the event has that value of a lookup attribute.
    pub(super) fn has(&self, attribute: &str, value: &str) -> bool {
        match attribute {
            "EventId" => self.id == value,
            "EventName" => self.action == value,
            "ReadOnly" => self.is_read_only().to_string() == value,
            "Username" => self.user_name() == Some(value),
            "EventSource" => self.service.event_source() == value,
            "AccessKeyId" => self.caller.access_key_id == value,
            "ResourceType" => self.resources().iter().any(|(kind, _)| *kind == value),
            "ResourceName" => self.resources().iter().any(|(_, name)| name == value),
            _ => false,
        }
    }

    /// The event as `LookupEvents` shows it, with the record itself as text.
    pub(super) fn describe(&self) -> Tree {
        let resources = self
            .resources()
            .into_iter()
            .map(|(kind, name)| Tree::map([("ResourceType", kind.into()), ("ResourceName", name.into())]));
        Tree::map([
            ("EventId", (&self.id).into()),
            ("EventName", (&self.action).into()),
            ("ReadOnly", self.is_read_only().to_string().into()),
            ("AccessKeyId", (&self.caller.access_key_id).into()),
            ("EventTime", crate::world::iam::whole_second(self.at).into()),
            ("EventSource", self.service.event_source().into()),
            ("Resources", Tree::List(resources.collect())),
            ("CloudTrailEvent", self.record().to_string().into()),
        ])
        .with("Username", self.user_name())
    }

    /// The record as CloudTrail writes it to its log files.
    fn record(&self) -> Value {
        let mut record = json!({
            "eventVersion": "1.11",
            "userIdentity": self.user_identity(),
            "eventTime": iso(self.at),
            "eventSource": self.service.event_source(),
            "eventName": self.action,
            "awsRegion": self.region,
            "sourceIPAddress": self.source_ip,
            "userAgent": self.user_agent,
            "requestParameters": self.parameters,
            "responseElements": self.response,
            "requestID": self.request_id,
            "eventID": self.id,
            "readOnly": self.is_read_only(),
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": self.caller.account_id.to_string(),
            "eventCategory": "Management",
        });
        if let Some((code, message)) = &self.error {
            record["errorCode"] = code.as_str().into();
            record["errorMessage"] = message.as_str().into();
        }
        record
    }

    fn user_identity(&self) -> Value {
        let caller = &self.caller;
        let kind = match &caller.principal {
            Principal::Root => "Root",
            Principal::User { .. } => "IAMUser",
            Principal::AssumedRole { .. } => "AssumedRole",
        };
        let mut identity = json!({
            "type": kind,
            "principalId": caller.unique_id,
            "arn": caller.arn,
            "accountId": caller.account_id.to_string(),
            "accessKeyId": caller.access_key_id,
        });
        if let Principal::User { name, .. } = &caller.principal {
            identity["userName"] = name.as_str().into();
        }
        if let Some(since) = caller.session_since {
            identity["sessionContext"] = json!({
                "attributes": {"creationDate": iso(since), "mfaAuthenticated": "false"},
            });
        }
        if let Principal::AssumedRole { role, role_id, .. } = &caller.principal {
            identity["sessionContext"]["sessionIssuer"] = json!({
                "type": "Role",
                "principalId": role_id,
                "arn": caller.role_arn,
                "accountId": caller.account_id.to_string(),
                "userName": role,
            });
        }
        identity
    }

    /// What the event's `Username` is: the user, or the session of a role.
    fn user_name(&self) -> Option<&str> {
        match &self.caller.principal {
            Principal::Root => Some("root"),
            Principal::User { name, .. } => Some(name.as_str()),
            Principal::AssumedRole { session, .. } => Some(session),
        }
    }

    /// The types and names of what the call was about.
    fn resources(&self) -> Vec<(&'static str, String)> {
        let members = [
            ("AWS::IAM::AccessKey", self.parameters.get("accessKeyId")),
            ("AWS::IAM::AccessKey", self.response.pointer("/accessKey/accessKeyId")),
            ("AWS::IAM::User", self.parameters.get("userName")),
            ("AWS::IAM::Role", self.parameters.get("roleArn")),
            ("AWS::IAM::Role", self.parameters.get("roleName")),
            ("AWS::SecretsManager::Secret", self.parameters.get("secretId")),
        ];
        let named = members.into_iter().filter_map(|(kind, name)| Some((kind, name?.as_str()?.to_owned())));
        named.collect()
    }

    fn is_read_only(&self) -> bool {
        let reads = ["Get", "List", "Describe", "Lookup", "AssumeRole"];
        reads.iter().any(|prefix| self.action.starts_with(prefix))
    }
}

/// Whether the record shows the answer: of changes, and of calls that make credentials.
fn changes_something(action: &str) -> bool {
    let reads = ["Get", "List", "Describe", "Lookup"];
    action == "GetSessionToken" || !reads.iter().any(|prefix| action.starts_with(prefix))
}

/// The value as a record shows it: member names begin in lower case, secrets are left out, nothing is `null`.
fn public(tree: &Tree) -> Value {
    match tree {
        Tree::Text(text) => text.as_str().into(),
        Tree::Integer(value) => (*value).into(),
        Tree::Boolean(value) => (*value).into(),
        Tree::Time(at) => at.strftime("%b %-d, %Y, %-I:%M:%S %p").to_string().into(),
        Tree::List(items) => items.iter().map(public).collect(),
        Tree::Map(members) | Tree::Dictionary(members) if members.is_empty() => Value::Null,
        Tree::Map(members) => {
            let shown = members.iter().filter(|(name, _)| !Tree::is_secret(name));
            Value::Object(shown.map(|(name, value)| (lower_first(name), public(value))).collect())
        }
        Tree::Dictionary(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), public(value))).collect())
        }
    }
}

fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
