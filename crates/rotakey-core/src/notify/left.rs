//! Users that a plan leaves to a person.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::notice::{Notice, NoticeId, NoticeKind, Topic};
use super::words;
use crate::id::{AccountId, UserId};
use crate::policy::Principal;
use crate::rotate::KnownKey;

/// A user of whom a key is due, and only a person can say what to do. Kept beside the logs, so that whoever plans next
/// knows whether people were told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The account of the user.
    pub account_id: AccountId,
    /// The user.
    pub user_name: Principal,
    /// Its immutable id; `None` for the root user and where it is not known.
    pub user_id: Option<UserId>,
    /// What stands in the way.
    pub why: String,
    /// What is known of each of its keys.
    pub keys: Vec<KnownKey>,
    /// What the person can do.
    pub advice: String,
    /// When it was first planned to be left, for that reason.
    pub since: Timestamp,
    /// Which reason it is, counted from 1: each is told once.
    pub number: u32,
}

impl Left {
    /// What is told of that user is kept by this.
    pub fn topic(account: AccountId, user: &Principal) -> Topic {
        Topic::from_stored(format!("left/{account}/{user}"))
    }

    /// What there is to tell. Nobody is named in it as the owner.
    pub fn notice(&self) -> Notice {
        let topic = Self::topic(self.account_id, &self.user_name);
        let id = NoticeId::from_stored(format!("{topic}/{}/{}", self.number, NoticeKind::Left));
        words::left(self, id)
    }
}
