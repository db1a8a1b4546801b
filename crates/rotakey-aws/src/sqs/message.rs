//! What the body of a message says: which objects are new. Nothing here trusts it to be what it says it is.
//!
//! S3 tells a queue about new objects directly, through SNS (as the text of a message, or raw), or through
//! EventBridge; CloudTrail has a notification of its own, through SNS. Their shapes are in the S3 user guide ("Event
//! message structure", "EventBridge event message structure") and in CloudTrail's ("Configuring Amazon SNS
//! notifications for CloudTrail").

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

/// An object in S3 that a message tells of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct S3Object {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// Which contents: the entity tag, where the message has it.
    pub etag: Option<String>,
}

/// What a body says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// These objects are new; none, if it tells of something else that happens to objects, or only tests the way.
    Objects(Vec<S3Object>),
    /// Nothing that is known, for this reason.
    Unknown(&'static str),
}

/// What CloudTrail says once, when it is given a topic.
const VALIDATION: &str = "CloudTrail validation message.";

/// Reads a body.
pub(super) fn read(body: &str) -> Body {
    let objects = match serde_json::from_str::<Value>(body) {
        Ok(value) => match from_sns(&value) {
            Some(text) if text.trim() == VALIDATION => Ok(Vec::new()),
            Some(text) => {
                let inner = serde_json::from_str(text).map_err(|_| "an SNS message whose text is not JSON");
                inner.and_then(|inner| objects(&inner))
            }
            None => objects(&value),
        },
        Err(_) if body.trim() == VALIDATION => Ok(Vec::new()),
        Err(_) => Err("not JSON"),
    };
    objects.map_or_else(Body::Unknown, Body::Objects)
}

/// The text that SNS wraps.
fn from_sns(value: &Value) -> Option<&str> {
    (value["Type"] == "Notification" && value["TopicArn"].is_string()).then(|| value["Message"].as_str())?
}

fn objects(value: &Value) -> Result<Vec<S3Object>, &'static str> {
    if let Some(records) = value["Records"].as_array() {
        let new = records.iter().map(from_record).filter_map(Result::transpose);
        return new.collect();
    }
    if value["source"] == "aws.s3" && value["detail-type"].is_string() {
        return from_event_bridge(value);
    }
    if !value["s3Bucket"].is_null() || !value["s3ObjectKey"].is_null() {
        return from_cloudtrail(value);
    }
    if value["Event"] == "s3:TestEvent" {
        return Ok(Vec::new());
    }
    match value["Type"].as_str() {
        Some("SubscriptionConfirmation") => Err("an SNS subscription that waits for its confirmation"),
        _ => Err("neither of S3, nor of EventBridge for S3, nor of CloudTrail"),
    }
}

/// One of S3's `Records`; `None` if it does not tell of a new object.
fn from_record(record: &Value) -> Result<Option<S3Object>, &'static str> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Record {
        event_name: String,
        s3: S3,
    }
    #[derive(Deserialize)]
    struct S3 {
        bucket: Bucket,
        object: Object,
    }
    #[derive(Deserialize)]
    struct Object {
        key: String,
        #[serde(rename = "eTag")]
        etag: Option<String>,
    }

    let record = Record::deserialize(record).map_err(|_| "Records that are not S3's")?;
    let event = record.event_name.strip_prefix("s3:").unwrap_or(&record.event_name);
    if !event.starts_with("ObjectCreated:") && event != "ObjectRestore:Completed" {
        return Ok(None);
    }
    let key = url_decoded(&record.s3.object.key).ok_or("an object key that is not URL-encoded UTF-8")?;
    object(record.s3.bucket.name, key, record.s3.object.etag).map(Some)
}

/// EventBridge's event of S3, in which keys are as they are.
fn from_event_bridge(value: &Value) -> Result<Vec<S3Object>, &'static str> {
    #[derive(Deserialize)]
    struct Detail {
        bucket: Bucket,
        object: Object,
    }
    #[derive(Deserialize)]
    struct Object {
        key: String,
        etag: Option<String>,
    }

    match value["detail-type"].as_str() {
        Some("Object Created" | "Object Restore Completed") => {}
        // A call that CloudTrail recorded is no notification, though it may be of an object that was made.
        Some("AWS API Call via CloudTrail") => {
            return Err("a call of S3 that CloudTrail recorded, not a notification of S3");
        }
        _ => return Ok(Vec::new()),
    }
    let detail =
        Detail::deserialize(&value["detail"]).map_err(|_| "an EventBridge event without its object")?;
    Ok(vec![object(detail.bucket.name, detail.object.key, detail.object.etag)?])
}

/// CloudTrail's own notification of log files, in which keys are as they are.
fn from_cloudtrail(value: &Value) -> Result<Vec<S3Object>, &'static str> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Notification {
        s3_bucket: String,
        s3_object_key: Vec<String>,
    }

    let told =
        Notification::deserialize(value).map_err(|_| "a notification of CloudTrail without its files")?;
    told.s3_object_key.into_iter().map(|key| object(told.s3_bucket.clone(), key, None)).collect()
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

fn object(bucket: String, key: String, etag: Option<String>) -> Result<S3Object, &'static str> {
    if bucket.is_empty() || key.is_empty() {
        return Err("an object without a name");
    }
    // Some write the entity tag as HTTP does.
    let etag = etag.map(|etag| etag.trim_matches('"').to_owned()).filter(|etag| !etag.is_empty());
    Ok(S3Object { bucket, key, etag })
}

/// A key as S3 encodes it in its notifications: `+` for a space, `%` and two digits for a byte of UTF-8.
fn url_decoded(key: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
                u8::try_from(value).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// The beginning of a body, for people to look at: on one line, without what could move a cursor.
pub(super) fn beginning(body: &str) -> String {
    let mut shown = String::new();
    for character in body.chars().take(200) {
        if character.is_ascii_graphic() || character == ' ' || character.is_alphanumeric() {
            shown.push(character);
        } else {
            // Writing to a string does not fail.
            let _ = write!(shown, "{}", character.escape_unicode());
        }
    }
    shown
}

#[cfg(test)]
mod tests;
