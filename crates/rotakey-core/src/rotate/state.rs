//! Where a rotation can stand, and what it knows there.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::approval::ApprovedStep;
use super::effect::Outcome;
use super::event::Ending;
use super::plan::Plan;
use super::proof::{CutOver, Delivered, NewKeyWorks, Superseded};
use super::service::PointProbes;
use crate::fact::LastUsed;
use crate::id::AccessKeyId;
use crate::secret::Fingerprint;

/// How many times in a row AWS must accept the new key, since one replica's answer is not all of them.
pub(super) const ACCEPTANCES: u32 = 3;

/// Where a rotation stands. Named for what it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// No new key exists.
    Planned,
    /// A create was sent, and its answer was lost: there may be a new key.
    Issuing {
        /// That create.
        create: LostCreate,
    },
    /// A new key exists that no application ever had: its secret is lost, or it was given up before it was
    /// published.
    Orphaned {
        /// The key.
        orphan: AccessKeyId,
        /// Whether it is known for ours only because nothing else can have made it. A use shows otherwise.
        inferred: bool,
        /// When it was disabled.
        disabled_at: Option<Timestamp>,
    },
    /// The new key is to be staged at the destinations.
    Delivering {
        /// The new key.
        new: NewKey,
    },
    /// Every destination holds the new key; AWS is to accept it, then it is published.
    Verifying {
        /// The new key.
        new: NewKey,
        /// It is staged everywhere.
        delivered: Delivered,
        /// How far the probes got.
        probes: Probes,
    },
    /// Applications read the new key; those that hold the old one are to move on.
    Adopting {
        /// The new key.
        new: NewKey,
        /// It is staged everywhere.
        delivered: Delivered,
        /// It works.
        works: NewKeyWorks,
        /// What is known of the move.
        adoption: Adoption,
    },
    /// The old key is not needed any more; it is to be disabled.
    Ready {
        /// The new key.
        new: NewKey,
        /// Why the old one may go.
        cut_over: CutOver,
        /// To go back to, should the old key be used after all.
        adoption: Adoption,
        /// Whether the rehearsal is over (or none was asked for).
        rehearsed: bool,
    },
    /// The rehearsal: the old key is disabled for some minutes, enabled again, and watched.
    BrownOut {
        /// The new key.
        new: NewKey,
        /// Why the old one may go.
        cut_over: CutOver,
        /// To go back to, should the old key be used after all.
        adoption: Adoption,
        /// When it was disabled; `None` while that is not certain.
        disabled_at: Option<Timestamp>,
        /// When it was enabled again.
        enabled_at: Option<Timestamp>,
    },
    /// The old key is disabled (or about to be), and can be enabled again at any time.
    Disabled {
        /// The new key.
        new: NewKey,
        /// Why the old one may go.
        cut_over: CutOver,
        /// To go back to, should the old key be needed after all.
        adoption: Adoption,
        /// When it was disabled; `None` while that is not certain.
        since: Option<Timestamp>,
        /// When AWS last accepted the new key since then, asked shortly before the old one is deleted.
        new_key_checked: Option<Timestamp>,
    },
    /// The old key is deleted; its traces at the destinations are to be removed.
    Deleted {
        /// The new key.
        new: NewKey,
    },
    /// The old key is to be what applications use, and the new one, which some may have, to go.
    RollingBack {
        /// The new key.
        new: NewKey,
        /// How far the old key is back.
        old: OldKey,
        /// When every destination served the old key again.
        restored_at: Option<Timestamp>,
        /// When the new key was disabled.
        disabled_at: Option<Timestamp>,
    },
    /// A key that is not needed any more is brought to its end; none is created.
    Finishing(Finishing),
    /// The end.
    Closed {
        /// How it ended.
        ending: Ending,
    },
}

/// How far a key is on its way to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finishing {
    /// Why it may go.
    pub superseded: Superseded,
    /// How far it is.
    pub stage: Stage,
}

/// The stages of the way to the end of a key that needs no successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is to be disabled.
    Ready {
        /// Whether the rehearsal is over (or none was asked for).
        rehearsed: bool,
    },
    /// The rehearsal: it is disabled for some minutes, enabled again, and watched.
    BrownOut {
        /// When it was disabled; `None` while that is not certain.
        disabled_at: Option<Timestamp>,
        /// When it was enabled again.
        enabled_at: Option<Timestamp>,
    },
    /// rotakey has disabled it, or may have.
    Disabled {
        /// Since when it is known to be inactive; `None` while that is not certain.
        since: Option<Timestamp>,
        /// It was used since: it is to be enabled again.
        disproved: bool,
    },
    /// Somebody else had disabled it.
    FoundInactive {
        /// Since when it has been seen to be.
        since: Timestamp,
    },
    /// It was missed, and is enabled (again).
    GivenBack {
        /// From when on quiet counts.
        quiet_from: Timestamp,
    },
}

/// A create whose answer was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostCreate {
    /// The keys from before the create.
    pub keys_before: BTreeSet<AccessKeyId>,
    /// When the create was started.
    pub started_at: Timestamp,
    /// When it should have been over at the latest.
    pub deadline: Timestamp,
}

/// The key that a rotation created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// The key.
    pub id: AccessKeyId,
    /// What its pair is recognised by.
    pub fingerprint: Fingerprint,
    /// Whether an application may have read it: a publish was started.
    pub exposed: bool,
    /// When rotakey last signed a call with it, which counts as a use.
    pub probed_at: Option<Timestamp>,
}

/// How far the old key is back in a roll-back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldKey {
    /// It is to be enabled, whatever IAM says of it: enabling twice does no harm, trusting an old answer may.
    Unknown,
    /// It was enabled; AWS has accepted it that many times in a row since.
    Enabled {
        /// How many times.
        accepted: u32,
        /// When it was last asked.
        last: Option<Timestamp>,
    },
    /// Applications can use it.
    Works,
}

/// How far AWS has accepted the new key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probes {
    /// When the first probe could have been made.
    pub since: Timestamp,
    /// When the last one was made.
    pub last: Option<Timestamp>,
    /// How many in a row were accepted.
    pub accepted: u32,
    /// Made by enough of them.
    pub works: Option<NewKeyWorks>,
    /// How far the services have it in which the old key was used.
    pub points: PointProbes,
}

/// What is known of the applications' move to the new key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// When every destination had the new key published.
    pub published_at: Timestamp,
    /// When the patience for the move began: at the publish, or when a person granted more time.
    pub patience_from: Timestamp,
    /// The latest use of the old key that the log knows.
    pub last_use: Option<Timestamp>,
    /// The longest time between two uses of the old key that the log knows.
    pub longest_gap: SignedDuration,
    /// Who vouched that every application has the new key.
    pub vouched_by: Option<String>,
    /// Consumers whose last use was before then do not hold it up: a person has answered for them.
    pub answered_for: Option<Timestamp>,
    /// From when on quiet counts: from the publish, or from when the old key was enabled again after it was missed.
    pub quiet_from: Timestamp,
}

impl State {
    /// The name of the state, in kebab-case.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Issuing { .. } => "issuing",
            Self::Orphaned { .. } => "orphaned",
            Self::Delivering { .. } => "delivering",
            Self::Verifying { .. } => "verifying",
            Self::Adopting { .. } => "adopting",
            Self::Ready { .. } => "ready",
            Self::BrownOut { .. } => "brown-out",
            Self::Disabled { .. } => "disabled",
            Self::Deleted { .. } => "deleted",
            Self::RollingBack { .. } => "rolling-back",
            Self::Finishing(_) => "finishing",
            Self::Closed { .. } => "closed",
        }
    }

    pub(super) fn new_key(&self) -> Option<&NewKey> {
        match self {
            Self::Planned
            | Self::Issuing { .. }
            | Self::Orphaned { .. }
            | Self::Finishing(_)
            | Self::Closed { .. } => None,
            Self::Delivering { new }
            | Self::Verifying { new, .. }
            | Self::Adopting { new, .. }
            | Self::Ready { new, .. }
            | Self::BrownOut { new, .. }
            | Self::Disabled { new, .. }
            | Self::Deleted { new }
            | Self::RollingBack { new, .. } => Some(new),
        }
    }

    pub(super) fn new_key_mut(&mut self) -> Option<&mut NewKey> {
        match self {
            Self::Planned
            | Self::Issuing { .. }
            | Self::Orphaned { .. }
            | Self::Finishing(_)
            | Self::Closed { .. } => None,
            Self::Delivering { new }
            | Self::Verifying { new, .. }
            | Self::Adopting { new, .. }
            | Self::Ready { new, .. }
            | Self::BrownOut { new, .. }
            | Self::Disabled { new, .. }
            | Self::Deleted { new }
            | Self::RollingBack { new, .. } => Some(new),
        }
    }

    pub(super) fn into_new_key(mut self) -> Option<NewKey> {
        self.new_key_mut().map(|new| new.clone())
    }

    /// The step before which people may have to agree, if the rotation is at it or will be without another
    /// change of keys.
    pub(super) fn next_approved_step(&self, plan: &Plan) -> Option<ApprovedStep> {
        let step = match self {
            Self::Planned | Self::Finishing(Finishing { stage: Stage::GivenBack { .. }, .. }) => {
                ApprovedStep::Begin
            }
            Self::Disabled { .. } | Self::Finishing(_) => ApprovedStep::Delete,
            _ => return None,
        };
        plan.needs_approval(step).then_some(step)
    }

    /// The new key whose secret may be in the memory of a worker only.
    pub(super) fn undelivered(&self) -> Option<&NewKey> {
        match self {
            Self::Delivering { new } | Self::Verifying { new, .. } if !new.exposed => Some(new),
            _ => None,
        }
    }

    /// After a look at the usage: a use of the old key after the rehearsal ends it.
    pub(super) fn after_usage(self, old_last_at: Option<Timestamp>) -> Self {
        match (self, old_last_at) {
            (Self::BrownOut { new, cut_over, adoption, enabled_at: Some(_), .. }, Some(at))
                if at > cut_over.quiet_since =>
            {
                let adoption = adoption.used_at(at);
                Self::Adopting { new, delivered: cut_over.delivered, works: cut_over.works, adoption }
            }
            (
                Self::Finishing(Finishing { superseded, stage: Stage::BrownOut { enabled_at: Some(_), .. } }),
                Some(at),
            ) if at > superseded.quiet_since => Self::Planned,
            (state, _) => state,
        }
    }

    /// The rest of a disabled key begins anew: it is not known to have been inactive until now.
    pub(super) fn rest_from(&mut self, at: Timestamp) {
        if let Self::Orphaned { disabled_at: Some(since), .. }
        | Self::Disabled { since: Some(since), .. }
        | Self::Finishing(Finishing { stage: Stage::Disabled { since: Some(since), .. }, .. })
        | Self::Finishing(Finishing { stage: Stage::FoundInactive { since }, .. })
        | Self::RollingBack { disabled_at: Some(since), .. } = self
        {
            *since = at;
        }
    }
}

impl Finishing {
    /// Whether rotakey may have disabled the key.
    pub fn may_be_disabled(&self) -> bool {
        matches!(self.stage, Stage::BrownOut { enabled_at: None, .. } | Stage::Disabled { .. })
    }

    /// Since when the key is known to be inactive.
    pub fn inactive_since(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Disabled { since, .. } => since,
            Stage::FoundInactive { since } => Some(since),
            Stage::Ready { .. } | Stage::BrownOut { .. } | Stage::GivenBack { .. } => None,
        }
    }
}

impl OldKey {
    pub(super) fn after_probe(self, outcome: &Outcome, at: Timestamp) -> Self {
        let Self::Enabled { accepted, .. } = self else { return self };
        let accepted = in_a_row(accepted, outcome);
        if accepted >= ACCEPTANCES { Self::Works } else { Self::Enabled { accepted, last: Some(at) } }
    }
}

impl Probes {
    pub(super) fn after(self, outcome: &Outcome, at: Timestamp) -> Self {
        let accepted = in_a_row(self.accepted, outcome);
        let works = self.works.or((accepted >= ACCEPTANCES).then_some(NewKeyWorks(())));
        Self { last: Some(at), accepted, works, ..self }
    }
}

impl Adoption {
    /// Nothing is known yet but when the old key was used last.
    pub(super) fn begun(at: Timestamp, last_use: Option<Timestamp>) -> Self {
        Self {
            published_at: at,
            patience_from: at,
            last_use,
            // A key that was last used twenty days ago may come back after twenty days.
            longest_gap: last_use.map_or(SignedDuration::ZERO, |used| at.duration_since(used)),
            vouched_by: None,
            answered_for: None,
            quiet_from: at,
        }
    }

    pub(super) fn used(self, last_used: &LastUsed) -> Self {
        let Some(at) = last_used.at() else { return self };
        self.used_at(at)
    }

    fn used_at(self, at: Timestamp) -> Self {
        let gap = self.last_use.map_or(SignedDuration::ZERO, |before| at.duration_since(before));
        // Whoever vouched that every application has the new key was wrong.
        Self { last_use: Some(at), longest_gap: self.longest_gap.max(gap), vouched_by: None, ..self }
    }
}

/// How many times in a row a key was accepted. A call that was not answered says nothing either way.
pub(super) fn in_a_row(accepted: u32, outcome: &Outcome) -> u32 {
    match outcome {
        Outcome::Accepted { .. } => accepted + 1,
        Outcome::Failed { kind, .. } if !kind.is_transient() => 0,
        _ => accepted,
    }
}
