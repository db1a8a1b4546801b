//! `LookupEvents`: what happened in a region, page by page, with a memory that outlives the process.

use std::fmt;

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::operation::lookup_events::{LookupEventsError, LookupEventsOutput};
use aws_sdk_cloudtrail::types::LookupAttributeKey;
use aws_smithy_types::DateTime;
use futures::stream::{self, BoxStream, StreamExt};
use jiff::{SignedDuration, Timestamp};
use rotakey_engine::port::{PortError, PortErrorKind};
use serde::{Deserialize, Serialize};

use super::CloudTrail;
use crate::error::failed;
use crate::iam::timestamp;
use crate::paging::next_page;

/// How far the event history goes back.
pub const HISTORY: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The one thing that a lookup may select events by, beside their time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookupAttribute {
    /// The key that signed the call.
    AccessKeyId(String),
    /// The event's UUID.
    EventId(String),
    /// The operation, such as `CreateAccessKey`.
    EventName(String),
    /// The service, such as `iam.amazonaws.com`.
    EventSource(String),
    /// Whether the call only read.
    ReadOnly(bool),
    /// The name of a resource that the call was about; of an access key, its id.
    ResourceName(String),
    /// The type of a resource that the call was about, such as `AWS::IAM::AccessKey`.
    ResourceType(String),
    /// The name of the user, or of the session of a role.
    Username(String),
}

/// What to look for. Instants that are left out do not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookupRequest {
    /// What the events have in common.
    pub attribute: Option<LookupAttribute>,
    /// The first second that is looked at.
    pub from: Option<Timestamp>,
    /// The last second that is looked at.
    pub until: Option<Timestamp>,
}

/// How far a lookup in one region has come: all that is needed to go on, in this process or in a later one. It
/// belongs to the account in which it began.
///
/// Store it after the events of its page: what happens in between is then read twice, and `eventID` tells
/// duplicates, but nothing is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupProgress {
    /// The region.
    pub region: String,
    /// What the events have in common.
    pub attribute: Option<LookupAttribute>,
    /// The first second that is looked at.
    pub from: Timestamp,
    /// The last second that is looked at. A lookup that has to begin anew, because AWS does not take its token any
    /// more, moves it back to what it has seen.
    pub until: Timestamp,
    /// What AWS knows the next page by. Good for the very same attribute and instants only, and not for ever.
    pub next_token: Option<String>,
    /// The time of the oldest event so far.
    pub oldest: Option<Timestamp>,
    /// How many events were read, duplicates included.
    pub events: u64,
    /// Whether everything was read.
    pub is_finished: bool,
    /// How often it has begun anew since the oldest event last changed.
    pub fresh_starts: u32,
}

/// The events of one page, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupPage {
    /// The records as CloudTrail writes them to its log files, each as JSON text.
    pub events: Vec<String>,
    /// How many events AWS listed without their record.
    pub without_record: usize,
    /// How often AWS refused the page because others look up events in the same account.
    pub throttled: u32,
    /// How far the lookup has come with this page.
    pub progress: LookupProgress,
}

/// A part of the time asked for is older than the event history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfHistory {
    /// The first second that was asked for; `None` for "since ever".
    pub asked_from: Option<Timestamp>,
    /// The first second that is looked at.
    pub from: Timestamp,
}

impl fmt::Display for OutOfHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.from;
        write!(f, "CloudTrail's event history goes back 90 days: nothing before {from} is looked at. ")?;
        f.write_str("What is older is only in the log files of a trail, if there was one.")
    }
}

/// Pages, as they come.
pub type Pages = BoxStream<'static, Result<LookupPage, PortError>>;

const OPERATION: &str = "cloudtrail:LookupEvents";

/// The most events that AWS gives at once.
const PAGE: i32 = 50;

/// The first and the longest pause after a page that AWS refused or did not answer; each is twice the last.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(1);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// How long a page that is throttled is waited for. Others in the account may use up what AWS allows for long.
const WHILE_THROTTLED: SignedDuration = SignedDuration::from_mins(30);

/// How long a page that is not answered is waited for.
const WHILE_SILENT: SignedDuration = SignedDuration::from_mins(2);

/// How often a lookup begins anew without getting anywhere.
const FRESH_STARTS: u32 = 3;

impl LookupRequest {
    /// The beginning of this lookup in that region, and what of it the event history cannot show. All events until
    /// now are looked for unless the request says otherwise, so that pages do not move while they are read.
    pub fn begin(&self, region: &str, now: Timestamp) -> (LookupProgress, Option<OutOfHistory>) {
        let begin = begin_of_history(now);
        let from = self.from.map_or(begin, whole_second).max(begin);
        let now = whole_second(now);
        let until = self.until.map_or(now, |until| whole_second_after(until).min(now));
        let progress = LookupProgress {
            region: region.to_owned(),
            attribute: self.attribute.clone(),
            from,
            until,
            next_token: None,
            oldest: None,
            events: 0,
            is_finished: from > until,
            fresh_starts: 0,
        };
        let is_cut = self.from.is_none_or(|asked| whole_second(asked) < begin);
        (progress, is_cut.then_some(OutOfHistory { asked_from: self.from, from }))
    }
}

impl CloudTrail {
    /// The next page of the lookup. Waits for its turn, and while AWS throttles or does not answer. An error leaves
    /// the progress as good as it was: the same page can be asked for again.
    ///
    /// # Errors
    /// [`PortErrorKind::Throttled`] if AWS refused the page for half an hour, [`PortErrorKind::Ambiguous`] if it has
    /// not answered for two minutes; others at once. [`PortErrorKind::Invalid`] for a lookup that is finished.
    pub async fn next_page(&self, progress: &LookupProgress) -> Result<LookupPage, PortError> {
        let operation = format!("{OPERATION} in {}", progress.region);
        let client = self.client_in(&progress.region)?;
        let attribute = progress.attribute.as_ref().map(sdk_attribute).transpose()?;
        let mut progress = progress.clone();
        let mut patience = Patience::default();
        loop {
            if progress.is_finished {
                let message = "all pages were read";
                return Err(PortError::new(PortErrorKind::Invalid, operation, message));
            }
            match self.ask(&client, &progress, attribute.as_ref()).await {
                Ok(answer) => return page(&operation, progress, answer, patience.throttled),
                Err(Refusal::Stale) if progress.fresh_starts < FRESH_STARTS => {
                    progress.begin_anew(self.clock.now());
                    if progress.is_finished {
                        let (events, throttled) = (Vec::new(), patience.throttled);
                        return Ok(LookupPage { events, without_record: 0, throttled, progress });
                    }
                }
                Err(Refusal::Stale) => {
                    let message =
                        "AWS refuses its own token of the next page, however often the lookup begins anew";
                    return Err(PortError::new(PortErrorKind::Invalid, operation, message));
                }
                Err(Refusal::Other(error)) => match patience.pause(error.kind) {
                    Some(pause) => self.clock.sleep_until(self.clock.now() + pause).await,
                    None => return Err(PortError { operation, ..error }),
                },
            }
        }
    }

    /// All pages that are left of one lookup. Ends after the first error.
    pub fn pages(&self, progress: LookupProgress) -> Pages {
        let begin = (self.clone(), Some(progress));
        let pages = stream::unfold(begin, |(trail, progress)| async move {
            let progress = progress.filter(|progress| !progress.is_finished)?;
            let result = trail.next_page(&progress).await;
            let next = result.as_ref().ok().map(|page| page.progress.clone());
            Some((result, (trail, next)))
        });
        pages.boxed()
    }

    /// All pages that are left of several lookups, side by side: each region has its own pace. An error ends the
    /// lookup of the region that it names, and not the others.
    pub fn pages_of_all(&self, lookups: Vec<LookupProgress>) -> Pages {
        stream::select_all(lookups.into_iter().map(|progress| self.pages(progress))).boxed()
    }

    async fn ask(
        &self,
        client: &Client,
        progress: &LookupProgress,
        attribute: Option<&aws_sdk_cloudtrail::types::LookupAttribute>,
    ) -> Result<LookupEventsOutput, Refusal> {
        let call = client
            .lookup_events()
            .set_lookup_attributes(attribute.map(|attribute| vec![attribute.clone()]))
            .start_time(seconds(progress.from))
            .end_time(seconds(progress.until))
            .max_results(PAGE)
            .set_next_token(progress.next_token.clone());
        let answer = self.pace_in(&progress.region).keep(&*self.clock, call.send()).await;
        answer.map_err(|error| match error.as_service_error() {
            Some(LookupEventsError::InvalidNextTokenException(_)) if progress.next_token.is_some() => {
                Refusal::Stale
            }
            // The beginning has fallen out of the history since the lookup began.
            Some(LookupEventsError::InvalidTimeRangeException(_))
                if progress.from < begin_of_history(self.clock.now()) =>
            {
                Refusal::Stale
            }
            _ => Refusal::Other(failed(OPERATION)(error)),
        })
    }
}

/// Why there is no page.
enum Refusal {
    /// AWS does not take the token or the beginning of the time any more: the lookup has to begin anew.
    Stale,
    Other(PortError),
}

impl LookupProgress {
    /// Looks again from the oldest event on. Events of its second may not have been listed yet, and CloudTrail may know
    /// their times more exactly than it shows.
    fn begin_anew(&mut self, now: Timestamp) {
        self.fresh_starts += 1;
        self.next_token = None;
        self.from = self.from.max(begin_of_history(now));
        if let Some(oldest) = self.oldest {
            self.until = self.until.min(oldest.checked_add(SignedDuration::from_secs(1)).unwrap_or(oldest));
        }
        self.is_finished = self.from > self.until;
    }
}

/// How long one page has been refused.
#[derive(Debug, Default)]
struct Patience {
    throttled: u32,
    waited: SignedDuration,
    last: SignedDuration,
}

impl Patience {
    /// How long to wait after such an error; `None` if that does not help, or has not helped for too long.
    fn pause(&mut self, kind: PortErrorKind) -> Option<SignedDuration> {
        let most = match kind {
            PortErrorKind::Throttled => WHILE_THROTTLED,
            PortErrorKind::Ambiguous => WHILE_SILENT,
            _ => return None,
        };
        self.throttled += u32::from(kind == PortErrorKind::Throttled);
        self.last = (self.last * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.waited += self.last;
        (self.waited <= most).then_some(self.last)
    }
}

fn page(
    operation: &str,
    mut progress: LookupProgress,
    answer: LookupEventsOutput,
    throttled: u32,
) -> Result<LookupPage, PortError> {
    let next = answer.next_token.filter(|token| !token.is_empty());
    progress.next_token = next_page(operation, next, progress.next_token.as_deref())?;
    progress.is_finished = progress.next_token.is_none();
    let listed = answer.events.unwrap_or_default();
    progress.events += u64::try_from(listed.len()).unwrap_or(u64::MAX);
    for at in listed.iter().filter_map(|event| event.event_time.as_ref()) {
        let at = timestamp(OPERATION, at)?;
        if progress.oldest.is_none_or(|oldest| at < oldest) {
            progress.oldest = Some(at);
            progress.fresh_starts = 0;
        }
    }
    let count = listed.len();
    let events: Vec<String> = listed.into_iter().filter_map(|event| event.cloud_trail_event).collect();
    Ok(LookupPage { without_record: count - events.len(), events, throttled, progress })
}

fn sdk_attribute(
    attribute: &LookupAttribute,
) -> Result<aws_sdk_cloudtrail::types::LookupAttribute, PortError> {
    let (key, value) = match attribute {
        LookupAttribute::AccessKeyId(value) => (LookupAttributeKey::AccessKeyId, value.as_str()),
        LookupAttribute::EventId(value) => (LookupAttributeKey::EventId, value.as_str()),
        LookupAttribute::EventName(value) => (LookupAttributeKey::EventName, value.as_str()),
        LookupAttribute::EventSource(value) => (LookupAttributeKey::EventSource, value.as_str()),
        LookupAttribute::ReadOnly(true) => (LookupAttributeKey::ReadOnly, "true"),
        LookupAttribute::ReadOnly(false) => (LookupAttributeKey::ReadOnly, "false"),
        LookupAttribute::ResourceName(value) => (LookupAttributeKey::ResourceName, value.as_str()),
        LookupAttribute::ResourceType(value) => (LookupAttributeKey::ResourceType, value.as_str()),
        LookupAttribute::Username(value) => (LookupAttributeKey::Username, value.as_str()),
    };
    let built =
        aws_sdk_cloudtrail::types::LookupAttribute::builder().attribute_key(key).attribute_value(value);
    built.build().map_err(|error| PortError::new(PortErrorKind::Invalid, OPERATION, error.to_string()))
}

/// The first second of the event history, and a minute more, in which a request may be on its way.
fn begin_of_history(now: Timestamp) -> Timestamp {
    whole_second(now - HISTORY + SignedDuration::from_mins(1))
}

fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn whole_second_after(at: Timestamp) -> Timestamp {
    let second = whole_second(at);
    if second < at { second.checked_add(SignedDuration::from_secs(1)).unwrap_or(second) } else { second }
}

/// An instant as the SDK wants it.
pub(super) fn seconds(at: Timestamp) -> DateTime {
    DateTime::from_secs(at.as_second())
}
