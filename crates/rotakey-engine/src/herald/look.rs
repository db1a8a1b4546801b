//! What is looked at in an account before people are told, each at most once and only if something depends on it.

use rotakey_core::fact::{Seen, UserFacts};
use rotakey_core::id::{AccountId, UserId};
use rotakey_core::notify::{Evidence, Left};
use rotakey_core::policy::{Principal, UserSubject};
use rotakey_core::rotate::Rotation;

use crate::port::{Account, PortError};

/// What no reminder of a question depends on.
pub(super) static NOT_LOOKED_AT: Evidence =
    Evidence { old_key: Seen::Unknown(String::new()), new_key: Seen::Unknown(String::new()) };

/// When the keys of a rotation were used last.
pub(super) struct Uses<'a> {
    account: Account<'a>,
    rotation: &'a Rotation,
    evidence: Option<Evidence>,
}

impl<'a> Uses<'a> {
    pub(super) fn of(account: Account<'a>, rotation: &'a Rotation) -> Self {
        Self { account, rotation, evidence: None }
    }

    pub(super) async fn look(&mut self) -> &Evidence {
        if self.evidence.is_none() {
            let iam = self.account.iam;
            let old_key = iam.last_used(&self.rotation.plan().old_key).await.into();
            let new_key = match self.rotation.new_key() {
                Some(key) => iam.last_used(key).await.into(),
                None => Seen::Unknown("there is no new key".to_owned()),
            };
            self.evidence = Some(Evidence { old_key, new_key });
        }
        self.evidence.as_ref().unwrap_or(&NOT_LOOKED_AT)
    }
}

/// The user that people are told of, who decides who is told.
pub(super) struct User<'a> {
    account: Account<'a>,
    account_id: AccountId,
    principal: Principal,
    user_id: Option<UserId>,
    subject: Option<UserSubject>,
}

impl<'a> User<'a> {
    pub(super) fn of_rotation(account: Account<'a>, rotation: &Rotation) -> Self {
        let planned = &rotation.plan().subject;
        let principal = Principal::User(planned.user_name.clone());
        let (account_id, user_id) = (planned.account_id, Some(planned.user_id.clone()));
        Self { account, account_id, principal, user_id, subject: None }
    }

    pub(super) fn left(account: Account<'a>, left: &Left) -> Self {
        let (principal, user_id) = (left.user_name.clone(), left.user_id.clone());
        Self { account, account_id: left.account_id, principal, user_id, subject: None }
    }

    pub(super) async fn look(&mut self) -> &UserSubject {
        if self.subject.is_none() {
            let facts = match self.principal.user() {
                Some(name) => Some(self.account.iam.user(name).await),
                None => None,
            };
            self.subject = Some(self.subject(facts));
        }
        self.subject.as_ref().expect("it was just looked at")
    }

    /// The user as far as it is known now: it may be gone, or be another one by the same name. The root user has no
    /// tags.
    fn subject(&self, facts: Option<Result<UserFacts, PortError>>) -> UserSubject {
        let not_looked_at = "it is not looked at for a notice";
        let is_same = |user: &UserFacts| self.user_id.as_ref().is_none_or(|id| user.id == *id);
        let root = || "/".to_owned();
        let (path, tags, arn) = match facts {
            None => (root(), Seen::Known(Default::default()), String::new()),
            Some(Ok(user)) if is_same(&user) => (user.path, Seen::Known(user.tags), user.arn),
            Some(Ok(_)) => (root(), Seen::Unknown("the user was replaced".to_owned()), String::new()),
            Some(Err(error)) => (root(), Seen::Unknown(error.to_string()), String::new()),
        };
        UserSubject {
            account_id: self.account_id,
            principal: self.principal.clone(),
            arn: arn.into(),
            user_id: self.user_id.clone(),
            path,
            tags,
            privilege: Seen::Unknown(not_looked_at.to_owned()),
            console_password: Seen::Unknown(not_looked_at.to_owned()),
            keys: Vec::new(),
        }
    }
}
