//! One account, and who calls from it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rotakey_core::id::AccountId;

use crate::api::{Request, Service};
use crate::world::cloudwatch::Alarm;
use crate::world::iam::{AccessKey, CredentialReports, IamState, User, Versioned};
use crate::world::keyring::{Credential, Principal};
use crate::world::parameters::Parameters;
use crate::world::secrets_manager::StoredSecret;
use crate::world::ssm::StoredParameter;

/// One account with all that is in it.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: AccountId,
    pub(crate) name: String,
    pub(crate) email: String,
    /// Whether it was closed: nobody gets in any more.
    pub(crate) suspended: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) root: RootUser,
    pub(crate) iam: Versioned<IamState>,
    pub(crate) reports: CredentialReports,
    /// By region and name.
    pub(crate) secrets: BTreeMap<(String, String), StoredSecret>,
    /// By region and name.
    pub(crate) parameters: BTreeMap<(String, String), StoredParameter>,
    /// By region and name.
    pub(crate) alarms: BTreeMap<(String, String), Alarm>,
}

/// The root user of an account.
#[derive(Debug, Default)]
pub(crate) struct RootUser {
    pub(crate) mfa_active: bool,
    pub(crate) password_last_used: Option<Timestamp>,
    pub(crate) keys: Vec<AccessKey>,
}

/// One call, admitted: its credentials were accepted.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) caller: Caller,
    pub(crate) parameters: Parameters<'a>,
    pub(crate) request: &'a Request,
    pub(crate) now: Timestamp,
}

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) account_id: AccountId,
    pub(crate) principal: Principal,
    /// `arn:aws:iam::…:user/…`, `arn:aws:iam::…:root` or `arn:aws:sts::…:assumed-role/…`.
    pub(crate) arn: String,
    /// The ARN of the role, for a session of a role.
    pub(crate) role_arn: Option<String>,
    /// What STS calls `UserId`: `AIDA…`, `AROA…:session`, or the account number for the root user.
    pub(crate) unique_id: String,
    /// When the credentials were issued, if they are temporary.
    pub(crate) session_since: Option<Timestamp>,
    pub(crate) access_key_id: String,
}

impl Caller {
    /// Who holds the credential; `None` if the user or role is no more.
    pub(crate) fn of(credential: &Credential, account: &Account, request: &Request) -> Option<Self> {
        let account_id = account.id;
        let iam = account.iam.present();
        let (arn, role_arn, unique_id) = match &credential.principal {
            Principal::Root => (format!("arn:aws:iam::{account_id}:root"), None, account_id.to_string()),
            Principal::User { name, id } => {
                let user = iam.users.get(name).filter(|user| user.id == *id)?;
                (user.arn(account_id), None, id.to_string())
            }
            Principal::AssumedRole { role, role_id, session } => {
                let found = iam.roles.get(role).filter(|found| found.id == *role_id)?;
                let arn = format!("arn:aws:sts::{account_id}:assumed-role/{role}/{session}");
                (arn, Some(found.arn(account_id)), format!("{role_id}:{session}"))
            }
        };
        Some(Self {
            account_id,
            principal: credential.principal.clone(),
            arn,
            role_arn,
            unique_id,
            session_since: credential.session_since(),
            access_key_id: request.credentials.access_key_id.clone(),
        })
    }

    /// Whether IAM listens to it: not to credentials of `GetSessionToken` that were made without MFA.
    pub(crate) fn may_call_iam(&self) -> bool {
        self.session_since.is_none() || matches!(self.principal, Principal::AssumedRole { .. })
    }

    /// The IAM user that calls, if it is one.
    pub(crate) fn user<'a>(&self, iam: &'a IamState) -> Option<&'a User> {
        match &self.principal {
            Principal::User { name, .. } => iam.users.get(name).map(AsRef::as_ref),
            Principal::Root | Principal::AssumedRole { .. } => None,
        }
    }
}

impl Call<'_> {
    /// The operation's name.
    pub(crate) fn action(&self) -> &str {
        &self.request.action
    }

    /// The service called.
    pub(crate) fn service(&self) -> Service {
        self.request.service
    }

    /// The region called and the name, as the key of what a regional service stores.
    pub(crate) fn in_region(&self, name: &str) -> (String, String) {
        (self.request.region.clone(), name.to_owned())
    }
}
