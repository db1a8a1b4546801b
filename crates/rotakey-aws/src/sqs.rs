//! Amazon SQS: a queue that is told about new objects in S3.
//!
//! A queue delivers each message at least once: a message that is not done with in time, or whose deletion is lost,
//! comes again. What is done with an object must therefore do no harm when it is done twice.
//!
//! Whoever may send to the queue names the objects. Read none but those in buckets that are known.
//!
//! Permissions: `sqs:ReceiveMessage`, `sqs:DeleteMessage`, `sqs:ChangeMessageVisibility`.

mod message;

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use rotakey_engine::port::{PortError, PortErrorKind};

use crate::calls::CallCounter;
use crate::connection::region_named;
use crate::error::{escaped, failed, incomplete};

use message::Body;
pub use message::S3Object;

/// One queue.
#[derive(Debug, Clone)]
pub struct NotificationQueue {
    client: Client,
    url: String,
}

/// What one look at the queue gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Messages that tell of new objects.
    pub notifications: Vec<Notification>,
    /// Messages that say nothing that is known. They stay in the queue, come again, and go where its redrive policy
    /// sends them; without one they come for as long as the queue keeps messages.
    pub unknown: Vec<UnknownMessage>,
    /// How many messages told of nothing new: a test of the way, an object that was removed. They are deleted.
    pub nothing_new: usize,
    /// Why not all of those were deleted. They come again.
    pub not_deleted: Option<PortError>,
}

/// A message that tells of new objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// What the queue knows the message by.
    pub receipt: Receipt,
    /// The objects; at least one.
    pub objects: Vec<S3Object>,
}

/// What the queue knows a received message by, until it gives it to somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    handle: String,
    /// The id of the message, the same each time that it comes.
    pub message_id: String,
    /// How often it has come, this time included.
    pub times: u32,
}

/// A message that says nothing that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownMessage {
    /// The id of the message.
    pub message_id: String,
    /// How often it has come, this time included.
    pub times: u32,
    /// What it is taken for.
    pub reason: &'static str,
    /// How it begins, escaped.
    pub beginning: String,
}

/// The most messages that a queue gives or deletes at once.
const BATCH: usize = 10;

/// The longest that a queue waits for a message.
const LONGEST_POLL: Duration = Duration::from_secs(20);

/// The longest that a message can be kept from others, counted from when it came.
const LONGEST_HOLD: Duration = Duration::from_secs(12 * 60 * 60);

/// What an answer may take beside the wait for a message.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

impl NotificationQueue {
    pub(crate) fn new(config: &SdkConfig, calls: CallCounter, url: &str) -> Self {
        let mut builder = Builder::from(config).interceptor(calls);
        if let Some(region) = region_of(url).and_then(region_named) {
            builder = builder.region(region);
        }
        Self { client: Client::from_conf(builder.build()), url: url.to_owned() }
    }

    /// Up to ten messages. Waits until there is one, at most so long (20 seconds are the most that AWS allows, and the
    /// cheapest). Others do not get these messages for `hold`, or for as long as the queue says.
    ///
    /// # Errors
    /// Messages of which the answer is lost come again.
    pub async fn receive(&self, wait: Duration, hold: Option<Duration>) -> Result<Received, PortError> {
        const OPERATION: &str = "sqs:ReceiveMessage";
        let wait = wait.min(LONGEST_POLL);
        let times = TimeoutConfig::builder()
            .operation_attempt_timeout(wait + ANSWER_TIMEOUT)
            .operation_timeout(2 * (wait + ANSWER_TIMEOUT))
            .build();
        let call = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .wait_time_seconds(whole_seconds(wait))
            .set_visibility_timeout(hold.map(|hold| whole_seconds(hold.min(LONGEST_HOLD))))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .customize()
            .config_override(Builder::new().timeout_config(times));
        let answer = call.send().await.map_err(failed(OPERATION))?;

        let mut received = Received::default();
        let mut nothing_new = Vec::new();
        for message in answer.messages.unwrap_or_default() {
            let receipt = receipt(OPERATION, &message)?;
            let body = message.body.unwrap_or_default();
            match message::read(&body) {
                Body::Objects(objects) if objects.is_empty() => nothing_new.push(receipt),
                Body::Objects(objects) => received.notifications.push(Notification { receipt, objects }),
                Body::Unknown(reason) => received.unknown.push(UnknownMessage {
                    message_id: escaped(&receipt.message_id),
                    times: receipt.times,
                    reason,
                    beginning: message::beginning(&body),
                }),
            }
        }
        received.nothing_new = nothing_new.len();
        // Not an error of this look: that would keep the notifications from the caller.
        received.not_deleted = self.done(&nothing_new).await.err();
        Ok(received)
    }

    /// Deletes messages whose objects have been dealt with.
    ///
    /// # Errors
    /// All are tried, and the first failure is told. A message that is not deleted comes again.
    pub async fn done(&self, receipts: &[Receipt]) -> Result<(), PortError> {
        let mut result = Ok(());
        for batch in receipts.chunks(BATCH) {
            result = result.and(self.delete(batch).await);
        }
        result
    }

    /// Keeps a message from others for so long from now on; with zero, gives it back at once. For work that takes
    /// longer than the queue expects. Twelve hours in all are the most that AWS allows.
    pub async fn hold(&self, receipt: &Receipt, hold: Duration) -> Result<(), PortError> {
        let call =
            self.client.change_message_visibility().queue_url(&self.url).receipt_handle(&receipt.handle);
        let call = call.visibility_timeout(whole_seconds(hold.min(LONGEST_HOLD)));
        call.send().await.map(drop).map_err(failed("sqs:ChangeMessageVisibility"))
    }

    async fn delete(&self, batch: &[Receipt]) -> Result<(), PortError> {
        const OPERATION: &str = "sqs:DeleteMessage";
        let mut call = self.client.delete_message_batch().queue_url(&self.url);
        for (number, receipt) in batch.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder()
                .id(number.to_string())
                .receipt_handle(&receipt.handle)
                .build();
            let invalid = |error: aws_sdk_sqs::error::BuildError| {
                PortError::new(PortErrorKind::Invalid, OPERATION, error.to_string())
            };
            call = call.entries(entry.map_err(invalid)?);
        }
        let answer = call.send().await.map_err(failed(OPERATION))?;
        let Some(failure) = answer.failed.first() else { return Ok(()) };
        let kind = if failure.sender_fault { PortErrorKind::Invalid } else { PortErrorKind::Ambiguous };
        let (count, of, code) = (answer.failed.len(), batch.len(), &failure.code);
        let why = failure.message.as_deref().unwrap_or("no message");
        let message =
            format!("{count} of {of} messages were not deleted and will come again: {why} ({code})");
        Err(PortError::new(kind, OPERATION, escaped(&message)))
    }
}

fn receipt(operation: &'static str, message: &Message) -> Result<Receipt, PortError> {
    let handle = message.receipt_handle.clone().ok_or_else(|| incomplete(operation, "a receipt handle"))?;
    let attributes = message.attributes.as_ref();
    let times = attributes
        .and_then(|attributes| attributes.get(&MessageSystemAttributeName::ApproximateReceiveCount))
        .and_then(|times| times.parse().ok());
    let message_id = message.message_id.clone().unwrap_or_default();
    Ok(Receipt { handle, message_id, times: times.unwrap_or(1) })
}

fn whole_seconds(span: Duration) -> i32 {
    i32::try_from(span.as_secs()).unwrap_or(i32::MAX)
}

/// The region that the URL of a queue names: `sqs.REGION.amazonaws.com`, or as it was once, `REGION.queue.amazonaws.com`
/// and, for us-east-1, `queue.amazonaws.com`. `None` if it is another one, such as of a simulated AWS.
fn region_of(url: &str) -> Option<&str> {
    let host = url.strip_prefix("https://")?.split('/').next()?;
    let (name, _) = host.split_once(".amazonaws.com")?;
    let labels: Vec<&str> = name.split('.').collect();
    match labels[..] {
        ["sqs" | "sqs-fips", region] | [region, "queue"] => Some(region),
        ["queue"] => Some("us-east-1"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_asked_in_the_region_of_its_url() {
        for (url, region) in [
            ("https://sqs.eu-west-1.amazonaws.com/111122223333/trail", Some("eu-west-1")),
            ("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/trail", Some("cn-north-1")),
            ("https://sqs-fips.us-gov-west-1.amazonaws.com/111122223333/trail", Some("us-gov-west-1")),
            ("https://eu-west-1.queue.amazonaws.com/111122223333/trail", Some("eu-west-1")),
            ("https://queue.amazonaws.com/111122223333/trail", Some("us-east-1")),
            ("http://127.0.0.1:5000/123456789012/trail", None),
            ("https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com/111122223333/trail", None),
            ("trail", None),
        ] {
            assert_eq!(region_of(url), region, "{url}");
        }
    }
}
