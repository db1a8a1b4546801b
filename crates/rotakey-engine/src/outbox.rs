//! The port of the outbox: what was sent to whom. It stands beside the log of rotations and not in it: a notice is no
//! part of a rotation, is also sent when the rotation is over, and must never stand in its way.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rotakey_core::id::RotationId;
use rotakey_core::notify::{NoticeId, Topic};
use serde::{Deserialize, Serialize};

use crate::store::StoreError;

/// How long the sending of a message may take. After it another worker may send it again.
pub const SENDING_DEADLINE: SignedDuration = SignedDuration::from_mins(2);

/// The longest pause between two attempts.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(6);

/// What is known of one notice on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What the notice is about.
    pub topic: Topic,
    /// The notice.
    pub notice: NoticeId,
    /// The name of the channel.
    pub channel: String,
    /// 1 for what is written first, then one more each.
    pub version: u32,
    /// How often it was tried.
    pub attempts: u32,
    /// What came of it.
    pub state: DeliveryState,
}

/// What came of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", deny_unknown_fields)]
pub enum DeliveryState {
    /// Somebody is about to send it. Having written this is the right to. After that instant it may have been sent.
    Sending {
        /// When its sender gives up at the latest.
        until: Timestamp,
    },
    /// It was sent.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// It was not, or perhaps not; it is tried again.
    Failed {
        /// When.
        at: Timestamp,
        /// Why, without secrets.
        message: String,
    },
    /// It is not for this channel.
    NotMeant,
}

impl Delivery {
    /// When it may be sent, again or at all; `None` if it is done with.
    pub fn due(&self) -> Option<Timestamp> {
        match &self.state {
            DeliveryState::Sending { until } => Some(*until),
            DeliveryState::Failed { at, .. } => {
                let pause = SignedDuration::from_mins(1 << self.attempts.min(10)).min(LONGEST_PAUSE);
                Some(at.saturating_add(pause).unwrap_or(Timestamp::MAX))
            }
            DeliveryState::Sent { .. } | DeliveryState::NotMeant => None,
        }
    }
}

/// Keeps what was sent. Several processes may use one outbox at a time.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// All that is known of the notices about that, in no particular order.
    async fn deliveries(&self, topic: &Topic) -> Result<Vec<Delivery>, StoreError>;

    /// Writes one delivery durably, in place of the one with the same topic, notice and channel.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] unless what is there has the version before (nothing is there, for version 1).
    async fn write(&self, delivery: &Delivery) -> Result<(), StoreError>;

    /// Remembers that there is nothing more to tell of a rotation that has ended. Done twice, it is as done once.
    async fn settle(&self, rotation: &RotationId) -> Result<(), StoreError>;

    /// The rotations of which there is nothing more to tell.
    async fn settled(&self) -> Result<BTreeSet<RotationId>, StoreError>;
}
