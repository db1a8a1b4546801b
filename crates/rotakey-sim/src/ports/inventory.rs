//! The inventory of an account.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use data_encoding::BASE64;
use rotakey_core::fact::{KeyFacts, LastUsed};
use rotakey_core::id::{AccessKeyId, UserName};
use rotakey_engine::inventory::{
    AccountDetails, CredentialReport, GroupDetails, InlinePolicy, Inventory, ManagedPolicy, Policies,
    Progress, UserDetails,
};
use rotakey_engine::port::{CallerIdentity, PortError, PortErrorKind};

use crate::api::{Service, Tree};
use crate::ports::client::{Client, required, unreadable};
use crate::ports::iam::{get_last_used, list_access_keys, parse, tags, time, who_calls};

/// How often a call is tried, and how long it is waited in between.
const TRIES: u32 = 8;
const PAUSE: Duration = Duration::from_secs(2);

#[async_trait]
impl Inventory for Client {
    async fn caller(&self) -> Result<CallerIdentity, PortError> {
        self.patiently(who_calls)
    }

    async fn credential_report(&self, progress: &dyn Progress) -> Result<CredentialReport, PortError> {
        const OPERATION: &str = "iam:GetCredentialReport";
        for tried in 0..=60 {
            let answer = self
                .patiently(|client| client.call(Service::Iam, "GenerateCredentialReport", Tree::empty()))?;
            if answer.text("State") == Some("COMPLETE") {
                let answer =
                    self.patiently(|client| client.call(Service::Iam, "GetCredentialReport", Tree::empty()))?;
                let content = required(&answer, OPERATION, "Content")?;
                return Ok(CredentialReport {
                    generated_at: time(&answer, OPERATION, "GeneratedTime")?,
                    csv: BASE64.decode(content.as_bytes()).map_err(|error| unreadable(OPERATION, error))?,
                });
            }
            progress.step(tried, None, "waiting for the credential report");
            self.pause();
        }
        Err(PortError::new(PortErrorKind::Ambiguous, OPERATION, "the report was not finished in two minutes"))
    }

    async fn account_details(&self, progress: &dyn Progress) -> Result<AccountDetails, PortError> {
        let (mut details, mut marker) = (AccountDetails::default(), None::<String>);
        loop {
            let parameters = Tree::map([("MaxItems", 1_000.into())]).with("Marker", marker);
            let page = self.patiently(|client| {
                client.call(Service::Iam, "GetAccountAuthorizationDetails", parameters.clone())
            })?;
            add_page(&mut details, &page)?;
            progress.step(details.users.len(), None, "reading users and policies");
            marker = page.text("Marker").map(str::to_owned);
            if marker.is_none() {
                return Ok(details);
            }
        }
    }

    async fn access_keys(&self, user: &UserName) -> Result<Vec<KeyFacts>, PortError> {
        self.patiently(|client| list_access_keys(client, user))
    }

    async fn last_used(&self, key: &AccessKeyId) -> Result<LastUsed, PortError> {
        self.patiently(|client| get_last_used(client, key))
    }
}

impl Client {
    /// Tries a read again while it is throttled or not answered.
    fn patiently<T>(&self, read: impl Fn(&Self) -> Result<T, PortError>) -> Result<T, PortError> {
        for _ in 1..TRIES {
            match read(self) {
                Err(error) if matches!(error.kind, PortErrorKind::Throttled | PortErrorKind::Ambiguous) => {
                    self.pause();
                }
                settled => return settled,
            }
        }
        read(self)
    }

    fn pause(&self) {
        let simulation = self.simulation();
        simulation.advance_to(simulation.now() + PAUSE);
    }
}

fn add_page(details: &mut AccountDetails, page: &Tree) -> Result<(), PortError> {
    const OPERATION: &str = "iam:GetAccountAuthorizationDetails";
    for user in page.items("UserDetailList") {
        let groups = user.items("GroupList").iter().filter_map(Tree::as_text);
        details.users.push(UserDetails {
            name: parse(OPERATION, required(user, OPERATION, "UserName")?)?,
            id: parse(OPERATION, required(user, OPERATION, "UserId")?)?,
            arn: required(user, OPERATION, "Arn")?.to_owned(),
            path: required(user, OPERATION, "Path")?.to_owned(),
            created_at: time(user, OPERATION, "CreateDate")?,
            tags: tags(user),
            policies: policies(user, "UserPolicyList", OPERATION)?,
            groups: groups.map(str::to_owned).collect(),
            permissions_boundary: None,
        });
    }
    for group in page.items("GroupDetailList") {
        details.groups.push(GroupDetails {
            name: required(group, OPERATION, "GroupName")?.to_owned(),
            arn: required(group, OPERATION, "Arn")?.to_owned(),
            policies: policies(group, "GroupPolicyList", OPERATION)?,
        });
    }
    for policy in page.items("Policies") {
        let default = policy.items("PolicyVersionList").first().unwrap_or(policy);
        details.managed_policies.push(ManagedPolicy {
            arn: required(policy, OPERATION, "Arn")?.to_owned(),
            document: document(default, "Document", OPERATION)?,
        });
    }
    Ok(())
}

fn policies(holder: &Tree, inline: &str, operation: &str) -> Result<Policies, PortError> {
    let inline = holder.items(inline).iter().map(|policy| {
        Ok(InlinePolicy {
            name: required(policy, operation, "PolicyName")?.to_owned(),
            document: document(policy, "PolicyDocument", operation)?,
        })
    });
    let attached =
        holder.items("AttachedManagedPolicies").iter().filter_map(|policy| policy.text("PolicyArn"));
    Ok(Policies {
        inline: inline.collect::<Result<_, PortError>>()?,
        attached: attached.map(str::to_owned).collect(),
    })
}

/// A document, which IAM sends in percent-encoding.
fn document(policy: &Tree, member: &str, operation: &str) -> Result<String, PortError> {
    let encoded = required(policy, operation, member)?;
    rotakey_iam_policy::decoded(encoded).map(Cow::into_owned).map_err(|error| unreadable(operation, error))
}
