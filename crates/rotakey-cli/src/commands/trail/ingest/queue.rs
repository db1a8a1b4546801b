//! Objects that a queue tells of, as they come.
//!
//! A message is deleted when all that it tells of is in the index. Killed before, it comes again, and its objects are
//! known by then. What cannot be read stays in the queue, whose redrive policy says what becomes of it.

use std::collections::HashSet;
use std::time::Duration;

use rotakey_aws::sqs::{Notification, NotificationQueue, Received, S3Object};
use rotakey_engine::port::PortErrorKind;
use rotakey_store::usage_index::{Ingest, Ingested};
use rotakey_trail::source::Input;
use rotakey_trail::source::objects::ObjectStores;
use rotakey_trail::summary::Summary;

use crate::error::CommandError;
use crate::explain::port_error;
use crate::printer::Printer;
use crate::signals::End;

/// How long to wait for a message: the longest that AWS allows, which is the fewest calls.
const WAIT: Duration = Duration::from_secs(20);

/// How long others do not get our messages. Ten files take seconds; if it is too short, they are read twice.
const HOLD: Duration = Duration::from_secs(600);

/// How long to wait when AWS does not answer as it should.
const PAUSE: Duration = Duration::from_secs(10);

/// Where messages come from, and what they may name.
pub(super) struct Source<'a> {
    pub(super) queue: NotificationQueue,
    /// Whoever may send to the queue names objects: only those below these URLs are read.
    pub(super) below: &'a [String],
    pub(super) stores: &'a ObjectStores,
    /// Whether to go on when the queue is empty.
    pub(super) follow: bool,
}

/// Adds what the queue tells of, until it is empty or, if it is followed, until the process is told to end. What has
/// begun then is done to its end.
pub(super) async fn run(
    source: &Source<'_>,
    run: &mut Ingest<'_>,
    summary: &mut Summary,
    printer: &Printer,
) -> Result<Ingested, CommandError> {
    let mut end =
        End::listen().map_err(|error| CommandError::failure(format!("cannot wait for signals: {error}")))?;
    let mut ingested = Ingested::default();
    loop {
        let received = tokio::select! {
            received = source.queue.receive(WAIT, Some(HOLD)) => received,
            () = end.told() => return Ok(ingested),
        };
        let received = match received {
            Ok(received) => received,
            Err(error)
                if source.follow
                    && matches!(error.kind, PortErrorKind::Ambiguous | PortErrorKind::Throttled) =>
            {
                printer.warning(&format!("{error}; trying again"));
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => continue,
                    () = end.told() => return Ok(ingested),
                }
            }
            Err(error) => return Err(port_error(error)),
        };
        let is_empty =
            received.notifications.is_empty() && received.unknown.is_empty() && received.nothing_new == 0;
        if is_empty && !source.follow {
            return Ok(ingested);
        }
        let added = add(source, received, run, summary, printer).await?;
        if added.added > 0 {
            printer.detail(&format!("{} files added with {} calls.", added.added, added.calls));
        }
        ingested.merge(added);
    }
}

/// Adds what some messages tell of, and deletes those that are done with.
async fn add(
    source: &Source<'_>,
    received: Received,
    run: &mut Ingest<'_>,
    summary: &mut Summary,
    printer: &Printer,
) -> Result<Ingested, CommandError> {
    for message in &received.unknown {
        summary.problem(
            format!("message {}", message.message_id),
            format!("{}; it stays in the queue: {}", message.reason, message.beginning),
        );
    }
    if let Some(error) = &received.not_deleted {
        printer.warning(&format!("{error}"));
    }
    let (mut wanted, mut foreign) = (Vec::new(), HashSet::new());
    for object in received.notifications.iter().flat_map(|message| &message.objects) {
        let url = url(object);
        if source.below.iter().any(|below| is_below(&url, below)) {
            wanted.push(Input::Url(url));
        } else if foreign.insert(url.clone()) {
            summary
                .problem(url, "a message names it, but it is not below PATH; the message stays in the queue");
        }
    }
    let trail = super::find(&wanted, Some(source.stores))?;
    let mut bad = foreign;
    bad.extend(trail.problems.iter().map(|problem| problem.file.clone()));
    let ingested = super::add_all(run, trail, summary, |_| {}).await?;
    bad.extend(ingested.damaged.iter().cloned());
    let is_done = |message: &&Notification| message.objects.iter().all(|object| !bad.contains(&url(object)));
    let receipts: Vec<_> =
        received.notifications.iter().filter(is_done).map(|message| message.receipt.clone()).collect();
    if let Err(error) = source.queue.done(&receipts).await {
        // They come again, and are known then.
        printer.warning(&format!("{error}"));
    }
    Ok(ingested)
}

fn url(object: &S3Object) -> String {
    format!("s3://{}/{}", object.bucket, object.key)
}

/// Whether the object is what the URL names, or in a folder of that name. Another bucket whose name begins alike is not.
fn is_below(url: &str, below: &str) -> bool {
    let below = below.strip_suffix('/').unwrap_or(below);
    url.strip_prefix(below).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_below_what_was_named_are_read() {
        for (url, below, expected) in [
            ("s3://trail/AWSLogs/a.json.gz", "s3://trail/AWSLogs/", true),
            ("s3://trail/AWSLogs/a.json.gz", "s3://trail", true),
            ("s3://trail-of-others/AWSLogs/a.json.gz", "s3://trail", false),
            ("s3://trail/AWSLogs-old/a.json.gz", "s3://trail/AWSLogs", false),
            ("s3://other/a.json.gz", "s3://trail/", false),
            ("s3://trail/AWSLogs/a.json.gz", "/local/AWSLogs", false),
        ] {
            assert_eq!(is_below(url, below), expected, "{url} {below}");
        }
    }
}
