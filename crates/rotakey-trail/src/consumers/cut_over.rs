//! The cut-over of a rotation: who still uses the old key.

use serde::Serialize;

use super::{ConsumerUse, ConsumersDocument, KeyUse};
use crate::event_time::EventTime;

/// How the cut-over is judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CutOver {
    /// Whether all of the trail was read.
    pub complete: bool,
    /// A consumer that used both keys for a while, as a fleet does that is rolled out, has moved all the same when
    /// for so long before the end of the trail it used the new one only. Without it such a consumer counts as using
    /// both.
    pub quiet_seconds: Option<u64>,
}

/// Whether a consumer has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Move {
    /// It was seen on the old key only.
    NotMoved,
    /// It uses the new key, and still used the old one afterwards.
    Both,
    /// It was last seen on the old key before it was first seen on the new one.
    Moved,
    /// An AWS service that called on behalf of another consumer, and did so for the last time before the new key was
    /// first used by anyone.
    Ended,
    /// It was seen on the new key only.
    NewOnly,
}

impl Move {
    /// Whether it keeps the old key from being disabled.
    pub fn holds_up(self) -> bool {
        matches!(self, Self::NotMoved | Self::Both)
    }

    /// Its name, as it is serialized.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotMoved => "not-moved",
            Self::Both => "both",
            Self::Moved => "moved",
            Self::Ended => "ended",
            Self::NewOnly => "new-only",
        }
    }
}

/// How the cut-over stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every consumer of the old key has moved.
    AllMoved,
    /// Some have not.
    NotAllMoved,
    /// Nobody was seen on the old key, or not everything was seen: nothing is claimed.
    Unknown,
}

impl CutOver {
    /// Says of each consumer whether it has moved, and of all.
    pub(super) fn judge(&self, document: &mut ConsumersDocument) {
        let new_since =
            document.consumers.iter().filter_map(|consumer| consumer.new.as_ref()?.uses.first_at).min();
        for consumer in &mut document.consumers {
            consumer.moved = self.moved(consumer, new_since, document.told_until);
        }
        document.consumers.sort_by_key(|consumer| consumer.moved);
        let moves = || document.consumers.iter().filter_map(|consumer| consumer.moved);
        let all_seen = self.complete && document.followed && !document.consumers_cut;
        document.verdict = Some(if moves().any(Move::holds_up) {
            Verdict::NotAllMoved
        } else if all_seen && moves().any(|moved| moved == Move::Moved) {
            Verdict::AllMoved
        } else {
            Verdict::Unknown
        });
    }

    fn moved(
        &self,
        consumer: &ConsumerUse,
        new_since: Option<EventTime>,
        told_until: Option<EventTime>,
    ) -> Option<Move> {
        let first = |side: &KeyUse| side.uses.first_at.unwrap_or_default();
        let last = |side: &KeyUse| side.uses.last_at.unwrap_or_default();
        let is_service = consumer.consumer.invoked_by.is_some();
        Some(match (&consumer.old, &consumer.new) {
            (None, None) => return None,
            (None, Some(_)) => Move::NewOnly,
            (Some(old), None) if is_service && new_since.is_some_and(|since| last(old) < since) => {
                Move::Ended
            }
            (Some(_), None) => Move::NotMoved,
            (Some(old), Some(new))
                if last(old) < first(new) || self.is_quiet(last(old), last(new), told_until) =>
            {
                Move::Moved
            }
            (Some(_), Some(_)) => Move::Both,
        })
    }

    /// Whether the old key has been left alone for long enough, and the new one used since.
    fn is_quiet(&self, last_old: EventTime, last_new: EventTime, told_until: Option<EventTime>) -> bool {
        let quiet = self.quiet_seconds.and_then(|seconds| i64::try_from(seconds).ok());
        quiet.zip(told_until).is_some_and(|(quiet, until)| {
            last_new > last_old && until.seconds() - last_old.seconds() >= quiet
        })
    }
}
