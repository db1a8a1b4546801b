//! The ports: all that the engine asks of the world. An implementer has no other specification than the
//! contracts here; the suites in [`crate::conformance`] hold every adapter to them.

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_core::destination::DestinationSpec;
use rotakey_core::fact::{KeyFacts, KeyStatus, LastUsed, UserFacts};
use rotakey_core::id::{AccessKeyId, AccountId, RotationId, UserName};
use rotakey_core::notify::{Message, NotifierSpec};
use rotakey_core::rotate::{CheckSpec, Health, KeyUsage};
pub use rotakey_core::rotate::{FailureKind as PortErrorKind, Kept, Slots};
use rotakey_core::secret::AccessKeyPair;

/// A failed call. The message may be shown and logged: it never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct PortError {
    /// What the caller's next step depends on.
    pub kind: PortErrorKind,
    /// What was called, in the words of the thing called: `iam:CreateAccessKey`, `write /etc/x`.
    pub operation: String,
    /// What the other side said, escaped and without secrets.
    pub message: String,
}

impl PortError {
    /// An error of that kind.
    pub fn new(kind: PortErrorKind, operation: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, operation: operation.into(), message: message.into() }
    }

    /// Whether the effect of the failed call may have happened all the same.
    pub fn may_have_happened(&self) -> bool {
        self.kind == PortErrorKind::Ambiguous
    }
}

/// The time, and waiting for it. Tests and the simulation run on a virtual one.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Returns when `now() >= at`; at once if that is already so.
    async fn sleep_until(&self, at: Timestamp);
}

/// IAM of one account. Reads are eventually consistent: an answer may be as old as some minutes.
#[async_trait]
pub trait Iam: Send + Sync {
    /// `iam:GetUser`. [`PortErrorKind::NotFound`] if there is no such user.
    async fn user(&self, name: &UserName) -> Result<UserFacts, PortError>;

    /// `iam:ListAccessKeys`, all pages: every key of the user, active or not, in no particular order.
    async fn access_keys(&self, name: &UserName) -> Result<Vec<KeyFacts>, PortError>;

    /// `iam:GetAccessKeyLastUsed`.
    async fn last_used(&self, key: &AccessKeyId) -> Result<LastUsed, PortError>;

    /// `iam:CreateAccessKey`, sent **once**: the call has no idempotency token and shows the secret only in
    /// its answer, so an implementation must never retry it by itself.
    async fn create_access_key(&self, name: &UserName) -> Result<AccessKeyPair, PortError>;

    /// `iam:UpdateAccessKey`. Idempotent.
    async fn set_status(
        &self,
        name: &UserName,
        key: &AccessKeyId,
        status: KeyStatus,
    ) -> Result<(), PortError>;

    /// `iam:DeleteAccessKey`. [`PortErrorKind::NotFound`] if the key does not exist (any more).
    async fn delete_access_key(&self, name: &UserName, key: &AccessKeyId) -> Result<(), PortError>;

    /// The same IAM, called so that AWS's own records name the rotation; `None` if there is no such way. The engine
    /// makes its changes with it, and looks without it. Touches nothing.
    fn for_rotation(&self, _rotation: &RotationId) -> Option<Box<dyn Iam>> {
        None
    }
}

/// Who AWS takes the holder of a key pair for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account.
    pub account_id: AccountId,
    /// The ARN of the user.
    pub arn: String,
}

/// Asks AWS whether a key pair works.
#[async_trait]
pub trait KeyProbe: Send + Sync {
    /// `sts:GetCallerIdentity`, signed with the pair itself. [`PortErrorKind::Credentials`] if AWS does not
    /// accept the pair: it is unknown, inactive, deleted or not yet propagated; AWS does not say which.
    async fn identify(&self, pair: &AccessKeyPair) -> Result<CallerIdentity, PortError>;

    /// A call of that service (one of [`PROBED_SERVICES`](rotakey_core::rotate::PROBED_SERVICES)) in that region that
    /// changes nothing, signed with the pair itself. It is done if the service knows the pair, which it also shows by
    /// refusing the call for lack of permission. [`PortErrorKind::Credentials`] if it does not know it; any other
    /// error says nothing.
    async fn knows(&self, pair: &AccessKeyPair, service: &str, region: &str) -> Result<(), PortError>;
}

/// Tells who uses keys: AWS CloudTrail, or what was read of it.
#[async_trait]
pub trait UsageSource: Send + Sync {
    /// Who used that key, and the sessions minted from it, from `since` on or from as far back as the source goes;
    /// [`KeyUsage::since`] and [`KeyUsage::as_of`] say from when until when absence means something. What may be missing
    /// is told in [`KeyUsage::incomplete`]; an error is for nothing having been seen at all. Calls of rotakey are left
    /// out. May take minutes.
    async fn usage(&self, key: &AccessKeyId, since: Timestamp) -> Result<KeyUsage, PortError>;
}

/// Makes checks: whether applications are well.
#[async_trait]
pub trait Checks: Send + Sync {
    /// Makes the check once, for a rotation in that account. An error if it could not be made, which says nothing of
    /// how applications are.
    async fn ask(&self, account: &AccountId, check: &CheckSpec) -> Result<Health, PortError>;
}

/// Makes no check.
pub struct NoChecks;

#[async_trait]
impl Checks for NoChecks {
    async fn ask(&self, _account: &AccountId, check: &CheckSpec) -> Result<Health, PortError> {
        Err(PortError::new(PortErrorKind::Invalid, check.to_string(), "this program makes no such check"))
    }
}

/// What the engine reaches of one account.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// IAM of that account.
    pub iam: &'a dyn Iam,
    /// Asks AWS whether a key works.
    pub probe: &'a dyn KeyProbe,
    /// Tells who uses keys, if something does.
    pub usage: Option<&'a dyn UsageSource>,
}

/// The accounts that the engine works in.
pub trait Accounts: Send + Sync {
    /// Their numbers: exactly those for which [`get`](Self::get) gives an account.
    fn ids(&self) -> Vec<AccountId>;

    /// The account of that number; `None` if the engine does not work in it. Touches nothing.
    fn get(&self, id: &AccountId) -> Option<Account<'_>>;
}

/// One account alone.
#[derive(Clone, Copy)]
pub struct OneAccount<'a> {
    /// Its number.
    pub id: AccountId,
    /// What is reached of it.
    pub account: Account<'a>,
}

impl Accounts for OneAccount<'_> {
    fn ids(&self) -> Vec<AccountId> {
        vec![self.id]
    }

    fn get(&self, id: &AccountId) -> Option<Account<'_>> {
        (self.id == *id).then_some(self.account)
    }
}

/// A place that applications read an access key from. At every instant, also when a call dies half-way, a
/// reader finds one whole pair in `current`: the old one or the new one, never a mixture, never nothing
/// where something was.
///
/// Every operation is idempotent: done twice, it leaves what it leaves when done once.
#[async_trait]
pub trait Destination: Send + Sync {
    /// Changes nothing. Fails with what would make [`stage`](Self::stage) or [`publish`](Self::publish)
    /// fail later: missing permission ([`PortErrorKind::Denied`]), content that is not an access key and
    /// must not be overwritten ([`PortErrorKind::Conflict`]), a wrong path or an unusable identity
    /// ([`PortErrorKind::Invalid`]).
    async fn preflight(&self) -> Result<(), PortError>;

    /// What is held now. An empty or absent destination holds three times nothing; that is no error.
    async fn read(&self) -> Result<Slots, PortError>;

    /// Keeps the pair durably in `pending`, unseen by applications. A different pair that was pending is
    /// replaced. Does nothing if the pair is current already. A place that does not give secrets back keeps the
    /// pair's mark, which also shows that it can be written to.
    async fn stage(&self, pair: &AccessKeyPair) -> Result<(), PortError>;

    /// Makes the pair `current` in one atomic step; what was current becomes `previous`, and `pending` is
    /// emptied. Does not need an earlier [`stage`](Self::stage). Whatever else the place holds (further
    /// fields, other profiles, comments) is kept.
    async fn publish(&self, pair: &AccessKeyPair) -> Result<(), PortError>;

    /// Undoes [`publish`](Self::publish): makes the pair with that id, which must be in `previous` or
    /// `pending`, `current` again in one atomic step; what was current becomes `previous`. Does nothing if
    /// it is current. [`PortErrorKind::NotFound`] if no slot holds it, or only its [mark](Kept::Mark): then the
    /// engine publishes the pair again, if it has it from elsewhere.
    async fn restore(&self, id: &AccessKeyId) -> Result<(), PortError>;

    /// Removes the pair with that id from `pending` and `previous`. [`PortErrorKind::Conflict`] if it is
    /// current. Does nothing if no slot holds it.
    async fn forget(&self, id: &AccessKeyId) -> Result<(), PortError>;
}

/// Opens destinations.
pub trait Destinations: Send + Sync {
    /// The destination of that description. Touches nothing; [`PortErrorKind::Invalid`] if no adapter of
    /// this program serves it.
    fn open(&self, spec: &DestinationSpec) -> Result<Box<dyn Destination>, PortError>;
}

/// A way to people.
///
/// An implementation gives up within 30 seconds by itself, and never sends a secret: neither those of keys, which a
/// [`Message`] does not hold, nor its own credentials other than where the channel asks for them. Every text in a
/// message may come from somebody who wants to mislead the reader: it must be escaped for the channel, so that it
/// can neither call people together, nor look like a link, nor break the form.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Sends the message. Called again with the same [`Message::id`], a channel that can recognise the second one
    /// must not show it again; others show it twice.
    ///
    /// # Errors
    /// [`PortErrorKind::Credentials`] or [`PortErrorKind::Denied`] if the channel does not accept rotakey's
    /// credentials; [`PortErrorKind::NotFound`] if there is no such channel; [`PortErrorKind::Invalid`] if it refuses
    /// the message or cannot be addressed at all; [`PortErrorKind::Throttled`] if it was told too much;
    /// [`PortErrorKind::Ambiguous`] if it did not answer: the message may have been shown.
    async fn send(&self, message: &Message) -> Result<(), PortError>;
}

/// Opens ways to people.
pub trait Notifiers: Send + Sync {
    /// The way of that description. Touches nothing; [`PortErrorKind::Invalid`] if no adapter of this program serves
    /// it.
    fn open(&self, spec: &NotifierSpec) -> Result<Box<dyn Notifier>, PortError>;
}
