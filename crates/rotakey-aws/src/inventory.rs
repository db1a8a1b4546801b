//! AWS IAM, as an audit needs it.

use async_trait::async_trait;
use aws_sdk_iam::Client;
use aws_sdk_iam::operation::get_credential_report::{GetCredentialReportError, GetCredentialReportOutput};
use aws_sdk_iam::types::{
    AttachedPolicy, EntityType, GroupDetail, ManagedPolicyDetail, PolicyDetail, ReportStateType, UserDetail,
};
use jiff::{SignedDuration, Timestamp};
use rotakey_core::fact::{KeyFacts, LastUsed};
use rotakey_core::id::{AccessKeyId, UserName};
use rotakey_engine::inventory::{
    AccountDetails, CredentialReport, GroupDetails, InlinePolicy, Inventory, ManagedPolicy, Policies,
    Progress, UserDetails,
};
use rotakey_engine::port::{CallerIdentity, PortError, PortErrorKind};

use crate::error::{failed, incomplete};
use crate::paging::next_page;
use crate::throttle::Pace;
use crate::{iam, sts};

/// The reading side of IAM of the account that the credentials belong to.
#[derive(Clone)]
pub struct AwsInventory {
    iam: Client,
    sts: aws_sdk_sts::Client,
    pace: Pace,
}

const GENERATE_REPORT: &str = "iam:GenerateCredentialReport";
const GET_REPORT: &str = "iam:GetCredentialReport";

/// The most that `GetAccountAuthorizationDetails` and `ListAccessKeys` give at once.
const PAGE: i32 = 1000;

/// AWS makes a credential report in seconds; that of a very large account takes minutes.
const REPORT_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// How often IAM is asked whether the report is ready.
const REPORT_POLL: SignedDuration = SignedDuration::from_secs(2);

impl AwsInventory {
    pub(crate) fn new(iam: Client, sts: aws_sdk_sts::Client, pace: Pace) -> Self {
        Self { iam, sts, pace }
    }
}

#[async_trait]
impl Inventory for AwsInventory {
    /// With no more patience than the SDK has: it is the first call of every command, and that nobody listens there
    /// should be told soon.
    async fn caller(&self) -> Result<CallerIdentity, PortError> {
        sts::caller_identity(&self.sts).await
    }

    async fn credential_report(&self, progress: &dyn Progress) -> Result<CredentialReport, PortError> {
        let clock = self.pace.clock();
        let deadline = clock.now() + REPORT_WITHIN;
        let mut asked = 0;
        loop {
            progress.step(asked, None, "waiting for the credential report");
            asked += 1;
            if self.pace.patiently(GENERATE_REPORT, || self.generate_report()).await? == ReportState::Complete
                && let Some(report) = self.pace.patiently(GET_REPORT, || self.finished_report()).await?
            {
                return Ok(report);
            }
            if clock.now() >= deadline {
                let message = format!("IAM has made no report within {} minutes", REPORT_WITHIN.as_mins());
                return Err(PortError::new(PortErrorKind::Ambiguous, GENERATE_REPORT, message));
            }
            clock.sleep_until(clock.now() + REPORT_POLL).await;
        }
    }

    async fn account_details(&self, progress: &dyn Progress) -> Result<AccountDetails, PortError> {
        const OPERATION: &str = "iam:GetAccountAuthorizationDetails";
        let mut details = AccountDetails::default();
        let mut marker: Option<String> = None;
        loop {
            progress.step(details.users.len(), None, "reading users, groups and policies");
            let page = self
                .pace
                .patiently(OPERATION, || async {
                    let call = self.iam.get_account_authorization_details().max_items(PAGE);
                    let call = call
                        .filter(EntityType::User)
                        .filter(EntityType::Group)
                        .filter(EntityType::LocalManagedPolicy)
                        .set_marker(marker.clone());
                    call.send().await.map_err(failed(OPERATION))
                })
                .await?;
            for user in page.user_detail_list.unwrap_or_default() {
                details.users.push(user_details(OPERATION, user)?);
            }
            for group in page.group_detail_list.unwrap_or_default() {
                details.groups.push(group_details(OPERATION, group)?);
            }
            details
                .managed_policies
                .extend(page.policies.unwrap_or_default().into_iter().filter_map(managed));
            marker = after_page(OPERATION, page.is_truncated, page.marker, marker.as_deref())?;
            if marker.is_none() {
                return Ok(details);
            }
        }
    }

    async fn access_keys(&self, user: &UserName) -> Result<Vec<KeyFacts>, PortError> {
        const OPERATION: &str = "iam:ListAccessKeys";
        let mut keys = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let page = self
                .pace
                .patiently(OPERATION, || async {
                    let call = self.iam.list_access_keys().user_name(user.as_str()).max_items(PAGE);
                    call.set_marker(marker.clone()).send().await.map_err(failed(OPERATION))
                })
                .await?;
            for key in page.access_key_metadata {
                keys.push(iam::key_facts(OPERATION, key)?);
            }
            marker = after_page(OPERATION, page.is_truncated, page.marker, marker.as_deref())?;
            if marker.is_none() {
                return Ok(keys);
            }
        }
    }

    async fn last_used(&self, key: &AccessKeyId) -> Result<LastUsed, PortError> {
        self.pace.patiently(iam::LAST_USED, || iam::last_used(&self.iam, key)).await
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReportState {
    Pending,
    Complete,
}

impl AwsInventory {
    async fn generate_report(&self) -> Result<ReportState, PortError> {
        let answer = self.iam.generate_credential_report().send().await.map_err(failed(GENERATE_REPORT))?;
        match answer.state.ok_or_else(|| incomplete(GENERATE_REPORT, "the state"))? {
            ReportStateType::Complete => Ok(ReportState::Complete),
            // Whatever other state there is or will be: the report is not complete.
            _ => Ok(ReportState::Pending),
        }
    }

    /// The report, or `None` if it has to be waited for or made anew.
    async fn finished_report(&self) -> Result<Option<CredentialReport>, PortError> {
        match self.iam.get_credential_report().send().await {
            Ok(answer) => credential_report(GET_REPORT, answer).map(Some),
            Err(error) => match error.as_service_error() {
                Some(
                    GetCredentialReportError::CredentialReportExpiredException(_)
                    | GetCredentialReportError::CredentialReportNotPresentException(_)
                    | GetCredentialReportError::CredentialReportNotReadyException(_),
                ) => Ok(None),
                _ => Err(failed(GET_REPORT)(error)),
            },
        }
    }
}

/// The marker of the next page, if there is one.
pub(crate) fn after_page(
    operation: &'static str,
    is_truncated: bool,
    next: Option<String>,
    last: Option<&str>,
) -> Result<Option<String>, PortError> {
    match next.filter(|_| is_truncated) {
        None if is_truncated => Err(incomplete(operation, "the marker of the next page")),
        next => next_page(operation, next, last),
    }
}

fn credential_report(
    operation: &'static str,
    answer: GetCredentialReportOutput,
) -> Result<CredentialReport, PortError> {
    let generated = answer.generated_time.ok_or_else(|| incomplete(operation, "the time of the report"))?;
    let generated_at: Timestamp = iam::timestamp(operation, &generated)?;
    let csv = answer.content.ok_or_else(|| incomplete(operation, "the report"))?.into_inner();
    Ok(CredentialReport { generated_at, csv })
}

fn user_details(operation: &'static str, user: UserDetail) -> Result<UserDetails, PortError> {
    let name = user.user_name.ok_or_else(|| incomplete(operation, "a user name"))?;
    let id = user.user_id.ok_or_else(|| incomplete(operation, "a user id"))?;
    let created = user.create_date.ok_or_else(|| incomplete(operation, "the creation date of a user"))?;
    let boundary = user.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
    Ok(UserDetails {
        name: iam::parsed(operation, "user name", &name)?,
        id: iam::parsed(operation, "user id", &id)?,
        arn: user.arn.ok_or_else(|| incomplete(operation, "the ARN of a user"))?,
        path: user.path.unwrap_or_else(|| "/".to_owned()),
        created_at: iam::timestamp(operation, &created)?,
        tags: iam::tags(user.tags.unwrap_or_default()),
        policies: policies(user.user_policy_list, user.attached_managed_policies),
        groups: user.group_list.unwrap_or_default(),
        permissions_boundary: boundary,
    })
}

fn group_details(operation: &'static str, group: GroupDetail) -> Result<GroupDetails, PortError> {
    Ok(GroupDetails {
        name: group.group_name.ok_or_else(|| incomplete(operation, "a group name"))?,
        arn: group.arn.ok_or_else(|| incomplete(operation, "the ARN of a group"))?,
        policies: policies(group.group_policy_list, group.attached_managed_policies),
    })
}

fn policies(inline: Option<Vec<PolicyDetail>>, attached: Option<Vec<AttachedPolicy>>) -> Policies {
    let inline = inline.unwrap_or_default().into_iter().map(|policy| InlinePolicy {
        name: policy.policy_name.unwrap_or_default(),
        document: decoded(policy.policy_document.unwrap_or_default()),
    });
    let attached = attached.unwrap_or_default().into_iter().filter_map(|policy| policy.policy_arn);
    Policies { inline: inline.collect(), attached: attached.collect() }
}

/// A policy in its default version; `None` without one, so that who has it attached is not taken to be
/// without it, but of unknown privilege.
fn managed(policy: ManagedPolicyDetail) -> Option<ManagedPolicy> {
    let versions = policy.policy_version_list.unwrap_or_default();
    let default = versions.into_iter().find(|version| version.is_default_version)?;
    Some(ManagedPolicy { arn: policy.arn?, document: decoded(default.document?) })
}

/// The JSON of a document. One that cannot be decoded is left as it is: reading the policy then says why.
fn decoded(document: String) -> String {
    match rotakey_iam_policy::decoded(&document) {
        Ok(text) => text.into_owned(),
        Err(_) => document,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::types::PolicyVersion;

    use super::*;

    #[test]
    fn pages_end_with_the_last_and_never_go_round() {
        let marker = |text: &str| Some(text.to_owned());
        assert_eq!(after_page("x", false, None, None).unwrap(), None);
        assert_eq!(after_page("x", false, marker("b"), marker("a").as_deref()).unwrap(), None);
        assert_eq!(after_page("x", true, marker("b"), Some("a")).unwrap(), marker("b"));
        assert_eq!(after_page("x", true, marker("a"), Some("a")).unwrap_err().kind, PortErrorKind::Invalid);
        assert!(after_page("x", true, None, None).is_err(), "a page is missing, not the last");
    }

    #[test]
    fn a_managed_policy_is_its_default_version_decoded() {
        let version = |default, document: &str| {
            PolicyVersion::builder().is_default_version(default).document(document).build()
        };
        let policy = |versions| {
            ManagedPolicyDetail::builder()
                .arn("arn:aws:iam::111122223333:policy/ops")
                .set_policy_version_list(Some(versions))
                .build()
        };
        let found = managed(policy(vec![version(false, "%7B%22a%22%7D"), version(true, "%7B%22b%22%7D")]));
        assert_eq!(found.unwrap().document, r#"{"b"}"#);
        assert_eq!(managed(policy(vec![version(false, "{}")])), None);
    }

    #[test]
    fn a_user_without_its_creation_date_is_an_error() {
        let user = UserDetail::builder()
            .user_name("alice")
            .user_id("AIDACKCEVSQ6C2EXAMPLE")
            .arn("arn:aws:iam::111122223333:user/alice")
            .build();
        assert!(user_details("x", user).unwrap_err().message.contains("creation date"));
    }
}
