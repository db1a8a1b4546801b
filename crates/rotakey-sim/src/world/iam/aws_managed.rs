//! The AWS managed policies that the simulated accounts know: the few that a fleet of users needs. Their
//! documents are abridged, never wider than the real ones.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;

use crate::api::Tree;
use crate::world::iam::Document;

/// When the policies were made: the day on which AWS introduced managed policies.
pub(super) const CREATED_AT: Timestamp = Timestamp::constant(1_423_182_012, 0);

/// One AWS managed policy.
pub(super) struct AwsManaged {
    /// Where it is under `arn:aws:iam::aws:policy`.
    path: &'static str,
    name: &'static str,
    document: &'static str,
}

/// All of them.
pub(super) const ALL: [AwsManaged; 9] = [
    AwsManaged {
        path: "/",
        name: "AdministratorAccess",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    },
    AwsManaged {
        path: "/",
        name: "PowerUserAccess",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},{"Effect":"Allow","Action":["iam:ListRoles","organizations:DescribeOrganization"],"Resource":"*"}]}"#,
    },
    AwsManaged {
        path: "/",
        name: "ReadOnlyAccess",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudtrail:LookupEvents","dynamodb:Get*","dynamodb:List*","ec2:Describe*","iam:GenerateCredentialReport","iam:Get*","iam:List*","organizations:Describe*","organizations:List*","s3:Get*","s3:List*","sqs:Get*","sqs:List*","ssm:Describe*","ssm:Get*","ssm:List*","sts:GetAccessKeyInfo"],"Resource":"*"}]}"#,
    },
    AwsManaged {
        path: "/",
        name: "SecurityAudit",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudtrail:LookupEvents","iam:GenerateCredentialReport","iam:Get*","iam:List*","organizations:Describe*","organizations:List*","s3:ListAllMyBuckets","secretsmanager:ListSecrets","ssm:DescribeParameters"],"Resource":"*"}]}"#,
    },
    AwsManaged {
        path: "/",
        name: "IAMFullAccess",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:*","organizations:DescribeOrganization"],"Resource":"*"}]}"#,
    },
    AwsManaged {
        path: "/",
        name: "AmazonS3FullAccess",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#,
    },
    AwsManaged {
        path: "/",
        name: "AmazonS3ReadOnlyAccess",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*"}]}"#,
    },
    AwsManaged {
        path: "/",
        name: "IAMUserChangePassword",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ChangePassword","Resource":"arn:aws:iam::*:user/${aws:username}"},{"Effect":"Allow","Action":"iam:GetAccountPasswordPolicy","Resource":"*"}]}"#,
    },
    AwsManaged {
        path: "/",
        name: "AWSCompromisedKeyQuarantineV2",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["ec2:RequestSpotInstances","ec2:RunInstances","ec2:StartInstances","iam:AddUserToGroup","iam:AttachGroupPolicy","iam:AttachRolePolicy","iam:AttachUserPolicy","iam:ChangePassword","iam:CreateAccessKey","iam:CreateInstanceProfile","iam:CreateLoginProfile","iam:CreatePolicyVersion","iam:CreateRole","iam:CreateUser","iam:DetachUserPolicy","iam:PassRole","iam:PutGroupPolicy","iam:PutRolePolicy","iam:PutUserPermissionsBoundary","iam:PutUserPolicy","iam:SetDefaultPolicyVersion","iam:UpdateAccessKey","iam:UpdateAccountPasswordPolicy","iam:UpdateAssumeRolePolicy","iam:UpdateLoginProfile","iam:UpdateUser","lambda:AddPermission","lambda:CreateFunction","organizations:CreateAccount","organizations:CreateOrganization","organizations:InviteAccountToOrganization"],"Resource":"*"}]}"#,
    },
];

impl AwsManaged {
    /// `arn:aws:iam::aws:policy/NAME`.
    pub(super) fn arn(&self) -> String {
        format!("arn:aws:iam::aws:policy{}{}", self.path, self.name)
    }
}

/// The policy of that ARN.
pub(super) fn find(arn: &str) -> Option<&'static AwsManaged> {
    ALL.iter().find(|policy| policy.arn() == arn)
}

/// The document of the policy of that ARN.
pub(super) fn document(arn: &str) -> Option<Document> {
    static DOCUMENTS: LazyLock<BTreeMap<String, Document>> = LazyLock::new(|| {
        let read = |policy: &AwsManaged| Document::parse(policy.document).expect("a test reads them all");
        ALL.iter().map(|policy| (policy.arn(), read(policy))).collect()
    });
    DOCUMENTS.get(arn).cloned()
}

/// The policy as `GetPolicy` and the listings show it.
pub(super) fn describe(policy: &AwsManaged, attachments: i64) -> Tree {
    // The ids of AWS's own policies are constants; any fixed text of their form does.
    let id: String =
        policy.name.to_ascii_uppercase().chars().chain("ROTAKEYSIMULATION".chars()).take(17).collect();
    Tree::map([
        ("PolicyName", policy.name.into()),
        ("PolicyId", format!("ANPA{id}").into()),
        ("Arn", policy.arn().into()),
        ("Path", policy.path.into()),
        ("DefaultVersionId", "v1".into()),
        ("AttachmentCount", attachments.into()),
        ("PermissionsBoundaryUsageCount", 0.into()),
        ("IsAttachable", true.into()),
        ("CreateDate", CREATED_AT.into()),
        ("UpdateDate", CREATED_AT.into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_documents_are_readable() {
        for policy in &ALL {
            assert!(document(&policy.arn()).is_some(), "{}", policy.name);
        }
        assert!(document("arn:aws:iam::aws:policy/Nothing").is_none());
    }
}
