//! Records for the tests of what people read.

use std::sync::Arc;

use rotakey_trail::answer::Answer as _;
use rotakey_trail::event_time::EventTime;
use rotakey_trail::lineage::{Edges, KeySet, Reach};
use rotakey_trail::record::{Identity, Record};

/// A call of a key of the user `ci`, so many minutes after 15:45 on 2026-11-23.
pub(super) fn call<'a>(minute: i64, key: &'a str, service: &'a str, name: &'a str) -> Record<'a> {
    Record {
        time: EventTime::from_seconds(1_795_448_700 + minute * 60).unwrap(),
        event_source: service,
        event_name: name,
        source_ip: Some("198.51.100.7"),
        region: Some("eu-west-1"),
        identity: Identity {
            access_key_id: Some(key),
            account_id: Some("111122223333"),
            arn: Some("arn:aws:iam::111122223333:user/ci"),
            ..Identity::default()
        },
        ..Record::default()
    }
}

/// The response to an AssumeRole (`credentials`) or a CreateAccessKey (`accessKey`) that gives out that key.
pub(super) fn gives(what: &str, key: &str) -> String {
    format!(
        r#"{{"{what}":{{"accessKeyId":"{key}","userName":"backup","expiration":"2026-11-23T16:45:00Z"}}}}"#
    )
}

/// A key with all that descends from it.
pub(super) fn descendants(root: &str, records: &[Record<'_>]) -> Arc<KeySet> {
    let mut edges = Edges::new([root], Reach::Sessions);
    edges.take(records);
    Arc::new(edges.descendants(root))
}
