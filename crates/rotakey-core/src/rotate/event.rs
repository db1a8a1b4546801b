//! The entries of a rotation's log.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::approval::Approval;
use super::effect::{Intent, Outcome};
use super::plan::Plan;
use super::question::Question;
use super::usage::KeyUsage;
use crate::fact::LastUsed;
use crate::id::{AccessKeyId, WorkerId};

/// Something that happened to a rotation. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The rotation begins.
    Planned {
        /// What it is to do.
        plan: Box<Plan>,
    },
    /// An effect is about to be done. Having appended this is the right to do it.
    Started {
        /// The effect.
        intent: Intent,
        /// Who does it.
        by: WorkerId,
        /// When its doer gives up at the latest.
        deadline: Timestamp,
    },
    /// What came of the effect that was started.
    Finished {
        /// The result.
        result: Outcome,
    },
    /// Something was seen that decisions rest on.
    Noted {
        /// What.
        note: Note,
    },
    /// The rotation stops until a person has answered.
    Asked {
        /// What is to be decided, and what is known.
        question: Question,
    },
    /// A person answered.
    Answered {
        /// What.
        answer: Answer,
        /// Who.
        by: String,
    },
    /// A person agrees to a step of the plan.
    Approved {
        /// To what, and who.
        approval: Approval,
    },
    /// Somebody (or the machine itself) wants the old state back.
    RollbackRequested {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
    /// Somebody says that applications miss the old key.
    Signalled {
        /// Who.
        by: String,
        /// What is broken.
        what: String,
    },
    /// The end.
    Closed {
        /// How it ended.
        ending: Ending,
    },
}

/// A fact that decisions rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "kebab-case")]
pub enum Note {
    /// The unfinished create did not create a key.
    NothingCreated,
    /// This key came from the unfinished create; its secret is lost and nobody can ever have had it.
    OrphanFound {
        /// The key.
        key: AccessKeyId,
    },
    /// The secret of the new key was lost before any application could read it.
    SecretLost {
        /// The key.
        key: AccessKeyId,
    },
    /// A key that this rotation was to delete no longer exists.
    Gone {
        /// The key.
        key: AccessKeyId,
    },
    /// Every destination holds the new pair, read back and equal.
    Delivered,
    /// Applications read the new pair at every destination, read back and equal.
    Published,
    /// The old key has been used.
    OldKeyUsed {
        /// The use.
        last_used: LastUsed,
    },
    /// It was looked who uses the keys. Of both since the last look, or since as far back as the source goes.
    UsageSeen {
        /// Of the old key.
        old: Box<KeyUsage>,
        /// Of the new key.
        new: Box<KeyUsage>,
    },
    /// It could not be seen who uses the keys.
    UsageUnknown {
        /// Why.
        why: String,
    },
    /// A check fails though all was well before the old key was disabled.
    CheckFailed {
        /// Which, as an index into the plan's.
        check: usize,
        /// What it said.
        message: String,
    },
    /// What a check told about is well again, since the old key is enabled.
    Recovered {
        /// What shows it.
        proof: String,
    },
    /// The old key is not needed any more, as far as evidence goes.
    ReadyToDisable {
        /// Since when the old key has been quiet.
        quiet_since: Timestamp,
        /// What shows that the new key has been adopted.
        adopted: String,
    },
    /// The key needs no successor: it has one that is used, or it was inactive already.
    Superseded {
        /// Since when it has been quiet.
        quiet_since: Timestamp,
        /// What shows that it is not needed.
        evidence: String,
    },
    /// Nobody used the old key after the brown-out.
    BrownOutPassed,
    /// The way back to the old key begins.
    RollingBack,
    /// The old key is active, and has been for long enough for AWS to accept it everywhere.
    OldKeyWorks,
    /// Every destination serves the old key again.
    Restored,
}

/// A person's answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Look again: the cause has been dealt with, or more time is granted.
    LookAgain,
    /// I vouch that every application has the new key, or needs none. Answers [`Question::NotAdopted`] and
    /// [`Question::ConsumersLeft`] only.
    Vouch,
}

/// How a rotation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "kebab-case")]
pub enum Ending {
    /// The new key is in use, the old one deleted.
    Rotated {
        /// The new key.
        new_key: AccessKeyId,
    },
    /// The key is deleted; none was created.
    Finished {
        /// The key.
        key: AccessKeyId,
    },
    /// The old key is in use again; what was created is gone.
    RolledBack {
        /// Why.
        why: String,
    },
    /// A person stopped it; the world was left as it was at that moment.
    Aborted {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
}
