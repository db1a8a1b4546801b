//! What a rotation is to do, fixed when it begins.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::check::CheckSpec;
use crate::destination::DestinationSpec;
use crate::fact::LastUsed;
use crate::id::{AccessKeyId, AccountId, RotationId, UserId, UserName};

/// The user whose key is rotated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The account.
    pub account_id: AccountId,
    /// The name, which every IAM call needs.
    pub user_name: UserName,
    /// The immutable id, which says that the name still means the same user.
    pub user_id: UserId,
}

/// What a rotation is to do. It is the first entry of the log; later changes of the configuration do not
/// touch a rotation under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Whose key.
    pub subject: Subject,
    /// The key to be replaced.
    pub old_key: AccessKeyId,
    /// Its last use, as known when the rotation was planned.
    pub old_key_last_used: LastUsed,
    /// Where the new key goes. Never empty.
    pub destinations: Vec<DestinationSpec>,
    /// Why it is rotated, for people.
    pub reason: String,
    /// How long each step waits.
    pub timing: Timing,
    /// What tells that applications miss the old key once it is disabled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckSpec>,
}

impl Plan {
    /// The id of a rotation of this plan that begins at that instant.
    pub fn rotation_id(&self, at: Timestamp) -> RotationId {
        let digest = Sha256::new()
            .chain_update(self.subject.user_id.as_str())
            .chain_update(self.old_key.as_str())
            .chain_update(at.as_nanosecond().to_be_bytes())
            .finalize();
        let name = data_encoding::BASE32_NOPAD.encode(&digest[..10]).to_ascii_lowercase();
        format!("r-{name}").parse().expect("base32 in lower case is a rotation id")
    }
}

/// How long the steps of a rotation wait. See [`Timing::default`] for the usual values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// How long AWS may refuse the new key before the rotation is rolled back.
    pub verify_timeout: SignedDuration,
    /// The least time that the old key must have been quiet before it is disabled. The wait is longer for a
    /// key whose uses have been seen further apart.
    pub quiet_for: SignedDuration,
    /// The longest that a key is waited for to stay quiet, however far apart its uses have been seen. The
    /// usual five weeks are longer than the gap between two runs of a monthly job.
    pub longest_quiet: SignedDuration,
    /// How long applications may take to move to the new key before a person is asked.
    pub adopt_timeout: SignedDuration,
    /// How long the old key is disabled as a rehearsal, if at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brown_out: Option<SignedDuration>,
    /// How long the old key stays disabled before it is deleted.
    pub delete_after: SignedDuration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            verify_timeout: SignedDuration::from_mins(5),
            quiet_for: SignedDuration::from_hours(24),
            longest_quiet: SignedDuration::from_hours(35 * 24),
            adopt_timeout: SignedDuration::from_hours(14 * 24),
            brown_out: None,
            delete_after: SignedDuration::from_hours(7 * 24),
        }
    }
}
