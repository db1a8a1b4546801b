//! What an audit asks of an account: the bulk calls that tell of all users at once, and the few that tell
//! of one. There is no method here that changes anything, so an audit cannot.

mod load;

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_core::fact::{KeyFacts, LastUsed, Tags};
use rotakey_core::id::{AccessKeyId, UserId, UserName};

pub use load::{AccountInventory, load};

use crate::port::{CallerIdentity, PortError};

/// Told how far long work has come. Called from whatever task does the work, possibly often: an
/// implementation must be quick and must not block.
pub trait Progress: Send + Sync {
    /// `done` of `total` (`None`: not known) steps of `what` (such as `listing access keys`) are done.
    fn step(&self, done: usize, total: Option<usize>, what: &str);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn step(&self, _done: usize, _total: Option<usize>, _what: &str) {}
}

/// The reading side of IAM of one account, for an audit of all its users.
///
/// An implementation retries throttled and ambiguous calls by itself (all of them only read) and gives up
/// with the last error. Answers are eventually consistent.
#[async_trait]
pub trait Inventory: Send + Sync {
    /// `sts:GetCallerIdentity`: the account that is read, and as whom.
    async fn caller(&self) -> Result<CallerIdentity, PortError>;

    /// `iam:GenerateCredentialReport` until it is `COMPLETE`, then `iam:GetCredentialReport`. AWS makes at
    /// most one new report in four hours, so the answer may be that old; `ReportNotPresent`,
    /// `ReportExpired` and `ReportInProgress` are waited out, within a bound of minutes.
    async fn credential_report(&self, progress: &dyn Progress) -> Result<CredentialReport, PortError>;

    /// `iam:GetAccountAuthorizationDetails`, all pages.
    async fn account_details(&self, progress: &dyn Progress) -> Result<AccountDetails, PortError>;

    /// `iam:ListAccessKeys`, all pages: every key of the user, active or not, in no particular order.
    /// [`NotFound`](crate::port::PortErrorKind::NotFound) if there is no such user (any more).
    async fn access_keys(&self, user: &UserName) -> Result<Vec<KeyFacts>, PortError>;

    /// `iam:GetAccessKeyLastUsed`.
    async fn last_used(&self, key: &AccessKeyId) -> Result<LastUsed, PortError>;
}

/// A credential report as IAM keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialReport {
    /// `GeneratedTime`: what the report says was so then, up to four hours ago.
    pub generated_at: Timestamp,
    /// The report, decoded from base64: CSV with a header line.
    pub csv: Vec<u8>,
}

/// The users, groups and managed policies of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountDetails {
    /// All users, in no particular order.
    pub users: Vec<UserDetails>,
    /// All groups that have users in them, at least.
    pub groups: Vec<GroupDetails>,
    /// All customer managed policies that are attached to a user or a group, at least. AWS managed ones
    /// may be left out.
    pub managed_policies: Vec<ManagedPolicy>,
}

/// One element of `UserDetailList`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserDetails {
    /// Its present name.
    pub name: UserName,
    /// Its immutable id.
    pub id: UserId,
    /// Its ARN.
    pub arn: String,
    /// Its path, `/` if none was given.
    pub path: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Its tags.
    pub tags: Tags,
    /// The policies of its own.
    pub policies: Policies,
    /// The names of the groups that it is in.
    pub groups: Vec<String>,
    /// The ARN of the managed policy that bounds its permissions.
    pub permissions_boundary: Option<String>,
}

/// One element of `GroupDetailList`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDetails {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its policies.
    pub policies: Policies,
}

/// The policies of a user or of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    /// The inline policies.
    pub inline: Vec<InlinePolicy>,
    /// The ARNs of the attached managed policies.
    pub attached: Vec<String>,
}

/// A policy that lives inside its user or group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlinePolicy {
    /// Its name.
    pub name: String,
    /// Its document as JSON text (IAM sends it percent-encoded; here it is decoded).
    pub document: String,
}

/// A policy of its own, in its default version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedPolicy {
    /// Its ARN.
    pub arn: String,
    /// The document of its default version as JSON text (IAM sends it percent-encoded; here it is decoded).
    pub document: String,
}
