//! Writes partials.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use super::{Holds, Mark, VERSION};
use crate::answer::Answer;
use crate::minted::{Created, Minted};
use crate::record::Record;
use crate::summary::Summary;

/// How hard is compressed: partials go over a network once.
const LEVEL: i32 = 3;

/// A partial while it is written. All threads write into it.
pub struct Partial<W: Write + Send> {
    shared: Arc<Shared<W>>,
}

struct Shared<W: Write + Send> {
    holds: Holds,
    out: Mutex<Out<W>>,
}

struct Out<W: Write> {
    encoder: zstd::Encoder<'static, W>,
    records: u64,
    error: Option<io::Error>,
}

/// One thread's part in a partial.
pub struct PartialAnswer<W: Write + Send> {
    shared: Arc<Shared<W>>,
    lines: Vec<u8>,
}

impl<W: Write + Send> Partial<W> {
    /// Begins it.
    ///
    /// # Errors
    /// It cannot be written to.
    pub fn begin(out: W, holds: Holds) -> io::Result<Self> {
        let mut encoder = zstd::Encoder::new(out, LEVEL)?;
        let mark = Mark { version: VERSION, holds, records: None, summary: None };
        writeln!(encoder, "{}", json!({ "rotakeyPartial": mark }))?;
        let out = Mutex::new(Out { encoder, records: 0, error: None });
        Ok(Self { shared: Arc::new(Shared { holds, out }) })
    }

    /// One for a thread.
    pub fn answer(&self) -> PartialAnswer<W> {
        PartialAnswer { shared: self.shared.clone(), lines: Vec::new() }
    }

    /// Ends it, once all threads are done and their answers are gone.
    ///
    /// # Errors
    /// Something could not be written, now or earlier.
    pub fn finish(self, summary: &Summary) -> io::Result<W> {
        let shared = Arc::into_inner(self.shared).ok_or_else(|| io::Error::other("a thread still writes"))?;
        let Out { mut encoder, records, error } =
            shared.out.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = error {
            return Err(error);
        }
        let (holds, summary) = (shared.holds, Some(summary.clone()));
        let mark = Mark { version: VERSION, holds, records: Some(records), summary };
        writeln!(encoder, "{}", json!({ "rotakeyPartial": mark }))?;
        encoder.finish()
    }
}

impl<W: Write + Send> Answer for PartialAnswer<W> {
    fn take(&mut self, records: &[Record<'_>]) {
        self.lines.clear();
        let mut count = 0;
        for record in records {
            if self.shared.holds == Holds::Use && record.identity.access_key_id.is_none() {
                continue;
            }
            reduce(record, self.shared.holds, &mut self.lines);
            count += 1;
        }
        let mut out = self.shared.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.error.is_none() {
            out.records += count;
            out.error = out.encoder.write_all(&self.lines).err();
        }
    }

    /// Both write into the same partial already.
    fn merge(&mut self, other: Self) {
        debug_assert!(Arc::ptr_eq(&self.shared, &other.shared), "answers of one partial are merged");
    }
}

/// Appends a record as JSON, with nothing but what is kept of it.
fn reduce(record: &Record<'_>, holds: Holds, line: &mut Vec<u8>) {
    let identity = &record.identity;
    let time = record.time.to_string();
    let begin = line.len();
    text(line, "eventTime", Some(&time));
    text(line, "eventSource", Some(record.event_source));
    text(line, "eventName", Some(record.event_name));
    text(line, "eventID", record.event_id);
    text(line, "awsRegion", record.region);
    text(line, "sourceIPAddress", record.source_ip);
    text(line, "userAgent", record.user_agent);
    text(line, "errorCode", record.error_code);
    text(line, "recipientAccountId", record.recipient_account_id);
    text(line, "vpcEndpointId", record.vpc_endpoint_id);
    let nested = line.len();
    text(line, "type", identity.kind);
    text(line, "arn", identity.arn);
    text(line, "accountId", identity.account_id);
    text(line, "accessKeyId", identity.access_key_id);
    text(line, "userName", identity.user_name);
    text(line, "invokedBy", identity.invoked_by);
    if holds == Holds::Everything {
        text(line, "principalId", identity.principal_id);
    }
    let gives_out_a_key = Minted::child(record).is_some() || Created::of(record).is_some();
    if holds == Holds::Everything || gives_out_a_key {
        part(line, "sessionContext", identity.session_context);
    }
    if line.len() > nested {
        // The comma before the first member becomes the beginning of the object.
        line[nested] = b'{';
        line.push(b'}');
        line.splice(nested..nested, *b",\"userIdentity\":");
    }
    if holds == Holds::Everything || gives_out_a_key {
        part(line, "requestParameters", record.request);
        part(line, "responseElements", record.response);
    }
    if holds == Holds::Everything {
        text(line, "errorMessage", record.error_message);
        text(line, "eventType", record.event_type);
        text(line, "eventCategory", record.event_category);
        text(line, "eventVersion", record.event_version);
        text(line, "sharedEventID", record.shared_event_id);
        part(line, "readOnly", record.read_only.map(|read_only| if read_only { "true" } else { "false" }));
        part(line, "resources", record.resources);
        part(line, "additionalEventData", record.additional);
    }
    line[begin] = b'{';
    line.extend_from_slice(b"}\n");
}

/// Appends a member, with a comma before it.
fn text(line: &mut Vec<u8>, name: &str, text: Option<&str>) {
    let Some(text) = text else { return };
    begin_member(line, name);
    serde_json::to_writer(line, text).expect("a text is JSON, and memory takes it");
}

/// Appends a member that is JSON already. What was written over several lines is brought into one: outside of strings a
/// line break is white space, and within there are none.
fn part(line: &mut Vec<u8>, name: &str, json: Option<&str>) {
    let Some(json) = json else { return };
    begin_member(line, name);
    line.extend(json.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
}

fn begin_member(line: &mut Vec<u8>, name: &str) {
    line.extend_from_slice(b",\"");
    line.extend_from_slice(name.as_bytes());
    line.extend_from_slice(b"\":");
}
