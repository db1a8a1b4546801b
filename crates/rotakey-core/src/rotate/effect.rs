//! The effects a rotation can have on the world, as intents that are logged and permits that are acted on.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::approval::Approved;
use super::plan::Plan;
use super::proof::{CutOver, Rested, Superseded, Withdrawn};
use crate::id::{AccessKeyId, AccountId};
use crate::secret::Fingerprint;

/// One effect, as it stands in the log. `destination` is an index into [`Plan::destinations`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "kebab-case")]
pub enum Intent {
    /// Create the new key. The keys that exist before are named, so that one that appears can be recognised
    /// if the answer is lost.
    Create {
        /// All key ids of the user before the call.
        keys_before: BTreeSet<AccessKeyId>,
    },
    /// Keep the pair at a destination, unseen by applications.
    Stage {
        /// Where.
        destination: usize,
        /// The new key.
        key: AccessKeyId,
    },
    /// Ask AWS whether the pair works.
    Probe {
        /// The key asked about.
        key: AccessKeyId,
    },
    /// Ask a service whether it knows the new key, with a call that changes nothing.
    ProbeService {
        /// The new key.
        key: AccessKeyId,
        /// The service, as CloudTrail names it.
        service: String,
        /// The region.
        region: String,
    },
    /// Make the new pair what applications read.
    Publish {
        /// Where.
        destination: usize,
        /// The new key.
        key: AccessKeyId,
    },
    /// Undo of `Publish`.
    Restore {
        /// Where.
        destination: usize,
        /// The old key.
        key: AccessKeyId,
    },
    /// Remove a pair that applications no longer read.
    Forget {
        /// Where.
        destination: usize,
        /// The key that is gone.
        key: AccessKeyId,
    },
    /// Make a key inactive.
    Disable {
        /// The key.
        key: AccessKeyId,
    },
    /// Undo of `Disable`.
    Enable {
        /// The key.
        key: AccessKeyId,
    },
    /// Delete a key. It has no undo.
    Delete {
        /// The key.
        key: AccessKeyId,
    },
}

impl Intent {
    /// The key whose state the effect changes in IAM.
    pub fn changes_key(&self) -> Option<&AccessKeyId> {
        match self {
            Self::Disable { key } | Self::Enable { key } | Self::Delete { key } => Some(key),
            Self::Create { .. }
            | Self::Stage { .. }
            | Self::Probe { .. }
            | Self::ProbeService { .. }
            | Self::Publish { .. }
            | Self::Restore { .. }
            | Self::Forget { .. } => None,
        }
    }

    /// Whether a look at a destination must show it, once it is done.
    pub(super) fn shows(&self) -> bool {
        matches!(self, Self::Stage { .. } | Self::Publish { .. } | Self::Restore { .. } | Self::Forget { .. })
    }

    /// The effect in words.
    pub fn describe(&self, plan: &Plan) -> String {
        let place = |index: &usize| {
            plan.destinations.get(*index).map_or_else(|| format!("destination {index}"), ToString::to_string)
        };
        match self {
            Self::Create { .. } => format!("create a new access key for {}", plan.subject.user_name),
            Self::Stage { destination, key } => format!("stage {key} at {}", place(destination)),
            Self::Probe { key } => format!("ask AWS whether {key} works"),
            Self::ProbeService { key, service, region } => {
                format!("ask {service} in {region} whether it knows {key}")
            }
            Self::Publish { destination, key } => format!("publish {key} at {}", place(destination)),
            Self::Restore { destination, key } => format!("restore {key} at {}", place(destination)),
            Self::Forget { destination, key } => format!("remove {key} from {}", place(destination)),
            Self::Disable { key } => format!("disable {key}"),
            Self::Enable { key } => format!("enable {key} again"),
            Self::Delete { key } => format!("delete {key}"),
        }
    }
}

/// The permit to do one effect. Only [`super::Rotation::next`] gives it out, and the permit to delete is
/// made of proofs.
#[derive(Debug, PartialEq, Eq)]
pub struct Effect {
    intent: Intent,
}

impl Effect {
    /// A permit for anything that can be undone.
    pub(super) fn reversible(intent: Intent) -> Self {
        assert!(!matches!(intent, Intent::Delete { .. }), "deleting takes proofs");
        Self { intent }
    }

    /// The permit to delete the old key: the new one was delivered everywhere, works, has been adopted, the
    /// old one was quiet, it has been disabled long enough for a mistake to show, and whoever must agree has.
    pub(super) fn delete_old_key(
        plan: &Plan,
        _cut_over: &CutOver,
        _rested: Rested,
        _approved: Approved,
    ) -> Self {
        Self { intent: Intent::Delete { key: plan.old_key.clone() } }
    }

    /// The permit to delete a key that has a successor, or that was found inactive: it was quiet, it has been
    /// seen inactive for long enough for a mistake to show, and whoever must agree has.
    pub(super) fn delete_superseded(
        plan: &Plan,
        _superseded: &Superseded,
        _rested: Rested,
        _approved: Approved,
    ) -> Self {
        Self { intent: Intent::Delete { key: plan.old_key.clone() } }
    }

    /// The permit to delete a key that no application holds.
    pub(super) fn delete_withdrawn(key: AccessKeyId, _withdrawn: Withdrawn, _rested: Rested) -> Self {
        Self { intent: Intent::Delete { key } }
    }

    /// What is to be done.
    pub fn intent(&self) -> &Intent {
        &self.intent
    }
}

/// Why an effect or an observation failed, as far as the next step depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Too many calls; nothing happened.
    Throttled,
    /// No answer, or an answer that does not say what happened: a time-out, a broken connection, a 5xx.
    /// **The effect may have happened.**
    Ambiguous,
    /// Refused for lack of permission; nothing happened.
    Denied,
    /// The credentials that the call was signed with are missing, invalid or expired; nothing happened.
    Credentials,
    /// The thing that the call names does not exist (or not yet, or no more).
    NotFound,
    /// A quota would be exceeded; nothing happened.
    LimitExceeded,
    /// The thing holds something that must not be overwritten, or changed under the call; nothing happened.
    Conflict,
    /// The request or the place it goes to is wrong in itself (bad configuration, unreadable content).
    Invalid,
}

impl FailureKind {
    /// Whether trying again later can help without anybody doing anything.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Throttled | Self::Ambiguous)
    }
}

/// What came of an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// A key was created, and its secret is in hand.
    Created {
        /// The new key.
        key: AccessKeyId,
        /// What to recognise the pair by.
        fingerprint: Fingerprint,
    },
    /// AWS accepts the probed pair.
    Accepted {
        /// The account that AWS takes the holder to be in.
        account_id: AccountId,
        /// The ARN that AWS takes the holder for.
        arn: String,
    },
    /// It was done.
    Done,
    /// It failed; [`FailureKind::Ambiguous`] may have happened all the same.
    Failed {
        /// Why.
        kind: FailureKind,
        /// What the other side said, without secrets.
        message: String,
    },
    /// Whoever started it never said what came of it.
    Unknown,
}

impl Outcome {
    /// Whether it can be what came of that effect.
    pub(super) fn fits(&self, intent: &Intent) -> bool {
        match self {
            Self::Created { .. } => matches!(intent, Intent::Create { .. }),
            Self::Accepted { .. } => matches!(intent, Intent::Probe { .. }),
            Self::Done => !matches!(intent, Intent::Create { .. } | Intent::Probe { .. }),
            Self::Failed { .. } | Self::Unknown => true,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { key, .. } => write!(f, "created {key}"),
            Self::Accepted { arn, .. } => write!(f, "accepted as {arn}"),
            Self::Done => f.write_str("done"),
            Self::Failed { kind: FailureKind::Ambiguous, message } => {
                write!(f, "no clear answer (may have happened): {message}")
            }
            Self::Failed { message, .. } => write!(f, "failed: {message}"),
            Self::Unknown => f.write_str("unknown: the run that started it did not report back"),
        }
    }
}
