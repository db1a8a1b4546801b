//! The slow, obviously right reader: `serde_json` and nothing clever. The fast scanner is held against it, and
//! tests of answers make their records with it.

use bumpalo::Bump;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;

use crate::event_time::EventTime;
use crate::record::{Identity, Record};

/// The records of `{"Records": [...]}`, of a JSON array, or of a single object. Those without a readable
/// `eventTime`, `eventSource` or `eventName` are left out.
///
/// # Panics
///
/// If the text is not JSON of one of those forms: this is for tests.
pub fn records<'a>(text: &str, arena: &'a Bump) -> Vec<Record<'a>> {
    let raw: &RawValue = serde_json::from_str(text).expect("the text is JSON");
    elements(raw).into_iter().filter_map(|raw| record(raw.get(), arena)).collect()
}

fn elements(raw: &RawValue) -> Vec<&RawValue> {
    if let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
        return elements;
    }
    let object: HashMap<String, &RawValue> =
        serde_json::from_str(raw.get()).expect("the text is an object or an array");
    object.get("Records").map_or_else(|| vec![raw], |records| elements(records))
}

/// One record from its JSON text; `None` if it lacks what every record has.
pub fn record<'a>(text: &str, arena: &'a Bump) -> Option<Record<'a>> {
    let fields: HashMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    let string = |name: &str| string(&fields, name, arena);
    let raw = |name: &str| raw(&fields, name, arena);
    Some(Record {
        event_id: string("eventID"),
        time: EventTime::parse(string("eventTime")?)?,
        event_source: string("eventSource")?,
        event_name: string("eventName")?,
        region: string("awsRegion"),
        source_ip: string("sourceIPAddress"),
        user_agent: string("userAgent"),
        error_code: string("errorCode"),
        error_message: string("errorMessage"),
        identity: identity(raw("userIdentity"), arena),
        recipient_account_id: string("recipientAccountId"),
        vpc_endpoint_id: string("vpcEndpointId"),
        event_type: string("eventType"),
        event_category: string("eventCategory"),
        event_version: string("eventVersion"),
        shared_event_id: string("sharedEventID"),
        read_only: fields.get("readOnly").and_then(|raw| serde_json::from_str(raw.get()).ok()),
        request: raw("requestParameters"),
        response: raw("responseElements"),
        resources: raw("resources"),
        additional: raw("additionalEventData"),
    })
}

fn identity<'a>(text: Option<&str>, arena: &'a Bump) -> Identity<'a> {
    let fields: HashMap<String, &RawValue> =
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let string = |name: &str| string(&fields, name, arena);
    Identity {
        kind: string("type"),
        principal_id: string("principalId"),
        arn: string("arn"),
        account_id: string("accountId"),
        access_key_id: string("accessKeyId"),
        user_name: string("userName"),
        invoked_by: string("invokedBy"),
        session_context: raw(&fields, "sessionContext", arena),
    }
}

fn string<'a>(fields: &HashMap<String, &RawValue>, name: &str, arena: &'a Bump) -> Option<&'a str> {
    let text: String = serde_json::from_str(fields.get(name)?.get()).ok()?;
    (!text.is_empty()).then(|| &*arena.alloc_str(&text))
}

/// The text of a value that is an object or an array.
fn raw<'a>(fields: &HashMap<String, &RawValue>, name: &str, arena: &'a Bump) -> Option<&'a str> {
    let raw = fields.get(name)?;
    let value: Value = serde_json::from_str(raw.get()).ok()?;
    (value.is_object() || value.is_array()).then(|| &*arena.alloc_str(raw.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_null_or_of_another_type_is_absent() {
        let arena = Bump::new();
        let text = r#"{"Records": [{"eventTime": "2026-11-23T15:45:00Z", "eventSource": "s3.amazonaws.com",
            "eventName": "GetObject", "userAgent": null, "awsRegion": 7, "requestParameters": {"a": "b"},
            "userIdentity": {"accessKeyId": "", "arn": "x", "arn": "y"}}, {"eventName": "no time"}]}"#;
        let records = records(text, &arena);
        assert_eq!(records.len(), 1);
        let record = records[0];
        assert_eq!((record.user_agent, record.region, record.identity.access_key_id), (None, None, None));
        assert_eq!((record.identity.arn, record.request), (Some("y"), Some(r#"{"a": "b"}"#)));
        assert_eq!(record.service(), "s3");
    }
}
