//! Use of a key after it was switched off or deleted.

mod period;
mod s3_line;
mod s3_log;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

pub use period::{Because, Unusable};
pub use s3_log::{RefusedSource, RefusedTally, S3AccessLogs, S3Document, S3Request};

use crate::answer::Answer;
use crate::event_time::EventTime;
use crate::keys::{KeyEvent, LifeEvent};
use crate::lineage::KeySet;
use crate::newest::Newest;
use crate::record::Record;
use crate::selection::Selection;
use crate::summary::Summary;

/// For how long a key may go on working after it was switched off: "as a service that is accessed through
/// computers in data centers around the world, IAM uses a distributed computing model called eventual consistency"
/// (IAM user guide, "Changes that I make are not always immediately visible"). AWS gives no figure; mostly it is
/// seconds.
pub const PROPAGATION_SECONDS: u64 = 5 * 60;

/// The most uses that are kept; of more, the newest.
pub const MOST_USES: usize = 50_000;

/// The most addresses of the key that are kept.
const MOST_ADDRESSES: usize = 100_000;

/// What it means if nothing is found.
pub const ABSENCE: &str = "No event does not prove that there was no attempt: CloudTrail does not promise events \
    for calls whose authentication fails, and for Amazon S3 it is documented that it delivers none of them.";

/// What a line of an access log proves.
pub const S3_MEANING: &str = "S3 server access logs name the key only of requests that are signed in their query, \
    as presigned URLs are. Whoever uses such a URL need not hold the key. Of requests that are signed in a header \
    the log shows neither key nor user once the key is refused: these are counted, and cannot be told apart from \
    those of other keys that do not work. Delivery is best effort, hours late, and for buckets with logging only.";

/// What a session proves.
pub const SESSION_MEANING: &str = "Sessions that were minted with the key before it was switched off stay valid until \
    they expire: switching off or deleting the key does not end them.";

/// Takes the uses of one key and what changed about it.
#[derive(Debug)]
pub struct AfterAnswer {
    keys: Arc<KeySet>,
    selection: Selection,
    stated: Option<EventTime>,
    changes: Vec<LifeEvent>,
    uses: Newest<RecordedUse>,
    addresses: BTreeSet<String>,
}

/// An event that the key or a session of it signed. Sorted by time first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RecordedUse {
    /// When.
    pub at: EventTime,
    /// The key that signed: the one asked about, or a session of it.
    pub access_key_id: String,
    /// The service in short.
    pub service: String,
    /// `eventName`.
    pub action: String,
    /// `errorCode`.
    pub error_code: Option<String>,
    /// `sourceIPAddress`.
    pub source_ip: Option<String>,
    /// `userAgent`.
    pub user_agent: Option<String>,
    /// `awsRegion`.
    pub region: Option<String>,
    /// The account whose trail told it.
    pub account_id: Option<String>,
    /// `eventID`.
    pub event_id: Option<String>,
}

impl AfterAnswer {
    /// Asks about the root of those keys and about its sessions. Uses are those of the selection; what changed about
    /// the key may be told anywhere. `stated` is when it was switched off, if whoever asks knows that better than
    /// the trail.
    pub fn new(keys: Arc<KeySet>, selection: Selection, stated: Option<EventTime>) -> Self {
        Self {
            keys,
            selection,
            stated,
            changes: Vec::new(),
            uses: Newest::new(MOST_USES),
            addresses: BTreeSet::new(),
        }
    }

    fn add_address(&mut self, address: String) {
        self.addresses.insert(address);
        if self.addresses.len() > MOST_ADDRESSES {
            self.addresses.pop_last();
        }
    }
}

impl Answer for AfterAnswer {
    fn take(&mut self, records: &[Record<'_>]) {
        for record in records {
            let is_change = self.take_change(record);
            let Some(signer) = record.identity.access_key_id else { continue };
            if !self.keys.contains(signer) || !self.selection.has(record) {
                continue;
            }
            if let Some(address) = record.source_ip.filter(|address| !self.addresses.contains(*address)) {
                self.add_address(address.to_owned());
            }
            // A key that switches itself off is not used after that.
            if is_change {
                continue;
            }
            self.uses.push(RecordedUse {
                at: record.time,
                access_key_id: signer.to_owned(),
                service: record.service().to_owned(),
                action: record.event_name.to_owned(),
                error_code: record.error_code.map(str::to_owned),
                source_ip: record.source_ip.map(str::to_owned),
                user_agent: record.user_agent.map(str::to_owned),
                region: record.region.map(str::to_owned),
                account_id: record.recipient_account_id.or(record.identity.account_id).map(str::to_owned),
                event_id: record.event_id.map(str::to_owned),
            });
        }
    }

    fn merge(&mut self, other: Self) {
        self.changes.extend(other.changes);
        self.uses.merge(other.uses);
        other.addresses.into_iter().for_each(|address| self.add_address(address));
    }
}

impl AfterAnswer {
    /// Notes what the record changes about the key, and says whether it did.
    fn take_change(&mut self, record: &Record<'_>) -> bool {
        let is_candidate = record.event_source == "iam.amazonaws.com"
            && matches!(record.event_name, "CreateAccessKey" | "UpdateAccessKey" | "DeleteAccessKey");
        if !is_candidate {
            return false;
        }
        let event =
            KeyEvent::of(record).filter(|event| event.access_key_id.as_deref() == Some(self.keys.root()));
        let change = event.as_ref().and_then(LifeEvent::of);
        let is_change = change.is_some();
        self.changes.extend(change);
        is_change
    }
}

/// What `trail after` tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AfterDocument {
    /// Whether all that was asked about was read, and it is known when the key was switched off.
    pub complete: bool,
    /// The key.
    pub access_key_id: String,
    /// What the trail and the access logs say.
    pub conclusion: Conclusion,
    /// When the key could not be used.
    pub unusable: Vec<Unusable>,
    /// The changes of the key that the trail tells.
    pub changes: Vec<LifeEvent>,
    /// So long after the key was switched off a use does not count, for the change may not have arrived everywhere.
    pub propagation_seconds: u64,
    /// The last event of the key itself while it could be used.
    pub last_use_before: Option<EventTime>,
    /// Events within the propagation time.
    pub uses_within_propagation: u64,
    /// Events of the key itself after it.
    pub uses_after: u64,
    /// Events of its sessions after the key was switched off.
    pub session_uses_after: u64,
    /// All these events, in the order of time.
    pub uses: Vec<Use>,
    /// Whether there were too many events to keep them all, so that early ones may be missing.
    pub truncated: bool,
    /// What S3 server access logs tell, if there were any.
    pub s3_access_logs: Option<S3Document>,
    /// What can be concluded from this, and what cannot.
    pub meaning: Vec<&'static str>,
    /// How many sessions of the key were followed.
    pub sessions_followed: u64,
    /// Whether all of them were followed that were seen.
    pub followed: bool,
    /// What was read.
    pub summary: Summary,
}

/// What the trail and the access logs say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// The key, a session of it, or a request that names it was seen after it was switched off.
    UsedAfter,
    /// Nothing was seen, which proves nothing.
    NothingSeen,
    /// It is not known when the key was switched off, if it ever was.
    NotSwitchedOff,
}

/// A use while the key could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Use {
    /// The event.
    #[serde(flatten)]
    pub event: RecordedUse,
    /// How long after the key was switched off.
    pub seconds_after: u64,
    /// Whether the key may not yet have been switched off everywhere.
    pub within_propagation: bool,
    /// Whether a session signed it, rather than the key itself.
    pub through_session: bool,
}

impl AfterAnswer {
    /// The addresses that the key and its sessions were used from.
    pub fn addresses(&self) -> &BTreeSet<String> {
        &self.addresses
    }

    /// When the key could not be used, as far as is known by now.
    pub fn unusable(&self) -> Vec<Unusable> {
        let mut changes = self.changes.clone();
        changes.sort_unstable();
        Unusable::times(&changes, self.stated)
    }

    /// The document.
    pub fn into_document(
        mut self,
        propagation_seconds: u64,
        s3_access_logs: Option<S3Document>,
        summary: &Summary,
    ) -> AfterDocument {
        self.changes.sort_unstable();
        let unusable = Unusable::times(&self.changes, self.stated);
        let (events, dropped) = self.uses.into_sorted();
        let oldest_kept = events.first().map(|event| event.at);
        let truncated = dropped > 0
            && unusable.first().is_some_and(|first| oldest_kept.is_none_or(|oldest| first.from <= oldest));
        let mut uses = Vec::new();
        let mut last_use_before = None;
        for event in events {
            let through_session = event.access_key_id != self.keys.root();
            let Some(time) = unusable.iter().find(|time| time.holds(event.at)) else {
                let switched_off_later = unusable.iter().any(|time| event.at < time.from);
                if !through_session && switched_off_later {
                    last_use_before = last_use_before.max(Some(event.at));
                }
                continue;
            };
            let seconds_after = (event.at.seconds() - time.from.seconds()).unsigned_abs();
            uses.push(Use {
                within_propagation: !through_session && seconds_after <= propagation_seconds,
                event,
                seconds_after,
                through_session,
            });
        }
        let number = |is: fn(&Use) -> bool| uses.iter().filter(|event| is(event)).count() as u64;
        let uses_within_propagation = number(|event| event.within_propagation);
        let session_uses_after = number(|event| event.through_session);
        let uses_after = uses.len() as u64 - uses_within_propagation - session_uses_after;
        let s3_requests = s3_access_logs.as_ref().map_or(0, |logs| logs.request_count);
        let mut meaning = vec![ABSENCE];
        if session_uses_after > 0 {
            meaning.push(SESSION_MEANING);
        }
        if s3_access_logs.is_some() {
            meaning.push(S3_MEANING);
        }
        AfterDocument {
            complete: summary.is_complete()
                && !truncated
                && !self.keys.is_cut()
                && !unusable.is_empty()
                && s3_access_logs.as_ref().is_none_or(|logs| logs.malformed_lines == 0),
            access_key_id: self.keys.root().to_owned(),
            conclusion: match uses_after + session_uses_after + s3_requests {
                _ if unusable.is_empty() => Conclusion::NotSwitchedOff,
                0 => Conclusion::NothingSeen,
                _ => Conclusion::UsedAfter,
            },
            unusable,
            changes: self.changes,
            propagation_seconds,
            last_use_before,
            uses_within_propagation,
            uses_after,
            session_uses_after,
            uses,
            truncated,
            s3_access_logs,
            meaning,
            sessions_followed: self.keys.descendants(),
            followed: !self.keys.is_cut(),
            summary: summary.clone(),
        }
    }
}
