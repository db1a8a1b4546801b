//! One CloudTrail record, as far as anybody asks for it.
//!
//! Field names are those of the CloudTrail record contents reference; what is absent, `null`, of another type
//! than documented, or an empty string, is `None`.

use crate::event_time::EventTime;

/// A record. It borrows from the file that it was read from. Of a key that a JSON object has twice, the last
/// one counts, as everywhere else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// `eventID`, a UUID that tells duplicates. Records without one are never taken for duplicates.
    pub event_id: Option<&'a str>,
    /// `eventTime`.
    pub time: EventTime,
    /// `eventSource`, such as `s3.amazonaws.com`.
    pub event_source: &'a str,
    /// `eventName`, such as `GetObject`.
    pub event_name: &'a str,
    /// `awsRegion`.
    pub region: Option<&'a str>,
    /// `sourceIPAddress`: an address, or the name of an AWS service, or `AWS Internal`.
    pub source_ip: Option<&'a str>,
    /// `userAgent`. What a client says of itself: a hint, never proof.
    pub user_agent: Option<&'a str>,
    /// `errorCode`. Any at all means that the call failed.
    pub error_code: Option<&'a str>,
    /// `errorMessage`.
    pub error_message: Option<&'a str>,
    /// `userIdentity`.
    pub identity: Identity<'a>,
    /// `recipientAccountId`: whose trail the record is from.
    pub recipient_account_id: Option<&'a str>,
    /// `vpcEndpointId`.
    pub vpc_endpoint_id: Option<&'a str>,
    /// `eventType`, such as `AwsApiCall` or `AwsConsoleSignIn`.
    pub event_type: Option<&'a str>,
    /// `eventCategory`: `Management`, `Data`, `Insight` or `NetworkActivity`.
    pub event_category: Option<&'a str>,
    /// `eventVersion`.
    pub event_version: Option<&'a str>,
    /// `sharedEventID`: the same in the records that one cross-account call leaves in several accounts.
    pub shared_event_id: Option<&'a str>,
    /// `readOnly`.
    pub read_only: Option<bool>,
    /// `requestParameters`, as JSON text.
    pub request: Option<&'a str>,
    /// `responseElements`, as JSON text.
    pub response: Option<&'a str>,
    /// `resources`, as JSON text.
    pub resources: Option<&'a str>,
    /// `additionalEventData`, as JSON text.
    pub additional: Option<&'a str>,
}

/// `userIdentity`: who called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Identity<'a> {
    /// `type`, such as `IAMUser` or `AssumedRole`.
    pub kind: Option<&'a str>,
    /// `principalId`.
    pub principal_id: Option<&'a str>,
    /// `arn`.
    pub arn: Option<&'a str>,
    /// `accountId`.
    pub account_id: Option<&'a str>,
    /// `accessKeyId`: the key that signed the call. Never an empty string, which CloudTrail writes where there
    /// was none.
    pub access_key_id: Option<&'a str>,
    /// `userName`.
    pub user_name: Option<&'a str>,
    /// `invokedBy`: the AWS service that called in somebody's name.
    pub invoked_by: Option<&'a str>,
    /// `sessionContext`, as JSON text.
    pub session_context: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// A part that was kept as JSON text, read. `Null` if it is absent or not JSON.
    pub fn json(part: Option<&'a str>) -> serde_json::Value {
        part.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The service in short: `s3` for `s3.amazonaws.com`.
    pub fn service(&self) -> &'a str {
        self.event_source.strip_suffix(".amazonaws.com").unwrap_or(self.event_source)
    }
}
