//! Users that plans leave to a person, kept beside the logs for all that plan: people are told of each once for each
//! reason, however often and wherever it is planned.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rotakey_core::id::{AccountId, UserId};
use rotakey_core::notify::Left;
use rotakey_core::policy::Principal;
use rotakey_core::rotate::KnownKey;
use serde::{Deserialize, Serialize};

use crate::control::{read, write};
use crate::herald;
use crate::store::{Store, StoreError};

/// What the names begin with that they are kept under.
const PREFIX: &str = "left/";

/// What a plan says of one user that it looked at.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The account of the user.
    pub account_id: AccountId,
    /// The user.
    pub user_name: Principal,
    /// Its immutable id, if it has one that is known.
    pub user_id: Option<UserId>,
    /// What a person is asked; `None` if nobody is.
    pub ask: Option<Ask>,
}

/// What a person is asked about a user, as [`rotakey_core::rotate::Choice::Ask`] has it.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What stands in the way.
    pub why: String,
    /// What is known of each key.
    pub keys: Vec<KnownKey>,
    /// What the person can do.
    pub advice: String,
}

/// What is kept of one user. It stays when nobody is asked any more, so that what is told later has another number.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    left: Left,
    /// Whether nobody is asked any more.
    over: bool,
}

/// Keeps whom a plan has left to a person, and whom it has not. If that is news, the next pass of a herald tells it.
/// Two that plan at a time keep the same, so that it is told once. A user that the plan did not look at stays as it is.
///
/// # Errors
/// What is kept cannot be read or written.
pub async fn keep(store: &dyn Store, planned: Vec<Planned>, now: Timestamp) -> Result<(), StoreError> {
    let mut kept: BTreeMap<String, Kept> = BTreeMap::new();
    for (name, body) in store.controls(PREFIX).await? {
        kept.insert(name.clone(), read(&name, &body)?);
    }
    let mut is_news = false;
    for Planned { account_id, user_name, user_id, ask } in planned {
        let name = Left::topic(account_id, &user_name).to_string();
        let known = kept.remove(&name);
        let kept = match (known, ask) {
            (Some(known), Some(ask)) if !known.over && known.left.why == ask.why => continue,
            (known, Some(Ask { why, keys, advice })) => {
                is_news = true;
                let number = known.map_or(0, |known| known.left.number) + 1;
                let left = Left { account_id, user_name, user_id, why, keys, advice, since: now, number };
                Kept { left, over: false }
            }
            (Some(known), None) if !known.over => Kept { over: true, ..known },
            (_, None) => continue,
        };
        store.set_control(&name, Some(&write(&kept))).await?;
    }
    if is_news { herald::look_at_all(store).await } else { Ok(()) }
}

/// The users of whom a person is asked.
pub(crate) async fn all(store: &dyn Store) -> Result<Vec<Left>, StoreError> {
    let mut left = Vec::new();
    for (name, body) in store.controls(PREFIX).await? {
        let kept: Kept = read(&name, &body)?;
        left.extend((!kept.over).then_some(kept.left));
    }
    Ok(left)
}
