//! Small trails.

use std::collections::HashSet;

use bumpalo::Bump;
use rotakey_store::usage_index::IndexFile;
use rotakey_trail::answer::Answer as _;
use rotakey_trail::event_time::{DAY, EventTime};
use rotakey_trail::oracle;
use rotakey_trail::rollup::{Batch, Seen, Unseen};

/// The day on which it all begins, as days since 1970.
pub(crate) const FIRST_DAY: i64 = 20_000;

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) key: String,
    pub(crate) day: i64,
    pub(crate) second: i64,
    pub(crate) address: String,
    pub(crate) action: &'static str,
    pub(crate) error: &'static str,
    /// The session key that it gives out.
    pub(crate) mints: Option<String>,
}

/// A call of that key on that day after [`FIRST_DAY`].
pub(crate) fn call(key: &str, day: i64) -> Call {
    Call {
        key: key.to_owned(),
        day: FIRST_DAY + day,
        second: 3_600,
        address: "198.51.100.7".to_owned(),
        action: "GetObject",
        error: "",
        mints: None,
    }
}

/// A file of calls, each an event with an id of its own.
#[derive(Debug, Clone)]
pub(crate) struct TestFile {
    pub(crate) file: IndexFile,
    /// The id of each event, and the call.
    pub(crate) events: Vec<(String, Call)>,
    /// Whether its end cannot be read.
    pub(crate) is_damaged: bool,
}

pub(crate) fn file(name: &str, calls: &[Call]) -> TestFile {
    let file = IndexFile {
        name: format!("/logs/{name}"),
        bytes: Some(100),
        tag: Some("monday".to_owned()),
        day: calls.iter().map(|call| call.day).max(),
    };
    let events = calls.iter().enumerate().map(|(number, call)| (format!("{name} {number}"), call.clone()));
    TestFile { file, events: events.collect(), is_damaged: false }
}

/// What a reader makes of files.
pub(crate) fn unseen<'a>(files: &[TestFile], known: &'a Seen) -> Unseen<'a> {
    let mut unseen = Unseen::new(known);
    let mut ids = HashSet::new();
    // The reader removes the copies within what it reads.
    for (id, call) in files.iter().flat_map(|file| &file.events).filter(|(id, _)| ids.insert(id.clone())) {
        let arena = Bump::new();
        unseen.take(&oracle::records(&json(id, call), &arena));
    }
    unseen
}

/// Rows, and the events that `known` does not have.
pub(crate) fn read(files: &[TestFile], known: &Seen) -> (Batch, Seen) {
    let (rollup, seen, _) = unseen(files, known).into_parts();
    (rollup.into_batch(), seen)
}

fn json(id: &str, call: &Call) -> String {
    let time = EventTime::from_seconds(call.day * DAY + call.second).unwrap();
    let response = match &call.mints {
        Some(key) => format!(r#"{{"credentials": {{"accessKeyId": "{key}"}}}}"#),
        None => "null".to_owned(),
    };
    let source = if call.mints.is_some() { "sts" } else { "s3" };
    format!(
        r#"{{"eventID": "{id}", "eventTime": "{time}", "eventSource": "{source}.amazonaws.com", "eventName": "{}",
            "awsRegion": "eu-central-1", "sourceIPAddress": "{}", "userAgent": "agent/1", "errorCode": "{}",
            "responseElements": {response},
            "userIdentity": {{"type": "IAMUser", "userName": "ann\u0000 ä鍵'\"", "accessKeyId": "{}",
                "arn": "arn:aws:iam::012345678901:user/ann", "accountId": "012345678901"}}}}"#,
        call.action, call.address, call.error, call.key,
    )
}
