//! Reads an account: what two bulk calls tell of all users, and the keys of those users that have any.
//!
//! The credential report tells who holds keys, their last use, and who has a password; the authorization
//! details tell tags and policies. Only the ids of keys, and their dates and status as they are now, take a
//! call for each user that holds keys. `iam:GetAccessKeyLastUsed` is asked only for active keys of which the
//! report does not tell the last use beyond doubt: keys made since the report, and two of the same second.
//!
//! What fails is told of in [`AccountInventory::gaps`], and as much as possible is read all the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroUsize;

use futures::StreamExt;
use jiff::Timestamp;
use rotakey_core::audit::{Cause, Code, NotJudged, overlay};
use rotakey_core::fact::{Seen, Tags};
use rotakey_core::id::{AccountId, UserId, UserName};
use rotakey_core::policy::{KeySubject, Principal, Privilege, UserSubject};
use rotakey_core::report::{ReportError, ReportReader};
use rotakey_core::text::SharedText;
use rotakey_iam_policy::{HeldPolicy, Holder, PolicySource, privilege};

use super::{AccountDetails, CredentialReport, GroupDetails, Inventory, Policies, Progress, UserDetails};
use crate::port::{PortError, PortErrorKind};

/// All that an audit judges of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountInventory {
    /// The account.
    pub account_id: AccountId,
    /// As whom it was read.
    pub caller_arn: String,
    /// When the credential report was made; `None` if there was none to be read.
    pub report_generated_at: Option<Timestamp>,
    /// The users that hold keys: the root user first, then by name.
    pub subjects: Vec<UserSubject>,
    /// What could not be read. To be given to [`Judge::with_gaps`](rotakey_core::audit::Judge::with_gaps), and
    /// to stand among what was not judged.
    pub gaps: Vec<NotJudged>,
}

/// Reads the account that the inventory is of. `now` is the instant at which what is asked now is so, and
/// `concurrency` the most calls at a time.
///
/// # Errors
///
/// If the caller is not known to AWS, or neither of the two bulk calls succeeds: nothing is known of the
/// account then. Every other failure leaves a gap.
pub async fn load(
    inventory: &dyn Inventory,
    now: Timestamp,
    progress: &dyn Progress,
    concurrency: NonZeroUsize,
) -> Result<AccountInventory, PortError> {
    let caller = inventory.caller().await?;
    let bulk =
        futures::future::join(inventory.credential_report(progress), inventory.account_details(progress));
    let (report, details) = bulk.await;
    let mut gaps = Gaps::new(caller.account_id);
    let (report, users) = match (report.and_then(|report| Report::read(&report)), details) {
        (Err(error), Err(_)) => return Err(error),
        (Ok(report), Ok(details)) => (report, Ok(described(&details))),
        (Ok(report), Err(error)) => {
            gaps.all_users(&[Code::MissingTag], &error);
            (report, Err(error.to_string()))
        }
        (Err(error), Ok(details)) => {
            gaps.all_users(&[Code::RootAccessKey, Code::ConsoleUserWithKeys], &error);
            (Report::default(), Ok(described(&details)))
        }
    };
    gaps.keys_newer_than(report.generated_at, now);

    let account = Account { id: caller.account_id, report, users, inventory, now };
    let names = account.users_to_list();
    let total = names.len();
    progress.step(0, Some(total), LISTING);
    let mut reading = futures::stream::iter(names.into_iter().map(|name| account.read_user(name)))
        .buffer_unordered(concurrency.get());
    let mut subjects: Vec<UserSubject> = account.report.root.iter().cloned().collect();
    let mut done = 0;
    while let Some(read) = reading.next().await {
        subjects.extend(read.subject);
        gaps.list.extend(read.gap);
        done += 1;
        progress.step(done, Some(total), LISTING);
    }
    drop(reading);
    // Answers come in any order; what is told of them must not.
    subjects.sort_by(|one, other| one.principal.cmp(&other.principal));
    gaps.list.sort_by(|one, other| one.user_name.cmp(&other.user_name));
    Ok(AccountInventory {
        account_id: account.id,
        caller_arn: caller.arn,
        report_generated_at: account.report.generated_at,
        subjects,
        gaps: gaps.list,
    })
}

/// What most of the calls are for.
const LISTING: &str = "listing access keys";

/// What the bulk calls tell, and the way to ask for more.
struct Account<'a> {
    id: AccountId,
    report: Report,
    /// By name, or why they are not known.
    users: Result<BTreeMap<UserName, Described>, String>,
    inventory: &'a dyn Inventory,
    now: Timestamp,
}

/// What could be read of one user.
struct Read {
    /// `None` if it has no keys (any more).
    subject: Option<UserSubject>,
    gap: Option<NotJudged>,
}

impl Account<'_> {
    /// The users of whom the report says that they hold keys, and those that it does not have yet.
    fn users_to_list(&self) -> BTreeSet<UserName> {
        let holders =
            self.report.users.iter().filter(|(_, user)| !user.keys.is_empty()).map(|(name, _)| name);
        let described = self.users.iter().flat_map(BTreeMap::keys);
        holders.chain(described.filter(|name| !self.report.users.contains_key(*name))).cloned().collect()
    }

    async fn read_user(&self, name: UserName) -> Read {
        match self.inventory.access_keys(&name).await {
            Ok(listed) => {
                let reported = self.report.users.get(&name).map_or(&[][..], |user| &user.keys);
                let mut keys = Vec::new();
                for key in overlay(reported, &listed) {
                    keys.extend(self.with_last_use(key).await);
                }
                Read { subject: self.subject(&name, keys), gap: None }
            }
            // It has been deleted since the report was made.
            Err(error) if error.kind == PortErrorKind::NotFound => Read { subject: None, gap: None },
            Err(error) => self.as_reported(&name, &error),
        }
    }

    /// What the report says of a user whose keys cannot be listed, and that it may not be so any more.
    fn as_reported(&self, name: &UserName, error: &PortError) -> Read {
        let keys = self.report.users.get(name).map(|user| user.keys.clone()).unwrap_or_default();
        let why = match self.report.generated_at {
            Some(at) if !keys.is_empty() => {
                format!("{error}; judged by the credential report of {at}, which has no key ids")
            }
            _ => error.to_string(),
        };
        let gap = NotJudged {
            account_id: Some(self.id),
            user_name: Some(Principal::User(name.clone())),
            access_key_id: None,
            code: None,
            cause: Cause::NotRead,
            why,
        };
        Read { subject: self.subject(name, keys), gap: Some(gap) }
    }

    /// The key with its last use asked for, if that is not known and matters; `None` if the key has been
    /// deleted meanwhile.
    async fn with_last_use(&self, mut key: KeySubject) -> Option<KeySubject> {
        let Some(id) = key.id.as_ref().filter(|_| key.is_active() && key.last_used.known().is_none()) else {
            return Some(key);
        };
        match self.inventory.last_used(id).await {
            Err(error) if error.kind == PortErrorKind::NotFound => return None,
            Err(error) => key.last_used = Seen::Unknown(error.to_string()),
            Ok(last_used) => {
                key.last_used = Seen::Known(last_used);
                key.last_used_as_of = Some(self.now);
            }
        }
        Some(key)
    }

    /// The user with those keys; `None` if there are none.
    fn subject(&self, name: &UserName, keys: Vec<KeySubject>) -> Option<UserSubject> {
        if keys.is_empty() {
            return None;
        }
        let reported = self.report.users.get(name);
        let described = match &self.users {
            Ok(users) => users.get(name).ok_or("the user is not among the account's authorization details"),
            Err(why) => Err(why.as_str()),
        };
        let unknown = described.err().unwrap_or_default().to_owned();
        let described = described.ok();
        Some(UserSubject {
            account_id: self.id,
            principal: Principal::User(name.clone()),
            arn: described.map(|user| &user.arn).or(reported.map(|user| &user.arn))?.clone(),
            user_id: described.map(|user| user.id.clone()),
            path: described.map(|user| &user.path).or(reported.map(|user| &user.path))?.clone(),
            tags: described.map_or(Seen::Unknown(unknown.clone()), |user| Seen::Known(user.tags.clone())),
            privilege: described.map_or(Seen::Unknown(unknown), |user| user.privilege.clone()),
            console_password: reported.map_or_else(
                || Seen::Unknown("the credential report does not have the user".to_owned()),
                |user| user.console_password.clone(),
            ),
            keys,
        })
    }
}

/// What the credential report says.
#[derive(Default)]
struct Report {
    generated_at: Option<Timestamp>,
    /// The root user, if it holds keys.
    root: Option<UserSubject>,
    /// The users, also those without keys.
    users: BTreeMap<UserName, UserSubject>,
}

impl Report {
    fn read(report: &CredentialReport) -> Result<Self, PortError> {
        let invalid = |error: ReportError| {
            PortError::new(PortErrorKind::Invalid, "iam:GetCredentialReport", error.to_string())
        };
        let mut read = Self { generated_at: Some(report.generated_at), ..Self::default() };
        let mut rows = ReportReader::new(report.csv.as_slice()).map_err(invalid)?;
        while let Some(row) = rows.next_row().map_err(invalid)? {
            let subject = row.to_subject(read.generated_at);
            match subject.principal.clone() {
                Principal::Root => read.root = row.holds_keys().then_some(subject),
                Principal::User(name) => {
                    read.users.insert(name, subject);
                }
            }
        }
        Ok(read)
    }
}

/// What the authorization details tell of one user.
struct Described {
    id: UserId,
    arn: SharedText,
    path: String,
    tags: Tags,
    privilege: Seen<Privilege>,
}

fn described(details: &AccountDetails) -> BTreeMap<UserName, Described> {
    let groups: HashMap<_, _> = details.groups.iter().map(|group| (group.name.as_str(), group)).collect();
    let documents: HashMap<_, _> = details
        .managed_policies
        .iter()
        .map(|policy| (policy.arn.as_str(), policy.document.as_str()))
        .collect();
    let describe = |user: &UserDetails| Described {
        id: user.id.clone(),
        arn: user.arn.as_str().into(),
        path: user.path.clone(),
        tags: user.tags.clone(),
        privilege: privilege_of(user, &groups, &documents),
    };
    details.users.iter().map(|user| (user.name.clone(), describe(user))).collect()
}

/// What the policies of the user and of its groups make of it.
fn privilege_of(
    user: &UserDetails,
    groups: &HashMap<&str, &GroupDetails>,
    documents: &HashMap<&str, &str>,
) -> Seen<Privilege> {
    let mut policies = held(None, &user.policies, documents);
    let mut group_arns = Vec::new();
    let mut unknown_group = None;
    for name in &user.groups {
        match groups.get(name.as_str()) {
            Some(group) => {
                group_arns.push(group.arn.as_str());
                policies.extend(held(Some(&group.name), &group.policies, documents));
            }
            None => unknown_group = Some(name),
        }
    }
    match privilege(&Holder { user_arn: &user.arn, group_arns, policies }) {
        rotakey_iam_policy::Privilege::Administrator { because } => {
            Seen::Known(Privilege::Administrator { because })
        }
        rotakey_iam_policy::Privilege::Unknown { because } => Seen::Unknown(because),
        rotakey_iam_policy::Privilege::Other => match unknown_group {
            Some(group) => Seen::Unknown(format!("the policies of the group {group} are not known")),
            None => Seen::Known(Privilege::Other),
        },
    }
}

fn held<'a>(
    group: Option<&'a str>,
    policies: &'a Policies,
    documents: &HashMap<&str, &'a str>,
) -> Vec<HeldPolicy<'a>> {
    let inline = policies
        .inline
        .iter()
        .map(|policy| PolicySource::Inline { name: &policy.name, document: &policy.document });
    let managed = policies
        .attached
        .iter()
        .map(|arn| PolicySource::Managed { arn, document: documents.get(arn.as_str()).copied() });
    inline.chain(managed).map(|source| HeldPolicy { group, source }).collect()
}

/// What is not read.
struct Gaps {
    account_id: AccountId,
    list: Vec<NotJudged>,
}

impl Gaps {
    fn new(account_id: AccountId) -> Self {
        Self { account_id, list: Vec::new() }
    }

    /// Checks that cannot be made of any user, because a bulk call failed.
    fn all_users(&mut self, codes: &[Code], error: &PortError) {
        for &code in codes {
            self.account(Some(code), Cause::NotRead, error.to_string());
        }
    }

    /// Who held no key when the report was made is not asked again: one call for each such user would tell
    /// of keys that are some hours old at most.
    fn keys_newer_than(&mut self, generated_at: Option<Timestamp>, now: Timestamp) {
        if let Some(at) = generated_at.filter(|at| *at < now) {
            let why = format!(
                "users that held no key in the credential report of {at} may have been given one since"
            );
            self.account(None, Cause::NotTold, why);
        }
    }

    fn account(&mut self, code: Option<Code>, cause: Cause, why: String) {
        let account_id = Some(self.account_id);
        self.list.push(NotJudged { account_id, user_name: None, access_key_id: None, code, cause, why });
    }
}

#[cfg(test)]
mod tests;
