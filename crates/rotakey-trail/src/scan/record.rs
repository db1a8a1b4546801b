//! From the structure of one JSON object to a record.

use bumpalo::Bump;

use super::walk::{BadJson, Walk, Written};
use crate::event_time::EventTime;
use crate::record::{Identity, Record};

/// What an object turned out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Found<'t> {
    /// A CloudTrail record: `Fields::record`.
    Record,
    /// Something around records, of which one text or part may hold some.
    Envelope(&'t str),
    /// The beginning of an object, up to its array of records.
    Container,
    /// The first or last line of a partial.
    Mark(&'t str),
    /// An object that is none of these.
    Other,
}

/// What is collected of an object while it is walked over.
#[derive(Default)]
pub(super) struct Fields<'t> {
    pub(super) record: Record<'t>,
    has_time: bool,
    /// `CloudTrailEvent` of LookupEvents, `message` of a log subscription: a record as a text in a string.
    quoted: Option<&'t str>,
    /// `detail` of an EventBridge event.
    detail: Option<&'t str>,
    /// `rotakeyPartial` of a partial.
    mark: Option<&'t str>,
}

/// Walks over the object that is here; if it may be a container, only up to the array in it that holds records. Strings
/// with escapes are decoded into the arena.
#[inline(always)]
pub(super) fn object<'t>(
    walk: &mut Walk<'t, '_>,
    may_be_container: bool,
    fields: &mut Fields<'t>,
    arena: &'t Bump,
) -> Result<Found<'t>, BadJson> {
    *fields = Fields::default();
    if !walk.take(b'{') {
        return walk.bad();
    }
    if !walk.take(b'}') {
        loop {
            let key = walk.key()?;
            if may_be_container && is_array_of_records(walk, key) {
                walk.step();
                return Ok(Found::Container);
            }
            let name = &walk.text.as_bytes()[key.from..key.until];
            if !member(walk, name, fields, arena)? {
                match escaped_name(walk, key, arena) {
                    Some(name) if member(walk, name, fields, arena)? => {}
                    _ => walk.skip()?,
                }
            }
            if !walk.another(b'}')? {
                break;
            }
        }
    }
    Ok(fields.found())
}

impl<'t> Fields<'t> {
    fn found(&self) -> Found<'t> {
        let record = &self.record;
        match self.quoted.or(self.detail) {
            _ if self.has_time && !record.event_source.is_empty() && !record.event_name.is_empty() => {
                Found::Record
            }
            Some(inner) => Found::Envelope(inner),
            None => self.mark.map_or(Found::Other, Found::Mark),
        }
    }
}

/// Whether the value of that key is the array that the documents with records have.
fn is_array_of_records(walk: &Walk<'_, '_>, key: Written) -> bool {
    walk.character() == b'[' && matches!(&walk.text[key.from..key.until], "Records" | "Events" | "logEvents")
}

/// Walks over the value of a key of that name, if it is one that is kept. Whether it was. By length first: one after
/// another, the names would take longer than all else.
#[inline(always)]
fn member<'t>(
    walk: &mut Walk<'t, '_>,
    name: &[u8],
    fields: &mut Fields<'t>,
    arena: &'t Bump,
) -> Result<bool, BadJson> {
    let record = &mut fields.record;
    match name.len() {
        6 if name == b"detail" => fields.detail = part(walk)?,
        7 if name == b"eventID" => record.event_id = text(walk, arena)?,
        7 if name == b"message" => fields.quoted = text(walk, arena)?,
        8 if name == b"readOnly" => record.read_only = boolean(walk)?,
        9 => match name {
            b"eventTime" => {
                let time = text(walk, arena)?.and_then(EventTime::parse);
                record.time = time.unwrap_or_default();
                fields.has_time = time.is_some();
            }
            b"eventName" => record.event_name = text(walk, arena)?.unwrap_or_default(),
            b"awsRegion" => record.region = text(walk, arena)?,
            b"userAgent" => record.user_agent = text(walk, arena)?,
            b"eventType" => record.event_type = text(walk, arena)?,
            b"errorCode" => record.error_code = text(walk, arena)?,
            b"resources" => record.resources = part(walk)?,
            _ => return Ok(false),
        },
        11 if name == b"eventSource" => record.event_source = text(walk, arena)?.unwrap_or_default(),
        12 => match name {
            b"userIdentity" => record.identity = identity(walk, arena)?,
            b"eventVersion" => record.event_version = text(walk, arena)?,
            b"errorMessage" => record.error_message = text(walk, arena)?,
            _ => return Ok(false),
        },
        13 => match name {
            b"eventCategory" => record.event_category = text(walk, arena)?,
            b"sharedEventID" => record.shared_event_id = text(walk, arena)?,
            b"vpcEndpointId" => record.vpc_endpoint_id = text(walk, arena)?,
            _ => return Ok(false),
        },
        14 if name == b"rotakeyPartial" => fields.mark = part(walk)?,
        15 if name == b"sourceIPAddress" => record.source_ip = text(walk, arena)?,
        15 if name == b"CloudTrailEvent" => fields.quoted = text(walk, arena)?,
        16 if name == b"responseElements" => record.response = part(walk)?,
        17 if name == b"requestParameters" => record.request = part(walk)?,
        18 if name == b"recipientAccountId" => record.recipient_account_id = text(walk, arena)?,
        19 if name == b"additionalEventData" => record.additional = part(walk)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// `userIdentity`. Anything but an object is nobody.
#[inline(always)]
fn identity<'t>(walk: &mut Walk<'t, '_>, arena: &'t Bump) -> Result<Identity<'t>, BadJson> {
    let mut identity = Identity::default();
    if !walk.take(b'{') {
        walk.skip()?;
        return Ok(identity);
    }
    if walk.take(b'}') {
        return Ok(identity);
    }
    loop {
        let key = walk.key()?;
        let name = &walk.text.as_bytes()[key.from..key.until];
        if !member_of_identity(walk, name, &mut identity, arena)? {
            match escaped_name(walk, key, arena) {
                Some(name) if member_of_identity(walk, name, &mut identity, arena)? => {}
                _ => walk.skip()?,
            }
        }
        if !walk.another(b'}')? {
            return Ok(identity);
        }
    }
}

/// Walks over the value of a key of that name, if it is one that is kept. Whether it was.
#[inline(always)]
fn member_of_identity<'t>(
    walk: &mut Walk<'t, '_>,
    name: &[u8],
    identity: &mut Identity<'t>,
    arena: &'t Bump,
) -> Result<bool, BadJson> {
    match name.len() {
        3 if name == b"arn" => identity.arn = text(walk, arena)?,
        4 if name == b"type" => identity.kind = text(walk, arena)?,
        8 if name == b"userName" => identity.user_name = text(walk, arena)?,
        9 if name == b"accountId" => identity.account_id = text(walk, arena)?,
        9 if name == b"invokedBy" => identity.invoked_by = text(walk, arena)?,
        11 if name == b"principalId" => identity.principal_id = text(walk, arena)?,
        11 if name == b"accessKeyId" => identity.access_key_id = text(walk, arena)?,
        14 if name == b"sessionContext" => identity.session_context = part(walk)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The name that a key means, if it is written with escapes.
#[inline(always)]
fn escaped_name<'t>(walk: &mut Walk<'t, '_>, key: Written, arena: &'t Bump) -> Option<&'t [u8]> {
    let has_escapes = walk.may_be_escaped(key) && walk.text[key.from..key.until].contains('\\');
    has_escapes.then(|| decode(walk.text, key, arena).unwrap_or_default().as_bytes())
}

/// The string that is here. Anything else, and an empty one, is nothing.
#[inline(always)]
fn text<'t>(walk: &mut Walk<'t, '_>, arena: &'t Bump) -> Result<Option<&'t str>, BadJson> {
    if walk.character() != b'"' {
        walk.skip()?;
        return Ok(None);
    }
    let string = walk.string()?;
    let written = &walk.text[string.from..string.until];
    let text = if walk.may_be_escaped(string) && written.contains('\\') {
        decode(walk.text, string, arena).unwrap_or_default()
    } else {
        written
    };
    Ok((!text.is_empty()).then_some(text))
}

/// The text of the object or array that is here. Anything else is nothing.
#[inline(always)]
fn part<'t>(walk: &mut Walk<'t, '_>) -> Result<Option<&'t str>, BadJson> {
    if matches!(walk.character(), b'{' | b'[') {
        return walk.nested().map(Some);
    }
    walk.skip()?;
    Ok(None)
}

fn boolean(walk: &mut Walk<'_, '_>) -> Result<Option<bool>, BadJson> {
    match walk.character() {
        b't' | b'f' => walk.scalar().map(|written| Some(written == b"true")),
        _ => walk.skip().map(|()| None),
    }
}

/// A string with escapes. `None` if they mean no text: half of a surrogate pair.
#[cold]
fn decode<'t>(text: &str, string: Written, arena: &'t Bump) -> Option<&'t str> {
    let decoded: String = serde_json::from_str(&text[string.from - 1..=string.until]).ok()?;
    Some(arena.alloc_str(&decoded))
}
