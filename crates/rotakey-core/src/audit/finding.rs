//! What an audit tells: of each key, of what is wrong, and of what could not be judged.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code::{Code, Severity};
use crate::fact::{KeyStatus, LastUsed, Seen};
use crate::id::{AccessKeyId, AccountId};
use crate::policy::{
    AccountNumber, Exempt, Instant, KeyId, KeySlot, KeySubject, Principal, Privilege, UserSubject,
};
use crate::text::SharedText;

/// One thing that is wrong with one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What it is about.
    pub code: Code,
    /// How bad that is.
    pub severity: Severity,
    /// The account.
    #[schemars(with = "AccountNumber")]
    pub account_id: AccountId,
    /// The user, `<root_account>` for the root user.
    #[schemars(with = "String")]
    pub user_name: Principal,
    /// The ARN of the user.
    #[schemars(with = "String")]
    pub user_arn: SharedText,
    /// The key; null where only a credential report was read, which has no ids.
    #[schemars(with = "Option<KeyId>")]
    pub access_key_id: Option<AccessKeyId>,
    /// The place of the key in the credential report, 1 or 2; null for a key that the report lacks.
    #[schemars(with = "Option<u8>", range(min = 1, max = 2))]
    pub key_slot: Option<KeySlot>,
    /// When the key was created; null if unknown.
    #[schemars(with = "Option<Instant>")]
    pub created_at: Option<Timestamp>,
    /// From then to the instant of the audit, in seconds: negative if the clock is wrong.
    pub age_seconds: Option<i64>,
    /// When the key was last used; null if never, or unknown.
    #[schemars(with = "Option<Instant>")]
    pub last_used_at: Option<Timestamp>,
    /// The rule that set the limits of the key.
    #[schemars(with = "String")]
    pub rule: SharedText,
    /// The limit that the finding is about, in seconds; null if it is about none.
    pub limit_seconds: Option<i64>,
    /// The last second within that limit.
    #[schemars(with = "Option<Instant>")]
    pub due_at: Option<Timestamp>,
    /// All that in words.
    pub message: String,
    /// The command to run next.
    pub next_command: String,
    /// Who answers for it, if it is exempt: it does not count then.
    pub exempt: Option<Exempt>,
    /// Why an exemption that is perhaps meant for it does not hold.
    pub exemption_note: Option<String>,
}

/// One key as it was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// The account.
    #[schemars(with = "AccountNumber")]
    pub account_id: AccountId,
    /// The user, `<root_account>` for the root user.
    #[schemars(with = "String")]
    pub user_name: Principal,
    /// The ARN of the user.
    #[schemars(with = "String")]
    pub user_arn: SharedText,
    /// The key; null where only a credential report was read, which has no ids.
    #[schemars(with = "Option<KeyId>")]
    pub access_key_id: Option<AccessKeyId>,
    /// The place of the key in the credential report, 1 or 2; null for a key that the report lacks.
    #[schemars(with = "Option<u8>", range(min = 1, max = 2))]
    pub key_slot: Option<KeySlot>,
    /// Active or inactive.
    #[schemars(with = "Status")]
    pub status: KeyStatus,
    /// When it was created; null if unknown.
    #[schemars(with = "Option<Instant>")]
    pub created_at: Option<Timestamp>,
    /// From then to the instant of the audit, in seconds: negative if the clock is wrong.
    pub age_seconds: Option<i64>,
    /// Whether its last use is known.
    pub last_used: LastUsedState,
    /// When it was last used.
    #[schemars(with = "Option<Instant>")]
    pub last_used_at: Option<Timestamp>,
    /// In which region.
    pub last_used_region: Option<String>,
    /// Of which service.
    pub last_used_service: Option<String>,
    /// When the last use was asked for, or the report made that tells it; null if that is not known.
    #[schemars(with = "Option<Instant>")]
    pub last_used_as_of: Option<Timestamp>,
    /// What its user may do.
    pub privilege: PrivilegeState,
    /// Who owns the user, as one of its owner tags says; left out where there is none or no tag could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The rule that set its limits.
    #[schemars(with = "String")]
    pub rule: SharedText,
    /// How old it may get, in seconds.
    pub limit_seconds: i64,
    /// The last second within that limit.
    #[schemars(with = "Option<Instant>")]
    pub due_at: Option<Timestamp>,
}

/// Whether the last use of a key is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LastUsedState {
    /// A use is recorded.
    Used,
    /// No use is recorded since 22 April 2015.
    Never,
    /// It could not be found out.
    Unknown,
}

/// What the user of a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PrivilegeState {
    /// Everything, or it can give itself that right.
    Administrator,
    /// Less.
    Other,
    /// It could not be found out.
    Unknown,
}

impl From<&Seen<Privilege>> for PrivilegeState {
    fn from(privilege: &Seen<Privilege>) -> Self {
        match privilege {
            Seen::Known(Privilege::Administrator { .. }) => Self::Administrator,
            Seen::Known(Privilege::Other) => Self::Other,
            Seen::Unknown(_) => Self::Unknown,
        }
    }
}

impl From<&Seen<LastUsed>> for LastUsedState {
    fn from(last_used: &Seen<LastUsed>) -> Self {
        match last_used {
            Seen::Known(LastUsed::At { .. }) => Self::Used,
            Seen::Known(LastUsed::Never) => Self::Never,
            Seen::Unknown(_) => Self::Unknown,
        }
    }
}

/// The form of a [`KeyStatus`].
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it only describes: its schema is all that is used of it")]
enum Status {
    Active,
    Inactive,
}

/// Something that the audit says nothing about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotJudged {
    /// The account; null if it is all of them.
    #[schemars(with = "Option<AccountNumber>")]
    pub account_id: Option<AccountId>,
    /// The user; null if it is all of them.
    #[schemars(with = "Option<String>")]
    pub user_name: Option<Principal>,
    /// The key, if it is one only and its id is known.
    #[schemars(with = "Option<KeyId>")]
    pub access_key_id: Option<AccessKeyId>,
    /// The check that was not made; null if none was.
    pub code: Option<Code>,
    /// Why in general.
    pub cause: Cause,
    /// Why in words.
    pub why: String,
}

/// Why something was not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It was to be read, and could not be: the audit is incomplete.
    NotRead,
    /// What the audit was made from does not tell it.
    NotTold,
}

/// Whether everything was read that was to be read.
pub fn is_complete(not_judged: &[NotJudged]) -> bool {
    not_judged.iter().all(|gap| gap.cause != Cause::NotRead)
}

/// What an audit of a credential report alone says nothing about.
pub fn report_gaps() -> Vec<NotJudged> {
    vec![NotJudged {
        account_id: None,
        user_name: None,
        access_key_id: None,
        code: Some(Code::MissingTag),
        cause: Cause::NotTold,
        why: "a credential report does not tell the tags of users".to_owned(),
    }]
}

impl NotJudged {
    /// One check, or all, of one key.
    pub(super) fn of_key(
        subject: &UserSubject,
        key: &KeySubject,
        code: Option<Code>,
        cause: Cause,
        why: String,
    ) -> Self {
        Self {
            account_id: Some(subject.account_id),
            user_name: Some(subject.principal.clone()),
            access_key_id: key.id.clone(),
            code,
            cause,
            why,
        }
    }
}
